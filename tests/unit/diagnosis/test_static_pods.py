"""Rules about static pods: crash loops, manifests, and pods that kubelet does not create."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.model.hosts import ServiceKind
from haconsole.model.kubelet import JournalError, KubeletFacts, StaticPodState
from haconsole.model.observed import Cause, Failed
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    changed,
    healthy,
    static_pod,
    unit,
    with_kubelet,
    with_pod,
    with_service,
)
from tests.fakes.kubeadm_faults import codes, ended, findings_of, refusing, text, without_manifest


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


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"exit_status": 0}, "ended normally"),
        ({"exit_status": 255, "placed_at": NOW - timedelta(seconds=4)}, "put into the folder after"),
        ({"exit_status": 137, "placed_at": NOW - timedelta(seconds=9)}, "put into the folder after"),  # the same second
        ({"exit_status": 1, "ran_s": 7200.0}, "had run for more than 5 minutes"),
    ],
)
def test_a_pod_that_was_stopped_and_waits_is_in_no_crash_loop(state: dict[str, Any], reason: str) -> None:
    waiting = replace(ended("etcd", "received terminated signal, shutting down...", attempt=0), **state)
    (finding,) = findings_of(with_pod(healthy(), "cp2", waiting))
    assert (finding.code, finding.subject) == ("static-pod.not-started", "etcd@cp2")
    assert reason in finding.why
    assert "etcd logs: received terminated signal, shutting down..." in finding.evidence


@pytest.mark.parametrize(
    "state",
    [
        {"exit_status": 0, "restart_interval_s": 30.0, "attempt": 3},
        {"exit_status": 1, "placed_at": NOW - timedelta(seconds=40), "ran_s": 3.0},
        {"exit_status": 1, "ran_s": 3.0},
        {"ran_s": 3.0},
    ],
)
def test_a_pod_that_ends_again_and_again_is_in_a_crash_loop(state: dict[str, Any]) -> None:
    """Also with exit status 0, and after a manifest was changed."""
    (finding,) = findings_of(with_pod(healthy(), "cp2", replace(ended("etcd", "x", attempt=0), **state)))
    assert (finding.code, finding.subject) == ("static-pod.crash-loop", "etcd@cp2")


def test_a_pod_whose_manifest_came_back_repeatedly_is_in_no_crash_loop() -> None:
    """A rotation of CAs stops and starts every static pod several times within minutes."""
    third = replace(
        static_pod("etcd"),
        attempt=3,
        started_at=NOW - timedelta(seconds=5),
        ended_at=NOW - timedelta(seconds=15),
        restart_interval_s=120.0,
    )
    assert codes(with_pod(healthy(), "cp2", third)) == [("static-pod.crash-loop", "etcd@cp2")]
    back = replace(third, placed_at=NOW - timedelta(seconds=9))
    assert codes(with_pod(healthy(), "cp2", back)) == []


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
