"""Opens the screen of states and figures over time, and reads figures more often while it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from haconsole.ui import error_text
from haconsole.ui.messages import GraphRequest, ReadGraphRuns, ShowGraphs

if TYPE_CHECKING:
    from haconsole.ui.console import Console
    from haconsole.ui.screens.graph import GraphScreen


class GraphController:
    """Opens the screen of graphs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: GraphRequest) -> None:
        match request:
            case ShowGraphs():
                self.show()
            case ReadGraphRuns():
                self.read_runs()
            case _:
                assert_never(request)

    def show(self) -> None:
        """Show the screen; readings are more frequent until it is closed."""
        from haconsole.ui.screens.graph import GraphScreen

        if not isinstance(self._console.screen, GraphScreen):
            self._quicken(faster=True)
            self._console.push_screen(GraphScreen(), lambda _: self._quicken(faster=False))

    def _quicken(self, *, faster: bool) -> None:
        if self._console.session is not None:
            self._console.session.observer.quicken(faster=faster)

    def read_runs(self) -> None:
        """Read the logged runs for the screen that shows them."""
        from haconsole.ui.screens.graph import GraphScreen

        screen = self._console.screen
        if isinstance(screen, GraphScreen):
            screen.run_worker(self._read_runs(screen), group="runs", exclusive=True, exit_on_error=False)

    async def _read_runs(self, screen: GraphScreen) -> None:
        console = self._console
        if console.session is None:
            return
        try:
            screen.show_runs(await console.session.history.runs())
        except Exception as error:
            console.notify(error_text.in_words(error), title="runs", severity="warning", markup=False)
