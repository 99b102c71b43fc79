"""The endpoint that holds connections at a cold start: kubelet runs everywhere and starts nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, ServiceKind, ServiceState
from haconsole.model.kubelet import JournalError, KubeletFacts
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, changed, healthy, unit, with_kubelet, with_service

PLANES = ("cp1", "cp2", "cp3")


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def idle(service: ServiceState) -> ServiceState:
    if service.kind is not ServiceKind.STATIC_POD:
        return service
    return replace(service, active="inactive", sub="dead", pid=None)


def cold(facts: HostFacts) -> HostFacts:
    """The host after a cold start: kubelet has created no container."""
    kubelet = value_of(facts.kubelet)
    assert kubelet is not None
    pods = tuple(replace(pod, running=False, started_at=None) for pod in kubelet.static_pods)
    services = tuple(map(idle, value_of(facts.services) or ()))
    refused: Failed[Any] = Failed(f"{facts.host}: refused", NOW, Cause.REFUSED, asked_from=(facts.host,))
    return replace(
        facts,
        services=Known(services, NOW),
        kubelet=Known(replace(kubelet, static_pods=pods), NOW),
        etcd=refused,
        apiserver=refused,
    )


def cold_start() -> ClusterSnapshot:
    snapshot = healthy()
    for name in PLANES:
        snapshot = changed(snapshot, name, cold)
    refused: Failed[Any] = Failed("refused", NOW, Cause.REFUSED)
    return replace(snapshot, nodes=refused, leases=refused)


def test_the_wait_for_the_endpoint_is_the_one_cause_of_a_cold_cluster() -> None:
    (finding,) = findings_of(cold_start())
    assert (finding.code, finding.subject, finding.severity) == (
        "kubelet.waits-for-api",
        "kubelet",
        Severity.CRITICAL,
    )
    assert finding.summary == (
        "kubelet on cp1, cp2, cp3 runs and starts no static pod: it may wait for the API at 10.99.0.100:8443"
    )
    assert "cp1: no container of 4 manifests was created" in finding.evidence
    assert any("etcd has lost its quorum" in line for line in finding.evidence)
    assert finding.remedies[0].text.startswith("on cp1 cp2 cp3: systemctl stop haproxy")
    assert "to its own API server" in finding.remedies[1].text


def test_an_api_server_that_answers_releases_the_kubelets() -> None:
    answers = changed(cold_start(), "cp1", lambda one: replace(one, apiserver=healthy().hosts[0].apiserver))
    assert not any(one.code == "kubelet.waits-for-api" for one in findings_of(answers))


def failing(facts: KubeletFacts) -> KubeletFacts:
    text = 'Error syncing pod "kube-apiserver-cp1_kube-system(4f)", skipping: failed to get sandbox image'
    return replace(facts, errors=(JournalError(text, NOW - timedelta(seconds=3)),))


def ended(facts: KubeletFacts) -> KubeletFacts:
    pods = tuple(replace(pod, ended_at=NOW - timedelta(seconds=9)) for pod in facts.static_pods)
    return replace(facts, static_pods=pods)


@pytest.mark.parametrize("change", [failing, ended])
def test_a_kubelet_that_tried_to_start_pods_does_not_wait(change: Callable[[KubeletFacts], KubeletFacts]) -> None:
    snapshot = with_kubelet(cold_start(), "cp1", change)
    finding = next(one for one in findings_of(snapshot) if one.code == "kubelet.waits-for-api")
    assert finding.summary.startswith("kubelet on cp2, cp3 runs")


@pytest.mark.parametrize("seconds", [20, 90])
def test_a_kubelet_that_was_started_just_now_does_not_wait_yet(seconds: int) -> None:
    snapshot = cold_start()
    for name in PLANES:
        state = unit("kubelet", enabled=True, since=NOW - timedelta(seconds=seconds))
        snapshot = with_service(snapshot, name, state)
    assert any(one.code == "kubelet.waits-for-api" for one in findings_of(snapshot)) is (seconds == 90)


def test_a_runtime_that_is_down_is_the_cause_rather_than_the_endpoint() -> None:
    snapshot = cold_start()
    for name in PLANES:
        snapshot = with_service(snapshot, name, unit("containerd", "failed"))
    assert "kubelet.waits-for-api" not in [one.code for one in findings_of(snapshot)]
