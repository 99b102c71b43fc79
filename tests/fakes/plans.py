"""A small plan and the events of its run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from haconsole.actions.checks import ServiceRunning
from haconsole.actions.operations import Irreversible, RunCommand, WriteFile
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.events import (
    Event,
    Outcome,
    RunDone,
    RunId,
    RunStarted,
    StepDone,
    StepOutput,
    StepPaused,
    StepStarted,
)
from haconsole.execution.log.run_log import Operator, RunHeader
from haconsole.execution.log.run_record import RunRecord, RunStatus, StepRecord, StepState
from haconsole.model.names import StepId
from tests.fakes.cluster import NAMES, NOW

RUN = RunId("20260301T030000Z-bootstrap-ab12")


def step(n: int, title: str, name: str) -> Step:
    return Step(
        id=StepId(f"{name}@cp{n}"),
        title=title,
        why="The unit must know where its data is before it starts.",
        host=NAMES[n - 1],
        operation=RunCommand(("systemctl", "enable", "--now", name)),
        verification=(ServiceRunning(f"{name}.service"),),
        undo=RunCommand(("systemctl", "disable", "--now", name)),
        phase=name,
    )


WRITE = replace(
    step(1, "Write etcd's environment", "etcd.env"),
    operation=WriteFile("/etc/etcd/etcd.env", "ETCD_NAME=cp1\nETCD_DATA_DIR=/var/lib/etcd\n"),
)
PLAN = Plan(
    "bootstrap",
    "lab",
    (WRITE, *(replace(step(n, "Start etcd", "etcd"), needs=(WRITE.id,)) for n in (1, 2, 3))),
    "etcd on three hosts",
)
FINAL = replace(PLAN, steps=(replace(PLAN.steps[0], undo=Irreversible("the old file is not kept")), *PLAN.steps[1:]))
REFUSED = Refusal("bootstrap", "lab", ("cp2: /var/lib/etcd holds data of another cluster; rename it first",))


def running_events() -> tuple[Event, ...]:
    """The run up to its second step, which is running and has printed something."""
    first, second = PLAN.steps[:2]
    return (
        RunStarted(RUN, NOW, PLAN.action, PLAN.cluster, len(PLAN.steps)),
        StepStarted(RUN, NOW, first.id, first.host, first.title),
        StepDone(RUN, NOW, first.id, first.host, Outcome.DONE, 0.4),
        StepStarted(RUN, NOW + timedelta(seconds=1), second.id, second.host, second.title),
        StepOutput(RUN, NOW, second.id, "Created symlink etcd.service\n\x1b[31mnot red\n"),
    )


def paused_events() -> tuple[Event, ...]:
    """The run up to its second step, which waits to be let through with the two after it."""
    rest = PLAN.steps[1:]
    started = tuple(StepStarted(RUN, NOW, step.id, step.host, step.title) for step in rest)
    waits = tuple(StepPaused(RUN, NOW, step.id, step.host) for step in rest)
    return (*running_events()[:3], *started, *waits)


def ended(outcome: Outcome = Outcome.DONE) -> tuple[Event, ...]:
    """The rest of the run; FAILED fails the last step."""
    later: tuple[Event, ...] = tuple(
        event
        for each in PLAN.steps[1:]
        for event in (
            StepStarted(RUN, NOW, each.id, each.host, each.title),
            StepDone(RUN, NOW, each.id, each.host, Outcome.DONE, 2.0),
        )
    )
    failed = outcome is Outcome.FAILED
    if failed:
        last = PLAN.steps[-1]
        error = "cp3: systemctl enable --now etcd: exit status 1: disk full; free space, then run bootstrap again"
        later = (*later[:-1], StepDone(RUN, NOW, last.id, last.host, Outcome.FAILED, 2.0, error))
    next_step = "fix the failure, then run bootstrap again" if failed else None
    return (*later, RunDone(RUN, NOW, outcome, 7.2, 4 - failed, 0, int(failed), next_step))


def recorded(standing: RunStatus, outcome: Outcome | None = None, *, hours_ago: int = 1) -> RunRecord:
    """The record of a run of PLAN whose second step failed, or whose end nobody heard where it broke off."""
    began = NOW - timedelta(hours=hours_ago)
    first, second, *rest = PLAN.steps
    end = StepState.UNKNOWN if standing is RunStatus.BROKEN_OFF else StepState.FAILED
    error = None if standing is RunStatus.BROKEN_OFF else "cp1: systemctl enable --now etcd: exit status 1: disk full"
    later = began + timedelta(seconds=4)
    steps = (
        StepRecord(first.id, StepState.VERIFIED, 1, began, "", None, began),
        StepRecord(second.id, end, 1, later, "Created symlink\n", error, began, end_known=error is not None),
        *(StepRecord(step.id) for step in rest),
    )
    run = RunId(f"20260301T0{3 - hours_ago}0000Z-bootstrap-ab1{hours_ago}")
    ended = later if outcome else None
    following = "fix the failure, then run bootstrap again" if outcome else None
    header = RunHeader(run, began, Operator("ops", "laptop", 4711), "/home/ops/lab.yaml", "ab" * 32)
    path = Path(f"/home/ops/.local/state/haconsole/runs/{run}.jsonl")
    return RunRecord(path, header, PLAN, steps, outcome, ended, 0, standing, following)
