"""The journals of one host or of all, followed as they are written."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from haconsole.model.names import HostName
from haconsole.present.journal import saved_text
from haconsole.ui import error_text
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.panes.bar import KeyBar
from haconsole.ui.panes.journal import JournalPane
from haconsole.ui.panes.prompt import Prompt
from haconsole.ui.screens.filtered import FilteredScreen

if TYPE_CHECKING:
    from textual.widget import Widget

LAST = 300


class JournalScreen(FilteredScreen):
    """Follows the journals of `hosts` while it is open."""

    BINDINGS = bindings(Scope.LOGS)
    WHAT = "lines"

    def __init__(self, hosts: tuple[HostName, ...], *, pane_id: str = "journal") -> None:
        super().__init__()
        self._hosts = hosts
        self._pane = JournalPane(f"journal of {', '.join(hosts)}", hosts, id=pane_id)
        self._first: Widget = self._pane
        self._following: asyncio.Task[None] | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of the active keys."""
        return (Scope.FILTER,) if isinstance(self.focused, Prompt) else (Scope.LOGS, Scope.JOURNAL)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield KeyBar()

    def on_mount(self) -> None:
        self._first.focus()
        self._following = asyncio.create_task(self._follow(), name="journal")

    async def on_unmount(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        session = self.app.session
        if session is None:
            self.app.notify("there is no session with the hosts yet", severity="warning", markup=False)
            return
        try:
            async for line in session.observer.journal(self._hosts, last=LAST):
                self._pane.add(line)
        except Exception as error:
            self.app.notify(error_text.in_words(error), title="journal", severity="error", markup=False)

    @property
    def filtered(self) -> Widget:
        return self._pane

    @property
    def needle(self) -> str:
        return self._pane.needle

    def look_for(self, needle: str) -> None:
        self._pane.look_for(needle)

    def action_save(self) -> None:
        """Write the visible lines to a file that only the operator can read, in the current folder."""
        stamp = self.app.setting.clock().strftime("%Y%m%dT%H%M%SZ")
        path = Path(f"haconsole-{self.app.inventory.cluster}-journal-{stamp}.log").resolve()
        lines = self._pane.matching
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(saved_text(lines))
        except OSError as error:
            self.app.notify(f"{path}: {error.strerror}", title="not saved", severity="error", markup=False)
        else:
            self.app.notify(f"{len(lines)} lines in {path}", title="saved", markup=False)

    def action_leave(self) -> None:
        """Out of the filter, otherwise back."""
        if self.needle:
            self.look_for("")
        else:
            self.dismiss()
