"""A healthy three-host cluster as a snapshot, and ways to break it, for tests of everything that reads snapshots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from haconsole.inventory.schema import Haproxy, Host, Inventory, Kubernetes, VirtualIp
from haconsole.model.etcd import EtcdEndpoint, EtcdMember
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import ApiserverFacts, DiskSpace, HostFacts, InterfaceAddress, Reach, Role, ServiceState
from haconsole.model.lease import Lease, LeaseSource
from haconsole.model.names import HostName, MemberId, Vip
from haconsole.model.observed import Cause, Failed, Known, Observed, succeed
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KeepalivedFacts, VrrpInstance, VrrpState

T = TypeVar("T")
NOW = datetime(2026, 3, 1, 3, 0, 0, tzinfo=UTC)
VIP = Vip("10.99.0.100")
NAMES = tuple(HostName(f"cp{n}") for n in (1, 2, 3))
ROLES = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)
UNITS = ("etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler")

INVENTORY = Inventory(
    cluster="lab",
    hosts=tuple(Host(name=name, address=f"10.99.0.1{n}", roles=ROLES) for n, name in enumerate(NAMES, 1)),
    kubernetes=Kubernetes(endpoint="10.99.0.100:8443"),
    vips=(VirtualIp(address="10.99.0.100/24", interface="eth0"),),
    haproxy=Haproxy(),
)


def member(n: int) -> EtcdMember:
    return EtcdMember(
        MemberId(f"a{n}"), f"cp{n}", (f"https://10.99.0.1{n}:2380",), (f"https://10.99.0.1{n}:2379",), learner=False
    )


def endpoint(n: int, *, leader: int | None = 1, healthy: bool = True) -> EtcdEndpoint:
    return EtcdEndpoint(
        member_id=MemberId(f"a{n}"),
        cluster_id="c1",
        leader_id=MemberId(f"a{leader}") if leader else None,
        version="3.4.23",
        db_size_bytes=20480,
        db_in_use_bytes=16384,
        raft_term=2,
        raft_index=9,
        raft_applied_index=9,
        revision=4,
        learner=False,
        healthy=healthy,
        health_error=None if healthy else "etcdserver: request timed out",
        members=tuple(member(each) for each in (1, 2, 3)),
        alarms=(),
    )


def server(n: int, status: str = "UP", check: str = "L7OK") -> HaproxyServer:
    return HaproxyServer(f"cp{n}", f"10.99.0.1{n}:6443", status, AdminState.READY, check, "", 3, 120)


def units(**active: str) -> tuple[ServiceState, ...]:
    """Every unit running, but for those named (dashes as underscores) with another ActiveState."""
    states = {name.replace("_", "-"): state for name, state in active.items()}
    since = NOW - timedelta(hours=1)
    return tuple(
        ServiceState(name, True, states.get(name, "active"), "running" if name not in states else "dead", since, 100)
        for name in UNITS
    )


FILES = (
    "/etc/haproxy/haproxy.cfg",
    "/etc/systemd/system/haproxy.service.d/haconsole.conf",
    "/etc/keepalived/keepalived.conf",
    "/etc/keepalived/check-apiserver",
    "/etc/systemd/system/keepalived.service.d/haconsole.conf",
)
"""The files that this console writes on a balancer of INVENTORY."""


def balancer_files(owner: Owner) -> tuple[ManagedFile, ...]:
    """All of them the same `owner`'s."""
    marked = owner in (Owner.OURS, Owner.CHANGED)
    return tuple(ManagedFile(path, owner, "lab" if marked else None) for path in FILES)


def foreign(facts: HostFacts) -> HostFacts:
    """A balancer that somebody set up by hand, without the files that this console adds."""
    own = {FILES[0], FILES[2]}
    files = tuple(ManagedFile(path, Owner.FOREIGN if path in own else Owner.ABSENT) for path in FILES)
    return replace(facts, balancer_files=Known(files, NOW))


def host(n: int) -> HostFacts:
    addresses = (InterfaceAddress("eth0", f"10.99.0.1{n}", 24),)
    owner = (InterfaceAddress("eth0", VIP, 24),) if n == 1 else ()
    state = VrrpState.MASTER if n == 1 else VrrpState.BACKUP
    instance = VrrpInstance("VI_51", state, "eth0", 51, 110 - 10 * n, (VIP,))
    backend = HaproxyBackend("k8s_server_6443", tuple(server(each) for each in (1, 2, 3)))
    return HostFacts(
        host=NAMES[n - 1],
        address=f"10.99.0.1{n}",
        roles=ROLES,
        reach=Known(Reach(40.0), NOW),
        clock_offset_ms=Known(0.4, NOW),
        addresses=Known(addresses + owner, NOW),
        services=Known(units(), NOW),
        disks=Known((DiskSpace("/", 100 << 30, 60 << 30),), NOW),
        etcd=Known(endpoint(n), NOW),
        keepalived=Known(KeepalivedFacts("2.2.7", (instance,)), NOW),
        haproxy=Known(HaproxyFacts("2.6.12", 3600, (backend,)), NOW),
        balancer_files=Known(balancer_files(Owner.OURS), NOW),
        apiserver=Known(ApiserverFacts(True, (), "v1.20.2"), NOW),
        certificates=Known((), NOW),
    )


def lease(name: str, n: int | None = 1, *, age_s: float = 1.0) -> Lease:
    holder = HostName(f"cp{n}") if n else None
    renewed = NOW - timedelta(seconds=age_s)
    identity = f"cp{n}_5f2a" if n else "elsewhere_5f2a"
    return Lease("kube-system", name, identity, holder, NOW - timedelta(hours=1), renewed, 15, 0, LeaseSource.API)


def healthy() -> ClusterSnapshot:
    """Three hosts, three voters, the VIP on cp1, every backend up, both locks held by cp1."""
    leases = (lease("kube-controller-manager"), lease("kube-scheduler"))
    return ClusterSnapshot("lab", 1, NOW, tuple(host(n) for n in (1, 2, 3)), (VIP,), Known(leases, NOW))


def changed(snapshot: ClusterSnapshot, n: int, change: Callable[[HostFacts], HostFacts]) -> ClusterSnapshot:
    """The snapshot with host number `n` changed."""
    hosts = tuple(change(facts) if facts.host == f"cp{n}" else facts for facts in snapshot.hosts)
    return replace(snapshot, hosts=hosts)


def unreachable(facts: HostFacts) -> HostFacts:
    """The host is off: every fact failed, the previous values kept; its peers reach neither etcd nor API server."""
    other = tuple(name for name in NAMES if name != facts.host)[:1]
    return replace(
        facts,
        reach=_unanswered(facts.reach),
        clock_offset_ms=_unanswered(facts.clock_offset_ms),
        addresses=_unanswered(facts.addresses),
        services=_unanswered(facts.services),
        disks=_unanswered(facts.disks),
        etcd=_unanswered(facts.etcd, other),
        keepalived=_unanswered(facts.keepalived),
        haproxy=_unanswered(facts.haproxy),
        balancer_files=_unanswered(facts.balancer_files),
        apiserver=_unanswered(facts.apiserver, other),
        certificates=_unanswered(facts.certificates),
    )


def _unanswered(fact: Observed[T], asked_from: tuple[str, ...] = ()) -> Observed[T]:
    return succeed(Failed("no answer within 10 s", NOW, Cause.TIMED_OUT, asked_from=asked_from), fact)


def etcd_silent(facts: HostFacts) -> HostFacts:
    reason = "connection refused on port 2379"
    return replace(
        facts,
        etcd=Failed(reason, NOW, Cause.REFUSED, facts.etcd if isinstance(facts.etcd, Known) else None, (facts.host,)),
        services=Known(units(etcd="inactive"), NOW),
    )


def bare(inventory: Inventory) -> ClusterSnapshot:
    """Hosts that were reached and run nothing yet; each has its address on eth7."""
    hosts = tuple(
        HostFacts(
            HostName(host.name),
            host.address,
            host.roles,
            addresses=Known((InterfaceAddress("eth7", host.address, 24),), NOW),
            services=Known((), NOW),
        )
        for host in inventory.hosts
    )
    return ClusterSnapshot(inventory.cluster, 1, NOW, hosts)
