"""The cluster lock on real hosts: consoles that race, die, are cut off, and hosts that restart."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Step
from haconsole.execution.events import Outcome, RunDone, StepDone
from haconsole.execution.locking.cluster_lock import NoMajorityError
from haconsole.execution.locking.lock_keeper import CERTAIN_S
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from haconsole.model.lock import HEARTBEAT_S
from haconsole.model.names import HostName, StepId
from haconsole.session.live import LiveSession
from haconsole.transport.ssh import SshFleet
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program, lacking

pytestmark = pytest.mark.timeout(600)
HOSTS = ("cp1", "cp2", "cp3")
HOLDER = "/var/lib/haconsole/lock/holder"
HEARTBEAT = "/run/haconsole.heartbeat"


@pytest.fixture(scope="module")
def lab(make_lab_for_session: LabMaker) -> Lab:
    """Three bare hosts."""
    return make_lab_for_session(kubernetes=False)


@pytest.fixture(scope="module")
def balanced(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The hosts with haproxy, which is enough for a cheap action."""
    Program(lab, tmp_path_factory.mktemp("state")).events("bootstrap", "--only", "haproxy")
    return lab


@pytest.fixture
async def session(lab: Lab, tmp_path: Path) -> AsyncIterator[LiveSession]:
    async with console(lab, tmp_path) as session:
        yield session


def console(lab: Lab, folder: Path, *, takes_over: bool = False) -> LiveSession:
    inventory, answers = load(lab.inventory_path), ScriptedAnswers(takes_over=takes_over)
    return LiveSession(
        inventory, SshFleet(inventory, answers), source="lab", digest="", runs=folder / "runs", answers=answers
    )


def plan(*steps: Step) -> Plan:
    return Plan("bootstrap", "lab", steps)


def step(host: str, script: str, name: str = "s", *needs: str) -> Step:
    command = RunCommand(("sh", "-c", script), timeout_s=120)
    return Step(StepId(name), "Do it", "It is needed.", HostName(host), command, needs=tuple(map(StepId, needs)))


def holders(lab: Lab) -> list[str]:
    """The runs whose records the hosts have."""
    lines = [lab.exec(host, "cat", HOLDER).stdout.partition("\n")[2] for host in HOSTS]
    return [json.loads(text)["run"] if text else "" for text in lines]


def heartbeat_age_s(lab: Lab, host: str) -> float:
    beat, up = lab.exec(host, "sh", "-c", f"cut -c34- {HEARTBEAT}; cat /proc/uptime").stdout.splitlines()
    return float(up.split()[0]) - int(beat)


def span(path: Path) -> tuple[datetime, datetime]:
    """When a run had the lock at least: from its first line to its last."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return datetime.fromisoformat(lines[0]["at"]), datetime.fromisoformat(lines[-1]["at"])


@pytest.mark.parametrize("rounds", [3, pytest.param(25, marks=pytest.mark.nightly)])
def test_of_two_consoles_started_together_exactly_one_writes_at_any_moment(
    balanced: Lab, tmp_path: Path, rounds: int
) -> None:
    program = Program(balanced, tmp_path)
    refused = 0
    for _ in range(rounds):
        before = set(tmp_path.rglob("*.jsonl"))
        command = program.command("run", "ready", "cp1", "--yes", "--json")
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        both = [subprocess.Popen(command, env=program.environment, **pipes) for _ in range(2)]
        ended = [(one.communicate(timeout=120), one.returncode) for one in both]
        statuses = sorted(status for _, status in ended)
        assert statuses in ([0, 0], [0, 7]), ended
        runs = sorted(span(path) for path in set(tmp_path.rglob("*.jsonl")) - before)
        assert len(runs) == statuses.count(0)
        assert all(one[1] < other[0] for one, other in pairwise(runs)), runs
        for (out, _), status in ended:
            if status == 7:
                refused += 1
                assert "is locked: " in json.loads(out)["reasons"][0]
        assert holders(balanced) == ["", "", ""]
    assert refused > 0


async def test_a_heartbeat_comes_through_though_every_command_that_a_host_takes_is_under_way(
    lab: Lab, session: LiveSession
) -> None:
    steps = tuple(step("cp1", "while [ ! -e /root/go ]; do sleep 0.2; done", f"s{n}") for n in range(8))
    running = asyncio.create_task(_ended(session, plan(*steps)))
    await eventually(lambda: "" not in holders(lab), 30)
    start = time.monotonic()
    ages = []
    while time.monotonic() - start < 24:
        ages.append(await asyncio.to_thread(heartbeat_age_s, lab, "cp1"))
        await asyncio.sleep(0.5)
    lab.exec("cp1", "touch", "/root/go")
    assert (await running).outcome is Outcome.DONE
    lab.exec("cp1", "rm", "/root/go")
    assert max(ages) < 20
    assert sum(later < earlier for earlier, later in pairwise(ages)) >= 2
    assert holders(lab) == ["", "", ""]


async def test_a_run_stops_before_its_next_step_when_another_console_has_taken_over(
    lab: Lab, session: LiveSession, tmp_path: Path
) -> None:
    first = step("cp1", "echo $$ >/root/begun; while [ ! -e /root/go ]; do sleep 0.2; done", "first")
    running = asyncio.create_task(_ended(session, plan(first, step("cp2", "touch /root/second", "second", "first"))))
    await eventually(lambda: lab.exec("cp1", "test", "-e", "/root/begun").returncode == 0, 30)
    run = holders(lab)[0]
    other = tmp_path / "other"
    other.mkdir()
    async with console(lab, other, takes_over=True) as thief:
        for host in HOSTS:
            lab.exec(host, "sh", "-c", f"sed -i 's/ .*/ 1/' {HEARTBEAT}")
        waits = plan(step("cp1", "while [ ! -e /root/go2 ]; do sleep 0.2; done"))
        theft = asyncio.create_task(_ended(thief, waits))
        await eventually(lambda: run not in holders(lab), 30)
        await asyncio.sleep(HEARTBEAT_S + 2)
        lab.exec("cp1", "touch", "/root/go")
        ended = await running
        lab.exec("cp1", "touch", "/root/go2")
        assert (await theft).outcome is Outcome.DONE
    lab.exec("cp1", "rm", "/root/go", "/root/go2", "/root/begun")
    assert ended.outcome is Outcome.SKIPPED
    assert lacking(ended.next_step or "", "lock", "bootstrap") == []
    assert lab.exec("cp2", "test", "-e", "/root/second").returncode == 1


def test_a_console_that_was_killed_leaves_its_lock_which_another_adopts_knowingly(lab: Lab, tmp_path: Path) -> None:
    program = Program(lab, tmp_path)
    lab.exec("cp1", "systemctl", "mask", "--now", "haproxy")
    command = program.command("run", "bootstrap", "--only", "haproxy", "--yes", "--json")
    with subprocess.Popen(command, env=program.environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        run = json.loads(killed.stdout.readline())["run"]
        killed.send_signal(signal.SIGKILL)
    assert holders(lab) == [run] * 3
    status = json.loads(_status(program))["lock"]
    assert (status["run"], status["hosts"], status["needed"]) == (run, list(HOSTS), 2)
    lab.exec("cp1", "systemctl", "unmask", "haproxy")
    refused = program("run", "bootstrap", "--only", "haproxy", "--yes")
    assert refused.returncode == 7
    assert lacking(refused.stderr, "bootstrap", f"--take-over-lock {run}") == []
    assert program.events("bootstrap", "--only", "haproxy", "--take-over-lock", run)[-1]["outcome"] == "done"
    assert holders(lab) == ["", "", ""]


async def test_a_console_that_reaches_one_of_three_hosts_starts_nothing(lab: Lab, session: LiveSession) -> None:
    lab.crash("cp2")
    lab.crash("cp3")
    try:
        with pytest.raises(NoMajorityError) as refused:
            await _ended(session, plan(step("cp1", "touch /root/started")))
    finally:
        lab.boot("cp2")
        lab.boot("cp3")
    assert lacking(str(refused.value), "2 of 3", "cp2: ") == []
    assert lab.exec("cp1", "test", "-e", "/root/started").returncode == 1


@pytest.mark.nightly
async def test_a_run_cut_off_from_the_majority_starts_no_further_step_and_is_resumed_when_reconnected(
    lab: Lab, session: LiveSession
) -> None:
    """Two of three hosts fall silent while a step runs on the third; that step ends normally."""
    waits = "echo $$ >/root/begun; while [ ! -e /root/go ]; do sleep 0.2; done; echo 1 >>/root/first"
    first, second = step("cp1", waits, "first"), step("cp1", "echo 2 >>/root/second", "second", "first")
    running = asyncio.create_task(_ended(session, Plan("bootstrap", lab.spec.name, (first, second))))
    await eventually(lambda: lab.exec("cp1", "test", "-e", "/root/begun").returncode == 0, 30)
    for host in ("cp2", "cp3"):
        lab.cut(host)
    try:
        await asyncio.sleep(CERTAIN_S + 1)
        lab.exec("cp1", "touch", "/root/go")
        ended = await running
        output = lab.exec("cp1", "sh", "-c", "cat /root/first; cat /root/second").stdout
    finally:
        lab.reconnect()
    assert output == "1\n"
    assert ended.outcome is Outcome.SKIPPED
    message = ended.next_step or ""
    assert lacking(message, "1 of 3", "cp2: ", f"haconsole resume {ended.run}") == []
    repeat = [event async for event in (await session.resume(ended.run)).events()]
    assert [event.outcome for event in repeat if isinstance(event, StepDone)] == [Outcome.ALREADY, Outcome.DONE]
    assert lab.exec("cp1", "sh", "-c", "cat /root/first /root/second").stdout == "1\n2\n"
    assert holders(lab) == ["", "", ""]
    lab.exec("cp1", "rm", "/root/go", "/root/begun", "/root/first", "/root/second")


def test_the_record_outlives_a_restart_and_its_heartbeat_is_as_old_as_that(lab: Lab, tmp_path: Path) -> None:
    claim = {"token": "0" * 32, "holder": "ops@desk", "pid": 7, "run": "r0", "action": "join"}
    for host in HOSTS:
        lab.exec(host, "mkdir", "-p", HOLDER.rpartition("/")[0])
        write = f"printf '%s\\n' {claim['token']} '{json.dumps(claim)}' >{HOLDER}"
        assert lab.exec(host, "sh", "-c", f"{write}; echo {claim['token']} 1 >{HEARTBEAT}").returncode == 0
    lab.crash("cp2")
    lab.boot("cp2")
    document = json.loads(_status(Program(lab, tmp_path)))["lock"]
    assert (document["run"], document["hosts"], document["stale"]) == ("r0", list(HOSTS), False)
    assert document["heartbeat_age_s"] < 30
    for host in HOSTS:
        lab.exec(host, "rm", HOLDER)


async def _ended(session: LiveSession, plan: Plan) -> RunDone:
    last = [event async for event in session.start(plan).events()][-1]
    assert isinstance(last, RunDone)
    return last


def _status(program: Program) -> str:
    argv = [sys.executable, "-m", "haconsole", "status", str(program.inventory), "--json"]
    return subprocess.run(argv, env=program.environment, capture_output=True, text=True, timeout=60).stdout
