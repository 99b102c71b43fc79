"""A run's progress as lines of text, with the words and columns of the screen. No I/O."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from haconsole.execution.events import (
    Event,
    Outcome,
    RunDone,
    RunStarted,
    StepDone,
    StepOutput,
    StepPaused,
    StepResumed,
    StepStarted,
)
from haconsole.model.names import StepId
from haconsole.present.cells import clean, sized, text_of, width_of
from haconsole.present.fitting import fit, row_line
from haconsole.present.plan import step_of
from haconsole.present.row_keys import StepKey
from haconsole.present.running import STATES, RunView, run_gist, run_table, state_cell, time_cell

MOST_RUNNING = 8
STATE_WIDTH = max(width_of(cell.text) for cell in STATES.values())


def live_lines(view: RunView, now: datetime, width: int) -> tuple[str, ...]:
    """The redrawn lines: the progress of the run, then the rows of the steps under way."""
    if not view.run or view.over:
        return ()
    name = f"{view.plan.action} of {view.plan.cluster}"
    heads = [f"{name}: {cell.text}" for cell in run_gist(view, now)]
    head = next((line for line in heads if width_of(line) <= width), clip(heads[-1], width))
    table = run_table(view, now)
    under_way = tuple(row for row in table.rows if isinstance(row.key, StepKey) and row.key.id in view.under_way)
    visible = replace(table, rows=under_way[:MOST_RUNNING])
    layout = fit(visible, max(width - 2, 1))
    rows = (clip(f"  {text_of(row_line(visible, row, layout)).rstrip()}", width) for row in visible.rows)
    more = len(under_way) - len(visible.rows)
    return (head, *rows, *((clip(f"  and {more} more", width),) if more else ()))


def ended_line(view: RunView, event: StepDone) -> str | None:
    """A line that stays, for a step that was performed or failed; None if there is nothing to show."""
    if event.outcome is Outcome.ALREADY or (event.outcome is Outcome.SKIPPED and not event.error):
        return None
    return _step_line(view, event.step, event.at, event.error)


def plain_line(view: RunView, event: Event) -> str | None:
    """A line for a log, if nothing can be redrawn; None for events that need none."""
    match event:
        case RunStarted():
            count = "1 step" if event.steps == 1 else f"{event.steps} steps"
            return f"{event.action} of {event.cluster}: run {event.run}, {count}"
        case StepDone(outcome=Outcome.SKIPPED, error=None):
            return None
        case StepDone() | StepPaused():
            error = event.error if isinstance(event, StepDone) else None
            count = f"[{len(view.ended)}/{len(view.plan.steps)}]"
            return f"{count} {_step_line(view, event.step, event.at, error)}"
        case StepStarted() | StepResumed() | StepOutput() | RunDone():
            return None


def _step_line(view: RunView, step: StepId, now: datetime, error: str | None) -> str:
    """A step's row of the run's table (state, host, title, time), and its error."""
    kind = step_of(view.plan, step)
    host_width = max((width_of(each.host) for each in view.plan.steps), default=0)
    state = sized(state_cell(view, step).text, STATE_WIDTH)
    host, title = (kind.host, kind.title) if kind is not None else ("", step)
    row = f"{state}  {sized(host, host_width)}  {title}  {time_cell(view, step, now).text}".rstrip()
    return clean(f"{row}: {error}" if error else row)


def clip(line: str, width: int) -> str:
    """A line that fits, cut at its end."""
    line = clean(line)
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"
