"""Commands against a real sshd: their output, their ends, and the processes that they leave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.host import SshHost
from tests.fakes.sshd import Sshd, inventory_of
from tests.fakes.waiting import alive, eventually, number_in
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


@pytest_asyncio.fixture
async def host(sshd: Sshd, make_fleet: MakeFleet) -> SshHost:
    return make_fleet(inventory_of({"cp1": sshd})).host(CP1)


async def number_from(path: Path) -> int:
    await eventually(lambda: number_in(path) is not None)
    return number_in(path) or 0


@pytest.mark.parametrize("words", [("a b", "it's"), ('"', "$HOME", "`id`", "\\n"), ("", "*", "é\n", "-n", "!x")])
async def test_arguments_arrive_as_they_are(host: SshHost, words: tuple[str, ...]) -> None:
    result = await host.run(("printf", "%s\\0", *words))
    assert result.stdout.split("\0")[:-1] == list(words)
    assert (result.ok, result.stderr, result.cut) == (True, "", None)


async def test_stdin_status_and_both_streams_come_through(host: SshHost) -> None:
    result = await host.run(("sh", "-c", "cat; echo error >&2; exit 3"), stdin=b"\x00\xff")
    assert (result.raw, result.stdout, result.stderr, result.exit_status) == (b"\x00\xff", "\x00\ufffd", "error\n", 3)


async def test_a_command_without_stdin_sees_its_end_at_once(host: SshHost) -> None:
    assert (await host.run(("cat",), deadline_s=3)).exit_status == 0


async def test_death_by_signal_has_the_exit_status_of_a_shell(host: SshHost) -> None:
    assert (await host.run(("sh", "-c", "kill -KILL $$"))).exit_status == 137


async def test_the_locale_makes_messages_readable(host: SshHost) -> None:
    assert (await host.run(("printenv", "LC_ALL"))).stdout == "C.UTF-8\n"


async def test_the_deadline_ends_the_command_on_the_host(host: SshHost, tmp_path: Path) -> None:
    result = await host.run(("sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 60; :"), deadline_s=1.5)
    assert (result.exit_status, result.cut) == (None, Cause.TIMED_OUT)
    pid = await number_from(tmp_path / "pid")
    await eventually(lambda: not alive(pid))


async def test_giving_up_ends_the_command_on_the_host(host: SshHost, tmp_path: Path) -> None:
    task = asyncio.create_task(host.run(("sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 60; :"), deadline_s=60))
    pid = await number_from(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: not alive(pid))


async def test_endless_output_is_refused(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd}), output_bytes=100_000).host(CP1)
    with pytest.raises(TransportError, match="more than the 100000 bytes") as excinfo:
        await host.run(("cat", "/dev/zero"))
    assert excinfo.value.cause is Cause.UNREADABLE
    assert (await host.run(("true",))).ok


async def test_a_process_left_behind_does_not_hold_the_answer(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd}), linger_s=0.2).host(CP1)
    async with asyncio.timeout(5):
        result = await host.run(("sh", "-c", "sleep 9 & echo output"), deadline_s=9)
    assert (result.stdout, result.exit_status) == ("output\n", 0)


@pytest.mark.parametrize("hops", [3, 5, 10, 20, 40])
async def test_sessions_given_up_while_they_open_are_not_lost(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, hops: int
) -> None:
    host = make_fleet(inventory_of({"cp1": sshd})).host(CP1)
    await host.connect()
    script = f"echo $$ >>{tmp_path}/pids; sleep 60; :"
    tasks = [asyncio.create_task(host.run(("sh", "-c", script), deadline_s=60)) for _ in range(15)]
    for _ in range(hops):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await host.run(("touch", f"{tmp_path}/pids"))).ok
    await eventually(lambda: not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()))


async def test_a_command_reported_as_not_started_is_not_started_later(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    host = make_fleet(inventory_of({"cp1": sshd})).host(CP1)
    await host.connect()
    with pytest.raises(TransportError, match="was not started"):
        await host.run(("touch", f"{tmp_path}/started"), deadline_s=0)
    for _ in range(5):
        assert (await host.run(("true",))).ok
    assert not (tmp_path / "started").exists()


async def test_more_commands_than_sessions_all_get_their_turn(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd}), commands_at_once=30).host(CP1)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(host.run(("sh", "-c", f"sleep 0.05; echo {n}"))) for n in range(30)]
    assert [task.result().stdout for task in tasks] == [f"{n}\n" for n in range(30)]
