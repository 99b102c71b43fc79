"""A run step by step at a terminal: the result of the last step, the next step, and a question before it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from haconsole.cli.confirm import line
from haconsole.errors import UsageError
from haconsole.present.plan import step_of, step_title
from haconsole.present.running import RunView

if TYPE_CHECKING:
    from haconsole.execution.events import Event
    from haconsole.model.names import StepId
    from haconsole.session import Run

QUESTION = "n or enter starts this step, s stops the run: "


def require_terminal() -> None:
    """Raise UsageError where nobody can confirm the steps."""
    if not sys.stdin.isatty():
        raise UsageError("--step needs a terminal, and stdin is not a terminal", hint="run this command at a terminal")


class Stepper:
    """Follows the events of a run that began paused, and prompts for the next step once no step is working."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._view = RunView(run.plan, datetime.now(UTC))
        self._question: asyncio.Task[None] | None = None

    def follow(self, event: Event) -> None:
        """Process an event; prompt when the run waits for a person."""
        self._view = view = self._view.after(event)
        if view.over:
            self.close()
        elif view.paused_steps and not view.working and (self._question is None or self._question.done()):
            self._question = asyncio.create_task(self._ask(view.paused_steps[0]), name="step")

    def close(self) -> None:
        """Withdraw the prompt."""
        if self._question is not None:
            self._question.cancel()

    async def _ask(self, number: StepId) -> None:
        step = step_of(self._run.plan, number)
        with suppress(OSError):
            click.echo(f"\nnext: {step_title(self._run.plan, number)}", err=True)
            click.echo(f"  {step.why if step else ''}\n{QUESTION}", nl=False, err=True)
        while (answer := (await line(ends="s")).strip().lower()) not in ("", "n", "s"):
            click.echo(QUESTION, nl=False, err=True)
        if answer == "s":
            self._run.stop()
        else:
            self._run.release(number)
