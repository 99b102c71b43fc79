"""Rules about supervised components, and their remedies."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, Key
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import reason_of
from haconsole.model.services import is_hung, is_stopped, service_sentence


def service_evidence(facts: HostFacts, name: str) -> tuple[str, ...]:
    """One sentence about the component's state, or about why it is unknown."""
    unknown = f"the state of {name} on {facts.host} is unknown: {reason_of(facts.services) or 'not asked'}"
    return (service_sentence(facts, name) or unknown,)


def restarts(facts: HostFacts, name: str, part: str) -> tuple[Remedy, ...]:
    """What starts a unit that is stopped or hung; a unit that systemd keeps restarting needs another fix."""
    unit = facts.service(name)
    if unit is not None and not unit.exists:
        return (call("bootstrap", f"install {name}", only=part),)
    if is_stopped(unit):
        return (call("restart", "start it", service=name, host=facts.host),)
    if is_hung(unit, answers=False):
        return (call("restart", "restart the hung process", service=name, host=facts.host),)
    return ()


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
                advice(f"read why, and fix what it names: journalctl -u {name} on {facts.host}"),
            ),
        ),
        (NOT_BOOTSTRAPPED, *caused_by),
    )
