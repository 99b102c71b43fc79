"""The console's app: it makes the controllers and the first screen, and passes requests to the controllers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from textual import on

from haconsole.ui.console import Console, Setting
from haconsole.ui.controllers.actions import ActionController
from haconsole.ui.controllers.graphs import GraphController
from haconsole.ui.controllers.history import RunHistoryController
from haconsole.ui.controllers.hosts import HostController
from haconsole.ui.controllers.notices import NoticeController
from haconsole.ui.controllers.pager import PagerController
from haconsole.ui.controllers.replay import ReplayController
from haconsole.ui.controllers.runs import RunController
from haconsole.ui.controllers.snapshots import SnapshotFeed
from haconsole.ui.controllers.themes import ThemeController
from haconsole.ui.controllers.visits import VisitController
from haconsole.ui.controllers.windows import WindowController
from haconsole.ui.messages import (
    ActionRequest,
    ControlReplay,
    FeedRequest,
    GraphRequest,
    HistoryRequest,
    HostRequest,
    OpenText,
    Request,
    RunRequest,
    ThemeRequest,
    WindowRequest,
)
from haconsole.ui.screens.dashboard import Dashboard

if TYPE_CHECKING:
    from textual.driver import Driver

    from haconsole.ui.console import Asker

CLOSE_WITHIN_S = 5.0


class Controller(Protocol):
    """Fulfils requests of its kinds."""

    def fulfil(self, request: Any) -> None: ...


class ConsoleApp(Console):
    """Opens the session after the first paint and closes it at the end."""

    def __init__(self, setting: Setting, driver_class: type[Driver] | None = None) -> None:
        super().__init__(setting, driver_class)
        self._feeding: asyncio.Task[None] | None = None
        self._windows = WindowController(self)
        self._actions = ActionController(self)
        self._runs = RunController(self)
        self._history = RunHistoryController(self)
        self._hosts = HostController(self)
        self._themes = ThemeController(self)
        self._pager = PagerController(self)
        self._notices = NoticeController(self)
        self._graphs = GraphController(self)
        self._visits = VisitController(self)
        self._replay = ReplayController(self)
        self._feed = SnapshotFeed(self, self._history.at_session)
        self._routes: tuple[tuple[Any, Controller], ...] = (
            (WindowRequest, self._windows),
            (ActionRequest, self._actions),
            (RunRequest, self._runs),
            (HistoryRequest, self._history),
            (HostRequest, self._hosts),
            (GraphRequest, self._graphs),
            (OpenText, self._pager),
            (ThemeRequest, self._themes),
            (FeedRequest, self._feed),
            (ControlReplay, self._replay),
        )
        """Kinds of requests, each with the controller that fulfils them."""

    def get_default_screen(self) -> Dashboard:
        return Dashboard()

    def on_mount(self) -> None:
        asker: Asker | None = self.setting.asker
        if asker is not None:
            asker.app = self
        self._notices.start()
        self.set_interval(1.0, self.tick)
        self.call_after_refresh(self._start)

    async def on_unmount(self) -> None:
        """Close the session; the terminal belongs to the shell again by now.

        Textual cancels workers before this. The run and the session are tasks: a run leaves its steps to the hosts
        over connections that are still open.
        """
        await self._runs.close()
        if self._feeding is not None:
            self._feeding.cancel()
            await asyncio.wait({self._feeding}, timeout=CLOSE_WITHIN_S)

    def _start(self) -> None:
        self._windows.read_columns()
        self._feeding = asyncio.create_task(self._feed.follow(), name="feed")

    def tick(self) -> None:
        """Time has passed."""
        self.now = self.setting.clock()

    @on(Request)
    def pass_on(self, request: Request) -> None:
        """Pass a request to the controller that fulfils it."""
        self._visits.note(request)
        for kinds, controller in self._routes:
            if isinstance(request, kinds):
                controller.fulfil(request)
                return
