"""The run log: one line of JSON per event, on disk before the next event.

A run's file has a ``run`` line (who, when, inventory, plan), then for each step ``intent`` (it is about to be
performed), ``performed`` (its result and output) and ``verified`` (whether its effect is there), or ``already`` or
``refused`` when nothing was performed; at last ``end``. An intent without a result means: unknown, query the host. A
resumed run has a ``resumed`` line and continues in the same file. A ``command`` line is a command that a step ran on a
host; it is written with the next of the other lines.

The writer holds the file locked (flock(2)), which distinguishes a running run from an interrupted one.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from haconsole.actions.step import Plan
from haconsole.errors import HaconsoleError
from haconsole.execution.clock import Clock
from haconsole.execution.events import COUNTS, Outcome, RunDone, RunId
from haconsole.execution.log.codec import Json, to_json
from haconsole.model.command import HostCommand
from haconsole.model.names import StepId
from haconsole.model.state_folder import state_folder
from haconsole.scripts import script_name

SCHEMA = "haconsole/journal/v1"
OUTPUT_KEPT = 64 * 1024
REDACTED = 1024 * 1024
"""The length searched for secrets; more than what is kept, so that no secret is cut in two before it is recognised."""
LOCK_TRIES = 20
"""Every 50 ms: a process that checks whether a run is running holds its file briefly."""


class RunLogError(HaconsoleError):
    """An event could not be logged; nothing more is started."""


class Operator(msgspec.Struct, frozen=True):
    """The operator: login, host and process here."""

    user: str
    host: str
    pid: int


class GuardrailOverride(msgspec.Struct, frozen=True):
    """The guardrails that the operator overrode, and the reason that was typed."""

    reason: str
    rules: tuple[str, ...]


class RunHeader(msgspec.Struct, frozen=True):
    """The first line of a run. `inventory_sha256` is of the inventory's file as it was read.

    `parts` are digests of the parts of the inventory that plans are made from, by name. `override` is that of this
    start; a resumption has its own.
    """

    run: RunId
    started_at: datetime
    operator: Operator
    inventory: str
    inventory_sha256: str
    parts: Mapping[str, str] = msgspec.field(default_factory=dict)
    override: GuardrailOverride | None = None


def runs_folder(environment: dict[str, str]) -> Path:
    """The folder of run logs: ``$XDG_STATE_HOME/haconsole/runs``, by default under ``~/.local/state``."""
    return state_folder(environment) / "runs"


def run_id(action: str, now: datetime, random: str) -> RunId:
    """A name for a run that sorts by time and is safe as a file name, e.g. ``20260101T030000Z-bootstrap-4f1c``."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}-{action}-{random}")


class RunLog:
    """One run's open file. Every method returns when its line is on disk, or raises JournalError.

    `redact` is applied to everything except the plan, which holds no secret and must be exactly readable again;
    `redact_plan` (default `redact`) masks certain secrets even there.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        redact: Callable[[str], str],
        redact_plan: Callable[[str], str] | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._redact = redact
        self._redact_plan = redact_plan or redact
        self._writing = asyncio.Lock()
        self._commands: list[bytes] = []
        self._file = _open(path)

    async def log_run(self, header: RunHeader, plan: Plan) -> None:
        parts: dict[str, Json] = dict(header.parts)
        await self._line(
            "run",
            schema=SCHEMA,
            run=header.run,
            action=plan.action,
            cluster=plan.cluster,
            operator=_operator(header.operator),
            **_override(header.override),
            inventory={"path": header.inventory, "sha256": header.inventory_sha256, "parts": parts},
            plan=_clean(to_json(plan), self._redact_plan, None),
            plan_sha256=plan_digest(plan),
        )

    async def log_resumption(self, operator: Operator, override: GuardrailOverride | None = None) -> None:
        """From here on `operator` continues the run."""
        await self._line("resumed", operator=_operator(operator), **_override(override))

    async def log_intent(self, step: StepId, attempt: int, boot: str | None = None) -> None:
        """`boot` is the boot ID of the step's host, where the step is found again if necessary."""
        await self._line("intent", step=step, attempt=attempt, **({"boot": boot} if boot else {}))

    async def log_result(self, step: StepId, outcome: Outcome, output: str, error: str | None) -> None:
        await self._line("performed", step=step, outcome=outcome.value, error=error, output=output)

    async def log_verification(self, step: StepId, problems: tuple[str, ...]) -> None:
        await self._line("verified", step=step, holds=not problems, problems=list(problems))

    async def log_already_done(self, step: StepId) -> None:
        await self._line("already", step=step)

    async def log_refusal(self, step: StepId, problems: tuple[str, ...]) -> None:
        await self._line("refused", step=step, problems=list(problems))

    async def log_end(self, end: RunDone) -> None:
        counts: dict[str, Json] = {name: getattr(end, name) for name in COUNTS}
        await self._line("end", outcome=end.outcome.value, next=end.next_step, seconds=round(end.seconds, 3), **counts)

    def keep_command(self, command: HostCommand) -> None:
        """Log a command of a step together with the next event."""
        self._commands.append(_encoded("command", command.at, _command_fields(command)))

    def close(self) -> None:
        with suppress(OSError):
            os.write(self._file, b"".join(self._commands))
        os.close(self._file)

    async def _line(self, kind: str, plan: Json = None, **fields: Json) -> None:
        values = _redact_values(fields, self._redact)
        if plan is not None:
            values["plan"] = plan
        data = _encoded(kind, self._clock.now(), values)
        async with self._writing:
            commands, self._commands = self._commands, []
            try:
                await asyncio.to_thread(_append, self._file, b"".join((*commands, data)))
            except OSError as error:
                raise _unrecordable(self.path, error) from error


def _encoded(kind: str, at: datetime, fields: Mapping[str, Json]) -> bytes:
    moment = {"kind": kind, "at": at.isoformat(), **fields}
    return json.dumps(moment, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _command_fields(command: HostCommand) -> dict[str, Json]:
    """The fields of a command, which has no secret; a script of this program only by its name."""
    name = script_name(command.script) if command.script else ""
    return {
        "host": command.host,
        "text": command.text[:OUTPUT_KEPT],
        "root": command.root,
        "script_name": name,
        "script": "" if name else command.script[:OUTPUT_KEPT],
        "input_bytes": command.input_bytes,
        "exit_status": command.exit_status,
        "problem": command.problem,
        "seconds": None if command.seconds is None else round(command.seconds, 3),
    }


def plan_digest(plan: Plan) -> str:
    """SHA-256 of the plan as it was confirmed; a log whose plan has another one was changed or redacted."""
    return recorded_digest(to_json(plan))


def recorded_digest(plan: Json) -> str:
    """The digest of a plan as it is logged, whichever version wrote it."""
    return sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def under_way(path: Path) -> bool:
    """Whether some process writes this log now; False for one that cannot be opened."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _operator(operator: Operator) -> Json:
    return {"user": operator.user, "host": operator.host, "pid": operator.pid}


def _override(override: GuardrailOverride | None) -> dict[str, Json]:
    return {"override": {"reason": override.reason, "rules": list(override.rules)}} if override else {}


def _redact_values(fields: dict[str, Json], redact: Callable[[str], str]) -> dict[str, Json]:
    return {name: _clean(value, redact, OUTPUT_KEPT) for name, value in fields.items()}


def _clean(value: Json, redact: Callable[[str], str], most: int | None) -> Json:
    """Every text redacted, and shortened to its end if it has more than `most` characters."""
    if isinstance(value, str):
        return redact(value[-REDACTED:])[-most:] if most else redact(value)
    if isinstance(value, list):
        return [_clean(one, redact, most) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one, redact, most) for name, one in value.items()}
    return value


def _open(path: Path) -> int:
    """Open for appending, made private; a torn last line of an earlier process is closed first."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock(file, path)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")
        _sync_folder(path.parent)
    except OSError as error:
        raise _unrecordable(path, error) from error
    return file


def _lock(file: int, path: Path) -> None:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return
    os.close(file)
    raise RunLogError(f"{path.stem} is running in another process", hint="wait for its end, or stop it there")


def _append(file: int, data: bytes) -> None:
    """All of it or nothing: half a line would corrupt the next one."""
    whole = os.fstat(file).st_size
    try:
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, whole)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unrecordable(path: Path, error: OSError) -> RunLogError:
    return RunLogError(
        f"cannot record the run in {path}: {error.strerror}",
        hint=(
            "free up space, make the folder writable, or set XDG_STATE_HOME to a writable folder; nothing more was "
            "started"
        ),
    )
