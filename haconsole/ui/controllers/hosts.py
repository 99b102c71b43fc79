"""Opens the journal or a shell (ssh) of the host under the cursor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from textual.app import SuspendNotSupported

from haconsole.inventory.effective import OutsideHost, ssh_for
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.roles import Role
from haconsole.ui import error_text
from haconsole.ui.console import NO_SHELL, lend_terminal
from haconsole.ui.messages import (
    FollowJournal,
    HostRequest,
    OpenShell,
    ReadJournal,
    SaveJournal,
    ShowJournal,
    ShowOnlyHost,
)

if TYPE_CHECKING:
    from datetime import datetime

    from haconsole.inventory.schema import Host
    from haconsole.model.journal import JournalLine
    from haconsole.model.names import HostName
    from haconsole.present.log_place import LogPlace
    from haconsole.session import Session
    from haconsole.ui.console import Console
    from haconsole.ui.screens.journal import JournalScreen

LAST = 300
LAST_OF_PART = 1000
"""Older entries of a log that has only one unit or container."""
SSH_FAILED = 255
NOTHING_LOGGED = "no log line within one minute before or after that time"
NO_HOST = "this row does not belong to a single host"


class HostController:
    """Leads to hosts."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: HostRequest) -> None:
        match request:
            case FollowJournal(everywhere=everywhere):
                self.journal(everywhere=everywhere)
            case ShowJournal(place=place):
                self.show_journal(place)
            case ShowOnlyHost():
                self.show_only_host()
            case ReadJournal():
                self.read_journal()
            case SaveJournal(lines=lines):
                self.save(lines)
            case OpenShell():
                self.shell()
            case _:
                assert_never(request)

    @property
    def _host(self) -> HostName | None:
        """The one host that the row is about."""
        from haconsole.present.host_of_row import host_of
        from haconsole.ui.screens.dashboard import subject_of

        return host_of(subject_of(self._console), self._console.state.snapshot)

    def journal(self, *, everywhere: bool) -> None:
        """Show the log of the row's unit or container, or of its host; those of all hosts if that is wanted."""
        from haconsole.present.log_of_row import log_of
        from haconsole.present.log_place import LogPlace
        from haconsole.ui.screens.dashboard import subject_of

        console = self._console
        state, subject = console.state, subject_of(console)
        place = LogPlace(console.only_host) if everywhere else log_of(subject, state.snapshot, state.history)
        console.post_message(ShowJournal(place))

    def show_only_host(self) -> None:
        """Show only the row's host on all screens, or all hosts again."""
        console, host = self._console, self._host
        if console.only_host is None and host is None:
            console.notify(NO_HOST, severity="warning", markup=False)
        else:
            console.only_host = host if console.only_host is None else None

    def show_journal(self, place: LogPlace) -> None:
        """Show a log, of all hosts if the place has none."""
        from haconsole.ui.screens.journal import JournalScreen

        hosts = tuple(host for host in self._all_hosts() if host == place.host) or self._all_hosts()
        self._console.push_screen(JournalScreen(hosts, part=place.part, around=place.at))

    def _all_hosts(self) -> tuple[HostName, ...]:
        from haconsole.model.names import HostName

        hosts = self._console.inventory.hosts
        return tuple(HostName(each.name) for each in hosts if Role.BASTION not in each.roles)

    def read_journal(self) -> None:
        """Read the journals for the screen that shows them, while it is open."""
        from haconsole.ui.screens.journal import JournalScreen

        screen = self._console.screen
        if isinstance(screen, JournalScreen):
            screen.run_worker(self._read_journal(screen), name="journal", exit_on_error=False)

    async def _read_journal(self, screen: JournalScreen) -> None:
        session = self._console.session
        if session is None:
            self._console.notify("there is no session with the hosts yet", severity="warning", markup=False)
            return
        try:
            if screen.around is not None:
                await self._read_around(screen, session, screen.around)
                return
            last = LAST_OF_PART if screen.part else LAST
            async for line in session.observer.journal(screen.hosts, last=last, part=screen.part):
                screen.pane.add(line)
        except Exception as error:
            screen.pane.show_hint(f"? {error_text.in_words(error)}")

    async def _read_around(self, screen: JournalScreen, session: Session, at: datetime) -> None:
        snapshot = self._console.state.snapshot
        offsets = snapshot.clock_offsets_ms() if snapshot else {}
        lines = await session.observer.journal_around(screen.hosts, at, offsets, screen.part)
        screen.pane.show_hint(NOTHING_LOGGED)
        for line in lines:
            screen.pane.add(line)
        later = sum(line.at > at for line in screen.pane.matching)
        screen.pane.move_by(-later)

    def save(self, lines: list[JournalLine]) -> None:
        """Write the lines to a file that only the operator can read, in the current folder."""
        from haconsole.present.journal import saved_text

        console = self._console
        stamp = console.setting.clock().strftime("%Y%m%dT%H%M%SZ")
        path = Path(f"haconsole-{console.inventory.cluster}-journal-{stamp}.log").resolve()
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(saved_text(lines))
        except OSError as error:
            console.notify(f"{path}: {error.strerror}", title="not saved", severity="error", markup=False)
        else:
            console.notify(f"{len(lines)} lines in {path}", title="saved", markup=False)

    def shell(self) -> None:
        """Open a shell on the row's host; the screen returns at its end."""
        console, name = self._console, self._host
        host = console.inventory.find(name) if name else None
        if console.read_only:
            console.notify(NO_SHELL, severity="warning", markup=False)
        elif host is None:
            console.notify(NO_HOST, severity="warning", markup=False)
        else:
            console.run_worker(visit(console, host), name="shell", exit_on_error=False)


async def visit(console: Console, host: Host) -> None:
    """Give the terminal to ssh until the shell ends."""

    greeting = f"haconsole: a shell on {host.name}; exit returns to the console"
    try:
        status = await lend_terminal(console, shell_argv(console.inventory, host), greeting)
    except SuspendNotSupported:
        console.notify("on this terminal the console cannot be suspended for a shell", severity="warning", markup=False)
    except OSError as error:
        console.notify(f"ssh: {error.strerror}", severity="error", markup=False)
    else:
        if status == SSH_FAILED:
            console.notify(f"ssh to {host.name} failed", severity="error", markup=False)


def shell_argv(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Arguments for ssh(1); a jump host is reached by a separate ssh, with its own key and known hosts."""
    return ("ssh", "-t", *_options(inventory, host), ssh_for(inventory, host).address)


def _options(inventory: Inventory, host: Host) -> tuple[str, ...]:
    ssh = ssh_for(inventory, host)
    words: list[str] = ["-F", str(ssh.config)] if ssh.config else []
    if ssh.user:
        words += ["-l", ssh.user]
    if ssh.port_given:
        words += ["-p", str(ssh.port)]
    if ssh.identity_file:
        words += ["-i", str(ssh.identity_file), "-o", "IdentitiesOnly=yes"]
    if ssh.known_hosts:
        words += ["-o", f"UserKnownHostsFile={ssh.known_hosts}"]
    if ssh.connect_timeout_given:
        words += ["-o", f"ConnectTimeout={ssh.connect_timeout_s:.0f}"]
    words += _jump(inventory, host)
    return tuple(words)


def _jump(inventory: Inventory, host: Host) -> tuple[str, ...]:
    jump = ssh_for(inventory, host).jump
    if jump is None:
        return ()
    if isinstance(jump, OutsideHost):
        user = f"{jump.user}@" if jump.user else ""
        port = f":{jump.port}" if jump.port else ""
        return ("-J", f"{user}{jump.host}{port}")
    through = inventory.find(jump)
    if through is None:
        return ()
    import shlex

    command = ("ssh", *_options(inventory, through), "-W", "[%h]:%p", ssh_for(inventory, through).address)
    return ("-o", f"ProxyCommand={shlex.join(command)}")
