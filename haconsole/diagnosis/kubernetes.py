"""Rules about the control plane: apiservers, the components behind the leader locks, and the locks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haconsole.diagnosis.draft import NOT_BOOTSTRAPPED, QUORUM_LOST, Draft, Key
from haconsole.diagnosis.services import service_evidence, started_by
from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.observed import Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot

COMPONENTS = ("kube-controller-manager", "kube-scheduler")


def rules(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Draft]:
    """Drafts about every control plane and every leader lock."""
    planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
    clients = {url for row in etcd_view(snapshot).members for url in row.member.client_urls}
    for facts in planes:
        yield from _apiserver(facts, planes)
        yield from _etcd_servers(facts, clients)
        for component in COMPONENTS:
            yield from _component(facts, component)
    for lease in value_of(snapshot.leases) or ():
        yield from _lease(lease, planes, now)


def _apiserver(facts: HostFacts, planes: tuple[HostFacts, ...]) -> Iterator[Draft]:
    if not isinstance(facts.reach, Known):
        return
    others = any(isinstance(each.apiserver, Known) and each.apiserver.value.ready for each in planes)
    severity = Severity.WARNING if others else Severity.CRITICAL
    because = (NOT_BOOTSTRAPPED, QUORUM_LOST)
    if isinstance(facts.apiserver, Failed):
        finding = Finding(
            "apiserver.down",
            severity,
            facts.host,
            f"the apiserver on {facts.host} does not answer",
            "The others carry its share." if others else "No apiserver is left: the API is down.",
            (facts.apiserver.reason, *service_evidence(facts, "kube-apiserver")),
            (
                f"read `journalctl -u kube-apiserver` on {facts.host}: etcd and certificates are the usual reasons",
                *started_by(facts, "kube-apiserver", "kubernetes"),
            ),
        )
        yield Draft(finding, because)
    elif isinstance(facts.apiserver, Known) and not facts.apiserver.value.ready:
        failing = ", ".join(facts.apiserver.value.failing) or "it did not say which check"
        finding = Finding(
            "apiserver.not-ready",
            severity,
            facts.host,
            f"the apiserver on {facts.host} answers but is not ready: {failing}",
            "Its own /readyz refuses; balancers with an HTTP check send it nothing.",
            service_evidence(facts, "kube-apiserver"),
            ("mend what the failing check names; etcd first",),
        )
        yield Draft(finding, because)


def _etcd_servers(facts: HostFacts, clients: set[str]) -> Iterator[Draft]:
    """The apiserver's `--etcd-servers` should be the client URLs of live members, no more and no fewer."""
    apiserver = value_of(facts.apiserver)
    told = set(apiserver.etcd_servers) if apiserver else set()
    strange, absent = told - clients, clients - told
    if not told or not clients or not strange | absent:
        return
    yield Draft(
        Finding(
            "apiserver.etcd-servers-stale",
            Severity.WARNING,
            facts.host,
            f"the apiserver on {facts.host} is given other etcd servers than there are",
            "It tries members that are gone, or never uses ones that are there.",
            tuple(f"no such member: {url}" for url in sorted(strange))
            + tuple(f"not given: {url}" for url in sorted(absent)),
            ("write its unit again and restart it, one control plane at a time",),
        ),
        (QUORUM_LOST,),
    )


def _component(facts: HostFacts, component: str) -> Iterator[Draft]:
    unit = facts.service(component)
    if unit is None or unit.running:
        return
    yield Draft(
        Finding(
            "component.down",
            Severity.WARNING,
            f"{component}@{facts.host}",
            f"{component} is not running on {facts.host}",
            "One standby less for its leader lock.",
            service_evidence(facts, component),
            (
                f"read `journalctl -u {component}` on {facts.host}, then start it",
                *started_by(facts, component, "kubernetes"),
            ),
        ),
        (NOT_BOOTSTRAPPED, QUORUM_LOST),
    )


def _lease(lease: Lease, planes: tuple[HostFacts, ...], now: datetime) -> Iterator[Draft]:
    subject = f"{lease.namespace}/{lease.name}"
    state = lease.state(now)
    if state is LeaseState.HELD:
        yield from _holder(lease, subject)
        yield from _standby(lease, subject, planes)
        return
    age_s = lease.age_s(now)
    age = f"{age_s:.0f} s ago" if age_s is not None else "never"
    because: tuple[Key, ...] = (QUORUM_LOST, *(("apiserver.down", facts.host) for facts in planes[:1] if _all(planes)))
    if lease.host is not None:
        because += (("host.unreachable", lease.host), ("component.down", f"{lease.name}@{lease.host}"))
    yield Draft(
        Finding(
            "lease.expired",
            Severity.WARNING,
            subject,
            f"nobody leads {lease.name}: its lock is {state.value}",
            f"The holder must renew within {lease.duration_s} s; until another takes the lock, nothing does this work.",
            (f"holder {lease.holder or 'none'}, renewed {age}, read from {lease.source.value}",),
            (
                f"is {lease.name} alive on {lease.host or 'its host'}? restart it there",
                "look at the standbys: can they reach an apiserver?",
            ),
        ),
        because,
    )


def _all(planes: tuple[HostFacts, ...]) -> bool:
    return all(isinstance(facts.apiserver, Failed) for facts in planes)


def _holder(lease: Lease, subject: str) -> Iterator[Draft]:
    if lease.host is not None:
        return
    yield Draft(
        Finding(
            "lease.holder-unknown",
            Severity.WARNING,
            subject,
            f"{lease.name} is led from outside the inventory, by {lease.holder}",
            "The identity of a holder begins with its host's name; no host here has this one.",
            (f"holder {lease.holder}",),
            ("find that host: add it to the inventory, or stop the component there",),
        )
    )


def _standby(lease: Lease, subject: str, planes: tuple[HostFacts, ...]) -> Iterator[Draft]:
    if lease.name not in COMPONENTS or len(planes) < 2:
        return
    states = {facts.host: facts.service(lease.name) for facts in planes}
    if any(unit is None for unit in states.values()):
        return
    standbys = [host for host, unit in states.items() if unit is not None and unit.running and host != lease.host]
    if standbys:
        return
    yield Draft(
        Finding(
            "lease.no-standby",
            Severity.WARNING,
            subject,
            f"only {lease.host} runs {lease.name}: nobody takes over when it stops",
            "Leader election needs a second candidate.",
            (),
            (f"start {lease.name} on the other control planes",),
        ),
        tuple(("component.down", f"{lease.name}@{host}") for host in states if host != lease.host),
    )
