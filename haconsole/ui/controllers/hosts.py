"""From the row under the cursor to its host: the journal there, a shell on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haconsole.model.roles import Role

if TYPE_CHECKING:
    from haconsole.model.names import HostName
    from haconsole.ui.app import ConsoleApp


class HostController:
    """Leads to hosts, for the app that owns it."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    @property
    def _host(self) -> HostName | None:
        """The one host that the row is about."""
        from haconsole.present.host_of_row import host_of

        return host_of(self._app.subject, self._app.state.snapshot)

    def journal(self, *, everywhere: bool) -> None:
        """Follow the journal of the host, or of all: if that is wanted, or the row is about no single one."""
        from haconsole.model.names import HostName
        from haconsole.ui.screens.journal import JournalScreen

        host = None if everywhere else self._host
        names = tuple(HostName(each.name) for each in self._app.inventory.hosts if Role.BASTION not in each.roles)
        self._app.push_screen(JournalScreen((host,) if host else names))

    def shell(self) -> None:
        """A shell on the row's host; the screen returns at its end."""
        from haconsole.ui.controllers.host_shell import visit

        app, name = self._app, self._host
        host = app.inventory.find(name) if name else None
        if app.read_only:
            app.notify("this console is read-only: no shell", severity="warning", markup=False)
        elif host is None:
            app.notify("the row is about no single host", severity="warning", markup=False)
        else:
            app.run_worker(visit(app, app.inventory, host), name="shell", exit_on_error=False)
