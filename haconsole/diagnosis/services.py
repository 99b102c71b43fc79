"""What rules say of supervised components."""

from __future__ import annotations

from haconsole.model.hosts import HostFacts
from haconsole.model.observed import reason_of


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
