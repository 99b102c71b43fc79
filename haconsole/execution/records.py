"""Runs as their journals tell them, torn lines and all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from haconsole.actions.step import Plan, StepId
from haconsole.errors import HaconsoleError
from haconsole.execution.codec import plan_from_json
from haconsole.execution.events import Outcome, RunId
from haconsole.execution.journal import Heading, Operator


class StepState(StrEnum):
    """How far a step got by the record. UNKNOWN: begun, and its end not recorded or not heard."""

    NOT_STARTED = "not-started"
    ALREADY = "already"
    UNKNOWN = "unknown"
    FAILED = "failed"
    PERFORMED = "performed"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run: its state, how often it was begun, when last, and what was said."""

    step: StepId
    state: StepState = StepState.NOT_STARTED
    attempts: int = 0
    at: datetime | None = None
    output: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run. `outcome` is None while it runs, or when it broke off; `torn_lines` could not be read."""

    path: Path
    heading: Heading
    plan: Plan
    steps: tuple[StepRecord, ...]
    outcome: Outcome | None
    ended_at: datetime | None
    torn_lines: int

    def step(self, step: StepId) -> StepRecord:
        return next(record for record in self.steps if record.step == step)


def run_paths(folder: Path) -> tuple[Path, ...]:
    """The journals in a folder, newest first."""
    return tuple(sorted(folder.glob("*.jsonl"), reverse=True)) if folder.is_dir() else ()


def read_run(path: Path) -> RunRecord:
    """What a journal tells; raises HaconsoleError when it has no readable beginning."""
    lines, torn = _lines(path)
    if not lines or lines[0].get("kind") != "run":
        raise HaconsoleError(f"{path} does not begin as the journal of a run", mend="look at it by hand")
    first, *rest = lines
    plan = plan_from_json(first["plan"])
    records = {step.id: StepRecord(step.id) for step in plan.steps}
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    for line in rest:
        at = datetime.fromisoformat(line["at"])
        if line["kind"] == "end":
            outcome, ended_at = Outcome(line["outcome"]), at
        elif line["kind"] == "intent":
            outcome, ended_at = None, None
        if (step := line.get("step")) in records:
            records[step] = _after(records[step], line, at)
    return RunRecord(path, _heading(first), plan, tuple(records.values()), outcome, ended_at, torn)


def _lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The whole lines of a journal, and how many were not whole."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HaconsoleError(
            f"cannot read {path}: {error.strerror}", mend="give the run's name as `runs` lists it"
        ) from error
    read: list[dict[str, Any]] = []
    torn = 0
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
            torn += 1
    return read, torn


def _heading(line: dict[str, Any]) -> Heading:
    return Heading(
        run=RunId(line["run"]),
        started_at=datetime.fromisoformat(line["at"]),
        operator=Operator(**line["operator"]),
        inventory=line["inventory"]["path"],
        inventory_sha256=line["inventory"]["sha256"],
    )


def _after(record: StepRecord, line: dict[str, Any], at: datetime) -> StepRecord:
    """A step's record after one more line about it."""
    match line["kind"]:
        case "intent":
            return StepRecord(record.step, StepState.UNKNOWN, int(line["attempt"]), at)
        case "performed":
            states = {"done": StepState.PERFORMED, "failed": StepState.FAILED}
            state = states.get(line["outcome"], StepState.UNKNOWN)
            return StepRecord(record.step, state, record.attempts, at, line["output"], line["error"])
        case "verified":
            return _verified(record, line, at)
        case "already":
            return StepRecord(record.step, StepState.ALREADY, record.attempts, at)
        case "refused":
            said = "; ".join(line["problems"])
            return StepRecord(record.step, StepState.NOT_STARTED, record.attempts, at, error=said)
        case _:
            return record


def _verified(record: StepRecord, line: dict[str, Any], at: datetime) -> StepRecord:
    if line["holds"]:
        return StepRecord(record.step, StepState.VERIFIED, record.attempts, at, record.output)
    failed = StepState.UNKNOWN if record.state is StepState.UNKNOWN else StepState.FAILED
    return StepRecord(record.step, failed, record.attempts, at, record.output, "; ".join(line["problems"]))
