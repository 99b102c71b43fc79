"""The path of a request through the cluster, as it is now."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from haconsole.present.path.of_cluster import request_path
from haconsole.present.path.request_path import RequestPath
from haconsole.present.row_keys import RowKey
from haconsole.ui.console import Console, KeyTarget
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.path import PathPane


class PathScreen(KeyTarget, Screen[None]):
    """Follows the console's state."""

    app: Console

    def __init__(self) -> None:
        super().__init__()
        self._pane = PathPane()
        self._path: RequestPath | None = None

    def compose(self) -> ComposeResult:
        yield self._pane
        yield KeyBar()

    @property
    def subject(self) -> RowKey | None:
        """The node under the cursor."""
        return self._pane.subject

    def on_mount(self) -> None:
        self._pane.focus()
        self.watch(self.app, "state", self._draw)
        self.watch(self.app, "now", self._draw_age, init=False)

    def _draw(self) -> None:
        snapshot = self.app.state.snapshot
        self._path = request_path(snapshot, self.app.inventory) if snapshot is not None else None
        self._draw_age()

    def _draw_age(self) -> None:
        snapshot = self.app.state.snapshot
        self._pane.show(self._path, snapshot.observed_at if snapshot else None, self.app.now)
