"""One balancer compared with the others: what its haproxy sees, checks and still accepts."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis import vip
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.model.haproxy import ConnectionLimit, HaproxyBackend, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import InterfaceAddress
from haconsole.model.names import Vip
from haconsole.model.observed import value_of
from haconsole.model.provenance import Owner
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import SystemFacts
from haconsole.model.vip import VrrpState
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, healthy, server
from tests.unit.diagnosis.test_remedies import HUNG, having, units


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = findings_of(snapshot)
    return finding


def on_cp2(*servers: HaproxyServer, limits: tuple[ConnectionLimit, ...] = ()) -> ClusterSnapshot:
    reading = HaproxyFacts("2.6.12", 3600, (HaproxyBackend("k8s_server_6443", servers),), limits)
    return changed(healthy(), 2, having(haproxy=reading))


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
    reload = ActionCall("reconfigure", (("service", "haproxy"), ("host", "cp2")), finding.remedies[0].text)
    assert finding.remedies[0] == reload, "the file has no such limit"
    full = only(on_cp2(*servers, limits=(ConnectionLimit("global", 8192, 8192),)))
    foreign = on_cp2(*servers, limits=(ConnectionLimit("global", 2, 2),))
    foreign = changed(foreign, 2, having(balancer_files=cluster.balancer_files(Owner.FOREIGN)))
    first = next(one for one in findings_of(foreign) if one.code == "haproxy.connections-full").remedies[0]
    assert not isinstance(full.remedies[0], ActionCall)
    assert not isinstance(first, ActionCall)
    assert findings_of(on_cp2(*servers)) == ()


def instance_of_cp2(**fields: Any) -> ClusterSnapshot:
    keepalived = value_of(healthy().hosts[1].keepalived)
    assert keepalived is not None
    (instance,) = keepalived.instances
    changed_one = replace(keepalived, instances=(replace(instance, **fields),))
    links = SystemFacts("cp2", "m2", hardware=(("eth0", "02:00:00:00:00:02"), ("lo", "00:00:00:00:00:00")))
    return changed(healthy(), 2, having(keepalived=changed_one, system=links))


def test_an_interface_that_the_host_does_not_have() -> None:
    finding = only(instance_of_cp2(interface="eth9", state=VrrpState.FAULT))
    assert (finding.code, finding.subject) == ("vip.config-mismatch", f"{VIP}@cp2")
    assert "eth9" in finding.summary
    assert any("FAULT" in line for line in finding.evidence)
    assert findings_of(instance_of_cp2(interface="eth0")) == ()


def test_adverts_to_other_peers_than_the_balancers() -> None:
    finding = only(instance_of_cp2(unicast_peers=("10.99.0.11", "10.99.0.77")))
    assert (finding.code, finding.subject) == ("vip.config-mismatch", f"{VIP}@cp2")
    assert finding.evidence == ("not a balancer: 10.99.0.77", "missing: 10.99.0.13")
    assert findings_of(instance_of_cp2(unicast_peers=("10.99.0.13", "10.99.0.11"))) == ()


def test_an_instance_in_fault_whose_haproxy_works() -> None:
    finding = only(instance_of_cp2(state=VrrpState.FAULT))
    assert (finding.code, finding.subject) == ("vip.fault", "cp2")
    stopped = changed(instance_of_cp2(state=VrrpState.FAULT), 2, having(services=cluster.units(haproxy="inactive")))
    assert only(stopped).code == "haproxy.down"


def test_an_owner_without_haproxy_is_evidence_of_the_stopped_haproxy() -> None:
    snapshot = changed(healthy(), 1, having(services=cluster.units(haproxy="inactive")))
    assert [one.finding.code for one in vip.rules(snapshot)] == ["vip.owner-unhealthy"]
    finding = only(snapshot)
    assert (finding.code, finding.subject) == ("haproxy.down", "cp1")
    assert any("holds 10.99.0.100, but its haproxy does not run" in line for line in finding.evidence)


@pytest.mark.parametrize("owner", [Owner.CHANGED, Owner.FOREIGN])
def test_a_changed_check_is_named_before_a_firewall(owner: Owner) -> None:
    snapshot = instance_of_cp2(state=VrrpState.FAULT)
    first = only(snapshot).remedies[0]
    assert isinstance(first, ActionCall)
    assert first.action == "repair"
    files = tuple(
        replace(one, owner=owner) if one.path.endswith("/check-apiserver") else one
        for one in cluster.balancer_files(Owner.OURS)
    )
    finding = next(
        one for one in findings_of(changed(snapshot, 2, having(balancer_files=files))) if one.code == "vip.fault"
    )
    assert finding.evidence == ("/etc/keepalived/check-apiserver was not written by haconsole, or was changed since",)
    assert not isinstance(finding.remedies[0], ActionCall)
    assert "check-apiserver" in finding.remedies[0].text


def test_another_address_in_the_instance_of_a_vip() -> None:
    finding = only(instance_of_cp2(vips=(Vip("10.99.0.101"),)))
    assert (finding.code, finding.subject) == ("vip.config-mismatch", f"{VIP}@cp2")
    assert "cp2 has a different address" in finding.summary
    assert finding.evidence == ("cp2: 10.99.0.101",)
    assert findings_of(instance_of_cp2(vips=(Vip("10.99.0.101"),), router_id=52)) == (), "an instance of its own"


def test_a_suspended_keepalived_is_the_cause_of_two_owners() -> None:
    master = (InterfaceAddress("eth0", "10.99.0.12", 24), InterfaceAddress("eth0", VIP, 24))
    both = changed(instance_of_cp2(state=VrrpState.MASTER), 2, having(addresses=master))
    finding = only(changed(both, 1, having(services=units(keepalived=HUNG))))
    assert (finding.code, finding.subject, finding.severity) == ("service.hung", "keepalived@cp1", Severity.CRITICAL)
    assert any("at the same time" in line for line in finding.evidence)
