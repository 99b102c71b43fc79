"""A run as a grid of phases and hosts: failures first, then what is running and since when, then the progress."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from haconsole.actions.step import Step
from haconsole.execution.events import Outcome
from haconsole.model.names import HostName
from haconsole.present.ages import seconds_since, span
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.row_keys import PhaseKey, RowKey, StepKey
from haconsole.present.running import RunView, about_run_step, run_gist, state_cell, time_cell
from haconsole.present.table import Column, Row, TableView

HOSTS_MOST = 8
"""More hosts have no room beside each other; the list of steps is shown instead."""
RUNNING_MOST = 2
NO_PHASE = "steps"
WELL = (Outcome.DONE, Outcome.ALREADY)


def has_grid(view: RunView) -> bool:
    """Whether the hosts of the run fit beside each other."""
    return len(hosts_of(view)) <= HOSTS_MOST


def hosts_of(view: RunView) -> tuple[HostName, ...]:
    return tuple(dict.fromkeys(step.host for step in view.plan.steps))


def phases_of(view: RunView) -> tuple[str, ...]:
    """The phases in the order of the plan."""
    return tuple(dict.fromkeys(step.phase or NO_PHASE for step in view.plan.steps))


def run_grid(view: RunView, now: datetime) -> TableView:
    """The grid; keys are those of phases, and of the steps that failed or run."""
    hosts = hosts_of(view)
    columns = (Column("PHASE", least=8), *(Column(host, least=8) for host in hosts))
    cells: dict[tuple[str, str], list[Step]] = {(phase, host): [] for phase in phases_of(view) for host in hosts}
    for step in view.plan.steps:
        cells[step.phase or NO_PHASE, step.host].append(step)
    phases = tuple(
        Row(
            PhaseKey(phase),
            (Cell(phase), *(_progress_cell(view, tuple(cells[phase, host]), now) for host in hosts)),
        )
        for phase in phases_of(view)
    )
    headings = (*_failure_rows(view), *_running_rows(view, now))
    filled = tuple(replace(row, cells=(*row.cells, *(Cell(""),) * len(hosts))) for row in headings)
    rows = (*filled, *phases)
    return TableView(f"run: {view.plan.action}", columns, rows, None, run_gist(view, now), ageless=True)


def _failure_rows(view: RunView) -> tuple[Row, ...]:
    """The steps that failed; an error that begins with the host's name does not repeat it."""
    errors = ((step, view.ended[step.id].error) for step in view.plan.steps if step.id in view.ended)
    return tuple(
        Row(
            StepKey(step.id),
            (Cell(f"✖ {step.host}: {step.title}: {error.removeprefix(f'{step.host}: ')}", Tone.CRITICAL),),
            heading=True,
        )
        for step, error in errors
        if error
    )


def _running_rows(view: RunView, now: datetime) -> tuple[Row, ...]:
    """The steps that run or are paused, the longest running first; the others in one row."""
    if view.over:
        return ()
    ids = sorted(view.under_way, key=lambda step: view.started[step])
    steps = {step.id: step for step in view.plan.steps}
    visible = ids if len(ids) == RUNNING_MOST + 1 else ids[:RUNNING_MOST]
    rows = tuple(_running_row(view, steps[one], now) for one in visible if one in steps)
    more = len(ids) - len(visible)
    rest = Cell(f"  and {more} more steps", Tone.MUTED)
    return (*rows, *((Row(PhaseKey(""), (rest,), heading=True),) if more > 0 else ()))


def _running_row(view: RunView, step: Step, now: datetime) -> Row:
    state, time = state_cell(view, step.id), time_cell(view, step.id, now)
    return Row(
        StepKey(step.id), (Cell(f"{state.text} {step.host}: {step.title}, {time.text}", state.tone),), heading=True
    )


def _progress_cell(view: RunView, steps: tuple[Step, ...], now: datetime) -> Cell:
    """The progress of one phase on one host, such as ``▸ 3/5 12s``."""
    if not steps:
        return Cell("")
    ended = sum(step.id in view.ended and view.ended[step.id].outcome in WELL for step in steps)
    count = f"{ended}/{len(steps)}"
    if any(step.id in view.ended and view.ended[step.id].error for step in steps):
        return Cell(f"✖ {count}", Tone.CRITICAL)
    starts = tuple(view.started[step.id] for step in steps if step.id in view.under_way)
    if starts and not view.over:
        all_paused = all(step.id in view.paused_steps for step in steps if step.id in view.under_way)
        sign, tone = ("‖", Tone.WARNING) if all_paused else ("▸", Tone.ACCENT)
        return Cell(f"{sign} {count} {span(seconds_since(min(starts), now))}", tone)
    if ended == len(steps):
        return Cell(f"● {count}", Tone.GOOD)
    return Cell(f"{'–' if view.over else '·'} {count}", Tone.MUTED)


def counterpart(view: RunView, key: RowKey, *, listed: bool) -> RowKey:
    """The row for a row of the other table: a step's phase in the grid, a phase's first step in the list.

    A step that the grid shows too, because it runs or failed, stays the row.
    """
    if listed:
        steps = (step for step in view.plan.steps if PhaseKey(step.phase or NO_PHASE) == key)
        return next((StepKey(step.id) for step in steps), key)
    if not isinstance(key, StepKey) or key.id in view.under_way or (key.id in view.ended and view.ended[key.id].error):
        return key
    phases = (step.phase or NO_PHASE for step in view.plan.steps if step.id == key.id)
    return next((PhaseKey(phase) for phase in phases), key)


def about_row(view: RunView, subject: RowKey, now: datetime) -> Detail | None:
    """A step of the run, or a phase with its steps."""
    if isinstance(subject, StepKey):
        return about_run_step(view, subject)
    return about_phase(view, subject.phase, now) if isinstance(subject, PhaseKey) and subject.phase else None


def about_phase(view: RunView, phase: str, now: datetime) -> Detail:
    """The steps of a phase by host, each with its state and time."""
    steps = tuple(step for step in view.plan.steps if (step.phase or NO_PHASE) == phase)
    items: list[Item] = [Fact("done", Cell(f"{_ended(view, steps)} of {len(steps)} steps"))]
    for host in dict.fromkeys(step.host for step in steps):
        items.append(Heading(host))
        items += (_step_line(view, step, now) for step in steps if step.host == host)
    return Detail(f"{view.plan.action}: {phase}", tuple(items))


def _step_line(view: RunView, step: Step, now: datetime) -> Item:
    state, time = state_cell(view, step.id), time_cell(view, step.id, now)
    sign, _, word = state.text.partition(" ")
    return Sentence(
        Cell(" ".join(filter(None, (step.title, f"({word}{', ' if time.text else ''}{time.text})"))), state.tone), sign
    )


def _ended(view: RunView, steps: Iterable[Step]) -> int:
    return sum(step.id in view.ended and view.ended[step.id].outcome in WELL for step in steps)
