"""What rules say of supervised components."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.draft import NOT_BOOTSTRAPPED, Draft, Key
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import reason_of

STOPPED = ("inactive", "failed")
"""States of a unit that nothing starts by itself; a static pod is for its kubelet to start and is never in one."""


def service_evidence(facts: HostFacts, name: str) -> tuple[str, ...]:
    """One sentence about the component's state, or about why it is unknown."""
    unit = facts.service(name)
    if unit is None:
        return (f"{facts.host}: {name}'s state is unknown: {reason_of(facts.services) or 'not asked'}",)
    if not unit.exists:
        return (f"{facts.host}: there is no {name} service",)
    since = f" since {unit.since:%Y-%m-%d %H:%M:%S}Z" if unit.since else ""
    restarts = f", restarted {unit.restarts} times" if unit.restarts else ""
    return (f"{facts.host}: {name} is {unit.active} ({unit.sub}){since}{restarts}",)


def started_by(facts: HostFacts, name: str, part: str) -> tuple[str, ...]:
    """What starts a unit that stopped; one that is being started again and again needs another help."""
    unit = facts.service(name)
    if unit is None or not unit.exists or unit.active not in STOPPED:
        return ()
    return (f"or run bootstrap --only {part}: it starts what is stopped",)


def service_down(facts: HostFacts, name: str, meaning: str, *because: Key) -> Iterator[Draft]:
    """A balancer's service that does not run; `because` are findings that would explain it."""
    unit = facts.service(name)
    if unit is None or unit.running:
        return
    yield Draft(
        Finding(
            f"{name}.down",
            Severity.WARNING,
            facts.host,
            f"{name} is not running on {facts.host}: {meaning}",
            "The inventory gives this host the load-balancer role.",
            service_evidence(facts, name),
            (
                f"read `journalctl -u {name}` on {facts.host}, mend what it names, start it again",
                *started_by(facts, name, name),
            ),
        ),
        (NOT_BOOTSTRAPPED, *because),
    )
