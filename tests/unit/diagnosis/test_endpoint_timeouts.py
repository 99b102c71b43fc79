"""The endpoint that holds kubelets' connections while API servers answer, named before the nodes that are not ready."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Finding, Severity
from haconsole.model.kubelet import JournalError, KubeletFacts
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.observed import Cause, Failed
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, WORKER, changed, healthy, unit, with_kubelet, with_node, with_service

NODES = ("cp1", "cp2", "cp3", WORKER)
CODE = "endpoint.times-out"
NODE = (
    'Error getting the current node from lister: Get "https://10.99.0.100:8443/api/v1/nodes/w1?timeout=10s": '
    "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
)
HANDSHAKE = (
    'failed to list *v1.Service: Get "https://10.99.0.100:8443/api/v1/services?limit=500": net/http: '
    "TLS handshake timeout"
)


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def is_named(snapshot: ClusterSnapshot) -> bool:
    return any(one.code == CODE for one in findings_of(snapshot))


def holding(*names: str, text: str = HANDSHAKE, lease_s: float = 55, error_s: float = 3) -> ClusterSnapshot:
    """These nodes' kubelets log such an error; the lease was renewed `lease_s` seconds ago."""

    def logs(facts: KubeletFacts) -> KubeletFacts:
        return replace(facts, errors=(JournalError(text, NOW - timedelta(seconds=error_s)),))

    def late(node: NodeState) -> NodeState:
        unknown = NodeCondition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", NOW)
        others = tuple(one for one in node.conditions if one.type != "Ready")
        return replace(node, conditions=(*others, unknown), renewed_at=ago(lease_s))

    snapshot = healthy()
    for name in names:
        snapshot = with_node(with_kubelet(snapshot, name, logs), name, late)
    return snapshot


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [NODE, HANDSHAKE])
def test_the_endpoint_is_the_one_cause_of_all_nodes_that_are_not_ready(text: str) -> None:
    (finding,) = findings_of(holding(*NODES, text=text))
    assert (finding.code, finding.severity) == (CODE, Severity.CRITICAL)
    assert finding.summary == (
        "requests to the API through 10.99.0.100:8443 time out on cp1, cp2, cp3, w1, although cp1, cp2, cp3 answer"
    )
    assert f"w1: lease not renewed for 52 s; kubelet logs: {text}" in finding.evidence
    assert any("node w1 is not ready" in line for line in finding.evidence)
    assert finding.remedies[0].text.startswith("check haproxy on cp1, not the nodes")
    assert "systemctl stop keepalived on cp1" in finding.remedies[1].text


def test_one_node_of_several_is_a_warning() -> None:
    (finding,) = findings_of(holding(WORKER))
    assert (finding.code, finding.severity) == (CODE, Severity.WARNING)


@pytest.mark.parametrize(
    "text",
    [
        HANDSHAKE.replace("10.99.0.100:8443", "10.99.0.11:6443"),
        HANDSHAKE.replace("net/http: TLS handshake timeout", "dial tcp 10.99.0.100:8443: connect: connection refused"),
    ],
)
def test_other_servers_and_refused_connections_are_no_wait(text: str) -> None:
    assert is_named(holding(*NODES))
    assert not is_named(holding(*NODES, text=text))


def test_a_lease_that_was_renewed_since_shows_that_the_endpoint_answers() -> None:
    assert not is_named(holding(*NODES, lease_s=4, error_s=20))
    assert not is_named(holding(*NODES, lease_s=12, error_s=3)), "one renewal is late"


def test_an_api_server_must_answer() -> None:
    refused: Failed[Any] = Failed("refused", NOW, Cause.REFUSED)
    snapshot = holding(*NODES)
    for name in ("cp1", "cp2", "cp3"):
        snapshot = changed(snapshot, name, lambda facts: replace(facts, apiserver=refused))
    assert not is_named(snapshot)


def test_a_suspended_haproxy_is_the_cause_of_the_waits() -> None:
    haproxy = unit("haproxy", enabled=True, process="T")
    findings = findings_of(with_service(holding(*NODES), "cp1", haproxy))
    assert CODE not in [one.code for one in findings]
    assert "service.hung" in [one.code for one in findings]
