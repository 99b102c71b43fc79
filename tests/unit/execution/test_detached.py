"""Detached commands on a real shell: run once, survive the connection, report their end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from haconsole.execution.events import RunId
from haconsole.execution.host.detached import KEEP_BYTES, ContactLost, DetachedCommands, Exited, LaunchFailed
from haconsole.model.names import StepId
from tests.unit.execution.local import FastClock, LocalHost, until_exists

pytestmark = pytest.mark.usefixtures("posix_shell")

STEP = StepId("etcd.start@cp1")


@pytest.fixture
def host() -> LocalHost:
    return LocalHost("cp1")


@pytest.fixture
def commands(host: LocalHost, tmp_path: Path) -> DetachedCommands:
    return DetachedCommands(host, FastClock(), str(tmp_path / "haconsole"), RunId("r1"))


async def run(
    commands: DetachedCommands, script: str, *, stdin: str | None = None, timeout_s: float = 5.0, attempt: int = 1
) -> Exited | ContactLost | LaunchFailed:
    return await commands.run(STEP, attempt, ("sh", "-c", script), stdin=stdin, timeout_s=timeout_s)


async def test_status_and_both_streams_come_back(commands: DetachedCommands) -> None:
    assert await run(commands, "echo out; echo err >&2; exit 3") == Exited(3, "out\n", "err\n")


async def test_standard_input_is_passed_on(commands: DetachedCommands) -> None:
    assert await run(commands, "tr a-z A-Z", stdin="words 'and' \"more\"\n") == Exited(0, "WORDS 'AND' \"MORE\"\n", "")


async def test_the_command_has_an_ordinary_umask_and_its_folder_is_private(
    commands: DetachedCommands, tmp_path: Path
) -> None:
    await run(commands, f"umask; touch {tmp_path}/made")
    folder = tmp_path / "haconsole" / "r1" / "etcd.start@cp1.1"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {"out", "err", "pid", "status"}


async def test_a_lost_connection_is_picked_up_and_the_command_ran_once(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path
) -> None:
    started, gate, ran = tmp_path / "started", tmp_path / "gate", tmp_path / "ran"
    os.mkfifo(gate)
    await commands.begin()
    host.lose = [f"when {started}", "before"]
    opened = os.open(gate, os.O_RDWR)
    os.write(opened, b"go\n")
    ended = await run(commands, f"echo once >>{ran}; touch {started}; read word <{gate}; echo $word")
    os.close(opened)
    assert ended == Exited(0, "go\n", "")
    assert ran.read_text() == "once\n"
    assert len(host.commands) == 4


async def test_a_command_that_has_ended_is_not_run_again(commands: DetachedCommands, tmp_path: Path) -> None:
    script = f"echo once >>{tmp_path}/ran"
    assert await run(commands, script) == await run(commands, script)
    assert (tmp_path / "ran").read_text() == "once\n"


async def test_another_attempt_runs_again(commands: DetachedCommands, tmp_path: Path) -> None:
    script = f"echo once >>{tmp_path}/ran"
    await run(commands, script)
    await run(commands, script, attempt=2)
    assert (tmp_path / "ran").read_text() == "once\nonce\n"


async def test_a_command_that_does_not_end_is_stopped(commands: DetachedCommands) -> None:
    assert await run(commands, "echo begun; exec sleep 60", timeout_s=0.1) == Exited(124, "begun\n", "")


async def test_only_the_end_of_endless_output_is_kept(commands: DetachedCommands) -> None:
    ended = await run(commands, "yes | head -c 1000000; echo end")
    assert isinstance(ended, Exited)
    assert KEEP_BYTES - 2 <= len(ended.stdout) <= KEEP_BYTES
    assert ended.stdout.endswith("y\nend\n")


async def test_a_line_that_was_cut_is_not_shown_since_half_a_secret_is_not_recognised(
    commands: DetachedCommands,
) -> None:
    ended = await run(commands, "seq -f 'password: %07.0f' 10000 20000; head -c 100000 /dev/zero | tr '\\0' x >&2")
    assert isinstance(ended, Exited)
    assert all(re.fullmatch(r"password: \d{7}", line) for line in ended.stdout.splitlines())
    assert ended.stderr == "x" * KEEP_BYTES + "\n"


async def test_endless_output_fills_no_host(commands: DetachedCommands, tmp_path: Path) -> None:
    ended = await run(commands, "yes | head -c 5000000; head -c 3000000 /dev/zero >&2")
    assert isinstance(ended, Exited)
    assert ended.status == 0
    assert ended.stdout.endswith("y\n\n(output after 1048576 bytes was dropped)\n")
    assert ended.stderr.endswith("(output after 1048576 bytes was dropped)\n")
    folder = tmp_path / "haconsole" / "r1" / "etcd.start@cp1.1"
    assert all((folder / name).stat().st_size < (1 << 20) + 100 for name in ("out", "err"))


async def test_what_it_leaves_running_does_not_hold_its_end(commands: DetachedCommands, tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        ended = await run(commands, f"sleep 60 & echo $! >{tmp_path}/left; echo done")
    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    assert ended == Exited(0, "done\n", "")


async def test_output_is_deleted_after_a_week_and_the_exit_status_is_kept(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path
) -> None:
    await run(commands, "echo output")
    place = tmp_path / "haconsole" / "r1" / "etcd.start@cp1.1"
    later = DetachedCommands(host, FastClock(), str(tmp_path / "haconsole"), RunId("r2"))
    await later.begin()
    assert (place / "out").read_text() == "output\n"
    week = time.time() - 7.5 * 86400
    os.utime(place, (week, week))
    second = DetachedCommands(host, FastClock(), str(tmp_path / "haconsole"), RunId("r3"))
    await second.begin()
    assert sorted(path.name for path in place.iterdir()) == ["pid", "status"]
    assert await run(commands, "echo output") == Exited(0, "", "")


async def test_a_killed_command_is_unknown(commands: DetachedCommands, host: LocalHost, tmp_path: Path) -> None:
    await commands.begin()
    keeper, child = tmp_path / "haconsole" / "r1" / "etcd.start@cp1.1" / "pid", tmp_path / "child"
    host.lose = [f"when {tmp_path}/started"]

    async def kill() -> None:
        await until_exists(tmp_path / "started")
        for pid in (keeper, child):
            os.kill(int(pid.read_text()), signal.SIGKILL)

    running = run(commands, f"echo $$ >{child}; touch {tmp_path}/started; exec sleep 60")
    ended, _ = await asyncio.gather(running, kill())
    assert isinstance(ended, ContactLost)
    assert ended.why == "the command was killed before it ended"


async def test_what_another_run_is_still_at_is_waited_for_and_not_run_again(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells = tmp_path / "bin" / "sleep"
    tells.parent.mkdir()
    tells.write_text(f"#!/bin/sh\ntouch {tmp_path}/waiting\nexec /bin/sleep $*\n")
    tells.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tells.parent}:{os.environ['PATH']}")
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    script = f"echo once >>{tmp_path}/ran; touch {tmp_path}/begun; read word <{tmp_path}/gate"
    broken_off = asyncio.create_task(run(commands, script))
    await until_exists(tmp_path / "begun")
    broken_off.cancel()
    await asyncio.wait((broken_off,))
    later = DetachedCommands(host, FastClock(), str(tmp_path / "haconsole"), RunId("r2"))
    running = asyncio.create_task(run(later, script))
    await until_exists(tmp_path / "waiting")
    os.write(gate, b"go\n")
    ended = await running
    os.close(gate)
    assert isinstance(ended, ContactLost)
    assert "still running from an interrupted run" in ended.why
    assert (tmp_path / "ran").read_text() == "once\n"
    assert await run(later, "true", attempt=2) == Exited(0, "", "")


async def test_a_host_restarted_while_it_may_have_run_does_not_run_it_again(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commands.begin()
    monkeypatch.setattr(commands, "_boot", "another-boot")
    host.lose = ["before"]
    ended = await run(commands, f"touch {tmp_path}/ran")
    assert ended == ContactLost("the host was rebooted while the command ran")
    assert not (tmp_path / "ran").exists()


async def test_a_host_restarted_before_it_runs_it(
    commands: DetachedCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await commands.begin()
    (tmp_path / "haconsole" / "r1").rmdir()
    monkeypatch.setattr(commands, "_boot", "another-boot")
    assert await run(commands, f"echo once >>{tmp_path}/ran") == Exited(0, "", "")
    assert (tmp_path / "ran").read_text() == "once\n"


async def test_input_that_is_incomplete_starts_nothing(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path
) -> None:
    await commands.begin()
    really = host.run

    async def cut(argv, *, stdin=b"", **options):  # type: ignore[no-untyped-def]
        return await really(argv, stdin=stdin[:-3], **options)

    host.run = cut  # type: ignore[method-assign]
    ended = await run(commands, f"cat >{tmp_path}/got", stdin="all of it")
    assert isinstance(ended, LaunchFailed)
    assert "its input is incomplete" in ended.why
    assert not (tmp_path / "got").exists()


async def test_a_host_that_stays_away_is_unknown_in_the_end(commands: DetachedCommands, host: LocalHost) -> None:
    await commands.begin()
    host.unreachable = True
    ended = await run(commands, "true")
    assert ended == ContactLost("cp1: connection refused")


async def test_a_folder_that_cannot_be_made_means_not_started(
    commands: DetachedCommands, host: LocalHost, tmp_path: Path
) -> None:
    await commands.begin()
    folder = tmp_path / "haconsole" / "r1"
    folder.rmdir()
    folder.write_text("blocked it")
    ended = await run(commands, "true")
    assert isinstance(ended, LaunchFailed)
    assert "Not a directory" in ended.why


async def test_the_end_removes_everything(commands: DetachedCommands, tmp_path: Path) -> None:
    await run(commands, "true")
    await commands.end()
    assert list(tmp_path.iterdir()) == []
