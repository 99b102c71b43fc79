"""A server drained in a real haproxy: connections under way end first, and what lasts is not waited for."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from haconsole.actions.operations import SetServerState
from haconsole.configs.layout import HaproxyLayout
from haconsole.execution.clock import SystemClock
from haconsole.execution.events import Outcome
from haconsole.execution.outcome import OperationResult
from haconsole.execution.verify.haproxy_state import LONGEST_S, QUIET_S, set_server_state
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName
from tests.fakes.local_host import LocalFleet, LocalHost
from tests.programs.haproxy import HAPROXY, running

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed here")


class Balancer:
    """haproxy in front of one server that ends when its client does, and connections through it."""

    def __init__(self, folder: Path, port: int, admin: Path, at: str) -> None:
        self.at = at
        self._fleet = LocalFleet(LocalHost("lb1", folder, {}))
        self._port = port
        self._layout = HaproxyLayout("haproxy.service", "", "", str(admin), port, 0, "api")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port))

    async def drain(self, target: SetServerState | None = None) -> tuple[OperationResult, float]:
        start = time.monotonic()
        target = target or SetServerState("api", "cp1", AdminState.DRAIN, (HostName("lb1"),))
        result = await set_server_state(self._fleet, self._layout, target, SystemClock())
        return result, time.monotonic() - start


@pytest.fixture
async def balancer(tmp_path: Path) -> AsyncIterator[Balancer]:
    writers: list[asyncio.StreamWriter] = []

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(until_the_end, "127.0.0.1", 0) as behind:
        with _free() as port:
            at = behind.sockets[0].getsockname()[1]
        listen = f"listen api\n    bind 127.0.0.1:{port}\n    server cp1 127.0.0.1:{at}\n"
        with running(tmp_path, listen) as admin:
            (tmp_path / "hosts").mkdir()
            yield Balancer(tmp_path / "hosts", port, admin, f"127.0.0.1:{at}")
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@contextmanager
def _free() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as result:
        port: int = result.getsockname()[1]
    yield port


def at(address: str, *, may_lack: bool = False) -> SetServerState:
    """A drain of the server at an address, whose names in haproxy are others than those given."""
    lb1 = (HostName("lb1"),)
    return SetServerState("k8s_server_6443", "kube-master-1", AdminState.DRAIN, lb1, (address,), may_lack)


async def test_a_server_is_found_by_its_address_whatever_its_name(balancer: Balancer) -> None:
    result, _ = await balancer.drain(at(balancer.at))
    assert result.outcome is Outcome.DONE
    assert result.output == "lb1: api/cp1 is in drain, with 0 long-lived connections"


async def test_a_server_that_is_not_there_was_not_drained(balancer: Balancer) -> None:
    result, _ = await balancer.drain(at("127.0.0.1:1"))
    assert (result.outcome, result.error) == (Outcome.FAILED, "lb1: haproxy has no server at 127.0.0.1:1")
    absent, _ = await balancer.drain(at("127.0.0.1:1", may_lack=True))
    assert absent.outcome is Outcome.DONE


async def test_nothing_under_way_is_not_waited_for(balancer: Balancer) -> None:
    result, took = await balancer.drain()
    assert result.output.endswith("api/cp1 is in drain, with 0 long-lived connections")
    assert took < QUIET_S


async def test_a_connection_under_way_ends_before_the_server_counts_as_drained(balancer: Balancer) -> None:
    under_way = balancer.connect()
    asyncio.get_running_loop().call_later(0.5, under_way.close)
    result, took = await balancer.drain()
    assert result.output.endswith("with 0 long-lived connections")
    assert took >= 0.5


async def test_a_lasting_connection_is_left_after_a_second_in_which_none_ended(balancer: Balancer) -> None:
    with closing(balancer.connect()):
        result, took = await balancer.drain()
    assert result.output.endswith("with 1 long-lived connections")
    assert QUIET_S <= took < LONGEST_S + 1
