"""Steps that bring software to a host: repositories, package files, packages, releases, holds."""

from __future__ import annotations

from haconsole.actions.build import File, script, step_id, write_step
from haconsole.actions.checks import CommandSucceeds, FilesAbsent, SameFile, SameFiles
from haconsole.actions.operations import RunCommand, SendFile, SendFolder, UndoByCommand
from haconsole.actions.preparation.needs import HostNeeds
from haconsole.actions.step import Step
from haconsole.configs.software import Software
from haconsole.inventory.preparation import Release, Repository
from haconsole.model.names import HostName
from haconsole.model.platform import PackageTool
from haconsole.scripts import load_script

PHASE = "preparation"
STATE = "/var/lib/haconsole/preparation"
"""Folder on hosts with what preparation sent and changed."""
PACKAGES_S = 1800.0
INSTALL = load_script("prepare-packages")
REMOVE = load_script("remove-packages")
INSTALLED = load_script("check-programs")
PROGRAMS = load_script("prepare-programs")
REMOVE_PROGRAMS = load_script("remove-programs")
HOLD = load_script("hold-packages")
UNHOLD = load_script("unhold-packages")
HELD = load_script("check-held")
GONE = '[ ! -e "$1" ]'

KEY_WHY = "Packages are installed only if this key signed their repository. The key comes from this machine."
REPOSITORY_WHY = "The inventory names this repository; repositories that the host already has are not changed."
FILES_WHY = "The inventory has a folder with package files, so the host needs no internet."
PACKAGES_WHY = (
    "These programs are missing. Their services are not started yet, and packages that are installed already are kept "
    "as they are."
)
RELEASE_WHY = "These programs are missing, and the inventory has a release of them. Existing programs are kept."
HOLD_WHY = "An unattended upgrade would restart a part of the cluster on all hosts at about the same time."


def package_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Repositories and package files, then the packages; nothing if no package is missing."""
    if not needs.packages:
        return ()
    repositories = tuple(step for one in needs.inventory.preparation.repositories for step in _repository(needs, one))
    return (*repositories, *_files(needs), _install(needs))


def _apt(needs: HostNeeds) -> bool:
    return needs.facts.tool is PackageTool.APT


def _repository(needs: HostNeeds, one: Repository) -> tuple[Step, ...]:
    address = one.apt if _apt(needs) else one.yum
    if address is None:
        return ()
    key = _key_path(needs, one)
    name = f"haconsole-{one.name}"
    if _apt(needs):
        option = f"signed-by={key}" if key else "trusted=yes"
        file = File(f"/etc/apt/sources.list.d/{name}.list", f"deb [{option}] {address}\n")
    else:
        checks = f"gpgcheck=1\ngpgkey=file://{key}\n" if key else "gpgcheck=0\n"
        text = f"[{name}]\nname={one.name} (haconsole)\nbaseurl={address}\nenabled=1\n{checks}"
        file = File(f"/etc/yum.repos.d/{name}.repo", text)
    title = f"Add the package repository {one.name}"
    what = f"prepare.repository-{one.name}"
    source = write_step(what, needs.host.name, file, title=title, why=REPOSITORY_WHY, phase=PHASE)
    return (*_key(needs, one, key), source)


def _key_path(needs: HostNeeds, one: Repository) -> str:
    if one.key is None:
        return ""
    folder = "/etc/apt/keyrings" if _apt(needs) else "/etc/pki/rpm-gpg"
    ending = "gpg" if one.key.endswith(".gpg") else "asc"
    return f"{folder}/haconsole-{one.name}.{ending}"


def _key(needs: HostNeeds, one: Repository, path: str) -> tuple[Step, ...]:
    if one.key is None:
        return ()
    step = Step(
        id=step_id(f"prepare.key-{one.name}", needs.host.name),
        title=f"Copy the signing key of the repository {one.name}",
        why=KEY_WHY,
        host=HostName(needs.host.name),
        operation=SendFile(one.key, path, 0o644),
        verification=(SameFile(one.key, path),),
        undo=remove_files(path),
        phase=PHASE,
    )
    return (step,)


def remove_files(*paths: str) -> UndoByCommand:
    """Delete files that only this step makes."""
    return UndoByCommand(RunCommand(("rm", "-rf", "--", *paths)), (FilesAbsent(paths, "it was not removed"),))


def _folder(needs: HostNeeds) -> str:
    return f"{STATE}/packages" if needs.inventory.preparation.packages else "-"


def _files(needs: HostNeeds) -> tuple[Step, ...]:
    source, path = needs.inventory.preparation.packages, _folder(needs)
    if source is None:
        return ()
    ending = ".deb" if _apt(needs) else ".rpm"
    step = Step(
        id=step_id("prepare.package-files", needs.host.name),
        title="Copy the package files",
        why=FILES_WHY,
        host=HostName(needs.host.name),
        operation=SendFolder(source, path, ending),
        verification=(SameFiles(source, path, ending),),
        undo=remove_files(path),
        phase=PHASE,
    )
    return (step,)


def _install(needs: HostNeeds) -> Step:
    tool, record = needs.facts.tool.value, f"{STATE}/packages.added"
    settings = needs.inventory.preparation
    update = "yes" if settings.repositories or not (settings.packages or needs.facts.lists) else "no"
    names = tuple(_pinned(needs, name, one) for name, one in needs.packages)
    words = (tool, record, update, _folder(needs), *names)
    programs = tuple(program for _, one in needs.packages for program in one.programs)
    listing = ", ".join(name for name, _ in needs.packages)
    removed = script(GONE, "removed", record, means="the added packages are removed", problem="packages are left")
    return Step(
        id=step_id("prepare.packages", needs.host.name),
        title=f"Install {listing}",
        why=PACKAGES_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", INSTALL, "packages", *words), timeout_s=PACKAGES_S),
        verification=(installed(*programs),),
        undo=UndoByCommand(RunCommand(("sh", "-ec", REMOVE, "remove", tool, record), timeout_s=PACKAGES_S), (removed,)),
        phase=PHASE,
    )


def _pinned(needs: HostNeeds, name: str, one: Software) -> str:
    """The package with its version, as the tool writes it; every packaging revision of that version is right."""
    if not one.version:
        return name
    if _apt(needs):
        return f"{name}={one.version}{'-*' if one.version.count('.') == 2 else '.*'}"
    return f"{name}-{one.version}{'' if one.version.count('.') == 2 else '.*'}"


def installed(*programs: str) -> CommandSucceeds:
    means = f"{', '.join(programs)} {'is' if len(programs) == 1 else 'are'} installed"
    return script(INSTALLED, "installed", *programs, means=means, problem="a program is missing")


def release_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Programs of releases that are missing, one product after the other."""
    releases = needs.inventory.preparation.releases
    pairs = (("kubernetes", releases.kubernetes), ("etcd", releases.etcd))
    return tuple(step for name, release in pairs if release is not None for step in _release(needs, name, release))


def _release(needs: HostNeeds, name: str, release: Release) -> tuple[Step, ...]:
    paths = tuple(_place(needs, program) for one in needs.missing if one.release == name for program in one.programs)
    if not paths:
        return ()
    if name == "etcd":
        paths = (*paths, f"{paths[0].rpartition('/')[0]}/etcdctl")
    folder = f"{STATE}/{name}"
    if release.sha256:
        source = f"{folder}/{release.path.rpartition('/')[2]}"
        sends: tuple[Step, ...] = (
            _send(needs, f"prepare.{name}-archive", release.path, source, f"Copy the release of {name}"),
        )
    else:
        source = folder
        programs = tuple(path.rpartition("/")[2] for path in paths)
        sends = tuple(
            _send(
                needs, f"prepare.{program}-file", f"{release.path}/{program}", f"{folder}/{program}", f"Copy {program}"
            )
            for program in programs
        )
    record = f"{STATE}/{name}.programs"
    words = (record, source, release.sha256 or "-", *paths)
    removed = script(GONE, "removed", record, means="the added programs are removed", problem="programs are left")
    install = Step(
        id=step_id(f"prepare.{name}", needs.host.name),
        title=f"Install {', '.join(path.rpartition('/')[2] for path in paths)}",
        why=RELEASE_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", PROGRAMS, "programs", *words), timeout_s=300.0),
        verification=(installed(*paths),),
        undo=UndoByCommand(RunCommand(("sh", "-ec", REMOVE_PROGRAMS, "remove", record)), (removed,)),
        phase=PHASE,
    )
    return (*sends, install)


def _place(needs: HostNeeds, program: str) -> str:
    """The path of a program; those without one go beside the other Kubernetes programs."""
    kubernetes = needs.inventory.kubernetes
    return program if program.startswith("/") or kubernetes is None else f"{kubernetes.binary_dir}/{program}"


def _send(needs: HostNeeds, what: str, here: str, path: str, title: str) -> Step:
    return Step(
        id=step_id(what, needs.host.name),
        title=title,
        why=RELEASE_WHY,
        host=HostName(needs.host.name),
        operation=SendFile(here, path),
        verification=(SameFile(here, path),),
        undo=remove_files(path),
        phase=PHASE,
    )


def hold_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Exclude the cluster's packages from upgrades, those that were installed before too."""
    tool, record = needs.facts.tool, f"{STATE}/packages.held"
    names = tuple(filter(None, (needs.package_of(one) for one in needs.software if one.hold)))
    if not needs.inventory.preparation.hold or not names or tool is PackageTool.NONE:
        return ()
    listing = ", ".join(names)
    means = f"the installed packages among {listing} are excluded from upgrades"
    problem = f"upgrades can still replace one of {listing}"
    check = script(HELD, "held", tool.value, *names, means=means, problem=problem, timeout_s=60.0)
    unheld = script(GONE, "unheld", record, means="packages are held as before", problem="packages are still held")
    step = Step(
        id=step_id("prepare.hold", needs.host.name),
        title=f"Exclude {listing} from upgrades",
        why=HOLD_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", HOLD, "hold", tool.value, record, *names), timeout_s=300.0),
        verification=(check,),
        undo=UndoByCommand(RunCommand(("sh", "-ec", UNHOLD, "unhold", tool.value, record), timeout_s=120.0), (unheld,)),
        phase=PHASE,
    )
    return (step,)
