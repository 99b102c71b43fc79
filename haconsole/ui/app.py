"""The console: one stream of snapshots in, screens drawn from one state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.reactive import var

from haconsole.errors import ExitCode
from haconsole.inventory.effective import is_read_only
from haconsole.present.bar import BarLink, LinkState
from haconsole.ui import error_text
from haconsole.ui.ascii import AsciiOnly
from haconsole.ui.commands import Commands
from haconsole.ui.controllers.actions import ActionController
from haconsole.ui.controllers.history import RunHistoryController
from haconsole.ui.controllers.hosts import HostController
from haconsole.ui.controllers.runs import RunController
from haconsole.ui.controllers.snapshots import SnapshotFeed
from haconsole.ui.controllers.themes import ThemeController
from haconsole.ui.messages import Copied
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.state import Clock, ConsoleState
from haconsole.ui.style_table import Inks, inks_of

if TYPE_CHECKING:
    from textual.theme import Theme

    from haconsole.inventory.schema import Inventory
    from haconsole.present.row_keys import RowKey
    from haconsole.present.running import RunView
    from haconsole.session import Session
    from haconsole.ui.controllers.prompter import Prompter

RETRY_S = (1.0, 2.0, 5.0, 10.0, 15.0)
CLOSE_WITHIN_S = 5.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Setting:
    """The settings of the console: its data, its look and its prompts.

    If `alone` in its process it may exclude loaded objects from garbage collection, which takes long. `file` is the
    inventory's, if there is one to update after a change. `sixteen` is for a terminal of sixteen colours.
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
    asker: Prompter | None = None
    alone: bool = False
    file: Path | None = None
    process: str = ""
    """The identity of this process, by which its own lock is recognised."""


class ConsoleApp(Commands):
    """Opens the session after the first paint, receives its snapshots, and passes a state to the current screen."""

    CSS_PATH = "console.tcss"
    TITLE = "haconsole"
    ENABLE_COMMAND_PALETTE = False
    state: var[ConsoleState] = var(ConsoleState(BarLink(LinkState.CONNECTING, datetime.min.replace(tzinfo=UTC))))
    now: var[datetime] = var(datetime.min.replace(tzinfo=UTC))

    run_view: var[RunView | None] = var(None)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.inventory = setting.inventory
        self.session: Session | None = None
        self._feeding: asyncio.Task[None] | None = None
        self.action_controller = ActionController(self)
        self.theme_controller = ThemeController(self)
        self.run_controller = RunController(self)
        self.run_history = RunHistoryController(self)
        self.host_controller = HostController(self)
        self.set_reactive(ConsoleApp.now, setting.clock())
        self.set_reactive(ConsoleApp.state, ConsoleState(BarLink(LinkState.CONNECTING, self.now)))
        self.register_theme(setting.theme)
        self.inks: Inks = inks_of(setting.theme)
        self.theme = setting.theme.name

    @property
    def read_only(self) -> bool:
        return self.setting.read_only or is_read_only(self.inventory)

    @property
    def endpoint(self) -> str:
        kubernetes = self.inventory.kubernetes
        return kubernetes.endpoint or "" if kubernetes else ""

    def get_default_screen(self) -> Dashboard:
        return Dashboard(tuple((host.name, host.address) for host in self.inventory.hosts))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The last filter of every painted line."""
        filters = tuple(super().get_line_filters())
        if self.no_color and self.native_ansi_color:
            # the filter for NO_COLOR was chosen before the theme was, and greys would be black on black
            filters = (*(each for each in filters if not isinstance(each, Monochrome)), NoColor())
        return (*filters, AsciiOnly()) if self.setting.ascii_only else filters

    def notify(self, message: str, *, title: str = "", severity: SeverityLevel = "information", **more: Any) -> None:
        """Show a notification; errors have a sign, because colours may not be visible."""
        sign = {"warning": "▲ ", "error": "✖ "}.get(severity, "")
        if title:
            super().notify(message, title=sign + title, severity=severity, **more)
        else:
            super().notify(sign + message, severity=severity, **more)

    def on_copied(self, message: Copied) -> None:
        self.copy_to_clipboard(message.text)
        self.notify("copied, where the terminal allows it (OSC 52)", timeout=2, markup=False)

    @property
    def subject(self) -> RowKey | None:
        """The subject under the dashboard's cursor."""
        dashboard = self.screen_stack[0]
        return dashboard.subject if isinstance(dashboard, Dashboard) else None

    def on_mount(self) -> None:
        if self.setting.asker is not None:
            self.setting.asker.app = self
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._start)

    async def on_unmount(self) -> None:
        """Close the session; the terminal belongs to the shell again by now."""
        self.run_history.close()
        await self.run_controller.close()
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.wait({self._feeding}, timeout=CLOSE_WITHIN_S)

    def _start(self) -> None:
        self._feeding = asyncio.create_task(SnapshotFeed(self).go_on(), name="feed")

    def _tick(self) -> None:
        self.now = self.setting.clock()

    def _handle_exception(self, error: Exception) -> None:
        """End the app after an internal error, without the values Textual's own report would print."""
        self._return_code = int(ExitCode.FAILED)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.panic(error_text.report(error))
