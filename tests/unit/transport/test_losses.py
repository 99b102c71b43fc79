"""A connection that goes: dead peers, killed servers, streams cut short, and coming back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncssh
import pytest
import pytest_asyncio

from haconsole.inventory.schema import Sudo
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.channel import SshSession
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.host import SshHost
from haconsole.transport.ssh.link import Link
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.runner import Runner
from haconsole.transport.ssh.tuning import Tuning
from tests.fakes.sshd import Sshd, inventory_of, running_sshd
from tests.fakes.waiting import alive, eventually, number_in
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sshd]:
    """A server of the test's own, to be killed."""
    with running_sshd(tmp_path / "own") as server:
        yield server


class Proxy:
    """A TCP proxy that can fall silent: it keeps connections open and passes nothing on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def fall_silent(self) -> None:
        self._passing.clear()

    def speak_again(self) -> None:
        self._passing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
            writer.close()


@pytest_asyncio.fixture
async def proxy(sshd: Sshd) -> AsyncIterator[Proxy]:
    async with Proxy(sshd.port) as proxy:
        yield proxy


def behind(proxy: Proxy, sshd: Sshd, tmp_path: Path, make_fleet: MakeFleet, **tuning: float) -> SshHost:
    known = tmp_path / "known"
    known.write_text(sshd.known_hosts.read_text().replace(str(sshd.port), str(proxy.port)))
    return make_fleet(inventory_of({"cp1": sshd}, port=proxy.port, known_hosts=str(known)), **tuning).host(CP1)


async def test_a_dead_peer_is_found_and_a_new_connection_made(
    proxy: Proxy, sshd: Sshd, tmp_path: Path, make_fleet: MakeFleet
) -> None:
    host = behind(proxy, sshd, tmp_path, make_fleet, keepalive_s=0.3, keepalive_misses=2)
    task = asyncio.create_task(host.run(("sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 9; :"), deadline_s=30))
    await eventually(lambda: number_in(tmp_path / "pid") is not None)
    proxy.fall_silent()
    async with asyncio.timeout(8):
        result = await task
    assert (result.exit_status, result.cut) == (None, Cause.CONNECTION_LOST)
    proxy.speak_again()
    assert (await host.run(("true",))).ok


async def test_the_deadline_holds_while_a_dead_peer_is_not_found_yet(
    proxy: Proxy, sshd: Sshd, tmp_path: Path, make_fleet: MakeFleet
) -> None:
    host = behind(proxy, sshd, tmp_path, make_fleet)
    await host.connect()
    proxy.fall_silent()
    async with asyncio.timeout(8):
        with pytest.raises(TransportError) as excinfo:
            await host.run(("true",), deadline_s=0.3)
    assert excinfo.value.cause is Cause.TIMED_OUT


async def test_a_stopped_server_process_is_a_dead_peer(own: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": own}), keepalive_s=0.3, keepalive_misses=1).host(CP1)
    await host.connect()
    for pid in own.sessions():
        os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(8):
        assert (await host.run(("true",))).ok
    for pid in own.sessions():
        os.kill(pid, signal.SIGCONT)


async def test_a_command_cut_off_by_the_loss_has_an_unknown_end(
    own: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    host = make_fleet(inventory_of({"cp1": own})).host(CP1)
    task = asyncio.create_task(host.run(("sh", "-c", f"echo early; sleep 0.3; echo $$ >{tmp_path}/pid; sleep 1; :")))
    await eventually(lambda: number_in(tmp_path / "pid") is not None)
    own.drop_connections()
    result = await task
    assert (result.exit_status, result.cut, result.stdout) == (None, Cause.CONNECTION_LOST, "early\n")
    assert (await host.run(("echo", "again"))).stdout == "again\n"


async def test_a_file_read_during_the_loss_is_an_error(own: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    host = make_fleet(inventory_of({"cp1": own})).host(CP1)
    await host.connect()
    task = asyncio.create_task(host.read_file(str(tmp_path / "fifo")))
    await eventually(lambda: "Starting session" in own.log)
    own.drop_connections()
    with pytest.raises(TransportError) as excinfo:
        await task
    assert excinfo.value.cause is Cause.CONNECTION_LOST


async def test_a_loss_that_cuts_a_write_leaves_the_old_content(
    own: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    host = make_fleet(inventory_of({"cp1": own})).host(CP1)
    await host.connect()
    owner = f"{os.getuid()}:{os.getgid()}"
    task = asyncio.create_task(host.write_file(str(path), b"x" * 50_000_000, owner=owner))
    await eventually(lambda: any(tmp_path.glob(".haconsole.*")))
    own.drop_connections()
    with pytest.raises(TransportError) as excinfo:
        await task
    assert excinfo.value.cause is Cause.CONNECTION_LOST
    await eventually(lambda: not any(tmp_path.glob(".haconsole.*")))
    assert path.read_text() == "old"


async def test_a_stream_ends_with_an_error_when_the_connection_is_lost(
    own: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    host = make_fleet(inventory_of({"cp1": own})).host(CP1)
    script = f"echo $$ >{tmp_path}/pid; echo first; sleep 60; :"
    async with host.lines(("sh", "-c", script)) as lines:
        assert await anext(lines) == "first"
        own.drop_connections()
        with pytest.raises(TransportError, match="was lost while sh -c") as excinfo:
            await anext(lines)
    assert excinfo.value.cause is Cause.CONNECTION_LOST
    pid = number_in(tmp_path / "pid")
    await eventually(lambda: pid is not None and not alive(pid))


async def test_a_connection_made_while_closing_is_closed(own: Sshd, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(inventory_of({"cp1": own}))
    connecting = asyncio.create_task(fleet.host(CP1).connect())
    await eventually(lambda: "Connection from" in own.log)
    await fleet.close()
    with pytest.raises(TransportError, match="being closed"):
        await connecting
    await eventually(lambda: own.sessions() == [])


async def test_nothing_is_run_once_the_fleet_is_closed(sshd: Sshd, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(inventory_of({"cp1": sshd}))
    host = fleet.host(CP1)
    await host.connect()
    await fleet.close()
    with pytest.raises(TransportError, match="being closed"):
        await host.run(("true",))


@pytest.mark.parametrize(("reason", "refused"), [("open failed", 1), ("SSH connection closed", 0)])
async def test_only_a_session_that_sshd_refused_counts_as_refused(reason: str, refused: int) -> None:
    """A connection that is lost while a session opens is no refusal."""
    session = SimpleNamespace(channel=None)

    class LinkOnce:
        """Opens no session at first, and one at the next try."""

        label = "ops@cp1"
        tried = False

        async def open(self, deadline: object, opening: object, unwanted: object) -> None:
            if not self.tried:
                self.tried = True
                raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason)
            session.channel = object()

    runner = Runner(cast(Link, LinkOnce()), Sudo.NONE, cast(Questions, None), Tuning())
    await runner._start(cast(SshSession, session), "true", ("true",), Deadline(5))
    assert runner.sessions_refused == refused
