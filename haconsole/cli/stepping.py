"""A run step by step at a terminal: the result of the last step, the next step, and a question before it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from haconsole.cli.confirm import line
from haconsole.errors import UsageError
from haconsole.execution.events import Event, RunDone, StepDone, StepPaused, StepResumed, StepStarted

if TYPE_CHECKING:
    from haconsole.actions.step import StepId
    from haconsole.session import Run

QUESTION = "n or enter starts this step, s stops the run: "


def require_terminal() -> None:
    """Raise UsageError where nobody can confirm the steps."""
    if not sys.stdin.isatty():
        raise UsageError("--step confirms each step at a terminal, and stdin is none", hint="run it at a terminal")


class Stepper:
    """Follows the events of a run that began paused, and prompts for the next step once no step is working."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._steps = {step.id: step for step in run.plan.steps}
        self._order = {step.id: number for number, step in enumerate(run.plan.steps)}
        self._held: set[StepId] = set()
        self._working: set[StepId] = set()
        self._question: asyncio.Task[None] | None = None

    def follow(self, event: Event) -> None:
        """Process an event; prompt when the run waits for a person."""
        match event:
            case StepStarted(step=step):
                self._working.add(step)
            case StepPaused(step=step):
                self._working.discard(step)
                self._held.add(step)
            case StepResumed(step=step):
                self._held.discard(step)
                self._working.add(step)
            case StepDone(step=step):
                self._held.discard(step)
                self._working.discard(step)
            case RunDone():
                self._held.clear()
                self.close()
            case _:
                return
        if self._held and not self._working and (self._question is None or self._question.done()):
            self._question = asyncio.create_task(self._ask(), name="step")

    def close(self) -> None:
        """Withdraw the prompt."""
        if self._question is not None:
            self._question.cancel()

    async def _ask(self) -> None:
        number = min(self._held, key=lambda step: self._order.get(step, 0))
        step = self._steps[number]
        with suppress(OSError):
            click.echo(f"\nnext: {step.host}: {step.title}\n  {step.why}\n{QUESTION}", nl=False, err=True)
        while (answer := (await line(ends="s")).strip().lower()) not in ("", "n", "s"):
            click.echo(QUESTION, nl=False, err=True)
        if answer == "s":
            self._run.stop()
        else:
            self._run.release(number)
