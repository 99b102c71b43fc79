"""Follows a run from the command line: events to the display, signals to the run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime

from haconsole.cli.progress_display import ProgressDisplay, progress_display
from haconsole.errors import ExitCode, HaconsoleError
from haconsole.execution.events import Event, Outcome, RunDone
from haconsole.session import Run, RunState

TICK_S = 0.25
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPING = "stopping: running steps finish; interrupt again to leave them running on their hosts"
LEAVING = (
    "haconsole exits: commands that are running finish on their hosts, and the run log marks their results as unknown"
)


async def drive(run: Run, tell: Callable[[Event], None], *, redraw: bool) -> tuple[RunDone, bool]:
    """Follow a run to its end; every event goes to `tell` and to a display on stderr.

    The first Ctrl-C (or SIGTERM, SIGHUP) stops after the running steps, the second leaves them to their hosts. A closed
    terminal or pipe gets no more output and does not disturb the run. Returns the run's end, and whether it was
    interrupted.
    """
    display = progress_display(sys.stderr, run.plan, lambda: datetime.now(UTC), redraw=redraw)
    ending: RunDone | None = None
    with _signals(run, display) as received:
        async with _ticking(display):
            async for event in run.events():
                with suppress(OSError):
                    display.show(event)
                with suppress(OSError):
                    tell(event)
                if isinstance(event, RunDone):
                    ending = event
    if ending is None:
        raise HaconsoleError("the run ended without a result", hint="read its log: haconsole runs")
    return ending, bool(received)


def exit_status(outcome: Outcome, *, interrupted: bool) -> ExitCode:
    """A run's result as an exit status."""
    if outcome in (Outcome.DONE, Outcome.ALREADY):
        return ExitCode.OK
    return ExitCode.INTERRUPTED if interrupted and outcome is not Outcome.FAILED else ExitCode.FAILED


@contextmanager
def _signals(run: Run, display: ProgressDisplay) -> Iterator[list[signal.Signals]]:
    """Signals stop the run instead of this process; the list holds those received."""
    received: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def receive(number: signal.Signals) -> None:
        received.append(number)
        with suppress(OSError):
            display.say(STOPPING if len(received) == 1 else LEAVING)
        if run.state is not RunState.ENDED:
            run.stop(at_once=len(received) > 1)

    for number in SIGNALS:
        loop.add_signal_handler(number, receive, number)
    try:
        yield received
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _ticking(display: ProgressDisplay) -> AsyncIterator[None]:
    """Redraw periodically, so that seconds advance while no event comes."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_S)
            with suppress(OSError):
                display.tick()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
