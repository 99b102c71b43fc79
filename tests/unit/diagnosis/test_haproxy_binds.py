"""Addresses on which haproxy accepts connections to the API, against those that clients use."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Finding
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import ConfigCheck, PeerPort, PortState
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

FILE = "/etc/haproxy/haproxy.cfg"


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def with_binds(n: int, *binds: str, valid: bool = True) -> ClusterSnapshot:
    check = ConfigCheck("haproxy", FILE, valid, binds=binds)
    return changed(healthy(), n, lambda facts: replace(facts, configs=Known((check,), NOW)))


@pytest.mark.parametrize(
    ("binds", "wrong"),
    [
        (("*:8443",), False),
        ((":8443",), False),
        ((":::8443",), False),
        (("10.99.0.100:8443",), False),
        (("127.0.0.1:8443", "0.0.0.0:8443"), False),
        (("*:8000-9000",), False),
        (("ipv4@*:8443",), False),
        (("${ADDRESS}:8443",), False),
        (("/run/api.sock", "127.0.0.1:8443"), False),
        ((), False),
        (("127.0.0.1:8443",), True),
        (("10.99.0.12:8443",), True),
        (("*:6444",), True),
        (("[::1]:8443",), True),
    ],
)
def test_a_balancer_accepts_connections_where_clients_connect(binds: tuple[str, ...], wrong: bool) -> None:
    codes = [(one.code, one.subject) for one in findings_of(with_binds(2, *binds))]
    assert codes == ([("haproxy.wrong-bind", "haproxy@cp2")] if wrong else [])


def test_a_file_that_haproxy_refuses_is_not_judged() -> None:
    assert [one.code for one in findings_of(with_binds(2, "127.0.0.1:8443", valid=False))] == ["config.invalid"]


def test_a_vip_that_refuses_connections_is_a_consequence() -> None:
    refused = (PeerPort("10.99.0.100", 8443, PortState.REFUSED, process_since=NOW.replace(hour=1)),)
    snapshot = with_binds(1, "127.0.0.1:8443")
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, lambda facts: replace(facts, peer_ports=Known(refused, NOW)))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.severity) == ("haproxy.wrong-bind", "critical")
    assert finding.evidence[0] == f"{FILE}: bind 127.0.0.1:8443"
    assert any("accepts no connections" in line for line in finding.evidence)
