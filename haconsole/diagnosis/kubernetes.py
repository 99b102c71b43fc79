"""Rules about the control plane: API servers, components with leader election, and their leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from haconsole.diagnosis.candidate import (
    BETWEEN_HOSTS,
    NOSPACE,
    NOT_BOOTSTRAPPED,
    QUORUM_LOST,
    Candidate,
    Key,
    anywhere,
    on,
)
from haconsole.diagnosis.causes import CERTIFICATE_CODES, WAITS_FOR_API, first_causes, pod_causes, setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import hung_service, log_command, restarts, service_evidence
from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd_view import EtcdView, etcd_view
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import ADVERTISE_FLAG, HostFacts, Role
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, value_of
from haconsole.model.services import is_stopped
from haconsole.model.snapshot import ClusterSnapshot

COMPONENTS = ("kube-controller-manager", "kube-scheduler")


def rules(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Candidate]:
    """Candidates about every control plane and every leader lock."""
    planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
    etcd_hosts = tuple(facts.host for facts in snapshot.hosts if facts.has(Role.ETCD))
    view = etcd_view(snapshot)
    for facts in planes:
        yield from _apiserver(facts, planes, etcd_hosts)
        yield from _etcd_servers(facts, view)
        yield from _address(facts, planes)
        for component in COMPONENTS:
            yield from _component(facts, component)
    yield from _flags(planes)
    for lease in value_of(snapshot.leases) or ():
        yield from _lease(lease, planes, etcd_hosts, now)


APISERVER_CAUSES = (
    "host.unreachable",
    "host.slow",
    "host.read-only",
    "host.disk-full",
    "host.inodes-full",
    *CERTIFICATE_CODES,
)
"""Causes on its host that take an API server down or keep it from being ready, the likeliest first."""

APISERVER_ETCD = ("etcd.member-down", "etcd.member-unhealthy", "service.hung")
"""Problems of its own member that do the same; a unit that was stopped by hand has no such cause."""


ETCD_PROBLEMS = (
    "etcd.member-down",
    "etcd.member-unhealthy",
    "etcd.corrupt",
    "etcd.cluster-id-mismatch",
    "etcd.stale-data-dir",
    *BETWEEN_HOSTS,
)
"""Problems of any member that make an API server's check of etcd fail."""


def _apiserver(
    facts: HostFacts, planes: tuple[HostFacts, ...], etcd_hosts: tuple[HostName, ...]
) -> Iterator[Candidate]:
    state = verdict(facts, "kube-apiserver", facts.apiserver)
    others = any(isinstance(each.apiserver, Known) and each.apiserver.value.ready for each in planes)
    severity = Severity.WARNING if others else Severity.CRITICAL
    etcd = () if is_stopped(facts.service("kube-apiserver")) else APISERVER_ETCD
    masked = ("service.masked", f"kube-apiserver@{facts.host}")
    caused_by = (
        *first_causes(facts.host, "kube-apiserver"),
        NOT_BOOTSTRAPPED,
        QUORUM_LOST,
        NOSPACE,
        masked,
        *setup_causes(facts.host, "kube-apiserver"),
        *on(facts.host, *APISERVER_CAUSES, *etcd),
    )
    if state is Verdict.SILENT:
        yield hung_service(facts, "kube-apiserver", *caused_by)
    elif state is Verdict.DOWN and isinstance(facts.apiserver, Failed):
        finding = Finding(
            "apiserver.down",
            severity,
            facts.host,
            f"the apiserver on {facts.host} does not answer",
            "The other API servers handle its requests." if others else "No apiserver is left: the API is down.",
            (*service_evidence(facts, "kube-apiserver"), facts.apiserver.reason),
            (
                *restarts(facts, "kube-apiserver", "kubernetes"),
                advice(f"find the cause: {log_command(facts, 'kube-apiserver')}; check etcd and certificates first"),
            ),
        )
        causes = (*caused_by, *pod_causes(facts, "kube-apiserver"), WAITS_FOR_API)
        yield Candidate(finding, causes, not_by_overload=not _starts(facts))
    elif isinstance(facts.apiserver, Known) and not facts.apiserver.value.ready:
        failing = ", ".join(facts.apiserver.value.failing) or "its /readyz does not show which check failed"
        finding = Finding(
            "apiserver.not-ready",
            severity,
            facts.host,
            f"the apiserver on {facts.host} answers but is not ready: {failing}",
            "The API server's /readyz fails, so balancers with an HTTP check send it no requests.",
            (
                *service_evidence(facts, "kube-apiserver"),
                *(f"kube-apiserver logs: {line}" for line in facts.apiserver.value.lines),
            ),
            (advice("fix the component that the failing check names, etcd first"),),
        )
        if any(name.startswith("etcd") for name in facts.apiserver.value.failing):
            lost_hosts = (cause for host in etcd_hosts for cause in on(host, "host.unreachable"))
            caused_by = (*caused_by, *anywhere(*ETCD_PROBLEMS), *lost_hosts)
        yield Candidate(finding, (*caused_by, *pod_causes(facts, "kube-apiserver")))


def _starts(facts: HostFacts) -> bool:
    """systemd or kubelet has started the process and it does not serve yet, which takes long on a slow host."""
    unit = facts.service("kube-apiserver")
    return unit is not None and unit.alive and not unit.running


def _etcd_servers(facts: HostFacts, view: EtcdView) -> Iterator[Candidate]:
    """The API server's `--etcd-servers` are all the members' client URLs, or only the member of its own host.

    kubeadm's stacked control planes name no more than their own member, by a loopback address.
    """
    apiserver = value_of(facts.apiserver)
    listed = set(apiserver.etcd_servers) if apiserver else set()
    clients = {url for row in view.members for url in row.member.client_urls}
    local = {url for url in listed if _is_loopback(url)}
    own = {url for row in view.members if row.host == facts.host for url in row.member.client_urls}
    if not listed or not clients or (local == listed and own):
        return
    servers = (listed - local) | own if local and own else listed
    strange, absent = servers - clients, clients - servers
    if not strange | absent:
        return
    yield Candidate(
        Finding(
            "apiserver.etcd-servers-stale",
            Severity.WARNING,
            facts.host,
            f"the apiserver on {facts.host} has an outdated list of etcd servers",
            "The API server connects to removed members, or does not use all current members.",
            tuple(f"no such member: {url}" for url in sorted(strange))
            + tuple(f"not in the API server's list: {url}" for url in sorted(absent)),
            (call("bootstrap", "write the list and restart API servers one at a time", only="kubernetes"),),
        ),
        (
            QUORUM_LOST,
            *anywhere("etcd.stale-data-dir", "etcd.missing-member", "etcd.ghost-member", "etcd.client-url-mismatch"),
        ),
    )


def _flags(planes: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Flags that must be equal on all API servers; the hosts with the rarer value are named."""
    flags = {facts.host: dict(one.flags) for facts in planes if (one := value_of(facts.apiserver)) and one.flags}
    names = sorted({name for own in flags.values() for name in own} - {ADVERTISE_FLAG})
    odd: dict[HostName, list[str]] = {}
    for name in names:
        values = {host: own.get(name, "not set") for host, own in flags.items()}
        usual, _ = Counter(values.values()).most_common(1)[0]
        for host, value in values.items():
            if value != usual:
                odd.setdefault(host, []).append(f"{host}: {name} is {value}; elsewhere {usual}")
    for host, differences in odd.items():
        yield Candidate(
            Finding(
                "apiserver.flags-differ",
                Severity.WARNING,
                host,
                f"the apiserver on {host} runs with other flags than the others",
                "The result of a request depends on the API server that the balancer chooses.",
                tuple(differences),
                (
                    call("bootstrap", "write the unit again and restart API servers one at a time", only="kubernetes"),
                    advice("or change the flag on the other hosts, if their value is the outdated one"),
                ),
            )
        )


def _address(facts: HostFacts, planes: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """The advertised address, which must be one of the host's own; 0.0.0.0 and :: leave the choice to the server."""
    server, own = value_of(facts.apiserver), value_of(facts.addresses)
    advertised = dict(server.flags).get(ADVERTISE_FLAG, "") if server is not None else ""
    addresses = {each.address for each in own or ()} | {facts.address}
    if not own or advertised in ("", "0.0.0.0", "::") or advertised in addresses:  # noqa: S104
        return
    owner = next((each.host for each in planes if each.address == advertised), None)
    whose = f"it is the address of {owner}" if owner else "no interface of the host has it"
    yield Candidate(
        Finding(
            "apiserver.wrong-address",
            Severity.WARNING,
            facts.host,
            f"the API server on {facts.host} advertises {advertised}, which is not the host's address",
            "Pods that reach the API through this entry of the service kubernetes fail to connect.",
            (f"{ADVERTISE_FLAG}={advertised}; {whose}; the host has {facts.address}",),
            (call("bootstrap", "write the unit again and restart API servers one at a time", only="kubernetes"),),
        )
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _component(facts: HostFacts, component: str) -> Iterator[Candidate]:
    unit = facts.service(component)
    if unit is None or unit.running:
        return
    yield Candidate(
        Finding(
            "component.down",
            Severity.WARNING,
            f"{component}@{facts.host}",
            f"{component} is not running on {facts.host}",
            "There is one standby fewer to take over the component's leader lock.",
            service_evidence(facts, component),
            (
                *restarts(facts, component, "kubernetes"),
                advice(f"find the cause: {log_command(facts, component)}"),
            ),
        ),
        (
            *first_causes(facts.host, component),
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            ("service.masked", f"{component}@{facts.host}"),
            *setup_causes(facts.host, component),
            *on(facts.host, *CERTIFICATE_CODES),
            *(() if is_stopped(unit) else (NOSPACE, *on(facts.host, "apiserver.down", "apiserver.not-ready"))),
            *(() if is_stopped(unit) else anywhere(*BETWEEN_HOSTS, "haproxy.short-timeouts")),
            *pod_causes(facts, component),
            WAITS_FOR_API,
        ),
    )


def _lease(
    lease: Lease, planes: tuple[HostFacts, ...], etcd_hosts: tuple[HostName, ...], now: datetime
) -> Iterator[Candidate]:
    subject = f"{lease.namespace}/{lease.name}"
    state = lease.state(now)
    if state is LeaseState.HELD:
        yield from _holder(lease, subject)
        yield from _standby(lease, subject, planes)
        return
    age_s = lease.age_s(lease.read_at or now)
    age = f"{age_s:.0f} s ago" if age_s is not None else "never"
    yield Candidate(
        Finding(
            "lease.expired",
            Severity.WARNING,
            subject,
            f"{lease.name} has no leader: its lock is {state.value}",
            f"The holder must renew the lock within {lease.duration_s} s. Without a holder the component does no work.",
            (
                (
                    f"holder {lease.holder or 'none'}, last renewed {age} at the time of reading, read from "
                    f"{lease.source.value}"
                ),
            ),
            (
                *_restart_of_holder(lease),
                advice("check that the standbys can reach an API server"),
            ),
        ),
        _lease_causes(lease, planes, etcd_hosts),
    )


def _lease_causes(lease: Lease, planes: tuple[HostFacts, ...], etcd_hosts: tuple[HostName, ...]) -> tuple[Key, ...]:
    """Trouble of the holder and its host first, then trouble of etcd that delays every write."""
    of_holder: tuple[Key, ...] = ()
    if lease.host is not None:
        of_holder = (
            *on(lease.host, "host.unreachable", "host.slow", "apiserver.down", "apiserver.not-ready"),
            ("component.down", f"{lease.name}@{lease.host}"),
            ("service.hung", f"{lease.name}@{lease.host}"),
            ("service.masked", f"{lease.name}@{lease.host}"),
            ("service.crash-loop", f"{lease.name}@{lease.host}"),
            ("component.flags-differ", f"{lease.name}@{lease.host}"),
            *setup_causes(lease.host, lease.name),
            ("service.hung", f"kube-apiserver@{lease.host}"),
        )
    return (
        QUORUM_LOST,
        NOSPACE,
        *(("apiserver.down", facts.host) for facts in planes[:1] if _all(planes)),
        *of_holder,
        *(("service.hung", f"etcd@{host}") for host in etcd_hosts),
        *anywhere(*BETWEEN_HOSTS, "etcd.member-unhealthy", "haproxy.short-timeouts"),
    )


def _restart_of_holder(lease: Lease) -> tuple[Remedy, ...]:
    """A restart of the holder, if it is a component on a known host."""
    if lease.host is None or lease.name not in COMPONENTS:
        return ()
    return (call("restart", "restart the holder", service=lease.name, host=lease.host),)


def _all(planes: tuple[HostFacts, ...]) -> bool:
    return all(isinstance(facts.apiserver, Failed) for facts in planes)


def _holder(lease: Lease, subject: str) -> Iterator[Candidate]:
    if lease.host is not None:
        return
    yield Candidate(
        Finding(
            "lease.holder-unknown",
            Severity.WARNING,
            subject,
            f"the leader of {lease.name} is {lease.holder}, which is not in the inventory",
            "A holder's identity begins with its host's name, and no host of the inventory has this name.",
            (f"holder {lease.holder}",),
            (advice("find the holder's host; add it to the inventory, or stop the component on it"),),
        )
    )


def _standby(lease: Lease, subject: str, planes: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    if lease.name not in COMPONENTS or len(planes) < 2:
        return
    states = {facts.host: facts.service(lease.name) for facts in planes}
    if any(unit is None for unit in states.values()):
        return
    standbys = [host for host, unit in states.items() if unit is not None and unit.running and host != lease.host]
    if standbys:
        return
    yield Candidate(
        Finding(
            "lease.no-standby",
            Severity.WARNING,
            subject,
            f"only {lease.host} runs {lease.name}: no standby can take over",
            "Leader election needs a second candidate.",
            (),
            (call("restart", f"start {lease.name} where it is stopped", service=lease.name),),
        ),
        tuple(
            (code, f"{lease.name}@{host}")
            for host in states
            if host != lease.host
            for code in ("component.down", "component.flags-differ")
        ),
    )
