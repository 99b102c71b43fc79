"""Rules about supervised components, and their remedies."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, Key, on
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Failed, reason_of, value_of
from haconsole.model.services import is_hung, is_stopped, is_suspended, service_sentence
from haconsole.model.snapshot import ClusterSnapshot

ASKED = ("etcd", "kube-apiserver")
"""Components that are queried on their port, whose rules judge their answer too."""


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about suspended processes of components that are not queried themselves."""
    for facts in snapshot.hosts:
        for unit in value_of(facts.services) or ():
            if is_suspended(unit) and unit.name not in ASKED:
                yield hung(facts, unit.name)


def service_evidence(facts: HostFacts, name: str) -> tuple[str, ...]:
    """One sentence about the component's state, or about why it is unknown."""
    unknown = f"the state of {name} on {facts.host} is unknown: {reason_of(facts.services) or 'not queried'}"
    return (service_sentence(facts, name) or unknown,)


def restarts(facts: HostFacts, name: str, part: str) -> tuple[Remedy, ...]:
    """The remedy that starts a stopped or hung unit; a unit that systemd keeps restarting needs another fix."""
    unit = facts.service(name)
    if unit is not None and not unit.exists:
        return (call("bootstrap", f"install {name}", only=part),)
    if is_stopped(unit):
        return (call("restart", "start it", service=name, host=facts.host),)
    if is_hung(unit, answers=False):
        return (call("restart", "restart the hung process", service=name, host=facts.host),)
    return ()


def hung(facts: HostFacts, name: str, *caused_by: Key) -> Candidate:
    """A component that was queried and gave no usable answer, though nothing reports that it is stopped."""
    fact = {"etcd": facts.etcd, "kube-apiserver": facts.apiserver}.get(name, facts.services)
    asked = fact.asked_from if isinstance(fact, Failed) else ()
    suspended = is_suspended(facts.service(name))
    return Candidate(
        Finding(
            "service.hung",
            Severity.WARNING,
            f"{name}@{facts.host}",
            f"{name} on {facts.host} " + ("is suspended" if suspended else "does not answer"),
            "The process exists and does no work." if suspended else "Its port was queried and gave no answer.",
            (
                *service_evidence(facts, name),
                *((f"queried from {' and '.join(asked)}: {reason_of(fact)}",) if asked else ()),
            ),
            (
                call("restart", "restart the hung process", service=name, host=facts.host),
                advice(f"read why: journalctl -u {name} on {facts.host}; look at the disk and the load there"),
            ),
        ),
        (
            NOT_BOOTSTRAPPED,
            *caused_by,
            *on(facts.host, "host.unreachable", "host.slow", "host.disk-full"),
        ),
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
                advice(f"read why, and fix what it names: journalctl -u {name} on {facts.host}"),
            ),
        ),
        (NOT_BOOTSTRAPPED, *caused_by),
    )
