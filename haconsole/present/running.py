"""A run in progress: each step's state and time, its output, the remaining steps, and the result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from haconsole.actions.step import Plan, Step
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
from haconsole.present.ages import seconds_since, span
from haconsole.present.cells import Cell, Tone
from haconsole.present.changes import SnapshotChange
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence, Verbatim
from haconsole.present.plan import step_items, step_of
from haconsole.present.row_keys import StepKey
from haconsole.present.run_time import remaining_s
from haconsole.present.table import Column, Row, TableView

T = TypeVar("T")
OUTPUT_KEPT = 400
BAR = 20
COLUMNS = (
    Column("STATE", least=9),
    Column("HOST", least=5),
    Column("STEP", least=20),
    Column("TIME", rank=1, right=True),
    Column("PHASE", rank=2, least=8),
)
STATES = {
    Outcome.DONE: Cell("● done", Tone.GOOD),
    Outcome.ALREADY: Cell("● already", Tone.MUTED),
    Outcome.FAILED: Cell("✖ failed", Tone.CRITICAL),
    Outcome.UNKNOWN: Cell("? unknown", Tone.UNKNOWN),
    Outcome.SKIPPED: Cell("– not started", Tone.MUTED),
}
WAITING = Cell("· waiting", Tone.MUTED)
RUNNING = Cell("▸ running", Tone.ACCENT)
HELD = Cell("‖ paused", Tone.WARNING)
NEXT = Cell("‖ next", Tone.WARNING)


class RunView(msgspec.Struct, frozen=True):
    """A plan and the state of its run. `interruption` is the reason why no more events come, if that is the case.

    `paused_steps` are the steps that wait to be released, the next one first; `finished` is the step that ended last.
    `paused` holds every further step, `teaching` explains each one meanwhile. `changes` are the differences of the
    cluster after the run, None until they are known.
    """

    plan: Plan
    begun_at: datetime
    run: str = ""
    started: Mapping[StepId, datetime] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    ended: Mapping[StepId, StepDone] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    output: Mapping[StepId, tuple[str, ...]] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    paused_steps: tuple[StepId, ...] = ()
    newest: StepId | None = None
    finished: StepId | None = None
    stopping: bool = False
    paused: bool = False
    teaching: bool = False
    end: RunDone | None = None
    interruption: str | None = None
    changes: tuple[SnapshotChange, ...] | None = None
    earlier_s: Mapping[StepId, float] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    """The seconds that the steps took in earlier runs."""

    @property
    def over(self) -> bool:
        return self.end is not None or self.interruption is not None

    @property
    def under_way(self) -> tuple[StepId, ...]:
        return tuple(step for step in self.started if step not in self.ended)

    @property
    def working(self) -> tuple[StepId, ...]:
        """The steps under way that are not held."""
        return tuple(step for step in self.under_way if step not in self.paused_steps)

    @property
    def failed(self) -> StepId | None:
        """The first step that failed, None if all succeeded."""
        return next((step for step, event in self.ended.items() if event.error), None)

    def after(self, event: Event) -> RunView:
        """The view after one more event."""
        match event:
            case RunStarted():
                return replace(self, run=event.run)
            case StepStarted():
                newest = self.paused_steps[0] if self.paused_steps else event.step
                return replace(self, started=_put(self.started, event.step, event.at), newest=newest)
            case StepPaused():
                order = {step.id: number for number, step in enumerate(self.plan.steps)}
                paused_steps = tuple(sorted((*self.paused_steps, event.step), key=lambda step: order.get(step, 0)))
                return replace(self, paused_steps=paused_steps, newest=paused_steps[0])
            case StepResumed():
                paused_steps = _without(self.paused_steps, event.step)
                started = _put(self.started, event.step, event.at)
                return replace(self, paused_steps=paused_steps, started=started, newest=event.step)
            case StepOutput():
                lines = (*self.output.get(event.step, ()), *event.text.splitlines())[-OUTPUT_KEPT:]
                return replace(self, output=_put(self.output, event.step, lines))
            case StepDone():
                return self._finished(event)
            case RunDone():
                return replace(self, end=event)

    def _finished(self, event: StepDone) -> RunView:
        """The view after a step ended: the next held step is selected."""
        paused_steps = _without(self.paused_steps, event.step)
        newest = paused_steps[0] if paused_steps else self.newest
        ended = _put(self.ended, event.step, event)
        return replace(self, ended=ended, paused_steps=paused_steps, newest=newest, finished=event.step)


def _without(paused_steps: tuple[StepId, ...], step: StepId) -> tuple[StepId, ...]:
    return tuple(each for each in paused_steps if each != step)


def _put(before: Mapping[StepId, T], step: StepId, value: T) -> Mapping[StepId, T]:
    return MappingProxyType({**before, step: value})


def run_table(view: RunView, now: datetime) -> TableView:
    """The plan's steps with their states; steps keep their places while the run continues."""
    rows = tuple(
        Row(
            StepKey(step.id),
            (
                state_cell(view, step.id),
                Cell(step.host),
                Cell(step.title),
                time_cell(view, step.id, now),
                Cell(step.phase, Tone.MUTED),
            ),
        )
        for step in view.plan.steps
    )
    return TableView(f"run: {view.plan.action}", COLUMNS, rows, None, run_gist(view, now), ageless=True)


def state_cell(view: RunView, step: StepId) -> Cell:
    if step in view.ended:
        return STATES[view.ended[step].outcome]
    if step in view.started:
        if view.over:
            return Cell("? no answer", Tone.UNKNOWN)
        if step not in view.paused_steps:
            return RUNNING
        return NEXT if step == view.paused_steps[0] else HELD
    return STATES[Outcome.SKIPPED] if view.over else WAITING


def time_cell(view: RunView, step: StepId, now: datetime) -> Cell:
    if step in view.ended:
        return Cell(f"{view.ended[step].seconds:.1f}s", Tone.MUTED)
    if step in view.started and not view.over:
        return Cell(span(seconds_since(view.started[step], now)))
    return Cell("")


def run_gist(view: RunView, now: datetime) -> tuple[Cell, ...]:
    """The progress or result of the run, the longest version first."""
    if view.interruption is not None:
        return (Cell(f"✖ {view.interruption}", Tone.CRITICAL),)
    if view.end is not None:
        return (ending(view.end), _short_ending(view.end))
    steps, ended = len(view.plan.steps), len(view.ended)
    filled = BAR * ended // max(steps, 1)
    bar = "█" * filled + "·" * (BAR - filled)
    took = span(seconds_since(view.begun_at, now))
    stopping = "stopping after these, " if view.stopping else ""
    if view.paused_steps and not view.stopping:
        waits = f"‖ {len(view.paused_steps)} paused"
        return (
            Cell(f"{waits}: n for the next, p for all; {ended}/{steps} ended, {took}", Tone.WARNING),
            Cell(f"{waits}: n for the next, p for all; {ended}/{steps}", Tone.WARNING),
            Cell(f"{waits}, {ended}/{steps}", Tone.WARNING),
        )
    stopping = "pausing after these, " if view.paused and not view.stopping else stopping
    tone = Tone.WARNING if view.stopping or view.paused else Tone.ACCENT
    remaining = _remaining(view, now)
    tail = f"{len(view.under_way)} running, {steps - ended - len(view.under_way)} to come, {took}{remaining}"
    return (
        Cell(f"{bar} {ended}/{steps}, {stopping}{tail}", tone),
        Cell(f"{stopping}{ended}/{steps}, {tail}", tone),
        Cell(f"{ended}/{steps}, {took}{remaining}", tone),
    )


def _remaining(view: RunView, now: datetime) -> str:
    """The estimated time to the end, as the end of a sentence; empty while it is not known."""
    seconds = remaining_s(view.plan, view.started, view.ended, view.earlier_s, now)
    return "" if seconds is None else f", about {span(max(round(seconds), 1))} left"


def _short_ending(event: RunDone) -> Cell:
    """The result without the steps that changed nothing."""
    full = ending(event)
    counts = [f"{event.changed - event.half_done} changed", *([f"{event.failed} failed"] if event.failed else [])]
    return Cell(f"{full.text.partition(':')[0]}: {', '.join(counts)}", full.tone)


def ending(event: RunDone) -> Cell:
    """The result of the run, as a sentence."""
    sign, tone = {
        Outcome.DONE: ("●", Tone.GOOD),
        Outcome.ALREADY: ("●", Tone.GOOD),
        Outcome.FAILED: ("✖", Tone.CRITICAL),
        Outcome.UNKNOWN: ("?", Tone.UNKNOWN),
        Outcome.SKIPPED: ("▲", Tone.WARNING),
    }[event.outcome]
    word = "stopped" if event.outcome is Outcome.SKIPPED else event.outcome
    return Cell(f"{sign} {word} after {event.seconds:.0f} s: {event.counts()}", tone)


def about_run_step(view: RunView, subject: StepKey) -> Detail | None:
    """A step of the run: its result, its output, and then the plan's description of it."""
    step = step_of(view.plan, subject.id)
    if step is None:
        return None
    items = (*_waits(view, step.id), *_result(view, step.id), *_output_items(view, step))
    return Detail(f"{step.host}: {step.title}", items)


def step_results(view: RunView) -> tuple[Detail, ...]:
    """State, error and output of each step that has an error or an output, in the plan's order."""
    steps = (step for step in view.plan.steps if step.id in view.output or _error(view, step.id))
    return tuple(Detail(f"{step.host}: {step.title}", _result(view, step.id)) for step in steps)


def _error(view: RunView, step: StepId) -> str | None:
    ended = view.ended.get(step)
    return ended.error if ended is not None else None


def _result(view: RunView, step: StepId) -> tuple[Item, ...]:
    """The step's state, its error and its output."""
    error, lines = _error(view, step), view.output.get(step, ())
    output = (Heading("Output"), *(Verbatim(Cell(line.expandtabs()), "│") for line in lines)) if lines else ()
    failure = (Sentence(Cell(error, Tone.CRITICAL)),) if error else ()
    return (Fact("state", state_cell(view, step)), *failure, *output)


def _waits(view: RunView, step: StepId) -> tuple[Item, ...]:
    """A note that the step waits for a person, with the keys."""
    if step not in view.paused_steps or view.over:
        return ()
    if step != view.paused_steps[0]:
        return (
            Sentence(
                Cell("This step is paused, and another step is next: press n to start this step first.", Tone.WARNING),
                "‖",
            ),
        )
    keys = "This step waits for you: press n to start it, p to start all steps, s to stop the run."
    return (*_last_result(view), Sentence(Cell(keys, Tone.WARNING), "‖"))


def _last_result(view: RunView) -> tuple[Item, ...]:
    """The step that ended last and its result, before the next one is described."""
    step = step_of(view.plan, view.finished) if view.finished is not None else None
    if step is None:
        return ()
    result = view.ended[step.id]
    cell = STATES[result.outcome]
    return (Sentence(Cell(f"{cell.text} in {result.seconds:.1f}s: {step.host}: {step.title}", cell.tone)),)


def _output_items(view: RunView, step: Step) -> tuple[Item, ...]:
    why = () if view.teaching else (Heading("Why"),)
    return (*why, *step_items(view.plan, step, teaching=view.teaching))


def about_end(view: RunView) -> Detail:
    """The result of the run: the summary, failures, changes on the cluster, the next step to take."""
    event = view.end
    items: list[Item] = []
    if view.interruption is not None:
        items.append(Sentence(Cell(view.interruption, Tone.CRITICAL)))
    if event is not None:
        items += [Sentence(ending(event)), Fact("record", Cell(f"haconsole runs {event.run}"))]
        if event.next_step:
            items += [Heading("Next"), Sentence(Cell(event.next_step))]
    wrong = tuple(each for each in view.ended.values() if each.error)
    if wrong:
        items += [
            Heading("Failures"),
            *(Sentence(Cell(each.error or "", Tone.CRITICAL), "✖") for each in wrong),
        ]
    items.append(Heading("Changes on the cluster, before and after"))
    if view.changes is None:
        items.append(Sentence(Cell("? the hosts are being queried again", Tone.UNKNOWN)))
    else:
        items += [Sentence(Cell(f"{each.subject}: {each.text}", each.tone), "·") for each in view.changes] or [
            Sentence(Cell("the console observes no change", Tone.MUTED))
        ]
    return Detail(f"{view.plan.action} of {view.plan.cluster}", tuple(items))
