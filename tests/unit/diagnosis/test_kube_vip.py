"""A VIP that kube-vip moves: the kernel's owner against the holder of the lease."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.configs.layout import layout
from haconsole.diagnosis.diagnose import diagnose
from haconsole.inventory.effective import endpoint
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, ServiceKind
from haconsole.model.lease import Lease
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState
from haconsole.model.vip import KUBE_VIP, VipState
from haconsole.model.vip_view import strayed_owners, vip_view
from haconsole.probes.hosts.peer_ports import ports_of
from tests.fakes.cluster import NOW
from tests.fakes.kube_vip import INVENTORY, PLANES, VIP, healthy, lease_of, without_lease
from tests.fakes.kubeadm import INVENTORY as BALANCED
from tests.fakes.kubeadm import changed, static_pod, unit, with_pod


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def advised(finding: Finding) -> str:
    return "\n".join(remedy.text for remedy in finding.remedies)


def test_the_holder_of_the_lease_has_the_address() -> None:
    assert findings_of(healthy("cp1")) == ()
    view = vip_view(healthy("cp2", holder="cp2"), VIP)
    assert (view.state, view.owners) == (VipState.OWNED, ("cp2",))
    assert endpoint(INVENTORY) == (VIP, 6443)


def test_an_owner_without_the_lease_is_named() -> None:
    (finding,) = findings_of(healthy("cp2", holder="cp1"))
    assert (finding.code, finding.subject, finding.severity) == ("vip.lease-differs", VIP, Severity.WARNING)
    assert finding.summary == f"cp2 has {VIP}, but cp1 holds kube-vip's lease plndr-cp-lock"
    assert "restart kube-vip on cp1" in advised(finding)
    assert f"on cp2: ip address del {VIP}/32 dev eth0" in advised(finding)


def test_two_owners_are_a_split_that_names_the_host_to_correct() -> None:
    (finding,) = findings_of(healthy("cp1", "cp3", holder="cp1"))
    assert (finding.code, finding.severity) == ("vip.split", Severity.CRITICAL)
    assert advised(finding) == f"on cp3: ip address del {VIP}/32 dev eth0"
    assert "protocol 112" not in finding.why


def test_an_address_on_no_host_is_critical_and_never_about_keepalived() -> None:
    (finding,) = findings_of(healthy(holder="cp1"))
    assert (finding.code, finding.severity) == ("vip.unowned", Severity.CRITICAL)
    assert "restart kube-vip on cp1" in advised(finding)
    assert "keepalived" not in str(finding)


def test_a_kube_vip_that_may_not_use_its_lease_is_the_cause_of_an_address_on_no_host() -> None:
    """1.29 and newer: admin.conf has no rights until kubeadm init ends."""
    line = 'leases.coordination.k8s.io "plndr-cp-lock" is forbidden: User "kubernetes-admin" cannot get resource'
    looping = replace(
        static_pod(KUBE_VIP),
        running=False,
        started_at=None,
        attempt=7,
        ended_at=NOW - timedelta(seconds=9),
        log=(line,),
    )
    snapshot = without_lease(healthy())
    for name in PLANES:
        snapshot = with_pod(snapshot, name, looping)
    first, *_ = findings_of(snapshot)
    assert (first.code, first.subject, first.severity) == (
        "static-pod.crash-loop",
        f"{KUBE_VIP}@cp1",
        Severity.CRITICAL,
    )
    assert first.why.startswith("kube-vip uses admin.conf, which has no rights before kubeadm init ends")
    assert first.remedies[0].text.startswith("mount super-admin.conf into kube-vip")
    assert f"no host holds {VIP}: clients that use it reach nothing" in first.evidence


@pytest.mark.parametrize(
    "lease", [lease_of("cp1", taken_s=1.0), lease_of("cp1", renewed_s=60.0), lease_of("elsewhere")]
)
def test_a_move_in_progress_and_a_lease_that_nobody_holds_are_no_disagreement(lease: Lease) -> None:
    snapshot = healthy("cp2", lease=lease)
    assert strayed_owners(snapshot) == ()
    assert "vip.lease-differs" not in {finding.code for finding in findings_of(snapshot)}


def test_an_address_that_moved_after_the_lease_was_read_is_no_disagreement() -> None:
    moved = changed(healthy("cp2"), "cp2", lambda facts: replace(facts, addresses_since=NOW))
    assert strayed_owners(moved) == ()
    assert strayed_owners(healthy("cp2")) == ("cp2",)


def test_a_holder_in_doubt_is_none_while_another_host_is_not_heard_of() -> None:
    silent = changed(
        healthy(holder="cp1"), "cp1", lambda facts: replace(facts, addresses=Known((), NOW - timedelta(seconds=30)))
    )
    assert vip_view(silent, VIP).state is VipState.UNKNOWN
    assert strayed_owners(silent) == ()


def test_an_address_without_a_lease_does_not_move() -> None:
    (finding,) = findings_of(without_lease(healthy("cp1")))
    assert finding.code == "vip.lease-differs"
    assert "does not exist" in finding.summary
    assert "kube_vip.lease" in advised(finding)


def test_a_lost_manifest_of_kube_vip_is_copied_and_not_made_by_kubeadm() -> None:
    def without_manifest(facts: HostFacts) -> HostFacts:
        kubelet, services = value_of(facts.kubelet), value_of(facts.services) or ()
        assert kubelet is not None
        pods = tuple(pod for pod in kubelet.static_pods if pod.name != KUBE_VIP)
        absent = replace(unit(KUBE_VIP, "inactive", kind=ServiceKind.STATIC_POD), exists=False)
        states = tuple(absent if one.name == KUBE_VIP else one for one in services)
        return replace(facts, kubelet=Known(replace(kubelet, static_pods=pods), NOW), services=Known(states, NOW))

    (finding,) = findings_of(changed(healthy("cp1"), "cp2", without_manifest))
    assert (finding.code, finding.subject) == ("static-pod.manifest-missing", f"{KUBE_VIP}@cp2")
    assert "copy it from another host" in advised(finding)
    assert "kubeadm init" not in advised(finding)


def trying(snapshot: ClusterSnapshot, *states: PortState) -> ClusterSnapshot:
    """The snapshot with an attempt of each control plane to connect to the endpoint."""
    for name, state in zip(PLANES, states, strict=True):
        ports = Known((PeerPort(VIP, 6443, state),), NOW)
        snapshot = changed(snapshot, name, lambda facts, ports=ports: replace(facts, peer_ports=ports))  # type: ignore[misc]
    return snapshot


def test_an_endpoint_outside_of_the_inventory_that_refuses_connections_is_named() -> None:
    opened, refused = PortState.OPEN, PortState.REFUSED
    assert ports_of(INVENTORY, layout(INVENTORY), INVENTORY.hosts[0])[-1] == (VIP, 6443)
    assert ports_of(BALANCED, layout(BALANCED), BALANCED.hosts[0])[-1] != (VIP, 6443)
    assert findings_of(trying(healthy("cp1"), opened, opened, opened)) == ()
    (critical,) = findings_of(trying(healthy("cp1"), refused, refused, refused))
    assert (critical.code, critical.subject, critical.severity) == (
        "endpoint.unreachable",
        f"{VIP}:6443",
        Severity.CRITICAL,
    )
    (warning,) = findings_of(trying(healthy("cp1"), opened, opened, refused))
    assert (warning.severity, warning.evidence) == (Severity.WARNING, ("cp3: the connection is refused",))


def test_an_address_on_no_host_is_the_cause_of_an_endpoint_that_refuses() -> None:
    silent = PortState.UNREACHABLE
    (finding,) = findings_of(trying(healthy(holder="cp1"), silent, silent, silent))
    assert finding.code == "vip.unowned"
    assert f"the API's endpoint {VIP}:6443 accepts no connections from any host" in finding.evidence
