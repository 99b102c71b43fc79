"""One balancer compared with the others: what its haproxy sees, checks and still accepts."""

from __future__ import annotations

from dataclasses import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Finding
from haconsole.model.haproxy import ConnectionLimit, HaproxyBackend, HaproxyFacts, HaproxyServer
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy, server
from tests.unit.diagnosis.test_remedies import having


def found(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = found(snapshot)
    return finding


def on_cp2(*servers: HaproxyServer, limits: tuple[ConnectionLimit, ...] = ()) -> ClusterSnapshot:
    seen = HaproxyFacts("2.6.12", 3600, (HaproxyBackend("k8s_server_6443", servers),), limits)
    return changed(healthy(), 2, having(haproxy=seen))


def test_a_balancer_that_sees_no_server_though_others_do() -> None:
    finding = only(on_cp2(*(server(n, "DOWN", "L4TOUT") for n in (1, 2, 3))))
    assert (finding.code, finding.subject) == ("haproxy.backend-down", "haproxy@cp2")
    assert finding.remedies[0] == ActionCall(
        "bootstrap", (("only", "haproxy"),), "write haproxy's configuration again and reload it"
    )


def test_a_wrong_port_of_all_servers_is_a_mismatch() -> None:
    wrong = tuple(replace(server(n, "DOWN", "L4CON"), address=f"10.99.0.1{n}:6444") for n in (1, 2, 3))
    finding = only(on_cp2(*wrong))
    assert (finding.code, finding.subject) == ("haproxy.backend-mismatch", "cp2")
    assert any("10.99.0.11:6444" in line for line in finding.evidence)


def test_servers_without_a_check() -> None:
    finding = only(on_cp2(*(server(n, "no check", "") for n in (1, 2, 3))))
    assert (finding.code, finding.subject) == ("haproxy.weak-check", "cp2")


def test_connections_near_their_limit() -> None:
    servers = tuple(server(n) for n in (1, 2, 3))
    finding = only(on_cp2(*servers, limits=(ConnectionLimit("global", 2, 2),)))
    assert (finding.code, finding.subject) == ("haproxy.connections-full", "cp2")
    assert "2 of at most 2" in finding.summary
    assert found(on_cp2(*servers)) == ()
