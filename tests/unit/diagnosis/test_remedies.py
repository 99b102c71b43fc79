"""Every action that a rule calls exists, takes the arguments it is given, and is called in one of these cases."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import ArgumentKind, check_request, find_action
from haconsole.actions.command_line import command_line, remedy_line
from haconsole.diagnosis import certificates, etcd, etcd_data, etcd_members, haproxy, kubernetes, services, systems, vip
from haconsole.diagnosis.diagnose import diagnose
from haconsole.diagnosis.remedies import call
from haconsole.inventory.schema import Etcd, EtcdTls, Inventory
from haconsole.model.certificate import Certificate
from haconsole.model.etcd import EtcdAlarm, EtcdEndpoint, EtcdHash, EtcdMember
from haconsole.model.findings import ActionCall, Finding
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import ApiserverFacts, HostFacts, InterfaceAddress, ServiceState
from haconsole.model.names import HostName, MemberId
from haconsole.model.observed import Failed, Known, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import ConfigCheck, Neighbour, SystemFacts
from haconsole.model.vip import KeepalivedFacts
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NAMES, NOW, VIP, changed, etcd_silent, healthy, unreachable

MODULES: tuple[ModuleType, ...] = (
    certificates,
    etcd,
    etcd_data,
    etcd_members,
    haproxy,
    kubernetes,
    services,
    systems,
    vip,
)
PLAIN = msgspec.structs.replace(INVENTORY, etcd=Etcd(tls=EtcdTls.OFF))


def every(change: Callable[[HostFacts], HostFacts], *numbers: int) -> ClusterSnapshot:
    snapshot = healthy()
    for number in numbers or (1, 2, 3):
        snapshot = changed(snapshot, number, change)
    return snapshot


def having(**facts: Any) -> Callable[[HostFacts], HostFacts]:
    return partial(replace, **{name: Known(value, NOW) for name, value in facts.items()})


def failing(*names: str) -> Callable[[HostFacts], HostFacts]:
    return partial(replace, **{name: Failed("no answer", NOW, asked_from=("cp1",)) for name in names})


def units(**states: Any) -> tuple[ServiceState, ...]:
    """All running, but for these with other fields."""
    named = {name.replace("_", "-"): fields for name, fields in states.items()}
    return tuple(replace(unit, **named.get(unit.name, {})) for unit in cluster.units())


def certificate(role: str = "etcd-server", host: str = NAMES[0], **fields: Any) -> ClusterSnapshot:
    plain = Certificate(
        HostName(host), "/c.crt", role, "CN=x", "CN=ca", "4f", NOW, NOW + timedelta(days=99), (), "f1", is_ca=False
    )
    return every(having(certificates=(replace(plain, **fields),)), 1)


def authorities(*prints: tuple[str, ...]) -> ClusterSnapshot:
    snapshot = healthy()
    for number, holder in enumerate(prints, 1):
        own = tuple(
            Certificate(
                HostName(f"cp{number}"),
                f"/{one}.crt",
                "etcd-ca",
                "CN=ca",
                "CN=ca",
                "4f",
                NOW,
                NOW + timedelta(days=99),
                (),
                one,
                is_ca=True,
            )
            for one in holder
        )
        snapshot = changed(snapshot, number, having(certificates=own))
    return snapshot


def endpoints(change: Callable[[EtcdEndpoint], EtcdEndpoint], *numbers: int) -> ClusterSnapshot:
    snapshot = healthy()
    for number in numbers or (1, 2, 3):
        snapshot = changed(snapshot, number, having(etcd=change(cluster.endpoint(number))))
    return snapshot


def with_members(*more: EtcdMember) -> ClusterSnapshot:
    return endpoints(lambda one: replace(one, members=(*one.members, *more)))


def without_member(number: int) -> ClusterSnapshot:
    members = tuple(cluster.member(each) for each in (1, 2, 3) if each != number)
    snapshot = endpoints(lambda one: replace(one, members=members))
    return changed(snapshot, number, failing("etcd"))


def learner(*, age_s: float, index: int = 9) -> ClusterSnapshot:
    """cp3 is a learner whose process runs for `age_s`; the leader's index is 9."""
    members = (cluster.member(1), cluster.member(2), replace(cluster.member(3), learner=True))
    snapshot = endpoints(lambda one: replace(one, members=members))
    own = replace(cluster.endpoint(3), learner=True, members=(), raft_index=index)
    return changed(snapshot, 3, having(etcd=own, services=units(etcd={"started": NOW - timedelta(seconds=age_s)})))


def alarmed(kind: str, member: str = "a2") -> ClusterSnapshot:
    return endpoints(lambda one: replace(one, alarms=(EtcdAlarm(MemberId(member), kind),)))


def stranger(member: str, name: str, address: str) -> EtcdMember:
    return replace(
        cluster.member(1), id=MemberId(member), name=name, peer_urls=(f"https://{address}:2380",), client_urls=()
    )


def duplicate() -> ClusterSnapshot:
    return with_members(stranger("a9", "cp1", "10.99.0.77"))


def servers(*each: HaproxyServer) -> Callable[[HostFacts], HostFacts]:
    return having(haproxy=HaproxyFacts("2.6.12", 1, (HaproxyBackend("k8s_server_6443", each),)))


def bare() -> ClusterSnapshot:
    off = units(**{unit.name.replace("-", "_"): {"active": "inactive", "enabled": False} for unit in cluster.units()})
    return every(lambda facts: replace(failing("etcd", "haproxy", "apiserver")(facts), services=Known(off, NOW)))


def quorum_lost(**state: Any) -> ClusterSnapshot:
    down = having(services=units(etcd=state))
    snapshot = healthy()
    for number in (2, 3):
        snapshot = changed(snapshot, number, lambda facts: down(etcd_silent(facts)))
    return changed(snapshot, 1, having(etcd=cluster.endpoint(1, leader=None, healthy=False)))


STOPPED = {"active": "inactive", "sub": "dead"}
HUNG = {"process": "T"}
MASKED = {"active": "inactive", "masked": True, "pid": None}
REMOVED = {"active": "failed", "pid": None, "lines": ("the member has been permanently removed from the cluster",)}
ABSENT = {"exists": False, "active": "inactive"}
L4 = tuple(cluster.server(n, check="L4OK") for n in (1, 2, 3))
DRAINED = replace(cluster.server(3, "DRAIN"), admin_state=AdminState.DRAIN)
FORGED = (cluster.server(1), cluster.server(2))
UNREADY = ApiserverFacts(False, ("etcd",), "v1.20.2")
STALE = ApiserverFacts(True, (), "v1.20.2", ("https://10.99.0.99:2379",))


FLAGS = ApiserverFacts(True, (), "v1.20.2", flags=(("--authorization-mode", "Node,RBAC"),))


def vrrp(snapshot: ClusterSnapshot, **fields: Any) -> ClusterSnapshot:
    """The first host's keepalived with another setting."""
    facts = snapshot.hosts[0].keepalived
    assert isinstance(facts, Known)
    (instance,) = facts.value.instances
    return changed(snapshot, 1, having(keepalived=replace(facts.value, instances=(replace(instance, **fields),))))


def forced_down() -> ClusterSnapshot:
    facts = healthy().hosts[1].keepalived
    assert isinstance(facts, Known)
    return every(having(keepalived=replace(facts.value, forced_down=True)), 2)


def leases(*each: Any) -> ClusterSnapshot:
    return replace(healthy(), leases=Known(each, NOW))


CASES: dict[str, ClusterSnapshot] = {
    "bare": bare(),
    "quorum lost by stops": quorum_lost(**STOPPED),
    "quorum lost by hangs": quorum_lost(**HUNG),
    "quorum lost by hosts": changed(changed(quorum_lost(**STOPPED), 2, unreachable), 3, unreachable),
    "member stopped": every(etcd_silent, 2),
    "member hung": every(lambda facts: having(services=units(etcd=HUNG))(failing("etcd")(facts)), 2),
    "member masked": every(lambda facts: having(services=units(etcd=MASKED))(failing("etcd")(facts)), 2),
    "member with foreign data": every(lambda facts: having(services=units(etcd=REMOVED))(failing("etcd")(facts)), 2),
    "member not installed": every(lambda facts: having(services=units(etcd=ABSENT))(failing("etcd")(facts)), 2),
    "member unstarted": with_members(stranger("a8", "", "10.99.0.12"), stranger("a7", "", "10.99.0.99")),
    "member at another URL": endpoints(
        lambda one: replace(
            one,
            members=tuple(
                replace(each, peer_urls=("https://192.0.2.12:2380",)) if each.name == "cp2" else each
                for each in one.members
            ),
        )
    ),
    "learner": learner(age_s=3600),
    "ghost": with_members(stranger("a9", "old", "10.99.0.77")),
    "missing member": without_member(3),
    "stray": every(having(etcd=replace(cluster.endpoint(3), cluster_id="c2")), 3),
    "duplicate name": duplicate(),
    "no space": alarmed("NOSPACE"),
    "corrupt": alarmed("CORRUPT"),
    "large": endpoints(lambda one: replace(one, db_size_bytes=INVENTORY.etcd.quota_bytes)),
    "balancers stopped": every(having(services=units(haproxy=STOPPED, keepalived=STOPPED), addresses=())),
    "balancers not installed": every(having(services=units(haproxy=ABSENT, keepalived=ABSENT), addresses=())),
    "haproxy hung": every(having(services=units(haproxy=HUNG)), 2),
    "owner without haproxy": every(having(services=units(haproxy=STOPPED)), 1),
    "forced down": forced_down(),
    "priorities": vrrp(healthy(), priority=90),
    "drained": every(servers(cluster.server(1), cluster.server(2), DRAINED), 1),
    "weak check": changed(every(servers(*L4), 1), 2, having(apiserver=UNREADY)),
    "mismatch": every(servers(*FORGED), 1),
    "stale servers": every(having(apiserver=STALE), 1),
    "plane stopped": every(
        lambda facts: having(services=units(kube_apiserver=STOPPED, kube_scheduler=STOPPED))(
            failing("apiserver")(facts)
        ),
        2,
    ),
    "other flags": changed(
        every(having(apiserver=FLAGS)), 3, having(apiserver=replace(FLAGS, flags=(("--authorization-mode", "Node"),)))
    ),
    "api-server-with-a-foreign-address": changed(
        healthy(), 3, having(apiserver=replace(FLAGS, flags=(("--advertise-address", "192.0.2.9"),)))
    ),
    "configurations": every(
        having(
            system=SystemFacts("cp2", "m2", files_written=(("/etc/haproxy/haproxy.cfg", NOW),)),
            configs=(ConfigCheck("keepalived", "/etc/keepalived/keepalived.conf", valid=False),),
        ),
        2,
    ),
    "stale neighbour": changed(
        every(having(system=SystemFacts("cp1", "m1", hardware=(("eth0", "02:00:00:00:00:01"),))), 1),
        2,
        having(system=SystemFacts("cp2", "m2", neighbours=(Neighbour(VIP, "02:00:00:00:00:99", "STALE"),))),
    ),
    "lease expired": leases(cluster.lease("kube-scheduler", age_s=60)),
    "no standby": changed(
        changed(healthy(), 2, having(services=units(kube_scheduler={"active": "activating"}))),
        3,
        having(services=units(kube_scheduler={"active": "activating"})),
    ),
    "expiring": certificate(not_after=NOW + timedelta(days=3)),
    "expiring CA": certificate("etcd-ca", is_ca=True, not_after=NOW + timedelta(days=3)),
    "not yet valid": certificate(not_before=NOW + timedelta(days=3)),
    "wrong usage": certificate("etcd-peer", missing_usages=("client",)),
    "served old": certificate(served_at="10.99.0.11:2379", served_fingerprint="older"),
    "diverged members": changed(
        changed(healthy(), 1, having(etcd_hash=EtcdHash(MemberId("a1"), 9, 1, 7))),
        2,
        having(etcd_hash=EtcdHash(MemberId("a2"), 9, 1, 8)),
    ),
    "exposed key": certificate(key_path="/c.key", key_mode=0o644),
    "not enabled": every(having(services=units(haproxy={"enabled": False})), 2),
    "one name": every(having(system=SystemFacts("cp1", "m")), 1, 2),
    "other MTU": changed(
        every(having(system=SystemFacts("", "", mtu=(("eth0", 1500),))), 1, 2),
        3,
        having(system=SystemFacts("", "", mtu=(("eth0", 900),))),
    ),
    "firewall drops VRRP": every(
        having(
            addresses=(InterfaceAddress("eth0", VIP, 24),),
            keepalived=KeepalivedFacts("2.2.7", (), adverts_dropped=True),
        ),
        1,
        2,
    ),
    "one address": every(having(addresses=(InterfaceAddress("lo", "10.99.0.11", 32),)), 2),
    "CAs differ": authorities(("c1",), ("c2",), ("c1",)),
    "CA rotation unfinished": authorities(("c1",), ("c1", "c2"), ("c1",)),
    "another CA in a kubeconfig": certificate("scheduler-ca", is_ca=True, chain_ok=False),
    "CA rotation open": certificate("etcd-ca-next", is_ca=True),
}


def findings() -> Iterator[Finding]:
    for snapshot in CASES.values():
        yield from diagnose(snapshot, INVENTORY, NOW)
    yield from diagnose(healthy(), PLAIN, NOW)


def every_candidate(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Finding]:
    """Also those that are the consequence of another."""
    for candidates in (
        etcd.rules(snapshot, inventory),
        vip.rules(snapshot),
        haproxy.rules(snapshot, inventory),
        kubernetes.rules(snapshot, NOW),
        certificates.rules(snapshot, NOW),
        services.rules(snapshot),
        systems.rules(snapshot),
    ):
        yield from (candidate.finding for candidate in candidates)


def sites() -> set[tuple[str, int]]:
    """Where rules call an action: module and line."""
    return {
        (module.__name__, node.lineno)
        for module in MODULES
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "call"
    }


def test_every_call_of_a_rule_passes_the_catalogues_check(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: set[tuple[str, int]] = set()

    def recorded(action: str, text: str = "", **more: Any) -> ActionCall:
        frame = sys._getframe(1)
        readings.add((str(frame.f_globals["__name__"]), frame.f_lineno))
        return call(action, text, **more)

    for module in MODULES:
        monkeypatch.setattr(module, "call", recorded)
    calls = [
        one
        for snapshot, inventory in (*((each, INVENTORY) for each in CASES.values()), (healthy(), PLAIN))
        for finding in every_candidate(snapshot, inventory)
        for one in finding.calls
    ]
    for one in calls:
        action = find_action(one.action)
        open_ = {argument.name: "X" for argument in action.arguments if argument.required and not argument.choices}
        check_request(action, {**open_, **one.request})
        hosts = {argument.name for argument in action.arguments if argument.kind is ArgumentKind.HOST}
        assert {one.request[name] for name in hosts & {*one.request}} <= {*NAMES}, one
    assert sites() - readings == set()


def test_the_rules_make_their_calls_by_no_other_way() -> None:
    results = [module.__name__ for module in MODULES if "ActionCall(" in Path(str(module.__file__)).read_text()]
    assert results == []


def test_last_resorts_are_last_and_marked() -> None:
    results = [finding for finding in findings() if any(remedy.last_resort for remedy in finding.remedies)]
    assert {finding.code for finding in results} == {"etcd.quorum-lost", "etcd.member-down", "etcd.corrupt"}
    for finding in results:
        assert [remedy.last_resort for remedy in finding.remedies].index(True) == len(finding.remedies) - 1
        assert remedy_line(finding.remedies[-1]).startswith("last resort: run ")


def test_a_quorum_lost_by_stopped_members_is_fixed_by_their_start() -> None:
    (finding,) = (one for one in diagnose(quorum_lost(**STOPPED), INVENTORY, NOW) if one.code == "etcd.quorum-lost")
    assert finding.summary == "etcd has lost its quorum: stopped on cp2, cp3"
    assert "etcd on cp2 is stopped since 2026-03-01 02:00:00Z" in finding.evidence
    (first, *_) = finding.calls
    assert (first.action, first.request) == ("restart", {"service": "etcd"})
    assert command_line(first) == "run restart etcd"
    assert command_line(finding.calls[-1]) == "run restore FILE"


def test_how_the_process_ended_is_shown() -> None:
    snapshot = quorum_lost(active="failed", ending="signal 9")
    (finding,) = (one for one in diagnose(snapshot, INVENTORY, NOW) if one.code == "etcd.quorum-lost")
    assert "etcd on cp3 failed, stopped since 2026-03-01 02:00:00Z (signal 9)" in finding.evidence


def test_hosts_that_are_lost_are_not_restarted() -> None:
    snapshot = changed(changed(quorum_lost(**STOPPED), 2, unreachable), 3, unreachable)
    (finding,) = (one for one in diagnose(snapshot, INVENTORY, NOW) if one.code == "etcd.quorum-lost")
    assert [one.action for one in finding.calls] == ["restore"]
    assert "bring back cp2, cp3: power, network, SSH" in [remedy.text for remedy in finding.remedies]


def test_unqueried_facts_have_no_remedies() -> None:
    snapshot = every(lambda facts: replace(facts, services=NotAsked()), 2)
    assert [one for finding in diagnose(snapshot, INVENTORY, NOW) for one in finding.calls] == []
