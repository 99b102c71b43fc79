"""Output followed line by line, and sockets that lead to the host."""

from __future__ import annotations

import asyncio
import gc
import socket
import stat
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock, call

import pytest
import pytest_asyncio

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_api import EtcdApi, EtcdError
from haconsole.transport.ssh.channel import Lines
from haconsole.transport.ssh.host import SshHost
from tests.fakes.sshd import Sshd, free_port, inventory_of, running_sshd
from tests.fakes.waiting import alive, eventually, number_in
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


@pytest_asyncio.fixture
async def host(sshd: Sshd, make_fleet: MakeFleet) -> SshHost:
    return make_fleet(inventory_of({"cp1": sshd})).host(CP1)


async def test_lines_come_one_by_one_and_end_with_the_command(host: SshHost) -> None:
    async with host.lines(("printf", "one\\n\\nthree\\nunfinished")) as lines:
        assert [line async for line in lines] == ["one", "", "three", "unfinished"]


async def test_a_script_comes_over_stdin(host: SshHost) -> None:
    async with host.lines(("sh", "-s"), stdin=b"echo one; cat; echo two") as lines:
        assert [line async for line in lines] == ["one", "two"]


async def test_leaving_the_block_ends_everything_on_the_host(host: SshHost, tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! >{tmp_path}/child; echo $$ >{tmp_path}/pid; echo up; sleep 60; :"
    async with host.lines(("sh", "-c", script)) as lines:
        assert await anext(lines) == "up"
    pids = [number_in(tmp_path / name) or 0 for name in ("pid", "child")]
    await eventually(lambda: not any(alive(pid) for pid in pids))
    with pytest.raises(StopAsyncIteration):
        await anext(lines)


async def test_a_command_that_fails_is_an_error_with_its_words(host: SshHost) -> None:
    with pytest.raises(TransportError, match="ended with status 3: no luck") as excinfo:
        async with host.lines(("sh", "-c", "echo no luck >&2; exit 3")) as lines:
            await anext(lines)
    assert excinfo.value.cause is Cause.OTHER


async def test_a_missing_command_is_reported(host: SshHost) -> None:
    with pytest.raises(TransportError) as excinfo:
        async with host.lines(("no-such-command",)) as lines:
            await anext(lines)
    assert excinfo.value.cause is Cause.NOT_INSTALLED


async def test_endless_lines_are_cut_and_none_is_lost(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd}), line_bytes=10, line_backlog=4).host(CP1)
    script = "head -c 1000000 /dev/zero | tr '\\0' x; echo; seq 100000"
    async with host.lines(("sh", "-c", script)) as lines:
        answer = [line async for line in lines]
    assert answer[0] == "x" * 10
    assert answer[1:] == [str(number) for number in range(1, 100001)]


async def test_a_reader_that_lags_holds_the_host_back() -> None:
    channel = Mock(spec=("pause_reading", "resume_reading"))
    session = Lines(line_bytes=10, backlog=4, linger_s=1)
    session.connection_made(channel)
    session.out(b"1\n2\n3\n")
    assert channel.mock_calls == []
    session.out(b"4\n5\n")
    assert [await session.next() for _ in range(2)] == ["1", "2"]
    assert channel.mock_calls == [call.pause_reading()]
    assert await session.next() == "3"
    assert channel.mock_calls == [call.pause_reading(), call.resume_reading()]


async def test_streams_leave_room_for_commands(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd})).host(CP1)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        streams = [group.create_task(first_line(host)) for _ in range(8)]
        commands = [group.create_task(host.run(("true",))) for _ in range(8)]
    assert [stream.result() for stream in streams] == ["up"] * 8
    assert all(command.result().ok for command in commands)


async def test_the_error_of_a_host_that_allows_one_session_names_the_limit(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    with running_sshd(tmp_path / "own", extra="MaxSessions 1") as own:
        host = make_fleet(inventory_of({"cp1": own})).host(CP1)
        async with host.lines(("sh", "-c", "echo up; sleep 60; :")) as lines:
            await anext(lines)
            with pytest.raises(TransportError, match="open failed") as excinfo:
                await host.run(("true",), deadline_s=0.5)
            assert "MaxSessions" in excinfo.value.hint
        assert (await host.run(("true",))).ok


async def first_line(host: SshHost) -> str:
    async with host.lines(("sh", "-c", "echo up; sleep 60; :")) as lines:
        return await anext(lines)


async def test_a_forward_leads_to_the_port(host: SshHost, sshd: Sshd) -> None:
    async with host.forward("127.0.0.1", sshd.port) as path:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        reader, writer = await asyncio.open_unix_connection(path)
        assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH")
        writer.close()
    assert not path.exists()


async def test_a_forward_to_nobody_closes_at_once(host: SshHost) -> None:
    async with host.forward("127.0.0.1", free_port()) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        assert await reader.read() == b""
        writer.close()
        assert host.refusal(path) == "Connection refused"


@pytest.mark.parametrize("turns", range(6))
async def test_a_forward_that_ends_closes_connections_at_every_stage_of_accepting(host: SshHost, turns: int) -> None:
    with warnings.catch_warnings(record=True) as excinfo, socket.socket(socket.AF_UNIX) as client:
        warnings.simplefilter("always")
        async with host.forward("127.0.0.1", free_port()) as path:
            client.connect(str(path))
            for _ in range(turns):
                await asyncio.sleep(0)
        for _ in range(6):
            await asyncio.sleep(0)
        gc.collect()
        client.settimeout(1)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert [str(each.message) for each in excinfo] == []


async def test_a_forward_outlives_a_lost_connection(make_fleet: MakeFleet, sshd: Sshd, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "own") as own:
        host = make_fleet(inventory_of({"cp1": own})).host(CP1)
        async with host.forward("127.0.0.1", sshd.port) as path:
            for _ in range(2):
                reader, writer = await asyncio.open_unix_connection(path)
                assert (await reader.readline()).startswith(b"SSH-2.0")
                own.drop_connections()
                assert await reader.read() == b""
                writer.close()


async def test_a_unix_socket_of_the_host_is_reached(host: SshHost) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(echo, f"{folder}/s")
        async with host.forward_unix(f"{folder}/s") as path:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"x" * 1_000_000)
            writer.write_eof()
            assert await reader.read() == b"x" * 1_000_000
            writer.close()
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


async def test_socket_folders_go_with_the_fleet_and_after_a_crash(
    sshd: Sshd, make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        rest = Path(tempfile.mkdtemp(prefix="haconsole-"))
        (rest / "lock").touch()
        (rest / "1").touch()
        fleets = [make_fleet(inventory_of({"cp1": sshd})) for _ in range(2)]
        async with fleets[0].host(CP1).forward("127.0.0.1", 1), fleets[1].host(CP1).forward("127.0.0.1", 1):
            assert not rest.exists()
            assert len(list(Path(place).iterdir())) == 2
        for fleet in fleets:
            await fleet.close()
        assert list(Path(place).iterdir()) == []


@pytest.fixture
def grpc_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, bytes]]:
    """A gRPC server with TLS that echoes every message: its port and its certificate."""
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    import grpc

    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=etcd"
    files = ["-addext", "subjectAltName=DNS:etcd", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")]
    subprocess.run(["openssl", *request.split(), *files], check=True, capture_output=True)
    certificate = (tmp_path / "crt").read_bytes()
    handler = grpc.unary_unary_rpc_method_handler(lambda message, context: message)
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", {"Echo": handler}),))
    credentials = grpc.ssl_server_credentials([((tmp_path / "key").read_bytes(), certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port, certificate
    server.stop(None).wait(5)


async def test_grpc_with_tls_works_over_a_forward(host: SshHost, grpc_server: tuple[int, bytes]) -> None:
    import grpc

    def ask(path: Path, message: bytes) -> bytes:
        credentials = grpc.ssl_channel_credentials(grpc_server[1])
        options = [("grpc.ssl_target_name_override", "etcd")]
        with grpc.secure_channel(f"unix:{path}", credentials, options) as channel:
            answer: bytes = channel.unary_unary("/test/Echo")(message, timeout=5)
            return answer

    async with host.forward("127.0.0.1", grpc_server[0]) as path:
        for size in (0, 3_000_000):
            assert await asyncio.to_thread(ask, path, b"x" * size) == b"x" * size


async def test_an_etcd_that_does_not_run_is_reported_as_a_refusal(host: SshHost) -> None:
    async with (
        host.forward("127.0.0.1", free_port()) as path,
        await EtcdApi.open(CP1, path, None) as api,
    ):
        with pytest.raises(EtcdError) as excinfo:
            await api.status(deadline_s=5)
        assert excinfo.value.for_refusal(host.refusal(path)).cause is Cause.REFUSED


def test_the_protocols_cost_no_asyncssh() -> None:
    script = "import sys, haconsole.transport.base, haconsole.transport.answers; print('asyncssh' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout == "False\n"
