"""A run's progress for a person: its state so far, and the lines that show it. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime

from haconsole.actions.step import StepId
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

BAR = 20
MOST_RUNNING = 8


@dataclass(frozen=True, slots=True)
class Running:
    """A running step."""

    step: StepId
    host: str
    title: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run so far; `titles` are of the steps that have started."""

    action: str = ""
    cluster: str = ""
    steps: int = 0
    ended: int = 0
    already: int = 0
    begun_at: datetime | None = None
    running: tuple[Running, ...] = ()
    titles: tuple[tuple[StepId, str], ...] = ()
    over: bool = False

    def title(self, step: StepId) -> str:
        return dict(self.titles).get(step, step)


def after(progress: RunProgress, event: Event) -> RunProgress:
    """The progress after one more event."""
    match event:
        case RunStarted():
            return RunProgress(event.action, event.cluster, event.steps, begun_at=event.at)
        case StepStarted():
            running = Running(event.step, event.host, event.title, event.at)
            titles = (*progress.titles, (event.step, event.title))
            return replace(progress, running=(*progress.running, running), titles=titles)
        case StepDone():
            left = tuple(one for one in progress.running if one.step != event.step)
            already = progress.already + (event.outcome is Outcome.ALREADY)
            return replace(progress, running=left, ended=progress.ended + 1, already=already)
        case RunDone():
            return replace(progress, over=True)
        case StepPaused() | StepResumed() | StepOutput():
            return progress


def live_lines(progress: RunProgress, now: datetime, width: int) -> tuple[str, ...]:
    """The redrawn lines: the progress of the run, then each running step with its seconds."""
    if progress.begun_at is None or progress.over:
        return ()
    filled = BAR * progress.ended // max(progress.steps, 1)
    bar = "#" * filled + "-" * (BAR - filled)
    head = (
        f"{progress.action} of {progress.cluster} [{bar}] {progress.ended} of {progress.steps} steps, "
        f"{progress.steps - progress.ended} left, {_seconds(now, progress.begun_at)}"
    )
    steps = progress.running[:MOST_RUNNING]
    rows = [f"  {one.host}: {one.title} {_seconds(now, one.since)}" for one in steps]
    if len(progress.running) > len(steps):
        rows.append(f"  and {len(progress.running) - len(steps)} more")
    return tuple(clip(line, width) for line in (head, *rows))


def ended_line(progress: RunProgress, event: StepDone) -> str | None:
    """A line that stays, for a step that was performed or failed; None if there is nothing to show."""
    title = progress.title(event.step)
    match event.outcome:
        case Outcome.DONE:
            return harmless(f"done    {event.host}: {title} ({event.seconds:.1f} s)")
        case Outcome.FAILED | Outcome.UNKNOWN:
            return harmless(f"{event.outcome.value:7} {event.host}: {title}: {event.error or 'no reason was given'}")
        case Outcome.SKIPPED if event.error:
            return harmless(f"not started {event.host}: {title}: {event.error}")
        case Outcome.ALREADY | Outcome.SKIPPED:
            return None


def plain_line(progress: RunProgress, event: Event) -> str | None:
    """A line for a log, if nothing can be redrawn; None for events that need none."""
    match event:
        case RunStarted():
            return f"{event.action} of {event.cluster}: run {event.run}, {event.steps} steps"
        case StepDone(outcome=Outcome.SKIPPED, error=None):
            return None
        case StepPaused():
            return f"{event.host}: {progress.title(event.step)}: paused until released"
        case StepDone():
            count = f"[{progress.ended}/{progress.steps}]"
            tail = f": {event.error}" if event.error else f" ({event.seconds:.1f} s)"
            return harmless(f"{count} {event.host}: {progress.title(event.step)}: {event.outcome.value}{tail}")
        case StepStarted() | StepResumed() | StepOutput() | RunDone():
            return None


def harmless(text: str) -> str:
    """Text that came from a host, without control sequences; line breaks become blanks."""
    return "".join(" " if char in "\r\n\t" else char for char in text if _shows(char))


def clip(line: str, width: int) -> str:
    """A line that fits, cut at its end."""
    line = harmless(line)
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def _shows(char: str) -> bool:
    return char in "\r\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def _seconds(now: datetime, since: datetime) -> str:
    return f"{max((now - since).total_seconds(), 0.0):.0f} s"
