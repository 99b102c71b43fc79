"""A run on the screen: it continues whether it is watched or not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from haconsole.execution.events import Outcome
from haconsole.model.lock_view import LockView, lock_sentence
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Sentence, Verbatim
from haconsole.present.plan import step_title
from haconsole.present.row_keys import RowKey, StepKey
from haconsole.present.run_grid import about_row, counterpart, has_grid, run_grid
from haconsole.present.running import RunView, about_end, run_table
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import OfferResume, ReleaseStep
from haconsole.ui.screens.overlay import TextWindow
from haconsole.ui.screens.split import SplitScreen

if TYPE_CHECKING:
    from haconsole.inventory.follow import FileChange

ENDED = "the run has ended"
NOT_ENDED = "the run has not ended yet"
STOPPING = "the run is stopping: no further step starts"
NO_GRID = "the grid of hosts cannot be shown: the run pauses before each step, or the screen is too narrow"
GRID_PERCENT = 65
"""The share of a narrow screen for the grid: seven phases, and the running steps above them."""
COMPLETE = "the run is complete: there is nothing to resume"


class RunScreen(SplitScreen):
    """Follows the running step until a person moves the cursor; shows the result at its end."""

    BINDINGS = bindings(Scope.HELD, Scope.RUN, Scope.RESUMABLE, Scope.ENDED, Scope.SPLIT)

    def __init__(self) -> None:
        super().__init__()
        self._following = True
        self._listed = False

    def on_mount(self) -> None:
        self.watch(self.app, "run_view", self._draw)
        self.watch(self.app, "now", self._tick, init=False)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        view = self.app.run_view
        return why_not(action, parameters, view) if view is not None else None

    def _draw(self, view: RunView | None) -> None:
        if view is None:
            return
        if self._listed or not _grid_fits(view):
            self.show(run_table(view, self.app.now))
        else:
            self.show(run_grid(view, self.app.now), tall_percent=GRID_PERCENT)
        looked_at = view.failed if view.over else view.newest
        if self._following and looked_at is not None:
            self.table.window = self.table.window.on(StepKey(looked_at))
        self.on_row_highlighted()

    def _tick(self, now: datetime) -> None:
        view = self.app.run_view
        if view is not None and not view.over:
            self._draw(view)

    def details_of(self, subject: RowKey) -> Detail | None:
        view = self.app.run_view
        return about_row(view, subject, self.app.now) if view is not None else None

    def on_key(self) -> None:
        """A person who moves the cursor wants to look where they are."""
        view = self.app.run_view
        if view is not None and self.table.window.key != (StepKey(view.newest) if view.newest else None):
            self._following = False

    def action_switch(self, what: str) -> None:
        """Follow the running step again, or switch between the list of steps and the grid."""
        view, key = self.app.run_view, self.table.window.key
        if what == "steps":
            self._listed = not self._listed
        else:
            self._following = True
        self._draw(view)
        if view is not None and key is not None:
            self.table.window = self.table.window.on(counterpart(view, key, listed=self._listed))

    def action_next(self) -> None:
        """Start the held step that is shown, else the next one."""
        view, key = self.app.run_view, self.table.window.key
        if view is None:
            return
        if not view.paused_steps:
            self.app.notify(nothing_held(view), timeout=4, markup=False)
            return
        step = key.id if isinstance(key, StepKey) else None
        self._following = True
        self.post_message(ReleaseStep(step if step in view.paused_steps else view.paused_steps[0]))


class OutcomeWindow(TextWindow):
    """The result of the run, over the run; an unfinished one can be resumed from here."""

    BINDINGS = bindings(Scope.OUTCOME)

    def __init__(self, view: RunView) -> None:
        super().__init__(lambda state, now: about_end(self.app.run_view or view))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        view = self.app.run_view
        if action == "resume":
            return None if view is not None and is_resumable(view) else COMPLETE
        return super().why_not(action, parameters)

    def action_resume(self) -> None:
        self.dismiss()
        self.app.post_message(OfferResume())


def _grid_fits(view: RunView) -> bool:
    """Whether there is a grid: not if the run is done step by step, or is on many hosts."""
    return has_grid(view) and not view.teaching


def why_not(action: str, parameters: tuple[object, ...], view: RunView) -> str | None:
    """Why an action on the run has no effect now; None if it has one, empty for a key that means something else now."""
    is_held = view.paused and not view.stopping and not view.over
    match (action, *parameters):
        case ("switch", "steps"):
            return None if _grid_fits(view) else NO_GRID
        case ("switch", "follow"):
            return ENDED if view.over else None
        case ("next",):
            return None if is_held else ENDED if view.over else STOPPING if view.stopping else nothing_held(view)
        case ("request", "Quit"):
            return "" if view.over else None
        case ("request", "PauseRun", False):
            return None if is_held else ""
        case ("request", "PauseRun" | "TeachRun", *_):
            return ENDED if view.over else STOPPING if view.stopping else None
        case ("request", "StopRun"):
            return ENDED if view.over else None
        case ("request", "ShowOutcome"):
            return None if view.over else NOT_ENDED
        case ("request", "OfferResume"):
            return None if is_resumable(view) else COMPLETE if view.over and view.run else NOT_ENDED
        case _:
            return None


def is_resumable(view: RunView) -> bool:
    """Whether the run ended and did not finish."""
    finished = view.end is not None and view.end.outcome in (Outcome.DONE, Outcome.ALREADY)
    return view.over and bool(view.run) and not finished


LEAVE_CONSOLE = Detail(
    "a run is running: close the console?",
    (
        Sentence(Cell("No further step is started. Steps under way continue on their hosts to their end.")),
        Sentence(Cell("`haconsole runs` lists the run, and `haconsole resume` resumes it.")),
    ),
)


def nothing_held(view: RunView) -> str:
    """Why there is no step to start."""
    if view.working:
        return f"not started: {step_title(view.plan, view.working[0])} is under way; wait for its end"
    return "no step is held" if view.paused else "no step is held: the run is not paused (p pauses it)"


def take_over(view: LockView) -> Detail:
    """The confirmation before the lock of a console that seems to be gone is taken over."""
    return Detail(
        "take over the lock of another console?",
        (
            Sentence(Cell(f"{lock_sentence(view)}.", Tone.WARNING)),
            Sentence(
                Cell(
                    "Take the lock over only if the other console is gone: two consoles that change a cluster at "
                    "the same time can destroy the cluster."
                )
            ),
        ),
    )


def inventory_follows(change: FileChange) -> Detail:
    """The confirmation before the inventory's file is changed, with the change."""
    return Detail(
        f"{change.host} has left the cluster: remove the host from the inventory's file?",
        (
            Sentence(Cell(f"{change.path} would be changed like this; everything else in it stays.")),
            *(Verbatim(Cell(line)) for line in change.diff.splitlines()),
        ),
    )


LEAVE_TO_HOSTS = Detail(
    "end the run now, and let its running steps continue on their hosts?",
    (Sentence(Cell("The steps continue on their hosts to their end. Resuming the run reads their results.")),),
)
