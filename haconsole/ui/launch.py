"""Starts the console: loads its theme and characters, and opens the session."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from haconsole.errors import UsageError
from haconsole.execution.process import this_process
from haconsole.present.ascii import is_ascii
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting, utc_now
from haconsole.ui.driver import ConsoleDriver
from haconsole.ui.theming import DEFAULT, WITHOUT_COLOUR, find_theme, theme_folders

if TYPE_CHECKING:
    from haconsole.inventory.schema import Inventory
    from haconsole.session import Session
    from haconsole.ui.console import Asker
    from haconsole.ui.state import Clock


HOOK = "HACONSOLE_HOOK"
"""The environment variable of the hook's command, for consoles without --hook."""


def launch(
    inventory: Inventory,
    open_session: Callable[[], AbstractAsyncContextManager[Session]],
    *,
    theme: str | None,
    read_only: bool,
    ascii_only: bool,
    environment: Mapping[str, str],
    encoding: str | None,
    asker: Asker | None = None,
    file: Path | None = None,
    recorded: bool = False,
    clock: Clock = utc_now,
    notify: str = "none",
    hook: str = "",
) -> int:
    """Run the console until a person closes it; returns the exit status.

    `open_session` is called after the first paint. `theme` is the command line's, `asker` shows the session's prompts
    on the screen, `file` is the inventory's. `recorded` is true for a recording, whose time is `clock`. `notify` is a
    TerminalSignal or ``auto``, `hook` the command for notices. Raises ThemeError and UsageError before anything is
    painted.
    """
    check_terminal(environment)
    from haconsole.ui.column_choice import choice_file

    source = theme_name(theme, inventory.theme, environment)
    sixteen = has_sixteen_colours(environment)
    signals = signal_name(notify, environment)
    setting = Setting(
        inventory=inventory,
        theme=find_theme(source, theme_folders(), sixteen=sixteen),
        theme_source=source,
        open_session=open_session,
        read_only=read_only,
        ascii_only=ascii_only or is_ascii(encoding),
        sixteen=sixteen,
        asker=asker,
        alone=True,
        file=file,
        process=this_process(),
        recorded=recorded,
        clock=clock,
        signal=signals,
        columns=choice_file(environment),
        hook=hook_words(hook or environment.get(HOOK, "")),
    )
    app = ConsoleApp(setting, driver_class=ConsoleDriver)
    asyncio.run(_run(app))
    return app.return_code or 0


def check_terminal(environment: Mapping[str, str]) -> None:
    """Raise UsageError for a terminal without cursor movement."""
    if not places_text(environment.get("TERM", "")):
        raise UsageError(
            "the console needs a terminal with cursor movement",
            hint="set TERM to the terminal's type, or use `haconsole status`",
        )


def signal_name(notify: str, environment: Mapping[str, str]) -> str:
    """The way to notify through this terminal; empty for none."""
    if notify != "auto":
        return "" if notify == "none" else notify
    from haconsole.present.notices import signal_for

    return signal_for(environment).value


def hook_words(text: str) -> tuple[str, ...]:
    """The hook's command and arguments; raises UsageError for a text that a shell would not accept."""
    if not text:
        return ()
    from haconsole.session.hook import hook_command

    return hook_command(text)


async def _run(app: ConsoleApp) -> None:
    """Run the app; SIGINT, SIGTERM and SIGHUP close it as `q` does, so that the terminal is restored."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, lambda status: app.exit(return_code=status), 128 + number)
    await app.run_async()


def places_text(term: str) -> bool:
    """Whether a terminal of this type can move its cursor; a type that is not in the terminal database is trusted."""
    if term in ("dumb", "unknown"):
        return False
    if term.startswith(("xterm", "screen", "tmux", "rxvt", "linux")):
        return True
    import curses

    try:
        curses.setupterm(term or "unknown", 2)
    except curses.error:
        return True
    return curses.tigetstr("cup") is not None


def theme_name(option: str | None, inventory: str | None, environment: Mapping[str, str]) -> str:
    """The requested theme, otherwise (with NO_COLOR set) the theme without colours, the cluster's own, or DEFAULT."""
    if option:
        return option
    return WITHOUT_COLOUR if environment.get("NO_COLOR") else inventory or DEFAULT


def has_sixteen_colours(environment: Mapping[str, str]) -> bool:
    """Whether the terminal, by its declared type, has no more than sixteen colours."""
    from rich.console import Console

    return Console(force_terminal=True, _environ=environment).color_system == "standard"
