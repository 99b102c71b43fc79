"""Plans the action repair: corrects one setting of a host that was changed by hand, such as an address or a mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import script
from haconsole.actions.checks import Check
from haconsole.actions.operations import LeftByUndo, Undo
from haconsole.actions.repair_network import link, route
from haconsole.actions.repair_programs import drop_ins, limits, sessions
from haconsole.actions.repair_step import repair_step, undo_by
from haconsole.actions.restart import costs_of_restart, is_down
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts, ServiceKind, reach_problem
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known, reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import disagreeing
from haconsole.scripts import load_script

REPAIR = "repair"

ACCEPT, REMOUNT = load_script("accept-cluster"), load_script("remount-writable")
HAS_ADDRESS = 'ip -o address show to "$1" | grep -q .'
LACKS_ADDRESS = f"! {HAS_ADDRESS}"
MTU_IS = 'read -r size <"/sys/class/net/$1/mtu" && [ "$size" = "$2" ]'
NAME_IS_STATIC = '[ "$(uname -n)" = "$(cat /etc/hostname)" ]'
NAME_IS = '[ "$(uname -n)" = "$1" ]'
NAME_IS_OWN = 'read -r own </etc/hostname && for name in "$@"; do [ "$name" != "$own" ] || exit 1; done'
IS_KEY = "grep -q 'PRIVATE KEY-----' -- \"$1\""
MODE_IS_CLOSED = 'mode=$(stat -c %a -- "$1") && case $mode in *00) ;; *) exit 1 ;; esac'
MODE_IS = '[ "$(stat -c %a -- "$1")" = "$2" ]'
GROUP_IS_UNUSED = 'case $(stat -c %U:%G -- "$1") in root:root) ;; root:*) exit 1 ;; esac'
ENABLED = 'systemctl is-enabled --quiet "$1"'
NOT_ENABLED = f"! {ENABLED}"
WRITABLE = '[ -w "$1" ]'


def repair_action() -> Action:
    """One setting of one host."""
    return Action(
        REPAIR,
        "Repair a setting of a host",
        (
            "Repair one setting that was changed by hand. address: remove an address of a VIP or of another "
            "host. autostart: enable a unit. drop-ins: rename the drop-ins of a unit. firewall: let the "
            "cluster's hosts connect to a port. hostname: use the name in /etc/hostname again. key-mode: let "
            "only the owner read a key. limits: rename the drop-ins that limit a unit. link: switch an interface "
            "on. mtu: use the MTU of the other hosts. read-only: mount a file system writable again. route: "
            "remove a route that drops packets to a host. sessions: let sshd open more sessions on one "
            "connection."
        ),
        (
            Argument("setting", ArgumentKind.CHOICE, "the setting", choices=SETTINGS, positional=True, required=True),
            Argument("host", ArgumentKind.HOST, "the host", positional=True, required=True),
            Argument(
                "target",
                ArgumentKind.TEXT,
                "the object of the repair: an address, unit, port (or vrrp), interface, file or mount point",
                positional=True,
            ),
        ),
        plan_repair,
        certificates=True,
        synonyms=(
            "fix",
            "firewall",
            "nft",
            "route",
            "blackhole",
            "interface",
            "mtu",
            "hostname",
            "chmod",
            "drop-in",
            "remount",
            "enable",
            "limit",
            "CPUQuota",
            "MaxSessions",
        ),
    )


def plan_repair(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused where the host does not report the problem."""
    setting, name, target = request["setting"], request["host"], request.get("target", "")
    host = inventory.find(name)
    facts = snapshot.host(HostName(name))
    if host is None or facts is None:
        return Refusal(REPAIR, inventory.cluster, (f"{name} is not a host of the inventory",))
    if not isinstance(facts.reach, Known):
        reason = f"{name} cannot be reached: {reach_problem(facts)}"
        return Refusal(REPAIR, inventory.cluster, (reason,))
    if not target and setting in WITH_TARGET:
        usage = f"the argument TARGET is missing ({WITH_TARGET[setting]}): run repair {setting} {name} TARGET"
        return Refusal(REPAIR, inventory.cluster, (usage,))
    step = _PLANNERS[setting](snapshot, facts, target)
    if isinstance(step, str):
        return Refusal(REPAIR, inventory.cluster, (step,))
    costs = costs_of_restart(snapshot, inventory, host, target) if setting == "limits" else ()
    if costs and not is_down(facts, target):
        return Refusal(REPAIR, inventory.cluster, costs)
    return Plan(REPAIR, inventory.cluster, (step,), f"{setting} on {name}{target and f': {target}'}")


def _address(snapshot: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """An address of another host, or a VIP whose keepalived here is not MASTER."""
    entry = next((one for one in value_of(facts.addresses) or () if one.address == target), None)
    others = {one.address for one in snapshot.hosts if one is not facts}
    by_hand = target in snapshot.vips and facts.host in disagreeing(snapshot, Vip(target))
    if entry is None:
        return f"{facts.host} has no address {target}"
    if target not in others and not by_hand:
        return f"{target} stays on {facts.host}: it is not another host's address, and not a VIP that was added by hand"
    words = (f"{entry.address}/{entry.prefix}", "dev", entry.interface.partition("@")[0])
    present = script(
        HAS_ADDRESS, "here", target, means=f"{target} is on this host", problem=f"{target} is not on this host any more"
    )
    absent = script(
        LACKS_ADDRESS, "gone", target, means=f"{target} is not on this host", problem=f"{target} is still on this host"
    )
    return repair_step(
        facts,
        "address",
        title=f"Remove the address {target} from {entry.interface}",
        why="The address belongs to another host, and connections to it reach either host.",
        command=("ip", "address", "del", *words),
        precondition=(present,),
        verification=(absent,),
        undo=undo_by(present, "ip", "address", "add", *words),
    )


def _autostart(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    unit = facts.service(target)
    if unit is None or not unit.exists or unit.kind is not ServiceKind.UNIT or unit.masked:
        return f"{target} is not a unit of {facts.host} that can be enabled"
    name = f"{target}.service"
    return repair_step(
        facts,
        "autostart",
        title=f"Enable {target}",
        why="systemd starts only enabled units when the host boots.",
        command=("systemctl", "enable", "--quiet", name),
        verification=(script(ENABLED, "enabled", name, means=f"{name} is enabled", problem=f"{name} is not enabled"),),
        undo=undo_by(
            script(NOT_ENABLED, "disabled", name, means=f"{name} is not enabled", problem=f"{name} is enabled"),
            *("systemctl", "disable", "--quiet", name),
        ),
    )


def _firewall(snapshot: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """No rule is deleted: it may keep others out, as a rule that only lacks a new host of the cluster does."""
    if target != "vrrp" and not (target.isdecimal() and 0 < int(target) < 65536):
        return f"{target} is neither a port nor vrrp"
    what = "VRRP" if target == "vrrp" else f"port {target}"
    addresses = tuple(dict.fromkeys(("127.0.0.1", *(one.address for one in snapshot.hosts), *snapshot.vips)))
    look_at = (
        "Compare iptables -S, the interface and the peers in keepalived.conf with another balancer"
        if target == "vrrp"
        else "Check that the process listens on the host's address (ss -ltnp), then iptables -S of all hosts and the "
        "firewalls between them"
    )
    missing = f"nothing to change: no nftables rule of {facts.host} drops {what}. {look_at}"

    def argv(mode: str) -> tuple[str, ...]:
        return ("sh", "-ec", ACCEPT, "accept-cluster", mode, target, *addresses)

    def check(mode: str, means: str, problem: str) -> Check:
        return script(ACCEPT, "accept-cluster", mode, target, means=means, problem=problem)

    return repair_step(
        facts,
        "firewall",
        title=f"Accept {what} from the cluster's hosts before the rules that drop it",
        why=f"The cluster needs {what} between its hosts. No rule is deleted, and no file is changed.",
        command=argv("accept"),
        precondition=(check("blocked", f"an nftables rule drops {what}", missing),),
        verification=(check("accepted", f"{what} is accepted from the hosts", f"a chain drops {what} from the hosts"),),
        undo=undo_by(check("undone", "no rule accepts it any more", "the rule is still there"), *argv("undo")),
    )


def _hostname(snapshot: ClusterSnapshot, facts: HostFacts, _: str) -> Step | str:
    names = tuple(
        system.hostname for one in snapshot.hosts if one is not facts and (system := value_of(one.system)) is not None
    )
    system = value_of(facts.system)
    if system is None:
        return f"the hostname of {facts.host} is unknown: {reason_of(facts.system) or 'not queried yet'}"
    fix = f"/etc/hostname on {facts.host} has another host's name: run hostnamectl set-hostname NAME there"
    before = script(NAME_IS, "before", system.hostname, means="the old name is back", problem="the name is another")
    return repair_step(
        facts,
        "hostname",
        title="Set the hostname to the name in /etc/hostname again",
        why="Lease holders and nodes are known by their hostnames, so two hosts with the same name are taken for one.",
        command=("sh", "-ec", "hostname -F /etc/hostname"),
        precondition=(script(NAME_IS_OWN, "own", *names, means="/etc/hostname has no other host's name", problem=fix),),
        verification=(
            script(NAME_IS_STATIC, "static", means="the name is that of /etc/hostname", problem="the name is another"),
        ),
        undo=undo_by(before, "hostname", system.hostname),
    )


def _key_mode(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    if not target.startswith("/"):
        return f"{target} is not the absolute path of a private key"
    mode = next((one.key_mode for one in value_of(facts.certificates) or () if one.key_path == target), None)
    fix = f"a process may read {target} through the file's group: first make that process's account the owner (chown)"
    return repair_step(
        facts,
        "key-mode",
        title=f"Set the mode of {target} so that only its owner reads it",
        why="Any account that can read the key can impersonate this component.",
        command=("chmod", "go-rwx", "--", target),
        precondition=(
            script(IS_KEY, "key", target, means="it is a private key", problem=f"{target} is not a private key"),
            script(GROUP_IS_UNUSED, "group", target, means="no process reads the key through its group", problem=fix),
        ),
        verification=(
            script(MODE_IS_CLOSED, "mode", target, means="only the owner can read it", problem="others can read it"),
        ),
        undo=LeftByUndo("other accounts still cannot read the key") if mode is None else _mode_again(target, mode),
    )


def _mode_again(target: str, mode: int) -> Undo:
    old = f"{mode:o}"
    check = script(MODE_IS, "mode", target, old, means=f"its mode is {old}", problem=f"its mode is not {old}")
    return undo_by(check, "chmod", old, "--", target)


def _mtu(snapshot: ClusterSnapshot, facts: HostFacts, _: str) -> Step | str:
    sizes = {one.host: place for one in snapshot.hosts if (place := _mtu_of(one))}
    usual, count = Counter(size for _, size in sizes.values()).most_common(1)[0] if sizes else (0, 0)
    if facts.host not in sizes:
        return f"the MTU of {facts.host} is unknown: {reason_of(facts.system) or 'not queried yet'}"
    interface, own = sizes[facts.host]
    if own == usual or 2 * count <= len(sizes):
        return f"the MTU of {facts.host} is {own}, as on most hosts"

    def check(size: int) -> Check:
        words = (interface, str(size))
        return script(MTU_IS, "mtu", *words, means=f"the MTU is {size}", problem=f"the MTU is not {size}")

    return repair_step(
        facts,
        "mtu",
        title=f"Set the MTU of {interface} to {usual}",
        why="Small packets pass and large ones are lost or refused, so connections open and then stall.",
        command=("ip", "link", "set", "dev", interface, "mtu", str(usual)),
        verification=(check(usual),),
        undo=undo_by(check(own), "ip", "link", "set", "dev", interface, "mtu", str(own)),
    )


def _mtu_of(facts: HostFacts) -> tuple[str, int] | None:
    """The interface that has the host's address, and its MTU."""
    entries, system = value_of(facts.addresses) or (), value_of(facts.system)
    interface = next((one.interface for one in entries if one.address == facts.address), "").partition("@")[0]
    size = dict(system.mtu).get(interface) if system else None
    return (interface, size) if size else None


def _read_only(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    if not any(disk.read_only and target in (disk.mount, disk.path) for disk in value_of(facts.disks) or ()):
        return f"{facts.host} reports no read-only file system at {target}"
    mount = next(disk.mount for disk in value_of(facts.disks) or () if target in (disk.mount, disk.path))
    problem = f"the device of {mount} reported errors: read dmesg, and replace a disk that fails"
    return repair_step(
        facts,
        "read-only",
        title=f"Mount {mount} writable again",
        why="Programs that write to the file system fail, and its device reported no error.",
        command=("sh", "-ec", REMOUNT, "remount-writable", "remount", mount),
        precondition=(
            script(REMOUNT, "remount-writable", "check", mount, means="its device reported no error", problem=problem),
        ),
        verification=(script(WRITABLE, "writable", mount, means="it is writable", problem="it is read-only"),),
        undo=LeftByUndo("it stays writable: Linux does not make a file system read-only while a program writes to it"),
    )


_PLANNERS: dict[str, Callable[[ClusterSnapshot, HostFacts, str], Step | str]] = {
    "address": _address,
    "autostart": _autostart,
    "drop-ins": drop_ins,
    "firewall": _firewall,
    "hostname": _hostname,
    "key-mode": _key_mode,
    "limits": limits,
    "link": link,
    "mtu": _mtu,
    "read-only": _read_only,
    "route": route,
    "sessions": sessions,
}
SETTINGS = tuple(_PLANNERS)
WITH_TARGET = {
    "address": "address",
    "autostart": "unit",
    "drop-ins": "unit",
    "firewall": "port",
    "key-mode": "key's file",
    "limits": "unit",
    "link": "interface",
    "read-only": "mount point",
    "route": "address",
}
"""Settings that need a target, and what it is."""
