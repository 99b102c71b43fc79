"""Verdicts about a component that answers on a port: it answers, it is down, or neither is known."""

from __future__ import annotations

from enum import StrEnum

from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import Cause, Failed, Known, NotAsked, Observed
from haconsole.model.services import is_suspended


class Verdict(StrEnum):
    """The state of a component.

    `DOWN`: its port refused a connection, or its own host reports that it does not run; no other value means that.
    `SILENT`: it was queried and gave no usable answer. `UNKNOWN`: it could not be queried, or refused the client.
    `WAITING`: it was not queried yet.
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
            return Verdict.WAITING
        case Failed():
            return _failed(facts.service(service), fact)


def _failed(unit: ServiceState | None, fact: Failed[object]) -> Verdict:
    refused = bool(fact.asked_from) and fact.cause is Cause.REFUSED
    if refused or (unit is not None and not unit.alive):
        return Verdict.DOWN
    was_queried = bool(fact.asked_from) and fact.cause is not Cause.AUTH_FAILED
    return Verdict.SILENT if was_queried or is_suspended(unit) else Verdict.UNKNOWN
