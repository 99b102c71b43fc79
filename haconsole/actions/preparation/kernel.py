"""Steps for swap, kernel modules, kernel settings and SELinux, on hosts that will run kubelet."""

from __future__ import annotations

from haconsole.actions.build import File, script, step_id, write_step
from haconsole.actions.operations import LeftByUndo, RunCommand, UndoByCommand
from haconsole.actions.preparation.needs import HostNeeds
from haconsole.actions.preparation.packages import GONE, PHASE, STATE
from haconsole.actions.step import Step
from haconsole.configs.owner import owner_line
from haconsole.configs.software import MODULES
from haconsole.inventory.preparation import SelinuxMode
from haconsole.model.names import HostName
from haconsole.scripts import load_script

SWAP_OFF = load_script("swap-off")
SWAP_RESTORE = load_script("swap-restore")
SWAP_IS_OFF = load_script("check-swap-off")
MODULES_LOADED = load_script("check-modules")
SYSCTLS_SET = load_script("check-sysctls")
SELINUX = load_script("selinux-mode")
SELINUX_PERMISSIVE = load_script("check-selinux")
MODULES_FILE = "/etc/modules-load.d/haconsole.conf"
SYSCTLS_FILE = "/etc/sysctl.d/99-z-haconsole.conf"
"""The last file that systemd-sysctl reads, after 99-sysctl.conf."""

SWAP_WHY = "kubelet does not start while swap is on. The entries of fstab are commented out, not deleted."
MODULES_WHY = "The runtime's file systems need overlay, and packets of pods reach iptables only with br_netfilter."
SYSCTLS_WHY = "Without forwarding, packets of pods are dropped; kubeadm refuses such a host."
SELINUX_WHY = (
    "SELinux in enforcing mode denies pods the host files that control planes need. To keep it enforcing, set "
    "preparation.selinux to contexts in the inventory."
)
CONTEXTS_WHY = "SELinux stays enforcing. Programs that were copied here get the labels with which systemd may run them."


def kernel_steps(needs: HostNeeds) -> tuple[Step, ...]:
    kernel = needs.kernel
    if kernel is None:
        return ()
    swap = _swap(needs) if kernel.swap_on else ()
    return (*_modules(needs), *_sysctls(needs, kernel.sysctls), *swap, *_selinux(needs))


def _swap(needs: HostNeeds) -> tuple[Step, ...]:
    record = f"{STATE}/swap.units"
    off = script(SWAP_IS_OFF, "swap", means="swap is off, after a reboot too", problem="turn swap off: swapoff -a")
    restored = script(GONE, "restored", record, means="swap is on as before", problem="swap is not as before")
    units = f" and units {', '.join(needs.facts.swap_units)}" if needs.facts.swap_units else ""
    step = Step(
        id=step_id("prepare.swap", needs.host.name),
        title=f"Turn swap off ({', '.join(needs.facts.swap) or 'fstab'}{units})",
        why=SWAP_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", SWAP_OFF, "swap", record), timeout_s=300.0),
        verification=(off,),
        undo=UndoByCommand(RunCommand(("sh", "-ec", SWAP_RESTORE, "swap", record), timeout_s=120.0), (restored,)),
        phase=PHASE,
    )
    return (step,)


def _modules(needs: HostNeeds) -> tuple[Step, ...]:
    if needs.facts.container:
        return ()
    host = needs.host.name
    file = File(MODULES_FILE, "\n".join((owner_line(needs.inventory), *MODULES, "")))
    title = f"Load {' and '.join(MODULES)} at every start"
    write = write_step("prepare.modules-file", host, file, title=title, why=MODULES_WHY, phase=PHASE)
    loaded = script(
        MODULES_LOADED, "modules", *MODULES, means=f"{', '.join(MODULES)} are loaded", problem="install kernel modules"
    )
    load = Step(
        id=step_id("prepare.modules", host),
        title=f"Load the kernel modules {' and '.join(MODULES)}",
        why=MODULES_WHY,
        host=HostName(host),
        operation=RunCommand(("modprobe", "-a", *MODULES)),
        verification=(loaded,),
        undo=LeftByUndo("a loaded module does no harm, and other programs may use the module by now"),
        phase=PHASE,
    )
    return (write, load)


def _sysctls(needs: HostNeeds, sysctls: tuple[tuple[str, str], ...]) -> tuple[Step, ...]:
    if not sysctls:
        return ()
    host = needs.host.name
    lines = (f"{name} = {value}" for name, value in sysctls)
    file = File(SYSCTLS_FILE, "\n".join((owner_line(needs.inventory), *lines, "")))
    title = "Write the kernel settings for pods"
    write = write_step("prepare.sysctl-file", host, file, title=title, why=SYSCTLS_WHY, phase=PHASE)
    words = tuple(f"{name}={value}" for name, value in sysctls)
    before = tuple(f"{name}={now}" for name, value in sysctls if (now := needs.facts.sysctl(name)) and now != value)
    applied = script(SYSCTLS_SET, "sysctls", *words, means=", ".join(words), problem="a kernel setting is different")
    undone = script(SYSCTLS_SET, "sysctls", *before, means=", ".join(before), problem="a kernel setting is different")
    apply = Step(
        id=step_id("prepare.sysctl", host),
        title=f"Set {', '.join(name for name, _ in sysctls)}",
        why=SYSCTLS_WHY,
        host=HostName(host),
        operation=RunCommand(("sysctl", "-q", "-p", SYSCTLS_FILE)),
        verification=(applied,),
        undo=UndoByCommand(RunCommand(("sysctl", "-q", "-w", *before)), (undone,))
        if before
        else LeftByUndo("the settings had the same values before the step, or did not exist"),
        phase=PHASE,
    )
    return (write, apply)


def _selinux(needs: HostNeeds) -> tuple[Step, ...]:
    if needs.facts.selinux not in ("enforcing", "permissive"):
        return ()
    if needs.inventory.preparation.selinux is SelinuxMode.CONTEXTS:
        return _contexts(needs)
    if needs.facts.selinux != "enforcing":
        return ()
    permissive = script(
        SELINUX_PERMISSIVE, "selinux", means="SELinux is permissive, after a reboot too", problem="SELinux is enforcing"
    )
    back = script(
        '[ "$(getenforce)" = Enforcing ]', "selinux", means="SELinux is enforcing", problem="SELinux is permissive"
    )
    step = Step(
        id=step_id("prepare.selinux", needs.host.name),
        title="Set SELinux to permissive",
        why=SELINUX_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("sh", "-ec", SELINUX, "selinux", "permissive")),
        verification=(permissive,),
        undo=UndoByCommand(RunCommand(("sh", "-ec", SELINUX, "selinux", "enforcing")), (back,)),
        phase=PHASE,
    )
    return (step,)


def _contexts(needs: HostNeeds) -> tuple[Step, ...]:
    kubernetes = needs.inventory.kubernetes
    folders = tuple(
        filter(None, (kubernetes.binary_dir if kubernetes else "", needs.cni_folder or needs.facts.cni_plugins))
    )
    wrong = 'labels=$(restorecon -Rnv "$@") && [ -z "$labels" ]'
    check = script(
        wrong,
        "labels",
        *folders,
        means=f"SELinux labels in {', '.join(folders)} are correct",
        problem="SELinux labels differ",
    )
    step = Step(
        id=step_id("prepare.selinux", needs.host.name),
        title="Restore the SELinux labels of programs",
        why=CONTEXTS_WHY,
        host=HostName(needs.host.name),
        operation=RunCommand(("restorecon", "-RF", *folders)),
        verification=(check,),
        undo=LeftByUndo("the SELinux labels are those of the system's policy"),
        phase=PHASE,
    )
    return (step,)
