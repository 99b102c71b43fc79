"""The console as its screens and controllers see it: its settings, the state that screens draw from, and its keys."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from rich.segment import Segment
from textual.actions import parse
from textual.app import App
from textual.dom import DOMNode
from textual.filter import LineFilter, Monochrome, NoColor
from textual.reactive import var

from haconsole.errors import ExitCode
from haconsole.inventory.effective import is_read_only
from haconsole.present.ascii import ascii_text
from haconsole.present.bar import BarLink, LastBackup, LinkState
from haconsole.ui import error_text
from haconsole.ui.key import Scope
from haconsole.ui.keys import CHANGES, bindings
from haconsole.ui.messages import REQUESTS, Quit
from haconsole.ui.state import Clock, ConsoleState
from haconsole.ui.style_table import Inks, inks_of

if TYPE_CHECKING:
    from textual import events
    from textual.color import Color
    from textual.driver import Driver
    from textual.notifications import SeverityLevel
    from textual.theme import Theme

    from haconsole.inventory.schema import Inventory
    from haconsole.model.names import HostName
    from haconsole.present.replay import ReplayView
    from haconsole.present.running import RunView
    from haconsole.session import Session

RETRY_S = (1.0, 2.0, 5.0, 10.0, 15.0)
READ_ONLY = "this console is read-only: nothing can be changed from here"
NO_SHELL = "this console is read-only: no shell"
NO_JOURNALS = "a recording contains no journals: to see journals, start the console with the cluster's inventory"
NOT_RECORDED = {
    "FollowJournal": NO_JOURNALS,
    "RefreshFacts": "a recording has no newer facts: to see them, start the console with the cluster's inventory",
    "ShowRuns": "a recording contains no run logs: to see runs, start the console with the cluster's inventory",
    "ShowCommands": "a recording contains no commands: to see commands, start the console with the cluster's inventory",
}
"""Requests without effect in a recording, with the reason."""
UNSET = datetime.min.replace(tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Asker(Protocol):
    """Shows the session's prompts on the screen of `app`, once that is set."""

    app: App[Any] | None


class Setting(msgspec.Struct, frozen=True):
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
    asker: Asker | None = None
    alone: bool = False
    file: Path | None = None
    columns: Path | None = None
    """The file of the columns that a person hid; None to remember none."""
    signal: str = ""
    """The way to notify through the terminal, a TerminalSignal; empty for none."""
    hook: tuple[str, ...] = ()
    """The command that gets each notice as JSON; empty for none."""
    process: str = ""
    """The identity of this process, by which its own lock is recognised."""


class AsciiOnly(LineFilter):
    """The last filter before a terminal that shows ASCII only; every widget's text goes through it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]


class KeyTarget:
    """A part of the console with keys, which knows why one of them has no effect now; mixed into App and Screen."""

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """The reason why a key's action has no effect now; None if it has one, empty for a key to leave to others."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question: True for an active key, False for one to ignore, None for one without effect now."""
        assert isinstance(self, DOMNode)
        why = self.why_not(action, parameters)
        if why is None and (action, parameters) in CHANGES and self.app.read_only:  # type: ignore[attr-defined]
            return None
        return True if why is None else None if why else False


class Console(KeyTarget, App[None]):
    """The newest state of the cluster and of the run, redrawn by whichever screen is open."""

    BINDINGS = bindings(Scope.BESIDE, Scope.REPLAY, Scope.EVERYWHERE)
    CSS_PATH = "console.tcss"
    TITLE = "haconsole"
    ENABLE_COMMAND_PALETTE = False
    state: var[ConsoleState] = var(ConsoleState(BarLink(LinkState.CONNECTING, UNSET)))
    now: var[datetime] = var(UNSET)
    run_view: var[RunView | None] = var(None)
    """The current run, or the last one; Textual has its own `run`."""
    frozen_at: var[datetime | None] = var(None)
    """When a person froze the screens; None while they show news."""
    only_host: var[HostName | None] = var(None)
    """The only host that all screens show; None for all hosts."""
    hidden_columns: var[Mapping[str, frozenset[str]]] = var(dict)
    """Titles of the columns that a person hid, by pane."""
    replay: var[ReplayView | None] = var(None)
    """The recording that is played; None of a live cluster."""
    backup: var[LastBackup | None] = var(None)
    """The last backup of etcd, None until the run logs are read."""

    def __init__(self, setting: Setting, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.setting = setting
        self.inventory = setting.inventory
        self.read_only = setting.read_only or is_read_only(setting.inventory)
        self.session: Session | None = None
        """The session while one is open."""
        self.set_reactive(Console.now, setting.clock())
        self.set_reactive(
            Console.state, ConsoleState(BarLink(LinkState.CONNECTING, self.now), can_fix=not self.read_only)
        )
        self.register_theme(setting.theme)
        self.inks: Inks = inks_of(setting.theme)
        """The styles of the current theme."""
        self.theme = setting.theme.name

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

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Requests are posted from here, but the current screen knows what they are about."""
        if parameters[:1] == ("ControlReplay",) and not self.setting.recorded:
            return ""
        if (action, parameters) == ("request", ("ShowRun", True)) and not run_under_way(self):
            return ""
        if self.setting.recorded and parameters and parameters[0] in NOT_RECORDED:
            return NOT_RECORDED[str(parameters[0])]
        return self.screen.why_not(action, parameters) if isinstance(self.screen, KeyTarget) else None

    def on_key(self, event: events.Key) -> None:
        """Show why a key has no effect now."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled:
            return
        where, action, parameters = parse(active.binding.action)
        target = {"app": self, "screen": self.screen}.get(where, active.node)
        why = target.why_not(action, parameters) if isinstance(target, KeyTarget) else None
        refusal = NO_SHELL if parameters == ("OpenShell",) else READ_ONLY
        self.notify(why or refusal, severity="warning", timeout=4, markup=False)

    def action_request(self, name: str, *parameters: Any) -> None:
        """Post the request of that name."""
        self.post_message(REQUESTS[name](*parameters))

    def action_quit(self) -> None:  # type: ignore[override]
        """Close the console; during a run only after a confirmation."""
        self.post_message(Quit())

    def _handle_exception(self, error: Exception) -> None:
        """End the app after an internal error, without the values Textual's own report would print."""
        self._return_code = int(ExitCode.FAILED)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.panic(error_text.report(error))


def run_under_way(console: Console) -> bool:
    return console.run_view is not None and not console.run_view.over


def may_change(console: Console) -> bool:
    """Whether this console may change hosts; notifies a person if not."""
    if console.read_only:
        console.notify(READ_ONLY, severity="warning", markup=False)
    return not console.read_only


async def lend_terminal(console: Console, argv: Sequence[str], greeting: str = "") -> int:
    """Give the terminal to a program until it ends; returns its exit status.

    The console still receives news meanwhile, without painting. Raises SuspendNotSupported where the terminal cannot be
    given away, and OSError if the program cannot be started.
    """
    loop = asyncio.get_running_loop()
    with console.batch_update(), console.suspend():
        if greeting:
            print(greeting, flush=True)  # noqa: T201
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is for the program
        try:
            status = await (await asyncio.create_subprocess_exec(*argv)).wait()
        finally:
            loop.remove_signal_handler(signal.SIGINT)
    console.refresh(layout=True)
    return status
