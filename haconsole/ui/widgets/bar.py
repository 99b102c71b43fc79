"""The first and the last line of the screen: cluster and health, keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import events

from haconsole.present.bar import BarView, bar_line
from haconsole.ui.key import Key
from haconsole.ui.key_bar import active_keys, footer_line, key_at
from haconsole.ui.widgets.lines import LineWidget

if TYPE_CHECKING:
    from textual.screen import Screen


class StatusBar(LineWidget):
    """The cluster, its health, and whether it is live. States are chips, readable on a bar of any colour."""

    def __init__(self) -> None:
        super().__init__(id="bar")
        self._view: BarView | None = None
        self._now: datetime | None = None

    def show(self, view: BarView, now: datetime) -> None:
        self._view, self._now = view, now
        self._draw()

    def _draw(self) -> None:
        if self._view and self._now and self.size.width:
            self.paint(((bar_line(self._view, self.size.width, self._now), "bar"),))


class KeyBar(LineWidget):
    """The active keys, whenever they change."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._keys: tuple[Key, ...] = ()
        self._painted = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show_keys)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self.is_attached:  # its screen may have been closed meanwhile
            self._painted = True
            self._show_keys(self.screen)

    def _show_keys(self, screen: Screen[Any]) -> None:
        """Draw the keys that are active now; not for each of the signals that a screen sends before its first paint."""
        if self._painted:
            ascii_only = self.app.setting.ascii_only
            self._keys = active_keys(screen.active_bindings, ascii_only=ascii_only)
            self._draw()

    def on_click(self, event: events.Click) -> None:
        """Press the key at the mouse."""
        key = key_at(self._keys, self.size.width, event.x)
        if key is not None:
            self.app.simulate_key(key.keys.partition(",")[0])

    def _draw(self) -> None:
        if self.size.width:
            self.paint(((footer_line(self._keys, self.size.width), ""),))
