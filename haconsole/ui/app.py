"""The console: one stream of snapshots in, screens drawn from one state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.reactive import var

from haconsole.errors import ExitCode
from haconsole.model.roles import Role
from haconsole.ui import faults
from haconsole.ui.ascii import AsciiOnly
from haconsole.ui.feed import Feed
from haconsole.ui.inks import Inks, inks_of
from haconsole.ui.keys import Key, Scope, bindings, keys_of
from haconsole.ui.menu import Menu
from haconsole.ui.messages import Copied
from haconsole.ui.painting import Painting
from haconsole.ui.past import Past
from haconsole.ui.present.bar import Link, LinkState
from haconsole.ui.runs import Runs
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.state import Clock, ConsoleState

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.theme import Theme

    from haconsole.inventory.schema import Inventory
    from haconsole.session import Session
    from haconsole.ui.asker import ScreenAsker
    from haconsole.ui.present.running import RunView
    from haconsole.ui.present.subjects import Subject

RETRY_S = (1.0, 2.0, 5.0, 10.0, 15.0)
CLOSE_WITHIN_S = 5.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Setting:
    """How the console is opened: what it shows, how it looks and how it asks.

    `alone` in its process it may keep what it has loaded from being looked through for garbage, which takes long.
    `file` is the inventory's, where there is one that could follow a change. `sixteen` is for a terminal
    of so many colours.
    """

    inventory: Inventory
    theme: Theme
    theme_source: str
    open_session: Callable[[], AbstractAsyncContextManager[Session]]
    read_only: bool = False
    recorded: bool = False
    ascii_only: bool = False
    sixteen: bool = False
    clock: Clock = utc_now
    retry_s: tuple[float, ...] = RETRY_S
    asker: ScreenAsker | None = None
    alone: bool = False
    file: Path | None = None


class ConsoleApp(App[None]):
    """Opens the session after the first paint, takes in its snapshots, and hands a state to whichever screen is up."""

    CSS_PATH = "console.tcss"
    TITLE = "haconsole"
    BINDINGS = bindings(Scope.EVERYWHERE)
    ENABLE_COMMAND_PALETTE = False
    state: var[ConsoleState] = var(ConsoleState(Link(LinkState.CONNECTING, datetime.min.replace(tzinfo=UTC))))
    now: var[datetime] = var(datetime.min.replace(tzinfo=UTC))

    run_view: var[RunView | None] = var(None)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.inventory = setting.inventory
        self.session: Session | None = None
        self._feeding: asyncio.Task[None] | None = None
        self.menu = Menu(self)
        self.painting = Painting(self)
        self.runs = Runs(self)
        self.past = Past(self)
        self.set_reactive(ConsoleApp.now, setting.clock())
        self.set_reactive(ConsoleApp.state, ConsoleState(Link(LinkState.CONNECTING, self.now)))
        self.register_theme(setting.theme)
        self.inks: Inks = inks_of(setting.theme)
        self.theme = setting.theme.name

    @property
    def read_only(self) -> bool:
        return self.setting.read_only or self.inventory.read_only

    @property
    def endpoint(self) -> str:
        kubernetes = self.inventory.kubernetes
        return kubernetes.endpoint or "" if kubernetes else ""

    def get_default_screen(self) -> Dashboard:
        return Dashboard(tuple((host.name, host.address) for host in self.inventory.hosts))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every painted line passes through last."""
        filters = tuple(super().get_line_filters())
        if self.no_color and self.native_ansi_color:
            # the filter for NO_COLOR was chosen before the theme was, and greys would be black on black
            filters = (*(each for each in filters if not isinstance(each, Monochrome)), NoColor())
        return (*filters, AsciiOnly()) if self.setting.ascii_only else filters

    def keys_on(self, screen: Screen[Any]) -> tuple[Key, ...]:
        """The keys that count on a screen of this console, in its present state."""
        return keys_of(*getattr(screen, "scopes", (Scope.EVERYWHERE,)), read_only=self.read_only)

    def action_help(self) -> None:
        """Tell the keys of the screen that is up."""
        from haconsole.ui.screens.overlay import TextWindow, help_text

        told = help_text(self.keys_on(self.screen))
        self.push_screen(TextWindow(lambda state, now: told))

    def action_next_theme(self) -> None:
        """Paint with the next of the themes found."""
        self.painting.following()

    def action_reload_theme(self) -> None:
        """Read the file of the theme in use again."""
        self.painting.again()

    def notify(self, message: str, *, title: str = "", severity: SeverityLevel = "information", **more: Any) -> None:
        """Tell something in passing; what went wrong bears a sign, for its colour may not be seen."""
        sign = {"warning": "▲ ", "error": "✖ "}.get(severity, "")
        if title:
            super().notify(message, title=sign + title, severity=severity, **more)
        else:
            super().notify(sign + message, severity=severity, **more)

    def on_copied(self, message: Copied) -> None:
        self.copy_to_clipboard(message.text)
        self.notify("copied, where the terminal allows it (OSC 52)", timeout=2, markup=False)

    def action_actions(self) -> None:
        """Offer the actions there are."""
        self.menu.offer()

    def action_act(self, name: str) -> None:
        """Begin the action of that name."""
        self.menu.begin(name)

    def action_mend(self) -> None:
        """Begin what helps with the finding under the cursor."""
        self.menu.mend()

    def action_journal(self, everywhere: bool = False) -> None:
        """Follow the journal of the host under the cursor, or of all hosts."""
        from haconsole.model.names import HostName
        from haconsole.ui.present.standing import host_of
        from haconsole.ui.screens.journal import JournalScreen

        host = None if everywhere else host_of(self.subject, self.state.snapshot)
        names = tuple(HostName(each.name) for each in self.inventory.hosts if Role.BASTION not in each.roles)
        self.push_screen(JournalScreen((host,) if host else names))

    async def action_shell(self) -> None:
        """A shell on the host under the cursor; the screen comes back at its end."""
        from haconsole.ui.present.standing import host_of
        from haconsole.ui.visit import visit

        name = host_of(self.subject, self.state.snapshot)
        host = self.inventory.find(name) if name else None
        if self.read_only:
            self.notify("this console is read-only: no shell", severity="warning", markup=False)
        elif host is None:
            self.notify("the row is about no single host", severity="warning", markup=False)
        else:
            self.run_worker(visit(self, self.inventory, host), name="shell", exit_on_error=False)

    def action_show_run(self) -> None:
        """Show the run under way, or the last one."""
        self.runs.show()

    def action_history(self) -> None:
        """Show the runs there were."""
        self.past.show()

    async def action_quit(self) -> None:
        """Leave the console; with a run under way only when a person says so."""
        if not self.runs.under_way:
            self.exit()
            return
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import LEAVE_CONSOLE

        self.push_screen(YesNoQuestion(LEAVE_CONSOLE), lambda yes: self.exit() if yes else None)

    @property
    def subject(self) -> Subject | None:
        """What the dashboard's cursor is on."""
        dashboard = self.screen_stack[0]
        return dashboard.subject if isinstance(dashboard, Dashboard) else None

    def action_palette(self) -> None:
        """Offer every command of the screen that is up, then the themes."""
        self.menu.offer_commands()

    def action_paint(self, theme: str) -> None:
        self.painting.use(theme)

    def chosen(self, action: str | None) -> None:
        """Do what was chosen from a palette."""
        if action is not None:
            self.run_worker(self._act(action), exit_on_error=False)

    async def _act(self, action: str) -> None:
        """Do what a key does, on whatever of focus, screen and app knows it."""
        if action.startswith("app."):
            await self.run_action(action)
            return
        for node in (self.screen.focused or self.screen, self.screen, self):
            if hasattr(node, f"action_{action.partition('(')[0]}"):
                await self.run_action(action, node)
                return

    def on_mount(self) -> None:
        if self.setting.asker is not None:
            self.setting.asker.app = self
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._start)

    async def on_unmount(self) -> None:
        """Give back what the session holds; the terminal is the shell's again by now."""
        self.past.close()
        await self.runs.close()
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.wait({self._feeding}, timeout=CLOSE_WITHIN_S)

    def _start(self) -> None:
        self._feeding = asyncio.create_task(Feed(self).go_on(), name="feed")

    def _tick(self) -> None:
        self.now = self.setting.clock()

    def _handle_exception(self, error: Exception) -> None:
        """End the app on a fault of its own, without the values Textual's own report would print."""
        self._return_code = int(ExitCode.FAILED)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.panic(faults.report(error))
