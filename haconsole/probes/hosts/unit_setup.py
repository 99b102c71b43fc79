"""The files, the account and the limits of a host's units."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

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
        rows = [line.split(" ", 3) for line in require(answer, "reading the files of units").splitlines()]
        about_files = _about_files(rows)
        return tuple(_unit(block, about_files) for block in _blocks(rows))
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise ProbeError(f"the files of units: unexpected output: {error}", Cause.UNREADABLE) from error


class _AboutFiles(msgspec.Struct, frozen=True):
    """Facts about files by path, whichever units name them."""

    times: dict[str, datetime]
    digests: dict[str, str]
    servers: dict[str, tuple[str, ...]]
    settings: dict[str, tuple[str, ...]]


def _about_files(rows: list[list[str]]) -> _AboutFiles:
    servers: dict[str, tuple[str, ...]] = {}
    for _, path, url in (row for row in rows if row[0] == "server"):
        servers[path] = (*servers.get(path, ()), url)
    settings: dict[str, tuple[str, ...]] = {}
    for _, path, *words in (row for row in rows if row[0] == "setting"):
        settings[path] = (*settings.get(path, ()), " ".join(words))
    return _AboutFiles(
        {" ".join(row[2:]): datetime.fromtimestamp(int(row[1]), UTC) for row in rows if row[0] == "time"},
        {" ".join(row[2:]): row[1] for row in rows if row[0] == "sum"},
        servers,
        settings,
    )


def _blocks(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    """The rows of each unit; rows before the first unit are of none."""
    block: list[list[str]] = []
    for row in rows:
        if row[0] == "unit":
            if block:
                yield block
            block = [row]
        elif block:
            block.append(row)
    if block:
        yield block


def _unit(rows: list[list[str]], about: _AboutFiles) -> UnitSetup:
    by_kind: dict[str, list[list[str]]] = {}
    for row in rows:
        by_kind.setdefault(row[0], []).append(row[1:])
    return UnitSetup(
        name=by_kind["unit"][0][0].removesuffix(".service"),
        files=tuple(
            NeededFile(
                name,
                path,
                FileCondition(state),
                about.times.get(path),
                tuple(dict.fromkeys(about.servers.get(path, ()))),
                about.digests.get(path, ""),
                about.settings.get(path, ()),
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
