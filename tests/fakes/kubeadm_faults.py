"""Faults of a kubeadm cluster, and what the rules find then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Finding
from haconsole.model.hosts import HostFacts, ServiceKind
from haconsole.model.kubelet import StaticPodState
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.observed import Cause, Failed
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import (
    INVENTORY,
    changed,
    static_pod,
    unit,
    with_kubelet,
    with_service,
)

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
