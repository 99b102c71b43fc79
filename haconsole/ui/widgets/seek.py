"""The seek bar: the position in a recording, with marks."""

from __future__ import annotations

from textual import events

from haconsole.present.replay import bar_place, seek_line
from haconsole.ui.messages import ControlReplay
from haconsole.ui.widgets.lines import LineWidget


class SeekBar(LineWidget):
    """Draws the console's replay; a click on it moves the position."""

    def __init__(self) -> None:
        super().__init__(id="seek")

    def on_mount(self) -> None:
        self.watch(self.app, "replay", self._draw)
        self.watch(self.app, "now", self._draw, init=False)

    def _draw(self) -> None:
        view = self.app.replay
        if view is not None and self.size.width:
            self.paint(((seek_line(view, self.app.now, self.size.width), "titles"),))

    def on_click(self, event: events.Click) -> None:
        view = self.app.replay
        place = bar_place(view, self.app.now, self.size.width, event.x) if view is not None else None
        if place is not None:
            self.post_message(ControlReplay("place", place))
