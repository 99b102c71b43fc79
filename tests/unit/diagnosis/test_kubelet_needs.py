"""Swap that kubelet refuses, and ports that other processes have: causes of what does not run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.inventory.schema import Kubernetes
from haconsole.model.findings import ActionCall, Finding
from haconsole.model.hosts import ServiceState
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.services import keep_lines
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Listener
from tests.fakes import cluster
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    INVENTORY,
    changed,
    healthy,
    static_pod,
    unit,
    with_kubelet,
    with_pod,
    with_service,
)

SQUATTER = Listener(6443, "0.0.0.0", "socat", 4711)
IN_USE = (
    "failed to create listener: failed to listen on 0.0.0.0:6443: listen tcp 0.0.0.0:6443: bind: address already in use"
)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def swapping(snapshot: ClusterSnapshot, host: str, *, refused: bool = True) -> ClusterSnapshot:
    return with_kubelet(snapshot, host, lambda one: replace(one, swaps=("/dev/sda2",), fail_swap_on=refused))


def looping(listeners: tuple[Listener, ...], *log: str) -> ClusterSnapshot:
    """The API server of cp2 ends at each start."""
    pod = replace(
        static_pod("kube-apiserver"),
        running=False,
        started_at=None,
        attempt=5,
        ended_at=NOW - timedelta(seconds=9),
        log=log,
    )
    return with_kubelet(with_pod(healthy(), "cp2", pod), "cp2", lambda one: replace(one, listeners=listeners))


def test_swap_that_kubelet_refuses_is_turned_off_by_prepare() -> None:
    (finding,) = findings_of(swapping(healthy(), "w1"))
    assert (finding.code, finding.subject) == ("host.swap-on", "w1")
    assert finding.summary == "swap is on on w1: kubelet runs now, but its next start will fail"
    assert finding.evidence == ("swap on /dev/sda2",)
    first = finding.remedies[0]
    assert isinstance(first, ActionCall)
    assert (first.action, first.request) == ("prepare", {"hosts": "w1"})
    assert "swapoff -a" in finding.remedies[1].text


def test_swap_that_kubelet_allows_is_no_finding() -> None:
    assert findings_of(swapping(healthy(), "w1", refused=False)) == ()


def test_swap_is_the_cause_of_a_kubelet_that_does_not_start() -> None:
    line = 'run.go:74] "command failed" err="failed to run Kubelet: running with swap on is not supported"'
    state = unit("kubelet", "activating", restarts=40, pid=None, started=None, lines=(line,))
    (finding,) = findings_of(with_service(swapping(healthy(), "w1"), "w1", state))
    assert (finding.code, finding.subject) == ("host.swap-on", "w1")
    assert finding.summary.endswith("kubelet does not start")
    assert any("ends again and again" in line for line in finding.evidence)


def test_swap_on_hosts_of_systemd_units_is_turned_off_by_hand() -> None:
    """prepare turns swap off on hosts for kubeadm only."""
    inventory = msgspec.structs.replace(INVENTORY, kubernetes=Kubernetes(endpoint="10.99.0.100:8443"))
    (finding,) = (one for one in diagnose(swapping(healthy(), "w1"), inventory, NOW) if one.code == "host.swap-on")
    assert not any(isinstance(remedy, ActionCall) for remedy in finding.remedies)


def test_the_process_that_has_the_port_is_the_cause_of_a_crash_loop() -> None:
    (finding,) = findings_of(looping((SQUATTER,), IN_USE))
    assert (finding.code, finding.subject) == ("host.port-taken", "kube-apiserver@cp2")
    assert finding.summary == "kube-apiserver on cp2 cannot listen on port 6443, which socat (PID 4711) has"
    assert any("does not stay up" in line for line in finding.evidence)
    assert any("systemctl status 4711" in remedy.text for remedy in finding.remedies)


def test_late_answers_of_the_host_are_evidence_of_the_port_that_is_taken() -> None:
    """A component that is started again and again makes answers late."""
    late: Failed[Any] = Failed("no answer within 2 s", NOW, Cause.TIMED_OUT)
    snapshot = changed(
        looping((SQUATTER,), IN_USE), "cp2", lambda one: replace(one, disks=late, keepalived=late, balancer_files=late)
    )
    assert [one.code for one in findings_of(snapshot)] == ["host.port-taken"]


@pytest.mark.parametrize(
    ("listeners", "log"),
    [((), IN_USE), ((replace(SQUATTER, port=64430),), IN_USE), ((SQUATTER,), "panic: address already in use")],
)
def test_without_the_port_or_its_process_the_log_is_all_there_is(listeners: tuple[Listener, ...], log: str) -> None:
    (finding,) = findings_of(looping(listeners, log))
    assert (finding.code, finding.subject) == ("static-pod.crash-loop", "kube-apiserver@cp2")


def test_a_pod_that_runs_again_has_its_port() -> None:
    """The log of its last attempt still names the port, on which the pod's own process listens."""
    own = replace(SQUATTER, process="kube-apiserver")
    pod = replace(static_pod("kube-apiserver"), attempt=5, ended_at=NOW - timedelta(seconds=90), log=(IN_USE,))
    snapshot = with_kubelet(with_pod(healthy(), "cp2", pod), "cp2", lambda one: replace(one, listeners=(own,)))
    assert findings_of(snapshot) == ()


@pytest.mark.parametrize(("active", "pid"), [("active", 9), ("activating", 4711)])
def test_a_unit_that_has_its_port_itself(active: str, pid: int) -> None:
    state = unit("haproxy", active, enabled=True, pid=pid, lines=(IN_USE,), listeners=(SQUATTER,))
    results = findings_of(with_service(healthy(), "cp2", state))
    assert not any(one.code == "host.port-taken" for one in results)


def test_a_copy_of_the_manifest_is_the_cause_of_the_port_that_is_taken() -> None:
    def doubled(facts: KubeletFacts) -> KubeletFacts:
        copy = replace(static_pod("kube-apiserver"), file="kube-apiserver.yaml.bak")
        return replace(facts, static_pods=(*facts.static_pods, copy))

    own = replace(SQUATTER, process="kube-apiserver")
    (finding,) = findings_of(with_kubelet(looping((own,), IN_USE), "cp2", doubled))
    assert (finding.code, finding.subject) == ("static-pod.stray-manifest", "kube-apiserver@cp2")


@pytest.mark.parametrize(
    ("name", "line", "port", "holder"),
    [
        (
            "haproxy",
            "[ALERT] (81) : Starting proxy stats: cannot bind socket (Address already in use) for [127.0.0.1:8404]",
            8404,
            Listener(8404, "*", "nginx", 9),
        ),
        (
            "haproxy",
            "[ALERT] 332/101 (81) : Starting frontend k: cannot bind socket (Address already in use) [0.0.0.0:8443]",
            8443,
            Listener(8443, "*"),
        ),
        ("etcd", "fatal: listen tcp 10.99.0.12:2380: bind: address already in use", 2380, Listener(2380, "*", "x", 1)),
    ],
)
def test_a_unit_whose_port_is_taken(name: str, line: str, port: int, holder: Listener) -> None:
    state = ServiceState(name, True, "activating", "auto-restart", NOW, restarts=9, lines=(line,), listeners=(holder,))
    host = value_of(cluster.healthy().hosts[1].services) or ()
    units = Known(tuple(state if one.name == name else one for one in host), NOW)
    snapshot = changed(cluster.healthy(), "cp2", lambda one: replace(one, services=units))
    codes = {one.code: one for one in diagnose(snapshot, cluster.INVENTORY, NOW)}
    assert f"port {port}, which {holder} has" in codes["host.port-taken"].summary
    assert {"service.crash-loop", f"{name}.down"} & set(codes) == set()


def test_a_log_that_was_not_read_again_keeps_its_listeners() -> None:
    before = ServiceState("etcd", True, "failed", "failed", lines=("in use",), listeners=(SQUATTER,))
    (after,) = keep_lines((before,), (replace(before, lines=(), listeners=()),))
    assert after == before
    (other,) = keep_lines((), (replace(before, lines=(), listeners=()),))
    assert other.lines == ()
