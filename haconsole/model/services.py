"""The states of systemd units and static pods: stopped, suspended, hung, in a crash loop; and a sentence for each."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.model.hosts import HostFacts, ServiceKind, ServiceState

STOPPED = ("inactive", "failed")
"""States that systemd does not leave without a start; a static pod is for its kubelet to start and is never in one."""
SUSPENDED = ("T", "t")
"""Process states of proc(5): stopped by a signal or by a tracer."""
DISK_WAIT = "D"


def is_stopped(unit: ServiceState | None) -> bool:
    """The unit exists and does not run, and nothing starts it automatically."""
    return unit is not None and unit.exists and unit.active in STOPPED


def is_suspended(unit: ServiceState | None) -> bool:
    """Its process exists and is stopped by a signal or a tracer."""
    return unit is not None and unit.active not in STOPPED and unit.process in SUSPENDED


def is_hung(unit: ServiceState | None, *, answers: bool) -> bool:
    """The process exists and cannot work: it is suspended, or it waits for the disk and `answers` nothing."""
    if unit is None or unit.active in STOPPED:
        return False
    return is_suspended(unit) or (unit.process == DISK_WAIT and not answers)


CRASHES = 3
"""Restarts by its supervisor from which a unit that does not stay up is in a crash loop."""
STEADY = timedelta(seconds=20)
"""The age from which a process counts as up again."""


STARTING = timedelta(seconds=30)
"""The age up to which a process may still be loading its program and its data."""


def age_while_starting(unit: ServiceState | None, at: datetime) -> timedelta | None:
    """The age at `at` of a process that was started a moment ago; None for an older, suspended or unknown one."""
    started = (unit.started or unit.since) if unit is not None and unit.running else None
    if started is None or is_suspended(unit):
        return None
    return at - started if timedelta() <= at - started <= STARTING else None


def crash_loops(unit: ServiceState, at: datetime) -> bool:
    """Its supervisor restarted it some times, and at `at` it waits for the next start or began a moment ago."""
    return unit.restarts >= CRASHES and (not unit.alive or just_restarted(unit, at))


def just_restarted(unit: ServiceState, at: datetime) -> bool:
    """Its supervisor restarted it a moment before `at`: its last lines are those of the attempt before."""
    return unit.restarts > 0 and unit.started is not None and timedelta() <= at - unit.started < STEADY


def keep_lines(before: tuple[ServiceState, ...], after: tuple[ServiceState, ...]) -> tuple[ServiceState, ...]:
    """The later states; one whose log was not read again keeps the lines known before, while it still fails."""
    known = {unit.name: unit for unit in before}
    return tuple(
        replace(unit, lines=known[unit.name].lines, listeners=known[unit.name].listeners)
        if not unit.lines and unit.name in known and (not unit.alive or unit.restarts >= CRASHES)
        else unit
        for unit in after
    )


def service_sentence(facts: HostFacts, name: str) -> str | None:
    """``etcd on cp2 is stopped since 2026-03-01 03:01:50Z (exit 0)``; None where the state is unknown."""
    unit = facts.service(name)
    if unit is None:
        return None
    if not unit.exists:
        missing = "has no manifest" if unit.kind is ServiceKind.STATIC_POD else "is not installed"
        return f"{name} {missing} on {facts.host}"
    since = f" since {unit.since:%Y-%m-%d %H:%M:%S}Z" if unit.since else ""
    if unit.masked:
        return f"{name} on {facts.host} is masked, so nothing can start it"
    ending = f" ({_why_ended(unit)})" if _why_ended(unit) and not unit.alive else ""
    restarts = f", restarted {unit.restarts} times" if unit.restarts else ""
    return f"{name} on {facts.host} {_state(unit)}{since}{ending}{restarts}"


def _why_ended(unit: ServiceState) -> str:
    plain = unit.result in ("", "exit-code", "signal")
    return ", ".join(part for part in ("" if plain else unit.result, unit.ending) if part)


def _state(unit: ServiceState) -> str:
    if unit.process in SUSPENDED:
        return f"hangs: process {unit.pid} is suspended (state {unit.process})"
    if unit.process == DISK_WAIT:
        return f"waits for the disk: process {unit.pid} is in state D"
    states = {
        "inactive": "is stopped",
        "failed": "failed, stopped",
        "active": "is running",
        "activating": "is starting",
    }
    return states.get(unit.active, f"is {unit.active} ({unit.sub})")
