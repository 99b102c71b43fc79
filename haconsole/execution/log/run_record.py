"""Reads runs from their run logs, also if a line is incomplete."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan
from haconsole.errors import HaconsoleError, UsageError
from haconsole.execution.events import COUNTS, Outcome, RunDone, RunId
from haconsole.execution.log.codec import plan_from_json
from haconsole.execution.log.run_log import SCHEMA, GuardrailOverride, Operator, RunHeader, recorded_digest, under_way
from haconsole.model.command import HostCommand, Purpose
from haconsole.model.names import HostName, StepId
from haconsole.scripts import script_text


class StepState(StrEnum):
    """A step's progress by the log. UNKNOWN: started, and its result not logged or not received."""

    NOT_STARTED = "not-started"
    ALREADY = "already"
    UNKNOWN = "unknown"
    FAILED = "failed"
    PERFORMED = "performed"
    VERIFIED = "verified"


class RunStatus(StrEnum):
    """A run's state: its process lives, it was interrupted without an end, or it ended, successfully or not."""

    RUNNING = "running"
    BROKEN_OFF = "broken-off"
    ENDED = "ended"


class StepRecord(msgspec.Struct, frozen=True):
    """One step of a run: its state, number of starts, last start (`begun_at`) and boot of its host.

    `at` is the time of its last event, `end_known` whether the last attempt's result is logged.
    """

    step: StepId
    state: StepState = StepState.NOT_STARTED
    attempts: int = 0
    at: datetime | None = None
    output: str = ""
    error: str | None = None
    begun_at: datetime | None = None
    boot: str | None = None
    end_known: bool = True


class Resumption(msgspec.Struct, frozen=True):
    """A run was resumed: when, and by whom."""

    at: datetime
    operator: Operator
    override: GuardrailOverride | None = None


class RunRecord(msgspec.Struct, frozen=True):
    """A complete run. `outcome` is None while it runs, or when it was interrupted; `torn_lines` could not be read.

    `intact` is true if the logged plan is exactly the confirmed one.
    """

    path: Path
    header: RunHeader
    plan: Plan
    steps: tuple[StepRecord, ...]
    outcome: Outcome | None
    ended_at: datetime | None
    torn_lines: int
    standing: RunStatus = RunStatus.ENDED
    next_step: str | None = None
    resumed: tuple[Resumption, ...] = ()
    intact: bool = True
    commands: tuple[HostCommand, ...] = ()
    """The commands of its steps, in the order of their ends; none in logs of 0.1."""
    end: RunDone | None = None
    """The end with its counts; None while there is none, and in logs that do not have the counts."""

    def step(self, step: StepId) -> StepRecord:
        return next(record for record in self.steps if record.step == step)

    @property
    def operator(self) -> Operator:
        """The operator who started it, or last resumed it."""
        return self.resumed[-1].operator if self.resumed else self.header.operator

    @property
    def overrides(self) -> tuple[GuardrailOverride, ...]:
        """The overrides of guardrails, at the start and at resumptions."""
        every = (self.header.override, *(each.override for each in self.resumed))
        return tuple(one for one in every if one is not None)

    @property
    def complete(self) -> bool:
        """Whether every step succeeded."""
        return self.outcome in (Outcome.DONE, Outcome.ALREADY)

    @property
    def started_steps(self) -> tuple[StepRecord, ...]:
        """The steps that changed something on a host, or may have, in the order of the plan."""
        looks = {step.id for step in self.plan.steps if isinstance(step.operation, Nothing)}
        return tuple(one for one in self.steps if one.attempts and one.step not in looks)


class UnreadableRun(msgspec.Struct, frozen=True):
    """A log that cannot be read, with the reason."""

    path: Path
    why: str


def run_paths(folder: Path) -> tuple[Path, ...]:
    """The logs in a folder, newest first."""
    return tuple(sorted(folder.glob("*.jsonl"), reverse=True)) if folder.is_dir() else ()


def read_runs(folder: Path) -> tuple[RunRecord | UnreadableRun, ...]:
    """Every run logged in a folder, newest first."""

    def read(path: Path) -> RunRecord | UnreadableRun:
        try:
            return read_run(path)
        except HaconsoleError as error:
            return UnreadableRun(path, str(error))

    return tuple(read(path) for path in run_paths(folder))


def find_run(folder: Path, name: str) -> Path:
    """The log of the run of that name, or of the only one whose name begins like this; raises UsageError."""
    paths = run_paths(folder)
    matches = [path for path in paths if path.stem == name] or [path for path in paths if path.stem.startswith(name)]
    if len(matches) == 1 and name:
        return matches[0]
    what = (
        f"the names of {len(matches)} runs begin with {name!r}"
        if matches and name
        else f"there is no run {name!r} in {folder}"
    )
    raise UsageError(what, hint="`haconsole runs` lists them")


def read_run(path: Path) -> RunRecord:
    """The content of a run log; raises HaconsoleError when it has no beginning that this version can read."""
    live = under_way(path)
    lines, torn_count = _lines(path)
    if not lines or lines[0].get("kind") != "run":
        raise HaconsoleError(f"{path} does not begin like a run log", hint="inspect it by hand")
    first, *rest = lines
    if first.get("schema") != SCHEMA:
        what = f"{path} was written by another version of haconsole ({first.get('schema')}; this one reads {SCHEMA})"
        raise HaconsoleError(what, hint="use that version of haconsole, or read the run log by hand: each line is JSON")
    try:
        plan = plan_from_json(first["plan"])
        record = RunRecord(
            path=path,
            header=_heading(first),
            plan=plan,
            steps=tuple(StepRecord(step.id) for step in plan.steps),
            outcome=None,
            ended_at=None,
            torn_lines=torn_count,
            standing=RunStatus.BROKEN_OFF,
            intact=first.get("plan_sha256") == recorded_digest(first["plan"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HaconsoleError(f"the first line of {path} is incomplete: {error!r}", hint="inspect it by hand") from error
    for line in rest:
        record = _read_on(record, line)
    return replace(record, standing=RunStatus.RUNNING) if live else record


def _lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The complete lines of a log, and the number of incomplete ones."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HaconsoleError(
            f"cannot read {path}: {error.strerror}", hint="give the run's name as `runs` lists it"
        ) from error
    read: list[dict[str, Any]] = []
    torn_count = 0
    for line in raw.split(b"\n"):
        if not line:
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict) and "kind" in value and "at" in value:
            read.append(value)
        else:
            torn_count += 1
    return read, torn_count


def _heading(line: dict[str, Any]) -> RunHeader:
    return RunHeader(
        run=RunId(line["run"]),
        started_at=datetime.fromisoformat(line["at"]),
        operator=Operator(**line["operator"]),
        inventory=line["inventory"]["path"],
        inventory_sha256=line["inventory"]["sha256"],
        parts=line["inventory"].get("parts", {}),
        override=_override(line),
    )


def _override(line: dict[str, Any]) -> GuardrailOverride | None:
    raw = line.get("override")
    return GuardrailOverride(raw["reason"], tuple(raw["rules"])) if raw else None


def _read_on(record: RunRecord, line: dict[str, Any]) -> RunRecord:
    """The record after one more line; an incomplete one counts as torn."""
    try:
        at = datetime.fromisoformat(line["at"])
        if line["kind"] == "end":
            end = _logged_end(record.header.run, line, at)
            ended = replace(record, outcome=Outcome(line["outcome"]), ended_at=at, next_step=line.get("next"))
            return replace(ended, standing=RunStatus.ENDED, end=end)
        if line["kind"] == "resumed":
            resumption = Resumption(at, Operator(**line["operator"]), _override(line))
            record = replace(record, resumed=(*record.resumed, resumption))
        if line["kind"] == "command":
            return replace(record, commands=(*record.commands, _command(record.header.run, line, at)))
        on = replace(record, outcome=None, ended_at=None, next_step=None, standing=RunStatus.BROKEN_OFF, end=None)
        steps = tuple(_after(one, line, at) if one.step == line.get("step") else one for one in on.steps)
        return replace(on, steps=steps)
    except (KeyError, TypeError, ValueError):
        return replace(record, torn_lines=record.torn_lines + 1)


def _logged_end(run: RunId, line: dict[str, Any], at: datetime) -> RunDone | None:
    if "seconds" not in line:
        return None
    counts = {name: int(line[name]) for name in COUNTS}
    return RunDone(run, at, Outcome(line["outcome"]), float(line["seconds"]), next_step=line.get("next"), **counts)


def _command(run: RunId, line: dict[str, Any], at: datetime) -> HostCommand:
    return HostCommand(
        HostName(line["host"]),
        at,
        Purpose.STEP,
        line["text"],
        line["root"],
        script_text(line["script_name"]) or line["script"],
        line["input_bytes"],
        line["exit_status"],
        line["problem"],
        line["seconds"],
        run,
    )


def _after(record: StepRecord, line: dict[str, Any], at: datetime) -> StepRecord:
    """A step's record after one more line about it."""
    match line["kind"]:
        case "intent":
            attempt = int(line["attempt"])
            started = StepRecord(record.step, StepState.UNKNOWN, attempt, at, begun_at=at, boot=line.get("boot"))
            return replace(started, end_known=False)
        case "performed":
            states = {"done": StepState.PERFORMED, "failed": StepState.FAILED}
            state = states.get(line["outcome"], StepState.UNKNOWN)
            end_known = state is not StepState.UNKNOWN
            return replace(record, state=state, at=at, output=line["output"], error=line["error"], end_known=end_known)
        case "verified":
            return _verified(record, line, at)
        case "already":
            state = StepState.VERIFIED if record.attempts else StepState.ALREADY
            return replace(record, state=state, at=at, error=None, end_known=True)
        case "refused":
            state = record.state if record.attempts else StepState.NOT_STARTED
            return replace(record, state=state, at=at, error="; ".join(line["problems"]))
        case _:
            return record


def _verified(record: StepRecord, line: dict[str, Any], at: datetime) -> StepRecord:
    if line["holds"]:
        return replace(record, state=StepState.VERIFIED, at=at, error=None, end_known=True)
    state = StepState.UNKNOWN if record.state is StepState.UNKNOWN else StepState.FAILED
    return replace(record, state=state, at=at, error="; ".join(line["problems"]))
