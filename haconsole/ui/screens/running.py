"""A run on the screen: it continues whether it is watched or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from haconsole.execution.events import Outcome
from haconsole.inventory.follow import FileChange
from haconsole.model.lock_view import LockView, lock_sentence
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Sentence, Verbatim
from haconsole.present.plan import step_title
from haconsole.present.row_keys import RowKey, StepKey
from haconsole.present.running import RunView, about_end, about_run_step, run_table
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.screens.overlay import TextWindow
from haconsole.ui.screens.question import YesNoQuestion
from haconsole.ui.screens.split import SplitScreen


class RunScreen(SplitScreen):
    """Follows the running step until a person moves the cursor; shows the result at its end."""

    BINDINGS = bindings(Scope.RUN, Scope.RESUMABLE, Scope.ENDED)

    def __init__(self) -> None:
        super().__init__()
        self._following = True

    @property
    def scopes(self) -> tuple[Scope, ...]:
        view = self.app.run_view
        if view is not None and view.over:
            return (*self._resumable(view), Scope.ENDED, *super().scopes)
        paused_scope = (Scope.HELD,) if view is not None and view.paused and not view.stopping else ()
        return (*paused_scope, Scope.RUN, *super().scopes)

    def on_mount(self) -> None:
        self.watch(self.app, "run_view", self._draw)
        self.watch(self.app, "now", self._tick, init=False)

    def _draw(self, view: RunView | None) -> None:
        if view is None:
            return
        self.show(run_table(view, self.app.now))
        looked_at = view.failed if view.over else view.newest
        if self._following and looked_at is not None:
            self.table.go_to(StepKey(looked_at))
        self.tell()
        self.keys.tell()

    def _tick(self, now: datetime) -> None:
        view = self.app.run_view
        if view is not None and not view.over:
            self._draw(view)

    def details_of(self, subject: RowKey) -> Detail | None:
        view = self.app.run_view
        return about_run_step(view, subject) if view is not None and isinstance(subject, StepKey) else None

    def on_key(self) -> None:
        """A person who moves the cursor wants to look where they are."""
        view = self.app.run_view
        if view is not None and self.table.cursor_key != (StepKey(view.newest) if view.newest else None):
            self._following = False

    def action_follow(self) -> None:
        self._following = True
        self._draw(self.app.run_view)

    def action_outcome(self) -> None:
        """The result of the run, once it has ended."""
        view = self.app.run_view
        if view is None or not view.over:
            self.app.bell()
        else:
            self.app.push_screen(TextWindow(lambda state, now: about_end(self.app.run_view or view)))

    async def action_resume(self) -> None:
        """Resume the run, if it ended and did not finish."""
        view = self.app.run_view
        if view is not None and self._resumable(view):
            await self.app.run_history.resume_run(view.run)

    @staticmethod
    def _resumable(view: RunView) -> tuple[Scope, ...]:
        """The scope with the resume key if the run ended and did not finish."""
        finished = view.done is not None and view.done.outcome in (Outcome.DONE, Outcome.ALREADY)
        return (Scope.RESUMABLE,) if view.over and view.run and not finished else ()

    def action_pause(self) -> None:
        """Pause the steps that have not started; again: continue."""
        self._unless_over(self.app.run_controller.pause)

    def action_next(self) -> None:
        """Start the held step that is shown, else the next one."""
        view = self.app.run_view
        if view is None or view.over:
            self.app.bell()
        elif not view.paused_steps:
            self.app.notify(_nothing_held(view), timeout=4, markup=False)
        else:
            key = self.table.cursor_key
            shown = key.id if isinstance(key, StepKey) else None
            self._following = True
            self.app.run_controller.release(shown if shown in view.paused_steps else view.paused_steps[0])

    def action_teach(self) -> None:
        """Explain each step and wait before it, or stop doing that."""
        self._unless_over(self.app.run_controller.teach)

    def _unless_over(self, act: Callable[[], None]) -> None:
        view = self.app.run_view
        if view is None or view.over or view.stopping:
            self.app.bell()
        else:
            act()

    async def action_quit_run(self) -> None:
        """During the run leave the console, where a person agrees; afterwards only this screen."""
        view = self.app.run_view
        if view is not None and not view.over:
            await self.app.action_quit()
        else:
            self.action_leave()

    def action_stop(self) -> None:
        """Start no further step; again: leave the running ones to their hosts."""
        view, runs = self.app.run_view, self.app.run_controller
        if view is None or view.over:
            self.app.bell()
        elif view.stopping:
            leave = lambda yes: runs.stop(at_once=True) if yes else None  # noqa: E731
            self.app.push_screen(YesNoQuestion(LEAVE_TO_HOSTS), leave)
        else:
            runs.stop()


LEAVE_CONSOLE = Detail(
    "a run is running: close the console?",
    (
        Sentence(Cell("No further step is started. Steps under way continue on their hosts to their end.")),
        Sentence(Cell("`haconsole runs` lists the run, and `haconsole resume` resumes it.")),
    ),
)


def _nothing_held(view: RunView) -> str:
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
                Cell("Take it over only when that console is gone: two that change a cluster at once can lose it.")
            ),
        ),
    )


def inventory_follows(change: FileChange) -> Detail:
    """The confirmation before the inventory's file is changed, with the change."""
    return Detail(
        f"{change.host} has left: remove it from the inventory's file?",
        (
            Sentence(Cell(f"{change.path} would be changed like this; everything else in it stays.")),
            *(Verbatim(Cell(line)) for line in change.diff.splitlines()),
        ),
    )


LEAVE_TO_HOSTS = Detail(
    "leave the running steps to their hosts?",
    (Sentence(Cell("They run there to their end. The result is read when the run is resumed.")),),
)
