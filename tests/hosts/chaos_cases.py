"""The cases of `tests.hosts.chaos`: each action of the catalogue, the state it begins in, the faults it meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from haconsole.lab.lab import Lab
from tests.hosts import stand_in

THREE, FOUR = ("cp1", "cp2", "cp3"), ("cp1", "cp2", "cp3", "cp4")
ETCDCTL = (
    "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt"
    " --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key --command-timeout=5s"
)
DOWN = "/etc/keepalived/down"
QUOTA = 8 << 20
BEGUN, SLOW = "/var/lib/chaos/begun", "/var/lib/chaos/slow"
SHIM = f"""
mkdir -p /var/lib/chaos
cat >/usr/local/bin/timeout <<'END'
#!/bin/sh
case "$1 $2" in "-k 5")
  readlink /proc/self/fd/0 >>{BEGUN}
  [ ! -e {SLOW} ] || sleep "$(cat {SLOW})"
esac
exec /usr/bin/timeout "$@"
END
chmod 755 /usr/local/bin/timeout; touch {BEGUN}
"""
"""Detached commands are run under timeout(1): this one writes down where each was begun, and may delay it."""


class Fault(StrEnum):
    """The fault at a point."""

    KILL = "console killed"
    INSIDE = "console killed inside a command"
    CUT = "host cut off"
    REBOOT = "host power-cut"


RUNTIME_ONLY = (Fault.KILL, Fault.CUT)
"""haproxy loses settings of its runtime API when it restarts, which is no error of the run."""

Words = tuple[str, ...]


class Kind(StrEnum):
    """The components in the inventory: only etcd, balancers too, or all of a cluster of kubeadm's."""

    ETCD = "etcd"
    BALANCED = "balanced"
    KUBEADM = "kubeadm"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a state has settled, end states are alike, and a run has ended after its fault."""

    settles_s: float = 60.0
    alike_s: float = 20.0
    ends_s: float = 60.0


PATIENCE = {Kind.ETCD: Patience(), Kind.BALANCED: Patience(), Kind.KUBEADM: Patience(420.0, 180.0, 300.0)}
"""Nodes and mirror pods follow by ten seconds and more; a join takes most of a minute."""


@dataclass(frozen=True, slots=True)
class State:
    """The way from another state to this one: an action on these hosts, a script on the first, then `prepare`.

    `owner` holds the VIP then, where there is one; `quota` is etcd's; `down` are the hosts whose part does not run.
    With `workloads` the pods of kube-system run too.
    """

    before: str
    hosts: Words
    action: Words = ()
    script: str = ""
    prepare: Callable[[Lab], None] | None = None
    kind: Kind = Kind.ETCD
    quota: int = 0
    owner: str = ""
    down: Words = ()
    workloads: bool = False


FILL = f"""
head -c 1000000 /dev/zero | tr '\\0' x >/tmp/value
for n in $(seq 40); do {ETCDCTL} put big </tmp/value >/dev/null 2>/tmp/said || break; done
grep -q 'space exceeded' /tmp/said
"""

MISNAME = (
    f"{ETCDCTL} member update $({ETCDCTL} member list | sed -n 's/, started, cp3,.*//p')"
    " --peer-urls=https://192.0.2.13:2380"
)
SHORT = (
    "cd /; folder=/var/lib/etcd-snapshots; mkdir -p $folder; mountpoint -q $folder || mount -t tmpfs -o size=1m drill"
    " $folder; for name in a b; do head -c 500000 /dev/zero >$folder/$name.db; touch -d 2026-01-01 $folder/a.db; done"
)
REMOVE = f"""
cp3=$({ETCDCTL} member list | sed -n 's/, started, cp3,.*//p')
for second in $(seq 30); do {ETCDCTL} member remove $cp3 && exit; sleep 1; done; exit 1
"""
"""etcd refuses to remove a member while another was connected for less than five seconds."""
MASK = "systemctl stop haproxy; systemctl mask --quiet haproxy"

STATES: dict[str, State] = {
    "three": State("bare", THREE, ("bootstrap", "--only", "etcd"), f"{ETCDCTL} put kept before"),
    "four": State("bare", FOUR, ("bootstrap", "--only", "etcd"), f"{ETCDCTL} put kept before"),
    "saved": State(
        "three",
        THREE,
        script=f"{ETCDCTL} snapshot save /root/kept.db && {ETCDCTL} put kept after && {ETCDCTL} put more after",
    ),
    "full": State("three", THREE, ("bootstrap", "--only", "etcd"), FILL, quota=QUOTA),
    "misnamed": State("three", THREE, script=MISNAME),
    "short": State("three", THREE, script=SHORT),
    "removed": State(
        "three",
        THREE,
        script=REMOVE,
        down=("cp3",),
    ),
    "balanced": State("bare", THREE, ("bootstrap", "--only", "haproxy"), kind=Kind.BALANCED),
    "masked": State("balanced", THREE, script=MASK, kind=Kind.BALANCED, down=("cp1",)),
    "serving": State(
        "balanced",
        THREE,
        ("bootstrap", "--only", "keepalived"),
        prepare=stand_in.install,
        kind=Kind.BALANCED,
        owner="cp1",
    ),
    "moved": State("serving", THREE, ("failover",), kind=Kind.BALANCED, owner="cp2"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """An action on an inventory of `hosts`, from a state of the lab.

    `put_back` is a script that has each host as it was before the run, None where only its disk of then does.
    ``{cluster}`` in `action` is the cluster's name. Cases of more `weight` take longer.
    """

    action: Words
    start: str
    hosts: Words = THREE
    faults: tuple[Fault, ...] = tuple(Fault)
    put_back: str | None = None
    weight: int = 1
    kubeadm: bool = False

    @property
    def leaves(self) -> str:
        """The host whose member is off the list: etcd exits there, and systemd restarts it until the run stops it."""
        return self.action[1] if self.action[0] in ("remove", "replace", "rejoin") else ""

    @property
    def kind(self) -> Kind:
        if self.kubeadm:
            return Kind.KUBEADM
        return STATES[self.start].kind if self.start in STATES else Kind.ETCD

    @property
    def quota(self) -> int:
        return STATES[self.start].quota if self.start in STATES else 0


def _servers(host: str, state: str) -> str:
    return f"echo 'set server {stand_in.BACKEND}/{host} state {state}' | socat - UNIX:/run/haproxy/admin.sock"


UNPREPARED = "apt-mark unhold etcd-server >/dev/null; rm -rf /var/lib/haconsole/preparation"

CASES: dict[str, Case] = {
    "prepare": Case(("prepare",), "three", put_back=UNPREPARED, weight=5),
    "bootstrap": Case(("bootstrap", "--only", "etcd"), "bare", weight=25),
    "join": Case(("join", "cp4"), "three", FOUR, weight=30),
    "remove": Case(("remove", "cp4"), "four", FOUR, weight=25),
    "replace": Case(("replace", "cp3", "cp4"), "three", FOUR, weight=40),
    "rotate-certs": Case(("rotate-certs", "--scope", "etcd"), "three", put_back="", weight=15),
    "rotate-cas": Case(("rotate-certs", "--scope", "etcd", "--ca"), "three", weight=60),
    "update-member": Case(
        ("update-member", "cp3"),
        "misnamed",
        put_back=f'[ "$(uname -n)" != cp3 ] || {{ {MISNAME}; }}',
        weight=5,
    ),
    "move-leader": Case(("move-leader",), "three", put_back="", weight=5),
    "drain": Case(("drain", "cp1"), "balanced", faults=RUNTIME_ONLY, put_back=_servers("cp1", "ready"), weight=5),
    "ready": Case(("ready", "cp1"), "balanced", faults=RUNTIME_ONLY, put_back=_servers("cp1", "drain"), weight=5),
    "backup": Case(("backup",), "three", put_back="rm -rf /var/lib/etcd-snapshots", weight=6),
    "defrag": Case(("defrag",), "three", put_back="", weight=10),
    "disarm-alarm": Case(
        ("disarm-alarm",),
        "full",
        put_back=f'rm -rf /var/lib/etcd-snapshots; [ "$(uname -n)" != cp1 ] || {{ {FILL.strip()}; }}',
        weight=15,
    ),
    "failover": Case(("failover",), "serving", put_back=f"rm -f {DOWN}", weight=30),
    "failback": Case(("failback",), "moved", put_back=f'[ "$(uname -n)" != cp1 ] || echo down >{DOWN}', weight=30),
    "restart": Case(("restart", "etcd", "cp2"), "three", put_back="", weight=5),
    "rejoin": Case(("rejoin", "cp3"), "removed", weight=40),
    "reconfigure": Case(
        ("reconfigure", "haproxy", "cp1"), "balanced", put_back="touch /etc/haproxy/haproxy.cfg", weight=5
    ),
    "repair": Case(
        ("repair", "autostart", "cp1", "haproxy"),
        "balanced",
        put_back='[ "$(uname -n)" != cp1 ] || systemctl disable --quiet haproxy',
        weight=5,
    ),
    "free-space": Case(
        ("free-space", "cp1", "a.db", "--confirm", "{cluster}"),
        "short",
        faults=RUNTIME_ONLY,
        put_back=f'[ "$(uname -n)" != cp1 ] || {{ {SHORT}; }}',
        weight=5,
    ),
    "announce-vip": Case(("announce-vip",), "serving", put_back="", weight=5),
    "unmask": Case(
        ("unmask", "haproxy", "cp1"), "masked", put_back=f'[ "$(uname -n)" != cp1 ] || {{ {MASK}; }}', weight=5
    ),
    "restore": Case(("restore", "cp1:/root/kept.db", "--confirm", "{cluster}"), "saved", weight=50),
}


def settled(kind: Kind, vip: str) -> str:
    """A script that prints ``well`` where a host's part is up, and ``owner`` where the VIP is, if there is one."""
    if kind is Kind.ETCD:
        return f"{ETCDCTL} get kept >/dev/null 2>&1 && echo well"
    if not vip:
        return "systemctl -q is-active haproxy && echo well"
    return f"""
up=$(echo 'show stat' | socat - UNIX:/run/haproxy/admin.sock | grep -c '^{stand_in.BACKEND},cp.*,UP,')
[ "$up" = 3 ] && systemctl -q is-active keepalived && echo well
ip -4 -br address | grep -qF ' {vip}/' && echo owner
"""


def inventory_text(lab: Lab, hosts: Words, kind: Kind, quota: int) -> str:
    """The lab's inventory with these hosts, and what the case needs otherwise."""
    lines = lab.inventory_path.read_text().splitlines()
    names = {host.name for host in lab.spec.hosts} - {*hosts}
    text = "\n".join(line for line in lines if not any(line.startswith(f"  - {{name: {name},") for name in names))
    if kind is Kind.KUBEADM:
        return text
    if kind is Kind.ETCD:
        text = text.partition("\nkubernetes:")[0].replace("[etcd, control-plane, load-balancer]", "[etcd]")
    # an election that only a busy machine brings about is none of a run's doing
    settings = f"  election_ms: 2000\n{f'  quota_bytes: {quota}' if quota else ''}\n"
    return f"{text}\netcd:\n{settings}"
