"""Rules about each component's unit or static pod: stopped, masked, not enabled or restarting, and the remedies."""

from __future__ import annotations

from collections.abc import Iterator

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
from haconsole.diagnosis.causes import first_causes, kubelet_causes, pod_causes, setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, ServiceKind, ServiceState
from haconsole.model.observed import Failed, Known, reason_of, value_of
from haconsole.model.services import (
    age_while_starting,
    crash_loops,
    is_hung,
    is_stopped,
    is_suspended,
    service_sentence,
)
from haconsole.model.snapshot import ClusterSnapshot

OF_LEASES = ("etcd.member-unhealthy", "haproxy.short-timeouts")
"""Problems for which a component loses its leader lock and exits."""
ASKED = ("etcd", "kube-apiserver")
"""Components that are queried on their port, whose rules judge their answer too."""


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about every unit that a host should run: masked, suspended, in a crash loop, not enabled."""
    for facts in snapshot.hosts:
        for unit in value_of(facts.services) or ():
            yield from _unit(facts, unit)


def _unit(facts: HostFacts, unit: ServiceState) -> Iterator[Candidate]:
    assert isinstance(facts.services, Known)
    if unit.masked:
        yield _masked(facts, unit)
    elif is_suspended(unit) and unit.name not in ASKED:
        yield hung_service(facts, unit.name)
    elif crash_loops(unit, facts.services.at):
        yield _crash_loop(facts, unit)
    elif unit.running and unit.enabled is False and unit.kind is ServiceKind.UNIT:
        yield _disabled(facts, unit)


def _masked(facts: HostFacts, unit: ServiceState) -> Candidate:
    return Candidate(
        Finding(
            "service.masked",
            Severity.WARNING,
            f"{unit.name}@{facts.host}",
            f"{unit.name} on {facts.host} is masked, so nothing can start it",
            "A masked unit is linked to /dev/null. An administrator masks a unit to keep it stopped.",
            service_evidence(facts, unit.name)[1:],
            (call("unmask", "unmask the unit and start it", service=unit.name, host=facts.host),),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _crash_loop(facts: HostFacts, unit: ServiceState) -> Candidate:
    return Candidate(
        Finding(
            "service.crash-loop",
            Severity.WARNING,
            f"{unit.name}@{facts.host}",
            f"{unit.name} on {facts.host} ends again and again: systemd restarted it {unit.restarts} times",
            "The process exits shortly after each start. Its own log gives the reason.",
            service_evidence(facts, unit.name),
            (advice(f"fix the error that the unit's log shows: {log_command(facts, unit.name)}"),),
        ),
        (
            *first_causes(facts.host, unit.name),
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            NOSPACE,
            *setup_causes(facts.host, unit.name),
            *on(facts.host, *DOWN_CODES.get(unit.name, (f"{unit.name}.down",)), "host.read-only", "host.disk-full"),
            *(anywhere(*BETWEEN_HOSTS, *OF_LEASES) if unit.name.startswith("kube-") else ()),
            *(kubelet_causes(facts.host) if unit.name == "kubelet" else ()),
        ),
    )


DOWN_CODES = {
    "etcd": ("etcd.member-down", "etcd.missing-member"),
    "kube-apiserver": ("apiserver.down", "apiserver.not-ready"),
    "kube-controller-manager": ("component.down",),
    "kube-scheduler": ("component.down",),
}
"""Codes that report the same unit as down, by unit; ``haproxy.down`` and the like need no entry."""


def _disabled(facts: HostFacts, unit: ServiceState) -> Candidate:
    return Candidate(
        Finding(
            "service.disabled",
            Severity.INFO,
            f"{unit.name}@{facts.host}",
            f"{unit.name} on {facts.host} runs but is not enabled: it does not start after a reboot",
            "systemd starts only enabled units when the host boots.",
            (),
            (call("repair", "enable the unit", setting="autostart", host=facts.host, target=unit.name),),
        )
    )


def service_evidence(facts: HostFacts, name: str) -> tuple[str, ...]:
    """One sentence about the component's state, or about why it is unknown."""
    unknown = f"the state of {name} on {facts.host} is unknown: {reason_of(facts.services) or 'not queried'}"
    unit = facts.service(name)
    log = tuple(f"{name} logs: {line}" for line in unit.lines) if unit else ()
    return (service_sentence(facts, name) or unknown, *log)


def log_command(facts: HostFacts, name: str) -> str:
    """The command that prints a component's log, with its host: of a unit its journal, of a static pod its files."""
    unit = facts.service(name)
    if unit is not None and unit.kind is ServiceKind.STATIC_POD:
        return f"tail -n 50 /var/log/pods/kube-system_{name}-*/{name}/*.log on {facts.host}"
    return f"journalctl -u {name} on {facts.host}"


def restarts(facts: HostFacts, name: str, part: str) -> tuple[Remedy, ...]:
    """The remedy that starts a stopped or hung unit; a unit that systemd keeps restarting needs another fix."""
    unit = facts.service(name)
    if unit is not None and unit.kind is ServiceKind.STATIC_POD and not unit.exists:
        return (advice(f"on {facts.host}: move the manifest of {name} back into kubelet's folder of static pods"),)
    if unit is not None and not unit.exists:
        return (call("bootstrap", f"install {name}", only=part),)
    if is_stopped(unit):
        return (call("restart", "start it", service=name, host=facts.host),)
    if is_hung(unit, answers=False):
        return (call("restart", "restart the hung process", service=name, host=facts.host),)
    return ()


def hung_service(facts: HostFacts, name: str, *caused_by: Key) -> Candidate:
    """A component that was queried and gave no usable answer, though nothing reports that it is stopped."""
    fact = {"etcd": facts.etcd, "kube-apiserver": facts.apiserver}.get(name, facts.services)
    peers = fact.asked_from if isinstance(fact, Failed) else ()
    suspended = is_suspended(facts.service(name))
    age = age_while_starting(facts.service(name), fact.at) if isinstance(fact, Failed) else None
    restart = call("restart", "restart the hung process", service=name, host=facts.host)
    wait = advice("wait half a minute: the process is still starting")
    silence = "does not answer" if age is None else f"does not answer yet: it started {age.seconds} s ago"
    return Candidate(
        Finding(
            "service.hung",
            Severity.WARNING,
            f"{name}@{facts.host}",
            f"{name} on {facts.host} " + ("is suspended" if suspended else silence),
            "The process exists and does no work." if suspended else "Its port was queried and gave no answer.",
            (
                *service_evidence(facts, name),
                *((f"queried from {' and '.join(peers)}: {reason_of(fact)}",) if peers else ()),
            ),
            (
                restart if age is None else wait,
                advice(f"find the cause: {log_command(facts, name)}; check the host's disk and load"),
            ),
        ),
        (
            NOT_BOOTSTRAPPED,
            *caused_by,
            *setup_causes(facts.host, name),
            *on(facts.host, "host.unreachable", "host.slow", "host.read-only", "host.disk-full"),
            *(() if suspended else anywhere(*BETWEEN_HOSTS)),
            *pod_causes(facts, name),
        ),
        not_by_overload=suspended,
    )


def service_down(facts: HostFacts, name: str, meaning: str, *caused_by: Key) -> Iterator[Candidate]:
    """A balancer's service that does not run; `caused_by` are findings that would explain it."""
    unit = facts.service(name)
    if unit is None or unit.running:
        return
    yield Candidate(
        Finding(
            f"{name}.down",
            Severity.WARNING,
            facts.host,
            f"{name} is not running on {facts.host}: {meaning}",
            "The inventory gives this host the load-balancer role.",
            service_evidence(facts, name),
            (
                *restarts(facts, name, name),
                advice(f"find the cause, and fix it: journalctl -u {name} on {facts.host}"),
            ),
        ),
        (
            ("host.port-taken", f"{name}@{facts.host}"),
            NOT_BOOTSTRAPPED,
            ("service.masked", f"{name}@{facts.host}"),
            *setup_causes(facts.host, name),
            ("config.invalid", f"{name}@{facts.host}"),
            *caused_by,
        ),
    )
