"""What the state of a supervised component means."""

from __future__ import annotations

from haconsole.model.hosts import HostFacts, ServiceState

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


def service_sentence(facts: HostFacts, name: str) -> str | None:
    """``etcd on cp2 is stopped since 2026-03-01 03:01:50Z (exit 0)``; None where the state is unknown."""
    unit = facts.service(name)
    if unit is None:
        return None
    if not unit.exists:
        return f"{name} is not installed on {facts.host}"
    since = f" since {unit.since:%Y-%m-%d %H:%M:%S}Z" if unit.since else ""
    ending = f" ({unit.ending})" if unit.ending and unit.active in STOPPED else ""
    restarts = f", restarted {unit.restarts} times" if unit.restarts else ""
    return f"{name} on {facts.host} {_state(unit)}{since}{ending}{restarts}"


def _state(unit: ServiceState) -> str:
    if unit.process in SUSPENDED:
        return f"hangs: process {unit.pid} is suspended (state {unit.process}), running"
    if unit.process == DISK_WAIT:
        return f"waits for the disk: process {unit.pid} (state D), running"
    states = {
        "inactive": "is stopped",
        "failed": "failed, stopped",
        "active": "is running",
        "activating": "is starting",
    }
    return states.get(unit.active, f"is {unit.active} ({unit.sub})")
