"""States and figures over time, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from haconsole.present.graph import run_lanes
from haconsole.ui.console import KeyTarget
from haconsole.ui.messages import ReadGraphRuns
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.graph import GraphPane
from haconsole.ui.widgets.seek import SeekBar

if TYPE_CHECKING:
    from haconsole.present.history import Records
    from haconsole.ui.console import Console

READ_RUNS_EVERY_S = 5.0


class GraphScreen(KeyTarget, Screen[None]):
    """Follows the console's state and the time."""

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self._pane = GraphPane()

    def compose(self) -> ComposeResult:
        yield self._pane
        if self.app.setting.recorded:
            yield SeekBar()
        yield KeyBar()

    def on_mount(self) -> None:
        self._pane.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw, init=False)
        self.post_message(ReadGraphRuns())
        self.set_interval(READ_RUNS_EVERY_S, lambda: self.post_message(ReadGraphRuns()))

    def show_runs(self, records: Records) -> None:
        """Show the logged runs as lanes."""
        self._pane.runs = run_lanes(records)
        self._draw()

    def _draw(self) -> None:
        self._pane.show(self.app.state.chronicle, self.app.now)
