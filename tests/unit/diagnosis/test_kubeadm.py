"""Rules about kubeadm clusters: kubelet, runtime and nodes; causes first, and advice that fits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import health
from haconsole.model.certificate import Certificate
from haconsole.model.findings import ActionCall, Health, Severity
from haconsole.model.hosts import ServiceKind
from haconsole.model.kubelet import ContainerdConfig, JournalError
from haconsole.model.node import NodeCondition
from haconsole.model.observed import NOT_ASKED, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    changed,
    healthy,
    kubelet,
    node,
    static_pod,
    unit,
    with_kubelet,
    with_node,
    with_pod,
    with_service,
)
from tests.fakes.kubeadm_certificates import certified
from tests.fakes.kubeadm_faults import SILENT, codes, ended, findings_of, not_ready, refusing, text, without_manifest

REFUSED = ("unmask", "rejoin")


def test_a_healthy_cluster_has_no_finding() -> None:
    assert codes(healthy()) == []
    assert health(healthy(), ()) is Health.HEALTHY


def test_a_stopped_kubelet_is_the_cause_of_its_node() -> None:
    stopped = with_service(healthy(), "cp2", unit("kubelet", "inactive", enabled=True))
    (finding,) = findings_of(with_node(stopped, "cp2", not_ready))
    assert (finding.code, finding.subject) == ("kubelet.down", "cp2")
    assert finding.remedies[0].text == "on cp2: systemctl start kubelet"
    assert "node cp2 is not ready: its kubelet stopped reporting" in finding.evidence


@pytest.mark.parametrize("name", ["kubelet", "containerd"])
def test_a_masked_unit_is_unmasked_by_hand(name: str) -> None:
    masked = with_service(healthy(), "w1", unit(name, "inactive", masked=True))
    (finding,) = findings_of(with_node(masked, "w1", not_ready))
    assert (finding.code, finding.subject) == ("service.masked", f"{name}@w1")
    assert finding.remedies[0].text == f"on w1: systemctl unmask {name} && systemctl start {name}"


def test_a_kubelet_in_a_crash_loop_names_its_known_cause() -> None:
    lines = (
        'run.go:74] "command failed" err="failed to parse kubelet flag: unknown flag: --pod-infra-container-image"',
    )
    looping = with_service(
        healthy(), "w1", unit("kubelet", "activating", restarts=40, pid=None, started=None, lines=lines)
    )
    (finding,) = findings_of(with_node(looping, "w1", not_ready))
    assert finding.code == "service.crash-loop"
    assert finding.why.startswith("/var/lib/kubelet/kubeadm-flags.env is older than kubelet 1.35")
    assert finding.remedies[0].text.startswith("remove --pod-infra-container-image")


def test_a_stopped_runtime_is_the_cause_of_what_stops_with_it() -> None:
    stopped = with_service(healthy(), "w1", unit("containerd", "failed"))
    (finding,) = findings_of(with_node(stopped, "w1", not_ready))
    assert (finding.code, finding.subject) == ("runtime.down", "w1")


@pytest.mark.parametrize("kubelets", ["active", "inactive"])
def test_runtimes_stopped_everywhere_are_the_cause_of_the_lost_quorum(kubelets: str) -> None:
    """As after an outage: the manifests are there, and no container runs."""
    snapshot = healthy()
    for host in ("cp1", "cp2", "cp3"):
        snapshot = with_service(snapshot, host, unit("containerd", "inactive"))
        snapshot = with_service(snapshot, host, unit("kubelet", kubelets, enabled=True))
        snapshot = with_service(snapshot, host, unit("etcd", "activating", kind=ServiceKind.STATIC_POD, enabled=True))
        snapshot = refusing(snapshot, host, etcd=f"{host}: Connection refused")
        snapshot = with_pod(snapshot, host, replace(static_pod("etcd"), running=False, started_at=None))
    first, *others = findings_of(snapshot)
    assert (first.code, first.subject, first.severity) == ("runtime.down", "cp1", Severity.CRITICAL)
    assert any(line.startswith("etcd has lost its quorum") for line in first.evidence)
    assert ("kubelet" in first.remedies[0].text.split()) is (kubelets == "inactive")
    assert {(one.code, one.subject) for one in others} == {("runtime.down", "cp2"), ("runtime.down", "cp3")}
    one_runs = with_service(snapshot, "cp3", unit("containerd"))
    one_runs = with_service(one_runs, "cp3", unit("kubelet"))
    assert findings_of(one_runs)[0].code == "etcd.quorum-lost"


def test_a_disabled_cri_is_the_cause_of_a_node_that_is_not_ready() -> None:
    disabled = with_kubelet(healthy(), "cp3", lambda one: replace(one, containerd=ContainerdConfig(("cri",))))
    (finding,) = findings_of(with_node(disabled, "cp3", not_ready))
    assert (finding.code, finding.subject) == ("runtime.cri-disabled", "cp3")


def test_cgroup_drivers_that_differ() -> None:
    (finding,) = findings_of(with_kubelet(healthy(), "w1", lambda one: replace(one, cgroup_driver="cgroupfs")))
    assert finding.code == "runtime.cgroup-driver"
    assert "kubelet: cgroupDriver cgroupfs" in finding.evidence
    unknown = with_kubelet(healthy(), "w1", lambda one: replace(one, cgroup_driver="", containerd=None))
    assert codes(unknown) == []


def test_another_runtime_is_not_judged_by_containerd() -> None:
    crio = with_kubelet(
        healthy(), "w1", lambda one: replace(one, runtime_endpoint="unix:///run/crio/crio.sock", containerd=None)
    )
    absent = with_service(crio, "w1", replace(unit("containerd", "inactive"), exists=False))
    assert codes(absent) == []


def test_old_errors_of_kubelet_are_no_evidence() -> None:
    old = JournalError("failed to get sandbox image", NOW - timedelta(hours=2))
    snapshot = with_kubelet(with_node(healthy(), "w1", not_ready), "w1", lambda one: replace(one, errors=(old,)))
    (finding,) = findings_of(snapshot)
    assert finding.code == "node.not-ready"
    assert "sandbox" not in text(finding)


def test_nodes_that_are_not_ready_under_pressure_cordoned_or_missing() -> None:
    pressure = NodeCondition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    snapshot = with_node(healthy(), "w1", lambda one: replace(one, conditions=(pressure, one.conditions[-1])))
    assert codes(snapshot) == [("node.pressure", "w1")]
    cordoned = with_node(healthy(), "w1", lambda one: replace(one, unschedulable=True))
    (finding,) = findings_of(cordoned)
    assert (finding.code, finding.severity) == ("node.cordoned", "info")
    assert health(cordoned, (finding,)) is Health.HEALTHY
    missing = replace(healthy(), nodes=Known(tuple(node(f"cp{n}") for n in (1, 2, 3)), NOW))
    (finding,) = findings_of(missing)
    assert (finding.code, finding.subject) == ("node.missing", "w1")
    assert finding.remedies[0] == ActionCall("join", (("host", "w1"),))
    strange = replace(node("w9", control_plane=False), host=None, conditions=(SILENT,))
    nodes = healthy().nodes
    assert isinstance(nodes, Known)
    outside = replace(healthy(), nodes=Known((*nodes.value, strange), NOW))
    (finding,) = findings_of(outside)
    assert (finding.code, finding.subject) == ("node.not-ready", "w9")
    assert "the inventory has no host of this name" in finding.evidence


def test_a_ready_node_with_an_old_lease() -> None:
    def renewed(seconds: float) -> ClusterSnapshot:
        return with_node(healthy(), "w1", lambda one: replace(one, renewed_at=NOW - timedelta(seconds=seconds)))

    (finding,) = findings_of(renewed(75))
    assert (finding.code, finding.subject) == ("node.lease-stale", "w1")
    assert finding.evidence == ("node lease renewed 75 s before the nodes were read",)
    assert findings_of(renewed(50)) == ()
    stopped = with_service(renewed(75), "w1", unit("kubelet", "failed"))
    assert [code for code, _ in codes(stopped)] == ["kubelet.down"]


def test_an_old_lease_by_an_unknown_clock_is_no_finding() -> None:
    snapshot = with_node(healthy(), "w1", lambda one: replace(one, renewed_at=NOW - timedelta(hours=1)))
    unknown = changed(snapshot, "w1", lambda one: replace(one, clock_offset_ms=NOT_ASKED))
    assert findings_of(unknown) == ()


BROKEN: dict[str, Callable[[], ClusterSnapshot]] = {
    "etcd": lambda: refusing(healthy(), "cp2", etcd="cp2: etcd: refused"),
    "quorum": lambda: refusing(refusing(healthy(), "cp2", etcd="refused"), "cp3", etcd="refused"),
    "apiserver": lambda: refusing(healthy(), "cp2", apiserver="cp2: apiserver: refused"),
    "scheduler": lambda: with_pod(healthy(), "cp2", ended("kube-scheduler", "panic: x")),
    "missing": lambda: without_manifest(healthy(), "cp2", "kube-controller-manager"),
    "kubelet": lambda: with_service(healthy(), "cp2", unit("kubelet", "failed")),
    "suspended": lambda: with_service(healthy(), "cp2", unit("kubelet", process="T")),
}


@pytest.mark.parametrize("what", BROKEN)
def test_no_advice_names_an_action_or_a_unit_that_is_not_there(what: str) -> None:
    findings = findings_of(BROKEN[what]())
    assert findings
    for finding in findings:
        assert [call.action for call in finding.calls if call.action in REFUSED] == [], finding
        assert not [call for call in finding.calls if _part(call) in ("etcd", "kubernetes")], finding
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            assert f"journalctl -u {name}" not in text(finding)
            assert f"{name} is not installed" not in text(finding)


def test_a_lost_control_plane_is_removed_or_replaced_by_actions() -> None:
    calls = {call.action for finding in findings_of(BROKEN["etcd"]()) for call in finding.calls}
    assert "replace" in calls, calls


def _part(call: ActionCall) -> str:
    return dict(call.arguments).get("only", "") if call.action == "bootstrap" else ""


def test_facts_of_kubelet_are_as_made() -> None:
    assert kubelet("etcd").pod("etcd") == static_pod("etcd")
    assert replace(static_pod("x"), command=("x", "--port=0", "--on")).flag("port") == "0"
    assert replace(static_pod("x"), command=("x", "--port=0", "--on")).flag("on") == "true"


def test_a_control_plane_with_a_ca_of_its_own_is_one_finding_about_the_ca() -> None:
    """`x509: certificate signed by unknown authority (... "kubernetes")`: its leaves are consequences."""

    def own(one: Certificate) -> Certificate:
        if one.host != "cp3":
            return one
        if one.role == "kubernetes-ca":
            return replace(one, fingerprint="kubernetes-ca-own")
        return replace(one, chain_ok=False) if one.issued_by == "kubernetes-ca-old" else one

    (finding,) = findings_of(certified(own))
    assert (finding.code, finding.subject, finding.severity) == ("cert.wrong-ca", "kubernetes-ca", Severity.CRITICAL)
    assert finding.summary == "the kubernetes-ca differs between hosts: most hosts agree, except cp3"
    assert any("apiserver on cp3 does not verify" in line for line in finding.evidence)
    assert "copy the CA certificate, the CA key and the service account key pair" in finding.remedies[0].text
    assert isinstance(finding.remedies[1], ActionCall)
    assert [remedy.action for remedy in finding.remedies if isinstance(remedy, ActionCall)] == ["rotate-certs"]


@pytest.mark.parametrize(("kind", "own"), [(ServiceKind.UNIT, True), (ServiceKind.STATIC_POD, False)])
def test_a_kubelet_explains_static_pods_and_no_units(kind: ServiceKind, own: bool) -> None:
    snapshot = with_service(healthy(), "cp3", unit("kubelet", "failed", enabled=True))
    snapshot = with_service(snapshot, "cp3", unit("etcd", "inactive", kind=kind, enabled=True))
    snapshot = refusing(snapshot, "cp3", etcd="connection refused")
    assert ("kubelet.down", "cp3") in codes(snapshot)
    assert (("etcd.member-down", "cp3") in codes(snapshot)) is own
