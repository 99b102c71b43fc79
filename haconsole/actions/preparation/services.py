"""Steps for firewall, container runtime, images, clock and kubelet."""

from __future__ import annotations

from haconsole.actions.build import START_S, script, start_step, step_id, stop_unit
from haconsole.actions.checks import SameFile, ServiceRunning
from haconsole.actions.operations import LeftByUndo, RunCommand, SendFile, UndoByCommand
from haconsole.actions.preparation.needs import HostNeeds
from haconsole.actions.preparation.packages import PHASE, STATE, remove_files
from haconsole.actions.step import Step
from haconsole.configs.software import TIME_SERVICE
from haconsole.model.names import HostName
from haconsole.model.platform import PackageTool
from haconsole.scripts import load_script

CONFIG = "/etc/containerd/config.toml"
BACKUP = f"{STATE}/containerd.toml"
CONTAINERD = "containerd.service"
OPEN = load_script("firewall-open")
CLOSE = load_script("firewall-close")
IS_OPEN = load_script("check-firewall")
CONFIGURE = load_script("containerd-configure")
RESTORE = load_script("containerd-restore")
CONFIGURED = load_script("check-containerd")
IMPORT = load_script("import-images")
IMPORTED = load_script("check-images")
IMPORT_S = 900.0
ENABLED = 'systemctl is-enabled --quiet "$1"'
DISABLED = '! systemctl is-enabled --quiet "$1"'

FIREWALL_WHY = "Other hosts and clients connect to these ports. Other firewall rules are not changed."
RUNTIME_WHY = (
    "The runtime needs kubelet's cgroup driver, and the sandbox image of this release. Other settings of an "
    "existing configuration are kept."
)
IMAGES_WHY = "The inventory names this image archive, so the host needs no registry for these images."
CLOCK_WHY = "Certificates and leases depend on the clock, and no service sets it on this host."
KUBELET_WHY = "kubelet starts with the host, and restarts until kubeadm has given it a configuration."


def firewall_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Open the ports that the active firewall closes."""
    ports, tool = needs.closed_ports, needs.facts.firewall.value
    if not ports or not needs.opens_ports:
        return ()
    problem = f"ports are closed; open them by hand: {', '.join(ports)}"
    opened = script(
        IS_OPEN, "firewall", tool, *ports, means=f"{tool} allows connections to {', '.join(ports)}", problem=problem
    )
    closed = script(
        f'for port; do (set -- {tool} "$port"; {IS_OPEN}\n) 2>/dev/null && exit 1; done; :',
        "firewall",
        *ports,
        means=f"{tool} is as before",
        problem="a port is still open",
    )
    step = Step(
        id=step_id("prepare.firewall", needs.host.name),
        title=f"Open {', '.join(ports)} in {tool}",
        why=FIREWALL_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", OPEN, "firewall", tool, *ports)),
        verification=(opened,),
        undo=UndoByCommand(RunCommand(("sh", "-ec", CLOSE, "firewall", tool, *ports)), (closed,)),
        phase=PHASE,
    )
    return (step,)


def runtime_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Configure containerd and start it, then import the image archives."""
    runtime = needs.runtime
    if runtime is None:
        return ()
    words = (runtime.driver.value, runtime.image, runtime.cni_folder or "-")
    parts = [f"cgroup driver {runtime.driver}"]
    parts += [f"sandbox image {runtime.image}"] if runtime.image else []
    parts += [f"CNI plug-ins in {runtime.cni_folder or 'the folder that has them'}"]
    means = f"{CONFIG}: {', '.join(parts)}"
    right = script(
        CONFIGURED, "containerd", CONFIG, *words, means=means, problem="it contradicts kubelet", timeout_s=30.0
    )
    host = needs.host.name
    restored = script(
        '[ ! -e "$1.unit" ]', "restored", BACKUP, means=f"{CONFIG} is as before", problem="the file is not restored"
    )
    configure = Step(
        id=step_id("prepare.containerd", host),
        title=f"Set {', '.join(parts)} in containerd",
        why=RUNTIME_WHY,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", CONFIGURE, "containerd", CONFIG, BACKUP, *words), timeout_s=START_S),
        verification=(right, ServiceRunning(CONTAINERD, (CONFIG,))),
        undo=UndoByCommand(RunCommand(("sh", "-ec", RESTORE, "containerd", CONFIG, BACKUP)), (restored,)),
        phase=PHASE,
        verify_within_s=60.0,
    )
    return (configure, *(step for number, path in enumerate(_images(needs), 1) for step in _import(host, number, path)))


def _images(needs: HostNeeds) -> tuple[str, ...]:
    return needs.inventory.preparation.images


def _import(host: str, number: int, here: str) -> tuple[Step, Step]:
    name = here.rpartition("/")[2]
    path = f"{STATE}/images/{number}-{name}"
    send = Step(
        id=step_id(f"prepare.image-file-{number}", host),
        title=f"Copy the image archive {name}",
        why=IMAGES_WHY,
        host=HostName(host),
        operation=SendFile(here, path),
        verification=(SameFile(here, path),),
        undo=remove_files(path),
        phase=PHASE,
    )
    there = script(
        IMPORTED, "images", path, means=f"containerd has the images of {name}", problem="import it", timeout_s=60.0
    )
    load = Step(
        id=step_id(f"prepare.images-{number}", host),
        title=f"Import the images of {name}",
        why=IMAGES_WHY,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", IMPORT, "images", path), timeout_s=IMPORT_S),
        verification=(there,),
        undo=LeftByUndo("unused images do no harm; kubelet deletes them if the disk fills up"),
        phase=PHASE,
    )
    return (send, load)


def clock_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Start the time service that was missing."""
    if TIME_SERVICE not in (one.name for one in needs.missing):
        return ()
    unit = "chrony.service" if needs.facts.tool is PackageTool.APT else "chronyd.service"
    step = start_step(
        "prepare.clock",
        needs.host.name,
        unit,
        title="Start the time service chrony",
        why=CLOCK_WHY,
        phase=PHASE,
        newer_than=(),
        needs=(),
        undo=stop_unit(unit),
    )
    return (step,)


def kubelet_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """Enable kubelet, unless it is."""
    if not needs.node:
        return ()
    unit = "kubelet.service"
    enabled = script(ENABLED, "kubelet", unit, means="kubelet starts with the host", problem="kubelet is not enabled")
    disabled = script(DISABLED, "kubelet", unit, means="kubelet is not enabled", problem="kubelet is still enabled")
    before = needs.facts.kubelet_enabled
    step = Step(
        id=step_id("prepare.kubelet", needs.host.name),
        title="Enable kubelet",
        why=KUBELET_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("systemctl", "enable", "--quiet", unit)),
        verification=(enabled,),
        undo=LeftByUndo("kubelet was enabled before")
        if before
        else UndoByCommand(RunCommand(("systemctl", "disable", "--quiet", unit)), (disabled,)),
        phase=PHASE,
    )
    return (step,)
