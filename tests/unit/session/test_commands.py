"""Commands run on hosts: recorded in the session and in the run log, reads collapsed, secrets masked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from haconsole.actions.step import Plan
from haconsole.execution.log.run_record import read_run, run_paths
from haconsole.model.command import HostCommand, Purpose
from haconsole.model.names import HostName
from haconsole.present.commands import commands_of, shell_text, short_text
from haconsole.session.commands import CommandLog
from haconsole.transport.recorded import CommandRecorder, RecordedFleet
from tests.fakes.cluster import NOW
from tests.unit.execution.local import LocalFleet
from tests.unit.session.test_live import places, session, step

__all__ = ["places"]


def read(text: str, purpose: Purpose = Purpose.PROBE) -> HostCommand:
    return HostCommand(HostName("cp1"), NOW, purpose, text, exit_status=0, seconds=0.1)


def test_equal_reads_are_collapsed_and_changes_are_not() -> None:
    log = CommandLog()
    for _ in range(3):
        log.record(read("systemctl show etcd"))
        log.record(read("systemctl restart etcd", Purpose.STEP))
    assert sorted((each.text, each.times) for each in log.commands) == [
        ("systemctl restart etcd", 1),
        ("systemctl restart etcd", 1),
        ("systemctl restart etcd", 1),
        ("systemctl show etcd", 3),
    ]


async def test_a_run_logs_the_commands_of_its_steps_without_secrets(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    script = "echo hunter22 >/dev/null; echo --token abcdefgh12345 >/dev/null"
    run = one.start(Plan("bootstrap", "lab", (step(script),)))
    assert [event async for event in run.events()]
    (path,) = run_paths(tmp_path / "runs")
    logged = commands_of(read_run(path))
    (started,) = (each for each in logged if each.text.startswith("detached-start "))
    assert short_text(started) == "sh -c 'echo *** >/dev/null; echo --token *** >/dev/null'"
    assert (started.exit_status, started.run) == (0, path.stem)
    assert "mkdir" in started.script
    assert not any(secret in path.read_text() for secret in ("hunter22 ", 'abcdefgh12345"}'))
    live = {each.purpose for each in one.commands}
    assert live >= {Purpose.STEP, Purpose.LOCK}
    assert {each.text for each in one.commands if each.purpose is Purpose.STEP} == {
        each.text for each in logged if each.purpose is Purpose.STEP
    }
    assert not any("hunter22" in each.text + each.script for each in one.commands)


async def test_the_token_of_the_lock_is_masked(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    run = one.start(Plan("bootstrap", "lab", (step("true"),)))
    assert [event async for event in run.events()]
    locking = [each.text for each in one.commands if each.purpose is Purpose.LOCK]
    assert any(" claim *** " in text for text in locking)
    assert not any(re.search("[0-9a-f]{32}", text) for text in locking)


async def test_standard_input_is_kept_only_if_it_is_a_script(tmp_path: Path) -> None:
    log = CommandLog()
    fleet = RecordedFleet(LocalFleet("cp1"), CommandRecorder(log.record, lambda: NOW, str, Purpose.STEP))
    host = fleet.host(HostName("cp1"))
    await host.run(("cat",), stdin=b"a private key")
    await host.run(("sh", "-s"), stdin=b"echo made\n", root=True)
    await host.run(("false",))
    script, failed, key = sorted(log.commands, key=lambda each: each.text, reverse=True)
    assert (key.text, key.script, key.input_bytes) == ("cat", "", 13)
    assert (failed.text, failed.exit_status) == ("false", 1)
    assert (script.text, script.script, script.root) == ("sh", "echo made\n", True)


async def test_the_shell_text_of_a_script_runs_as_it_is(tmp_path: Path) -> None:
    text = shell_text(HostCommand(HostName("cp1"), NOW, Purpose.STEP, "sh 'a b' c", script='printf "%s|" "$@"'))
    ended = subprocess.run(("sh", "-c", text), capture_output=True, text=True)
    assert ended.stdout == "a b|c|"
