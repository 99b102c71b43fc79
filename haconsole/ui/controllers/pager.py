"""The text of the screen, or a host's units and configurations, in the operator's own pager or editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from haconsole.ui import error_text
from haconsole.ui.console import lend_terminal
from haconsole.ui.messages import OpenText

if TYPE_CHECKING:
    from haconsole.model.names import HostName
    from haconsole.present.detail import Detail
    from haconsole.ui.console import Console

WIDTH = 100
NOTHING = "there is no text here to open"


class PagerController:
    """Opens texts outside the console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: OpenText) -> None:
        self._console.run_worker(self._open(editor=request.editor), name="pager", exit_on_error=False)

    async def _open(self, *, editor: bool) -> None:
        console = self._console
        try:
            text = await self._text()
        except Exception as error:
            console.notify(error_text.in_words(error), title="not opened", severity="error", markup=False)
            return
        if text:
            await show_outside(console, program(os.environ, editor=editor), text)
        else:
            console.notify(NOTHING, severity="warning", timeout=4, markup=False)

    async def _text(self) -> str:
        """The units and configurations of the row's host, otherwise the text of the screen."""
        from haconsole.ui.screens.dashboard import Dashboard, subject_of
        from haconsole.ui.screens.journal import HostScreen
        from haconsole.ui.screens.overlay import details_of

        console, screen = self._console, self._console.screen
        host = screen.hosts[0] if isinstance(screen, HostScreen) else host_row(console)
        if host is not None and console.session is not None:
            return await self._host_text(host)
        subject = subject_of(console)
        if isinstance(screen, Dashboard):
            detail = details_of(console.state, console.now, subject) if subject is not None else None
        else:
            detail = shown_detail(console)
        return detail_text(detail, min(WIDTH, console.size.width)) if detail is not None else ""

    async def _host_text(self, host: HostName) -> str:
        self._console.notify(f"reading units and configurations of {host}", timeout=2, markup=False)
        session = self._console.session
        texts = await session.observer.texts(host) if session is not None else ()
        return "\n".join(f"==> {host}: {one.name} <==\n{one.text or one.problem}\n" for one in texts)


def host_row(console: Console) -> HostName | None:
    """The host of the dashboard's row, if the dashboard is shown and the row is a host."""
    from haconsole.present.row_keys import HostKey
    from haconsole.ui.screens.dashboard import Dashboard, subject_of

    subject = subject_of(console) if isinstance(console.screen, Dashboard) else None
    return subject.host if isinstance(subject, HostKey) else None


def shown_detail(console: Console) -> Detail | None:
    """The text that the current screen shows."""
    from haconsole.ui.widgets.text import TextPane

    return next((pane.detail for pane in console.screen.query(TextPane) if pane.detail is not None), None)


def detail_text(detail: Detail, width: int) -> str:
    """The text in lines of at most `width` cells: a pager would break them within words."""
    from haconsole.present.cells import text_of
    from haconsole.present.detail import detail_lines

    return "\n".join((detail.title, "", *(text_of(line).rstrip() for line in detail_lines(detail, width)), ""))


def program(environment: Mapping[str, str], *, editor: bool) -> tuple[str, ...]:
    """The operator's editor or pager, with its arguments."""
    names, default = (("VISUAL", "EDITOR"), "vi") if editor else (("PAGER",), "less")
    text = next((environment[name] for name in names if environment.get(name)), default)
    try:
        return tuple(shlex.split(text)) or (default,)
    except ValueError:
        return (default,)


async def show_outside(console: Console, argv: tuple[str, ...], text: str) -> None:
    """Give the terminal to a program with the text in a private file, which is removed when the program ends."""
    handle, name = tempfile.mkstemp(prefix="haconsole-", suffix=".txt")
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        await lend_terminal(console, (*argv, name))
    except SuspendNotSupported:
        text = "on this terminal the console cannot be suspended for another program"
        console.notify(text, severity="warning", markup=False)
    except OSError as error:
        console.notify(f"{argv[0]}: {error.strerror}", severity="error", markup=False)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
