"""The first line of the screen and its last."""

from __future__ import annotations

from datetime import datetime

from rich.style import Style

from haconsole.present.bar import BarView, bar_line
from haconsole.present.cells import Tone
from haconsole.ui.keys import Key, footer_line
from haconsole.ui.panes.lines import LineWidget
from haconsole.ui.style_table import CHIPS


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
            self.paint(((bar_line(self._view, self.size.width, self._now), ""),))

    def tone_style(self, tone: Tone) -> Style:
        if tone not in CHIPS:
            return Style(bold=True) if tone is Tone.ACCENT else Style()
        return self.app.inks[f"chip-{tone}"]


class KeyBar(LineWidget):
    """The active keys, updated when another part of the screen is entered."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self.tell)

    def tell(self) -> None:
        """Show the active keys of the screen."""
        self._keys = self.app.action_controller.keys_on(self.screen)
        self._draw()

    def _draw(self) -> None:
        if self.size.width:
            self.paint(((footer_line(self._keys, self.size.width), ""),))
