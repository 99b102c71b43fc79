"""Plans the action free-space: deletes old files that a person names, on a host short of space or inodes."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import script, step_id
from haconsole.actions.checks import Check, FilesAbsent
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.model.observed import reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import OldFile
from haconsole.scripts import load_script

FREE_SPACE = "free-space"
WHY = "Nothing reads these files any more: systemd archived the journals, and a newer snapshot exists."
TEMPORARY_WHY = "The folders are for temporary files. Newer files, and snapshots, stay."
DELETE = load_script("delete-old-files")


def free_space_action() -> Action:
    """One host, and the names of the files."""
    return Action(
        FREE_SPACE,
        "Free disk space",
        (
            "List the old journals and snapshots of a host that is short of disk space or inodes, and folders with "
            "many temporary files. Only entries whose names you give are deleted, and never the newest snapshot. "
            "Without names nothing is deleted."
        ),
        (
            Argument("host", ArgumentKind.HOST, "the host", positional=True, required=True),
            Argument("files", ArgumentKind.TEXT, "names from the list, separated by commas", positional=True),
        ),
        plan_free_space,
        dangerous=True,
        synonyms=("disk full", "no space", "vacuum", "journal", "delete"),
    )


def plan_free_space(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused with the list where no name is given, and where a name is not in it."""
    host = HostName(request["host"])
    facts = snapshot.host(host)
    names = tuple(dict.fromkeys(name.strip() for name in request.get("files", "").split(",") if name.strip()))
    if facts is None or value_of(facts.old_files) is None:
        reason = (facts and reason_of(facts.old_files)) or "not queried"
        return Refusal(FREE_SPACE, inventory.cluster, (f"the old files of {host} are unknown: {reason}",))
    files = value_of(facts.old_files) or ()
    selection = tuple(file for file in files if file.name in names)
    if not selection or len({file.name for file in selection}) < len(names):
        return Refusal(FREE_SPACE, inventory.cluster, _reasons(host, files, names))
    what = f"{', '.join(file.name for file in selection)} on {host}"
    summary = f"frees {sum(file.size_bytes for file in selection) >> 20} MiB on {host}"
    return Plan(FREE_SPACE, inventory.cluster, (_step(host, selection),), summary, data_loss=what)


def _reasons(host: HostName, files: tuple[OldFile, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    if not files:
        return (f"{host} has no old journal, snapshot or folder of temporary files to delete",)
    known = {file.name for file in files}
    strange = tuple(f"{name} is not in the list of old files on {host}" for name in names if name not in known)
    listed = tuple(f"{host} has {file}" for file in files)
    return (*strange, f"choose the files to delete: run free-space {host} NAME,NAME", *listed)


def _step(host: HostName, files: tuple[OldFile, ...]) -> Step:
    count = sum(file.count or 1 for file in files)
    return Step(
        id=step_id("files.delete", host),
        title=f"Delete {count} old files" if count > 1 else f"Delete {files[0].name}",
        why=TEMPORARY_WHY if any(file.count for file in files) else WHY,
        host=host,
        operation=RunCommand(("sh", "-ec", DELETE, "delete-old-files", "delete", *_words(files)), timeout_s=120.0),
        verification=_absence(files),
        undo=Irreversible("the files are deleted"),
        phase="files",
    )


def _words(files: tuple[OldFile, ...]) -> tuple[str, ...]:
    """The path of a folder ends with a slash."""
    return tuple(
        word
        for file in files
        for word in (
            f"{file.written_at.timestamp():.0f}",
            f"{file.size_bytes}",
            f"{file.path}/" if file.count else file.path,
        )
    )


def _absence(files: tuple[OldFile, ...]) -> tuple[Check, ...]:
    single = tuple(file.path for file in files if not file.count)
    folders = tuple(file for file in files if file.count)
    checks: list[Check] = [FilesAbsent(single, "it still exists")] if single else []
    if folders:
        words = ("delete-old-files", "check", *_words(folders))
        checks.append(script(DELETE, *words, means="the folders have no old file", problem="an old file still exists"))
    return tuple(checks)
