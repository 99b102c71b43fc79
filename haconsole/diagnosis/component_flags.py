"""Rules about flags of kube-controller-manager and kube-scheduler that must be equal, and about their leader locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate
from haconsole.diagnosis.kubernetes import COMPONENTS
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.unit_settings import correct_settings
from haconsole.inventory.schema import Inventory
from haconsole.model.component_flags import DEFAULTS, ComponentFlags
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, Role, ServiceKind
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

CODE = "component.flags-differ"
_OF_LOCK = ("--leader-elect-resource-name", "--leader-elect-resource-namespace", "--leader-elect-resource-lock")
Planes = tuple[tuple[HostFacts, ComponentFlags], ...]


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """One candidate for each running component whose flags are not those of the other hosts."""
    for component in COMPONENTS:
        planes = tuple(
            (facts, one)
            for facts in snapshot.hosts
            if facts.has(Role.CONTROL_PLANE) and _runs(facts, component)
            for one in value_of(facts.component_flags) or ()
            if one.component == component
        )
        if len(planes) > 1:
            yield from _of_component(planes, inventory)


def _runs(facts: HostFacts, component: str) -> bool:
    unit = facts.service(component)
    return unit is not None and unit.running


def _of_component(planes: Planes, inventory: Inventory) -> Iterator[Candidate]:
    usual = {flag: _usual(flag, planes) for flag in DEFAULTS}
    for facts, own in planes:
        odd = tuple(flag for flag in DEFAULTS if own.value(flag) != usual[flag])
        if not own.takes_lock:
            yield _candidate(facts, own, _without_lock(facts, own), (*odd, "--leader-elect"), usual, inventory)
        elif set(odd) & set(_OF_LOCK):
            yield _candidate(facts, own, _other_lock(facts, own), odd, usual, inventory)
        elif odd:
            summary = f"{own.component} on {facts.host} runs with other flags than on the other hosts"
            why = "The cluster works by the flags of the current leader, so its behaviour changes when the leader does."
            yield _candidate(facts, own, (summary, why), odd, usual, inventory)


def _usual(flag: str, planes: Planes) -> str:
    """The value of most hosts; of equally frequent ones the default."""
    counts = Counter(own.value(flag) for _, own in planes)
    return max(counts, key=lambda value: (counts[value], value == DEFAULTS[flag]))


def _without_lock(facts: HostFacts, own: ComponentFlags) -> tuple[str, str]:
    return (
        f"{own.component} on {facts.host} works without a leader lock, beside the leader on another host",
        "With --leader-elect=false it does not wait for a lock, so that two of them change the same objects.",
    )


def _other_lock(facts: HostFacts, own: ComponentFlags) -> tuple[str, str]:
    return (
        f"{own.component} on {facts.host} uses another leader lock than the other hosts, so two of them are active",
        f"Its lock is {own.lock}. With different locks both change the same objects.",
    )


def _candidate(
    facts: HostFacts,
    own: ComponentFlags,
    texts: tuple[str, str],
    flags: tuple[str, ...],
    usual: dict[str, str],
    inventory: Inventory,
) -> Candidate:
    lines = tuple(
        f"{flag} is {own.value(flag) or 'not set'}"
        + (f"; elsewhere {usual[flag] or 'not set'}" if usual[flag] != own.value(flag) else "")
        for flag in dict.fromkeys(flags)
    )
    summary, why = texts
    return Candidate(
        Finding(
            CODE,
            Severity.WARNING,
            f"{own.component}@{facts.host}",
            summary,
            why,
            lines,
            _remedies(facts, own.component, inventory),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _remedies(facts: HostFacts, component: str, inventory: Inventory) -> tuple[Remedy, ...]:
    unit = facts.service(component)
    file = "the manifest" if unit is not None and unit.kind is ServiceKind.STATIC_POD else "the unit"
    rewrite = call("bootstrap", f"write {file} of {component} again and restart it", only="kubernetes")
    other = advice("or change the flag on the other hosts, if their value is the outdated one")
    return (*(correct_settings(facts, component, inventory) or (rewrite,)), other)
