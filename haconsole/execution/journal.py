"""The record of a run: one line of JSON a moment, on disk before the next thing happens.

A run's file holds a ``run`` line (who, when, inventory, plan), then for each step ``intent`` (it is about to be
performed), ``performed`` (how that ended, with its output) and ``verified`` (whether its effect is there), or
``already`` or ``refused`` when nothing was performed; at last ``end``. An intent without an outcome means: unknown, ask
the host.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from haconsole.actions.step import Plan, StepId
from haconsole.errors import HaconsoleError
from haconsole.execution.clock import Clock
from haconsole.execution.codec import Json, to_json
from haconsole.execution.events import Outcome, RunId

SCHEMA = "haconsole/journal/v1"
OUTPUT_KEPT = 64 * 1024


class JournalError(HaconsoleError):
    """What happens could not be recorded; nothing more is started."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs it: login, host and process here."""

    user: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Heading:
    """What a run's first line says. `inventory_sha256` is of the inventory's file as it was read."""

    run: RunId
    started_at: datetime
    operator: Operator
    inventory: str
    inventory_sha256: str


def runs_folder(environment: dict[str, str]) -> Path:
    """Where runs are recorded: ``$XDG_STATE_HOME/haconsole/runs``, by default under ``~/.local/state``."""
    state = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '/')}/.local/state"
    return Path(state) / "haconsole" / "runs"


def run_id(action: str, now: datetime, random: str) -> RunId:
    """A name for a run that sorts by time and is safe as a file name, e.g. ``20260101T030000Z-bootstrap-4f1c``."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}-{action}-{random}")


class Journal:
    """One run's open file. Every method returns when its line is on disk, or raises JournalError."""

    def __init__(self, path: Path, clock: Clock, redact: Callable[[str], str]) -> None:
        self.path = path
        self._clock = clock
        self._redact = redact
        self._writing = asyncio.Lock()
        self._file = _open(path)

    async def run(self, heading: Heading, plan: Plan) -> None:
        operator = heading.operator
        await self._line(
            "run",
            schema=SCHEMA,
            run=heading.run,
            action=plan.action,
            cluster=plan.cluster,
            operator={"user": operator.user, "host": operator.host, "pid": operator.pid},
            inventory={"path": heading.inventory, "sha256": heading.inventory_sha256},
            plan=to_json(plan),
        )

    async def intent(self, step: StepId, attempt: int) -> None:
        await self._line("intent", step=step, attempt=attempt)

    async def performed(self, step: StepId, outcome: Outcome, output: str, error: str | None) -> None:
        await self._line("performed", step=step, outcome=outcome.value, error=error, output=output)

    async def verified(self, step: StepId, problems: tuple[str, ...]) -> None:
        await self._line("verified", step=step, holds=not problems, problems=list(problems))

    async def already(self, step: StepId) -> None:
        await self._line("already", step=step)

    async def refused(self, step: StepId, problems: tuple[str, ...]) -> None:
        await self._line("refused", step=step, problems=list(problems))

    async def end(self, outcome: Outcome, next_step: str | None) -> None:
        await self._line("end", outcome=outcome.value, next=next_step)

    def close(self) -> None:
        os.close(self._file)

    async def _line(self, kind: str, **told: Json) -> None:
        moment: dict[str, Json] = {"kind": kind, "at": self._clock.now().isoformat(), **told}
        data = json.dumps(_clean(moment, self._redact), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        async with self._writing:
            try:
                await asyncio.to_thread(_append, self._file, data)
            except OSError as error:
                raise _unrecordable(self.path, error) from error


def _clean(value: Json, redact: Callable[[str], str]) -> Json:
    """Every text redacted, and shortened to its end where it is very long."""
    if isinstance(value, str):
        return redact(value[-OUTPUT_KEPT:])
    if isinstance(value, list):
        return [_clean(one, redact) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one, redact) for name, one in value.items()}
    return value


def _open(path: Path) -> int:
    """Open for appending, made private; a torn last line of an earlier process is closed first."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")
        _sync_folder(path.parent)
    except OSError as error:
        raise _unrecordable(path, error) from error
    return file


def _append(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unrecordable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"cannot record the run in {path}: {error.strerror}",
        mend="free space or make the folder writable, or set XDG_STATE_HOME to one that is; nothing more was started",
    )
