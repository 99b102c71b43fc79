"""The files, the account and the limits of a host's units."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from haconsole.model.observed import Cause
from haconsole.model.unit_setup import FileCondition, Limits, NeededFile, UnitSetup
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_LEAST_PERIODS = 20
"""Periods of a tenth of a second from which the share of throttled ones means something."""


def section(units: tuple[str, ...], *, every: int = 1) -> Section:
    """Needs root: keys are in folders that no other account may enter."""
    return Section("unit_setup", with_arguments(load_script("unit-setup"), *units), every)


def parse(answer: SectionAnswer) -> tuple[UnitSetup, ...]:
    """One value for each unit that is installed."""
    try:
        return tuple(map(_unit, _blocks(require(answer, "read the files of units"))))
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise ProbeError(f"the files of units: not readable: {error}", Cause.UNREADABLE) from error


def _blocks(text: str) -> Iterator[list[list[str]]]:
    """The rows of each unit, split at blanks into three words at most."""
    block: list[list[str]] = []
    for line in text.splitlines():
        row = line.split(" ", 3)
        if row[0] == "unit" and block:
            yield block
            block = []
        block.append(row)
    if block:
        yield block


def _unit(rows: list[list[str]]) -> UnitSetup:
    by_kind: dict[str, list[list[str]]] = {}
    for row in rows:
        by_kind.setdefault(row[0], []).append(row[1:])
    times = {" ".join(rest): datetime.fromtimestamp(int(at), UTC) for at, *rest in by_kind.get("time", ())}
    servers: dict[str, list[str]] = {}
    for path, url in by_kind.get("server", ()):
        servers.setdefault(path, []).append(url)
    sums = {path: digest for digest, path in by_kind.get("sum", ())}
    return UnitSetup(
        name=by_kind["unit"][0][0].removesuffix(".service"),
        files=tuple(
            NeededFile(
                name,
                path,
                FileCondition(state),
                times.get(path),
                tuple(dict.fromkeys(servers.get(path, ()))),
                sums.get(path, ""),
            )
            for state, name, path in by_kind.get("file", ())
        ),
        limits=_limits(by_kind),
        missing_account=next((row[1] for row in by_kind.get("account", ())), ""),
        reload_needed="reload" in by_kind,
    )


def _limits(by_kind: dict[str, list[list[str]]]) -> Limits:
    throttled, periods = (int(word) for word in by_kind.get("throttled", [["0", "0"]])[0])
    memory = [int(word or 0) for word in by_kind.get("memory", [["0", "0", "0"]])[0]]
    tasks = [int(word or 0) for word in by_kind.get("tasks", [["0", "0", "0"]])[0]]
    return Limits(
        throttled_share=throttled / periods if periods >= _LEAST_PERIODS else None,
        memory_bytes=memory[1] or None,
        memory_used_bytes=memory[0],
        memory_kills=memory[2],
        tasks=tasks[1] or None,
        tasks_used=tasks[0],
        tasks_refused=tasks[2],
    )
