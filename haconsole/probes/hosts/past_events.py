"""Events of the last hours from a host's journal: elections, VRRP states, starts and ends, boots, clock jumps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from haconsole.model.names import HostName
from haconsole.model.past import KERNEL, MANAGER, HostPast, PastEvent, PastKind
from haconsole.probes.script import SectionAnswer
from haconsole.scripts import load_script
from haconsole.transport.base import Argv

MOST_LINES = 600
WITHIN_S = 20.0
"""The script limits itself to 12 s."""
REPEATS = timedelta(seconds=30)
"""Equal events that follow each other so closely are one."""
JUMP_S = 0.5
SLEW = 0.001
"""A clock that is adjusted gradually changes by at most this share."""
_NO_UNIT = ("init.scope", "")


class _Entry(msgspec.Struct, frozen=True):
    """The fields of a journal entry that matter here (systemd.journal-fields(7))."""

    at: datetime
    ahead: datetime
    """Its time without the time since the boot, which changes only when the clock is set."""
    boot: str
    source: str
    """The program that logged it: a unit, ``systemd`` or ``kernel``."""
    unit: str
    """The unit that it is about."""
    text: str


def past_argv(seconds: int, units: tuple[str, ...]) -> Argv:
    """The command that reads these units' events of the last seconds."""
    return ("sh", "-c", load_script("past-events"), "past-events", str(seconds), str(MOST_LINES), *units)


def parse(answer: SectionAnswer, host: HostName = HostName("")) -> HostPast:  # noqa: B008
    """The events, oldest first."""
    *lines, last = answer.output.splitlines() or [""]
    boot = next((line.removeprefix("before ") for line in lines if line.startswith("before ")), "")
    events: list[PastEvent] = []
    before: _Entry | None = None
    for entry in _entries(reversed(lines)):
        for event in (*_transition(before, entry, boot, host), _event(entry, host)):
            if event is not None:
                _add(events, event)
        before = entry
    if last not in ("end", "more"):
        return HostPast(host, tuple(events), "the host ended the list of events early", complete=False)
    return HostPast(host, tuple(events), complete=last == "end")


def _transition(before: _Entry | None, entry: _Entry, boot: str, host: HostName) -> Iterator[PastEvent]:
    """A boot or a jump of the clock between two entries in the order of the journal."""
    earlier_boot = before.boot if before is not None else boot
    if entry.boot != earlier_boot:
        if earlier_boot:
            yield PastEvent(entry.at, host, PastKind.BOOT, MANAGER, "the host booted")
        return
    if before is None:
        return
    jump_s = (entry.ahead - before.ahead).total_seconds()
    if abs(jump_s) > JUMP_S + SLEW * abs((entry.at - before.at).total_seconds()):
        yield PastEvent(
            entry.at, host, PastKind.CLOCK, MANAGER, f"the clock was changed by {jump_s:+.1f} s", f"{jump_s:+.1f}"
        )


def _add(events: list[PastEvent], event: PastEvent) -> None:
    """Add an event, or count it as one more of the same; a stop that is part of a restart is none of its own."""
    place = next((place for place in reversed(range(len(events))) if events[place].source == event.source), None)
    if place is not None and event.at - events[place].at <= REPEATS:
        before = events[place]
        if replace(before, at=event.at, times=1) == event:
            events[place] = replace(before, times=before.times + 1)
            return
        if (before.kind, event.kind) == (PastKind.RESTART, PastKind.STOPPED):
            return
    events.append(event)


def _entries(lines: Iterable[str]) -> Iterator[_Entry]:
    for line in lines:
        try:
            fields = json.loads(line)
            at = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1_000_000, UTC)
            ahead = at - timedelta(microseconds=int(fields["__MONOTONIC_TIMESTAMP"]))
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
        unit = str(fields.get("_SYSTEMD_UNIT") or "").removesuffix(".service")
        is_kernel = fields.get("_TRANSPORT") == "kernel"
        source = KERNEL if is_kernel else MANAGER if unit in _NO_UNIT else unit
        about = str(fields.get("UNIT") or "").removesuffix(".service") or source
        yield _Entry(at, ahead, str(fields.get("_BOOT_ID") or ""), source, about, _message(fields.get("MESSAGE")))


def _message(value: object) -> str:
    """The text of a message; etcd's own JSON is reduced to its ``msg``."""
    if isinstance(value, list):
        value = bytes(each for each in value if isinstance(each, int) and 0 <= each < 256).decode(errors="replace")
    if not isinstance(value, str):
        return ""
    if not value.startswith("{"):
        return value
    try:
        return str(json.loads(value).get("msg", ""))
    except (ValueError, AttributeError):
        return value


_Result = tuple[PastKind, str, str]
"""Kind, text and detail."""
_RULES: tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str]], _Result]], ...] = (
    (
        re.compile(r"(\w+) (?:elected leader|changed leader from \w+ to) (\w+) at term (\d+)"),
        "",
        lambda match: (PastKind.LEADER, f"sees leader {match[2]} since term {match[3]}", match[2]),
    ),
    (
        re.compile(r"(\w+) became leader at term (\d+)"),
        "",
        lambda match: (PastKind.LEADER, f"became leader in term {match[2]}", match[1]),
    ),
    (
        re.compile(r"(\w+) lost leader (\w+) at term (\d+)"),
        "",
        lambda match: (PastKind.LEADER_LOST, f"lost leader {match[2]} in term {match[3]}", match[2]),
    ),
    (re.compile(r"slow fdatasync"), "", lambda match: (PastKind.SLOW_DISK, "waited over 1 s for the disk", "")),
    (re.compile(r"request timed out"), "", lambda match: (PastKind.TIME_OUT, "a request timed out", "")),
    (
        re.compile(r"\(?(?:VRRP_Instance\()?([^()\s]+)\) Entering (\w+) STATE"),
        "",
        lambda match: (PastKind.VRRP, f"{match[1]} entered {match[2]}", f"{match[1]} {match[2]}"),
    ),
    (
        re.compile(r"[Ss]cript `?(\S+?)['`]? now returning (\d+)"),
        "",
        lambda match: (PastKind.CHECK, f"the check {match[1]} now returns {match[2]}", match[2]),
    ),
    (
        re.compile(r"Main process exited, code=(\w+), status=(\d+)(?:/(\w+))?"),
        MANAGER,
        lambda match: (PastKind.ENDED, *_ending(match)),
    ),
    (
        re.compile(r"(?:killed by the OOM killer|Failed with result 'oom-kill')"),
        MANAGER,
        lambda match: (PastKind.OUT_OF_MEMORY, "was OOM-killed", ""),
    ),
    (
        re.compile(r"Scheduled restart job, restart counter is at (\d+)"),
        MANAGER,
        lambda match: (PastKind.RESTART, f"is restarted automatically (restart number {match[1]})", match[1]),
    ),
    (re.compile(r"^Started "), MANAGER, lambda match: (PastKind.STARTED, "started", "")),
    (re.compile(r"^Stopped "), MANAGER, lambda match: (PastKind.STOPPED, "stopped", "")),
    (re.compile(r"running in system mode"), MANAGER, lambda match: (PastKind.BOOT, "the host booted", "")),
    (
        re.compile(r"Reached target .*(?:shutdown\.target|Shutdown)"),
        MANAGER,
        lambda match: (PastKind.SHUTDOWN, "the host shuts down", ""),
    ),
    (
        re.compile(r"[Oo]ut of memory: Killed process \d+ \(([^)]+)\)"),
        KERNEL,
        lambda match: (PastKind.OUT_OF_MEMORY, f"the kernel OOM-killed {match[1]}", match[1]),
    ),
    (
        re.compile(r"clock was stepped by (-?[\d.]+)|System clock wrong by (-?[\d.]+)"),
        "",
        lambda match: (PastKind.CLOCK, f"the clock was changed by {match[1] or match[2]} s", match[1] or match[2]),
    ),
    (
        re.compile(r"Time jumped backwards|System clock time (?:unset|changed)|Time has been changed"),
        "",
        lambda match: (PastKind.CLOCK, "the clock was set", ""),
    ),
)
"""The meaning of a message by the source that logs it; an empty source is any."""
_OWN_BOOT = (PastKind.BOOT, PastKind.SHUTDOWN, PastKind.CLOCK)


def _ending(match: re.Match[str]) -> tuple[str, str]:
    """``exited with 1`` or ``was killed by signal 9/KILL``."""
    if match[1] == "exited":
        return f"exited with {match[2]}", f"exit {match[2]}"
    return f"was killed by signal {match[2]}" + (f"/{match[3]}" if match[3] else ""), f"signal {match[2]}"


def _event(entry: _Entry, host: HostName) -> PastEvent | None:
    for pattern, source, result in _RULES:
        if source and source != entry.source:
            continue
        match = pattern.search(entry.text)
        if match is None:
            continue
        kind, text, detail = result(match)
        about = entry.source if kind in _OWN_BOOT else entry.unit
        if kind in (PastKind.STARTED, PastKind.STOPPED, PastKind.ENDED, PastKind.RESTART) and about == MANAGER:
            return None
        return PastEvent(entry.at, host, kind, about, text, detail)
    return None
