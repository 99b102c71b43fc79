"""Runs whose console dies, resumed on real hosts: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from haconsole.execution.log.run_record import RunRecord, RunStatus, StepState, read_run
from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program, outcomes

HOSTS = ("cp1", "cp2", "cp3")
SLOW = r"""
mkdir -p /etc/systemd/system/etcd.service.d
printf '[Service]\nExecStartPre=/bin/sh -c "while [ ! -e /var/go ]; do sleep 0.1; done"\n' \
  >/etc/systemd/system/etcd.service.d/slow.conf
"""
"""etcd does not start before /var/go is there."""
BOOTSTRAP = ("run", "bootstrap", "--only", "etcd", "--yes", "--json")


def record_of(program: Program) -> RunRecord:
    """The only run there is."""
    (path,) = (program.state / "haconsole" / "runs").glob("*.jsonl")
    return read_run(path)


def has_started(lab: Lab, host: str) -> bool:
    return lab.exec(host, "sh", "-c", f"cat /run/haconsole/*/etcd.start@{host}.1/pid").returncode == 0


def starts(lab: Lab, host: str) -> int:
    """The number of times that systemd began to start etcd."""
    output = lab.exec(host, "journalctl", "-u", "etcd", "-o", "cat", "--no-pager").stdout
    return output.count("Starting etcd")


def resume(program: Program, *words: str) -> subprocess.CompletedProcess[str]:
    return program.verb("resume", record_of(program).header.run, "--yes", "--json", *words)


def events(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def slow(make_lab: LabMaker, tmp_path: Path) -> Program:
    """Three bare hosts on which etcd waits to be let go."""
    program = Program(make_lab(kubernetes=False), tmp_path)
    for host in HOSTS:
        assert program.lab.exec(host, "sh", "-ec", SLOW).returncode == 0
    return program


async def test_a_step_outlives_the_console_that_began_it(slow: Program) -> None:
    """The console is killed while etcd starts on three hosts: the starts continue, and the run is resumed from them."""
    lab = slow.lab
    with subprocess.Popen(
        slow.command(*BOOTSTRAP), env=slow.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        await eventually(lambda: all(has_started(lab, host) for host in HOSTS), within_s=120)
        assert record_of(slow).standing is RunStatus.RUNNING
        refused = resume(slow)
        assert refused.returncode == 4
        assert str(running.pid) in refused.stderr
        running.kill()
    record = record_of(slow)
    assert record.standing is RunStatus.BROKEN_OFF
    assert {one.step for one in record.steps if one.state is StepState.UNKNOWN} == {f"etcd.start@{h}" for h in HOSTS}
    for host in HOSTS:
        lab.exec(host, "touch", "/var/go")
    second = events(resume(slow))
    assert second[-1]["outcome"] == "done"
    output = outcomes(second)
    assert {output[f"etcd.start@{host}"] for host in HOSTS} == {"done"}
    assert output["etcd.unit@cp1"] == "already"
    record = record_of(slow)
    assert record.complete
    assert {one.attempts for one in record.started_steps} == {1}
    assert [starts(lab, host) for host in HOSTS] == [1, 1, 1]
    assert [lab.exec(host, "ls", "/run/haconsole").returncode for host in HOSTS] == [2, 2, 2]
    assert resume(slow).returncode == 4


@pytest.mark.parametrize("number", [signal.SIGHUP, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)])
async def test_a_signal_hands_over_running_steps_and_shows_how_to_continue(
    slow: Program, number: signal.Signals
) -> None:
    """Twice, since what is under way waits: the first lets it end, the second leaves it to its hosts."""
    lab = slow.lab
    with subprocess.Popen(
        slow.command("run", "bootstrap", "--only", "etcd", "--yes"),
        env=slow.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        await eventually(lambda: all(has_started(lab, host) for host in HOSTS), within_s=120)
        assert running.stderr is not None
        running.send_signal(number)
        for line in running.stderr:
            if line.startswith("stopping: "):
                break
        running.send_signal(number)
        out, _ = running.communicate(timeout=30)
    record = record_of(slow)
    assert running.returncode == 130
    assert f"haconsole resume {record.header.run}" in out
    assert record.standing is RunStatus.ENDED
    assert {one.step for one in record.steps if one.state is StepState.UNKNOWN} == {f"etcd.start@{h}" for h in HOSTS}
    for host in HOSTS:
        lab.exec(host, "touch", "/var/go")
    assert events(resume(slow))[-1]["outcome"] == "done"
    assert [starts(lab, host) for host in HOSTS] == [1, 1, 1]


@pytest.mark.nightly
async def test_a_host_restarted_meanwhile_is_distinguished_from_a_lost_connection(slow: Program) -> None:
    lab = slow.lab
    with subprocess.Popen(
        slow.command(*BOOTSTRAP), env=slow.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        await eventually(lambda: all(has_started(lab, host) for host in HOSTS), within_s=120)
        running.kill()
    lab.crash("cp2")
    lab.boot("cp2")
    for host in HOSTS:
        lab.exec(host, "touch", "/var/go")
    assert events(resume(slow))[-1]["outcome"] == "done"
    text = record_of(slow).path.read_text()
    messages = [json.loads(line) for line in text.splitlines()]
    restarted = [line["step"] for line in messages if "rebooted" in (line.get("error") or "")]
    assert restarted == ["etcd.start@cp2"]
    assert [starts(lab, host) for host in ("cp1", "cp3")] == [1, 1]


async def test_a_closed_terminal_leaves_what_is_under_way_to_end_and_be_recorded(slow: Program) -> None:
    """The window is closed: the system sends one signal, and nothing can be shown any more."""
    lab = slow.lab
    master, terminal = pty.openpty()
    command = ("setsid", "--ctty", *slow.command("run", "bootstrap", "--only", "etcd", "--yes"))
    with subprocess.Popen(command, env=slow.environment, stdin=terminal, stdout=terminal, stderr=terminal) as running:
        os.close(terminal)
        await eventually(lambda: _drained(master) and all(has_started(lab, host) for host in HOSTS), within_s=120)
        os.close(master)
        for host in HOSTS:
            lab.exec(host, "touch", "/var/go")
        running.wait(timeout=60)
    record = record_of(slow)
    assert record.standing is RunStatus.ENDED
    assert {one.state for one in record.steps if one.step.startswith("etcd.start@")} == {StepState.VERIFIED}
    assert events(resume(slow))[-1]["outcome"] in ("done", "already")
    assert [starts(lab, host) for host in HOSTS] == [1, 1, 1]


def _drained(master: int) -> bool:
    """Have read what the terminal shows, so that it takes more."""
    while select.select((master,), (), (), 0)[0]:
        os.read(master, 65536)
    return True


async def test_an_interrupted_bootstrap_is_undone_once(slow: Program) -> None:
    """Its steps are undone, newest first; CAs and accounts stay, and are named; then it can be run again."""
    lab = slow.lab
    before = {host: files(lab, host) for host in HOSTS}
    with subprocess.Popen(
        slow.command(*BOOTSTRAP), env=slow.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        await eventually(lambda: all(has_started(lab, host) for host in HOSTS), within_s=120)
        running.kill()
    run = record_of(slow).header.run
    early = slow.verb("undo", run, "--yes", "--json")
    assert early.returncode == 6, early.stdout + early.stderr
    assert "running" in early.stdout
    for host in HOSTS:
        lab.exec(host, "touch", "/var/go")
    (undo,) = (path.stem for path in (slow.state / "haconsole" / "runs").glob("*-undo-*.jsonl"))
    await eventually(lambda: slow.verb("resume", undo, "--yes").returncode == 0, within_s=120)
    after = {host: files(lab, host) for host in HOSTS}
    stays = {f"/etc/etcd/pki/ca.{end}" for end in ("crt", "key")}
    assert {host: after[host] - before[host] for host in HOSTS} == dict.fromkeys(HOSTS, stays)
    for host in HOSTS:
        assert lab.exec(host, "systemctl", "is-active", "etcd").stdout == "inactive\n"
        assert lab.exec(host, "ls", "/var/lib/etcd/member").returncode != 0
        assert lab.exec(host, "ls", "/run/haconsole").returncode == 2
    second = slow.verb("undo", run, "--yes")
    assert second.returncode == 4
    assert undo in second.stderr
    assert undo in slow.verb("resume", run, "--yes").stderr
    assert slow.events("bootstrap", "--only", "etcd")[-1]["outcome"] == "done"


def files(lab: Lab, host: str) -> set[str]:
    """The files that bootstrap may make, without the backups beside files."""
    places = ("/etc/etcd", "/etc/systemd/system", "/var/lib/etcd")
    output = lab.exec(host, "find", *places, "-type", "f", "-not", "-name", ".*", "-not", "-path", "*/member.*").stdout
    return set(output.split())
