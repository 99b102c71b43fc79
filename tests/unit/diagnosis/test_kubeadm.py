"""Rules about clusters of kubeadm's: kubelet, runtime, static pods and nodes; causes first, and advice that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.model.certificate import Certificate
from haconsole.model.findings import ActionCall, Finding, Health, Severity
from haconsole.model.hosts import HostFacts, ServiceKind
from haconsole.model.kubelet import ContainerdConfig, JournalError, KubeletFacts, StaticPodState
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    INVENTORY,
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

REFUSED = ("unmask", "rejoin")
SILENT = NodeCondition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", NOW)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def codes(snapshot: ClusterSnapshot) -> list[tuple[str, str]]:
    return [(finding.code, finding.subject) for finding in findings_of(snapshot)]


def text(finding: Finding) -> str:
    """All texts of the finding."""
    remedies = (remedy.text for remedy in finding.remedies)
    return "\n".join((finding.summary, finding.why, *finding.evidence, *remedies))


def not_ready(state: NodeState) -> NodeState:
    return replace(state, conditions=(*state.conditions[:-1], SILENT))


def refusing(snapshot: ClusterSnapshot, host: str, **facts: str) -> ClusterSnapshot:
    """The snapshot with these facts of a host refused at their port."""

    def change(of: HostFacts) -> HostFacts:
        failures: dict[str, Any] = {
            name: Failed(reason, NOW, Cause.REFUSED, asked_from=(of.host,)) for name, reason in facts.items()
        }
        return replace(of, **failures)

    return changed(snapshot, host, change)


def ended(name: str, *log: str, attempt: int = 5) -> StaticPodState:
    return replace(
        static_pod(name), running=False, started_at=None, attempt=attempt, ended_at=NOW - timedelta(seconds=9), log=log
    )


def without_manifest(snapshot: ClusterSnapshot, host: str, name: str) -> ClusterSnapshot:
    absent = replace(unit(name, "inactive", kind=ServiceKind.STATIC_POD), exists=False)
    pods = with_service(snapshot, host, absent)
    return with_kubelet(
        pods, host, lambda one: replace(one, static_pods=tuple(pod for pod in one.static_pods if pod.name != name))
    )


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


def test_a_crash_loop_quotes_its_log() -> None:
    (finding,) = findings_of(with_pod(healthy(), "cp2", ended("kube-scheduler", "Error: unknown flag: --leader-elct")))
    assert (finding.code, finding.subject) == ("static-pod.crash-loop", "kube-scheduler@cp2")
    assert finding.evidence[0] == "kube-scheduler logs: Error: unknown flag: --leader-elct"
    assert "kube-scheduler is not running on cp2" in finding.evidence
    assert finding.why.startswith("The program does not know one of its flags.")


def test_a_pod_that_just_began_again_is_still_in_its_crash_loop() -> None:
    second = replace(
        static_pod("kube-scheduler"),
        attempt=6,
        started_at=NOW - timedelta(seconds=5),
        restart_interval_s=80.0,
        log=("panic: x",),
    )
    assert codes(with_pod(healthy(), "cp2", second)) == [("static-pod.crash-loop", "kube-scheduler@cp2")]
    steady = replace(second, started_at=NOW - timedelta(minutes=5))
    assert codes(with_pod(healthy(), "cp2", steady)) == []


def test_an_api_server_that_cannot_reach_its_etcd_is_a_consequence() -> None:
    snapshot = with_pod(healthy(), "cp2", ended("etcd", "Error: unknown flag: --data-dri"))
    log = "Error: context deadline exceeded: dial tcp 127.0.0.1:2379: connect: connection refused"
    snapshot = with_pod(snapshot, "cp2", ended("kube-apiserver", log))
    snapshot = refusing(snapshot, "cp2", etcd="cp2: etcd: refused", apiserver="cp2: apiserver: refused")
    (finding, *others) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("static-pod.crash-loop", "etcd@cp2")
    assert [one.code for one in others] == ["etcd.no-fault-tolerance"] or others == []


@pytest.mark.parametrize(("name", "fact"), [("kube-apiserver", "apiserver"), ("etcd", "etcd")])
def test_a_suspended_static_pod_is_the_cause_of_its_silence(name: str, fact: str) -> None:
    stopped = replace(unit(name, kind=ServiceKind.STATIC_POD), process="T")
    silent: dict[str, Any] = {fact: Failed("no answer within 6 s", NOW, Cause.TIMED_OUT, asked_from=("cp3",))}
    (finding,) = findings_of(
        changed(with_service(healthy(), "cp3", stopped), "cp3", lambda one: replace(one, **silent))
    )
    assert (finding.code, finding.subject) == ("service.hung", f"{name}@cp3")
    assert "is suspended" in finding.summary


@pytest.mark.parametrize("name", ["kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"])
def test_a_missing_manifest_is_the_cause_of_its_component(name: str) -> None:
    snapshot = without_manifest(healthy(), "cp3", name)
    if name == "kube-apiserver":
        snapshot = refusing(snapshot, "cp3", apiserver="cp3: apiserver: refused")
    if name == "etcd":
        snapshot = refusing(snapshot, "cp3", etcd="cp3: etcd: refused")
    finding = findings_of(snapshot)[0]
    assert (finding.code, finding.subject) == ("static-pod.manifest-missing", f"{name}@cp3")
    assert "move" in finding.remedies[0].text


def test_a_running_component_without_a_manifest_stops_soon() -> None:
    pods = with_kubelet(healthy(), "cp3", lambda one: replace(one, static_pods=one.static_pods[:-1]))
    running = with_service(pods, "cp3", unit("kube-scheduler", kind=ServiceKind.STATIC_POD, enabled=False))
    (finding,) = findings_of(running)
    assert finding.code == "static-pod.manifest-missing"
    assert "its process still runs" in finding.summary


def test_a_copy_of_a_manifest_is_stray() -> None:
    copy = replace(static_pod("etcd"), file="etcd.yaml.bak")
    snapshot = with_kubelet(healthy(), "cp1", lambda one: replace(one, static_pods=(*one.static_pods, copy)))
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("static-pod.stray-manifest", "etcd@cp1")
    assert finding.remedies[0].text == "on cp1: move /etc/kubernetes/manifests/etcd.yaml.bak elsewhere"


def test_a_broken_manifest_is_the_cause_of_its_component() -> None:
    def with_bad_manifest(one: KubeletFacts) -> KubeletFacts:
        bad = StaticPodState("kube-scheduler.yaml", problem="it is not valid YAML: line 3")
        return replace(one, static_pods=(*one.static_pods[:-1], bad))

    waiting = unit("kube-scheduler", "activating", kind=ServiceKind.STATIC_POD, pid=None)
    (finding,) = findings_of(with_service(with_kubelet(healthy(), "cp1", with_bad_manifest), "cp1", waiting))
    assert (finding.code, finding.subject) == ("static-pod.unreadable-manifest", "kube-scheduler@cp1")


def test_a_pod_that_kubelet_cannot_create() -> None:
    waiting = replace(static_pod("kube-scheduler"), running=False, started_at=None)
    error = JournalError('failed to get sandbox image "registry.k8s.io/pause:3.6": failed to pull', NOW)
    snapshot = with_kubelet(with_pod(healthy(), "cp1", waiting), "cp1", lambda one: replace(one, errors=(error,)))
    (finding,) = findings_of(snapshot)
    assert finding.code == "static-pod.not-started"
    assert finding.why.startswith("containerd cannot get the pause image")
    young = with_service(snapshot, "cp1", unit("kubelet", since=NOW - timedelta(seconds=20)))
    assert "static-pod.not-started" not in {code for code, _ in codes(young)}


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


def test_a_pod_that_cannot_be_created_is_explained_by_kubelet_and_not_by_its_last_log() -> None:
    text = (
        'pod_workers.go:191] Error syncing pod 1 ("kube-scheduler-cp2_kube-system(1)"), skipping: failed to '
        '"CreatePodSandbox" with CreatePodSandboxError: failed to get sandbox image "k8s.gcr.io/pause:9"'
    )
    absent = ended("kube-scheduler", "received signal terminated", attempt=0)

    def logs(one: KubeletFacts, seconds: float) -> KubeletFacts:
        return replace(one, errors=(JournalError(text, NOW - timedelta(seconds=seconds)),))

    (finding,) = findings_of(with_kubelet(with_pod(healthy(), "cp2", absent), "cp2", lambda one: logs(one, 3)))
    assert (finding.code, finding.subject) == ("static-pod.not-started", "kube-scheduler@cp2")
    assert finding.why.startswith("containerd cannot get the pause image")
    assert "received signal" not in str(finding)
    (earlier,) = findings_of(with_kubelet(with_pod(healthy(), "cp2", absent), "cp2", lambda one: logs(one, 60)))
    assert earlier.code == "static-pod.crash-loop"


def test_the_log_of_a_container_that_ended_long_ago_explains_nothing() -> None:
    """kubelet restarts a container within 5 minutes: what ended earlier was another one, as before an edit."""
    old = replace(ended("etcd", "received signal; shutting down"), ended_at=NOW - timedelta(minutes=40))
    (finding,) = findings_of(with_pod(healthy(), "cp2", old))
    assert (finding.code, finding.subject) == ("static-pod.not-started", "etcd@cp2")
    assert "received signal" not in str(finding)


def test_a_kubelet_that_starts_no_static_pod_at_all_may_wait_for_the_balancer() -> None:
    """After a cold start of all hosts a balancer without servers holds its connections."""
    waiting = replace(static_pod("etcd"), running=False, started_at=None)

    def none_runs(one: KubeletFacts) -> KubeletFacts:
        return replace(one, static_pods=tuple(replace(pod, running=False, started_at=None) for pod in one.static_pods))

    stopped = with_kubelet(healthy(), "cp2", none_runs)
    finding = next(one for one in findings_of(stopped) if one.code == "static-pod.not-started")
    assert "if kubelet waits for the API" in finding.remedies[0].text
    (single,) = findings_of(with_pod(healthy(), "cp2", waiting))
    assert "if kubelet waits" not in text(single)


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
