"""Verdicts about a component that answers on a port: it answers, it is down, or neither is known."""

from __future__ import annotations

from enum import StrEnum

from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import Cause, Failed, Known, NotAsked, Observed, value_of
from haconsole.model.services import is_suspended
from haconsole.model.system import Pressure


class Verdict(StrEnum):
    """The state of a component.

    `DOWN`: its port refused a connection, or its own host reports that it does not run; no other value means that.
    `SILENT`: it was queried and gave no usable answer, or its process is suspended.
    `UNKNOWN`: it could not be queried, or refused the client. `WAITING`: it was not queried yet.
    """

    ANSWERS = "answers"
    DOWN = "down"
    SILENT = "silent"
    UNKNOWN = "unknown"
    WAITING = "waiting"


def verdict(facts: HostFacts, service: str, fact: Observed[object]) -> Verdict:
    """The state of the component `service`, from the answer to a query and from its host's report."""
    match fact:
        case Known():
            return Verdict.ANSWERS
        case NotAsked():
            return Verdict.SILENT if is_suspended(facts.service(service)) else Verdict.WAITING
        case Failed():
            return _failed(facts.service(service), fact)


def _failed(unit: ServiceState | None, fact: Failed[object]) -> Verdict:
    refused = bool(fact.asked_from) and fact.cause is Cause.REFUSED
    if refused or (unit is not None and not unit.alive):
        return Verdict.DOWN
    was_queried = bool(fact.asked_from) and fact.cause is not Cause.AUTH_FAILED
    return Verdict.SILENT if was_queried or is_suspended(unit) else Verdict.UNKNOWN


LATE_TOGETHER = 2
"""From so many late answers of different probes it is the host that is slow, and no single component."""
SERVICES = {"etcd": "etcd", "apiserver": "kube-apiserver", "haproxy": "haproxy", "keepalived": "keepalived"}
"""Facts about a component, and the service behind each."""


def late_facts(facts: HostFacts) -> dict[str, Failed[object]]:
    """The queries of a reached host without an answer in time, those of its running components included."""
    if not isinstance(facts.reach, Known):
        return {}
    failures = ((name, fact.direct if isinstance(fact, Known) else fact) for name, fact in facts.facts())
    return {
        name: failed
        for name, failed in failures
        if isinstance(failed, Failed) and _is_late(facts, failed) and not does_not_run(facts, name)
    }


def _is_late(facts: HostFacts, failed: Failed[object]) -> bool:
    """No answer in time; of a host whose tasks mostly wait, also a connection that was closed during its handshake."""
    return failed.cause is Cause.TIMED_OUT or (failed.cause is Cause.CONNECTION_LOST and is_busy(facts))


BUSY = 80.0
"""The share of time, in percent, in which tasks waited, from which one late answer is the host's too."""


def is_slow(facts: HostFacts) -> bool:
    """Unrelated queries of the host were late at the same time, or one was while its tasks wait most of the time."""
    late = len(late_facts(facts))
    return late >= LATE_TOGETHER or (late > 0 and is_busy(facts))


def is_busy(facts: HostFacts) -> bool:
    """Its tasks wait for the processor, the disk or memory most of the time."""
    return _pressure(facts) > BUSY


def is_starved(facts: HostFacts) -> bool:
    """Its tasks wait for the processor most of the time."""
    system = value_of(facts.system)
    return system is not None and (system.pressure.cpu or 0.0) > BUSY


def _pressure(facts: HostFacts) -> float:
    system = value_of(facts.system)
    pressure = system.pressure if system else Pressure()
    return max(pressure.cpu or 0.0, pressure.io or 0.0, pressure.memory or 0.0)


def does_not_run(facts: HostFacts, name: str) -> bool:
    """The component behind a fact is down, by its port or by its host's report."""
    service = SERVICES.get(name)
    unit = facts.service(service) if service else None
    fact: Observed[object] = getattr(facts, name)
    return service is not None and (
        verdict(facts, service, fact) is Verdict.DOWN or (unit is not None and not unit.alive)
    )
