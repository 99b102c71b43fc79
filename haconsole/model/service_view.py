"""Components of all hosts with what their supervisor knows: systemd's state, or kubelet's attempts and logs."""

from __future__ import annotations

import msgspec

from haconsole.model.hosts import HostFacts, ServiceKind, ServiceState
from haconsole.model.kubelet import StaticPodState
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot


class ServiceRow(msgspec.Struct, frozen=True):
    host: HostName
    service: ServiceState
    restarts: int
    reason: str
    """Why it does not run, as far as its supervisor knows; empty while it runs."""


def service_rows(snapshot: ClusterSnapshot) -> tuple[ServiceRow, ...]:
    """In the order of hosts, each with its components in the order of their start."""
    return tuple(_row(facts, service) for facts in snapshot.hosts for service in value_of(facts.services) or ())


def static_pod(facts: HostFacts, name: str) -> StaticPodState | None:
    """kubelet's static pod of that name on the host; None where there is none or it is not known."""
    kubelet = value_of(facts.kubelet)
    return kubelet.pod(name) if kubelet else None


def _row(facts: HostFacts, service: ServiceState) -> ServiceRow:
    pod = static_pod(facts, service.name) if service.kind is ServiceKind.STATIC_POD else None
    restarts = pod.attempt if pod else service.restarts
    return ServiceRow(facts.host, service, restarts, "" if service.running else _reason(service, pod))


def _reason(service: ServiceState, pod: StaticPodState | None) -> str:
    if not service.exists:
        return "no manifest" if service.kind is ServiceKind.STATIC_POD else "no such unit"
    if pod and pod.log:
        return pod.log[-1]
    return f"ended: {service.ending}" if service.ending else ""
