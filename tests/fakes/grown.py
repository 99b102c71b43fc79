"""Clusters of any size as snapshots: which hosts are set up, which members vote, which of them are ill."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.inventory.schema import Haproxy, Host, Inventory, Kubernetes, VirtualIp
from haconsole.model.etcd import EtcdEndpoint, EtcdMember
from haconsole.model.haproxy import HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import HostFacts, InterfaceAddress, Reach, Role
from haconsole.model.names import HostName, MemberId, Vip
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.provenance import Owner
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW, ROLES, VIP, balancer_files, endpoint, server, units, unreachable


def inventory(
    hosts: int, *, kubernetes: bool = True, roles: tuple[Role, ...] = ROLES, fourth: tuple[Role, ...] = ()
) -> Inventory:
    """cp1 … with all roles, or only etcd; `fourth` are the roles of cp4 where they differ."""
    value = roles if kubernetes else (Role.ETCD,)
    return Inventory(
        cluster="lab",
        hosts=tuple(
            Host(name=f"cp{n}", address=f"10.99.0.1{n}", roles=fourth if n == 4 and fourth else value)
            for n in range(1, hosts + 1)
        ),
        kubernetes=Kubernetes(endpoint="10.99.0.100:8443") if kubernetes else None,
        vips=(VirtualIp(address="10.99.0.100/24", interface="eth0"),) if kubernetes else (),
        haproxy=Haproxy() if kubernetes else None,
    )


def listed(n: int, *, started: bool = True, learner: bool = False) -> EtcdMember:
    url = f"https://10.99.0.1{n}"
    clients = (f"{url}:2379",) if started else ()
    return EtcdMember(MemberId(f"a{n}"), f"cp{n}" if started else "", (f"{url}:2380",), clients, learner)


def ghost(*, name: str = "old", started: bool = True) -> EtcdMember:
    url = "https://10.99.0.99"
    return EtcdMember(MemberId("bad"), name if started else "", (f"{url}:2380",), (f"{url}:2379",), learner=False)


def answer(n: int, members: tuple[EtcdMember, ...], leader: int, *, healthy: bool = True) -> EtcdEndpoint:
    own = next((member for member in members if member.id == f"a{n}"), None)
    learner = own is not None and own.learner
    output = () if learner else members
    return replace(
        endpoint(1, healthy=healthy),
        member_id=MemberId(f"a{n}"),
        leader_id=MemberId(f"a{leader}") if healthy else None,
        members=output,
        learner=learner,
    )


def snapshot(
    inventory: Inventory,
    members: tuple[EtcdMember, ...],
    *,
    leader: int = 1,
    down: tuple[int, ...] = (),
    off: tuple[int, ...] = (),
) -> ClusterSnapshot:
    """Hosts whose member has started are set up, others are bare. `down`: etcd is silent; `off`: no power."""
    stands = {n for n in range(1, 10) for member in members if member.id == f"a{n}" and member.started}
    voting = [member for member in members if not member.learner]
    well = [member for member in voting if member.started and int(member.id[1:], 16) not in (*down, *off)]
    holds = len(well) > len(voting) // 2
    hosts = []
    for number, host in enumerate(inventory.hosts, 1):
        facts = _standing(number, host, inventory, members, leader, holds) if number in stands else _bare(host)
        if number in down:
            facts = replace(facts, etcd=Failed("connection refused", NOW, Cause.REFUSED))
        hosts.append(unreachable(facts) if number in off else facts)
    vips = (VIP,) if inventory.vips else ()
    return ClusterSnapshot("lab", 1, NOW, tuple(hosts), vips, Known((), NOW))


def _bare(host: Host) -> HostFacts:
    return HostFacts(
        HostName(host.name),
        host.address,
        host.roles,
        reach=Known(Reach(40.0), NOW),
        clock_offset_ms=Known(0.4, NOW),
        addresses=Known((InterfaceAddress("eth0", host.address, 24),), NOW),
        services=Known((), NOW),
        balancer_files=Known(balancer_files(Owner.ABSENT), NOW),
        etcd=Failed("connection refused", NOW, Cause.REFUSED),
    )


def _standing(
    number: int, host: Host, inventory: Inventory, members: tuple[EtcdMember, ...], leader: int, holds: bool
) -> HostFacts:
    addresses: tuple[InterfaceAddress, ...] = (InterfaceAddress("eth0", host.address, 24),)
    if number == 1 and inventory.vips:
        addresses += (InterfaceAddress("eth0", Vip(VIP), 24),)
    backend = HaproxyBackend("k8s_server_6443", (server(1), server(2), server(3)))
    return replace(
        _bare(host),
        addresses=Known(addresses, NOW),
        services=Known(units(), NOW),
        etcd=Known(answer(number, members, leader, healthy=holds), NOW),
        haproxy=Known(HaproxyFacts("2.6.12", 3600, (backend,)), NOW),
        balancer_files=Known(balancer_files(Owner.OURS), NOW),
    )
