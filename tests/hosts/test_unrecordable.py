"""Where a run cannot be recorded here, or kept on its host, the run is refused and nothing is started."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.events import Event, Outcome, RunDone, StepStarted
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from haconsole.model.names import HostName, StepId
from haconsole.session.live import LiveSession
from haconsole.transport.answers import NoAnswers
from haconsole.transport.ssh import SshFleet
from tests.hosts.conftest import LabMaker
from tests.hosts.program import lacking

pytestmark = pytest.mark.timeout(300)
MARK = "/root/started"


@pytest.fixture(scope="module")
def lab(make_lab_for_session: LabMaker) -> Lab:
    """One bare host."""
    return make_lab_for_session(hosts=1, kubernetes=False)


@pytest.fixture
async def session(lab: Lab, tmp_path: Path) -> AsyncIterator[LiveSession]:
    inventory = load(lab.inventory_path)
    async with LiveSession(
        inventory, SshFleet(inventory, NoAnswers()), source="lab", digest="", runs=tmp_path / "runs"
    ) as session:
        yield session
    lab.exec("cp1", "rm", "-f", MARK)


@contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    """A file system of its own, in memory."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def step(script: str, name: str = "s", *needs: str) -> Step:
    command = RunCommand(("sh", "-c", script), timeout_s=60)
    return Step(StepId(name), "Do it", "It is needed.", HostName("cp1"), command, needs=tuple(map(StepId, needs)))


def plan(*steps: Step) -> Plan:
    return Plan("bootstrap", "lab", steps)


async def ending(session: LiveSession, plan: Plan) -> RunDone:
    last: Event = [event async for event in session.start(plan).events()][-1]
    assert isinstance(last, RunDone)
    return last


def started(lab: Lab) -> bool:
    return lab.exec("cp1", "test", "-e", MARK).returncode == 0


def unlocked(lab: Lab) -> bool:
    return lab.exec("cp1", "test", "-e", "/var/lib/haconsole/lock/holder").returncode == 1


async def test_a_disk_that_is_full_here_lets_nothing_begin(lab: Lab, session: LiveSession, tmp_path: Path) -> None:
    with mounted(tmp_path / "runs", "size=64k"):
        fill(tmp_path / "runs")
        ended = await ending(session, plan(step(f"touch {MARK}")))
    assert ended.outcome is Outcome.FAILED
    assert lacking(ended.next_step or "", str(tmp_path / "runs"), "No space left on device", "free up space") == []
    assert not started(lab)
    assert unlocked(lab)


async def test_a_disk_that_fills_up_in_a_run_lets_no_further_step_begin(
    lab: Lab, session: LiveSession, tmp_path: Path
) -> None:
    with mounted(tmp_path / "runs", "size=256k"):
        ended = None
        steps = (step("seq 5000", "first"), step(f"touch {MARK}", "second", "first"))
        async for event in session.start(plan(*steps)).events():
            if isinstance(event, StepStarted) and event.step == "first":
                fill(tmp_path / "runs")
            ended = event
        (path,) = (tmp_path / "runs").glob("*.jsonl")
        lines = path.read_text().splitlines()
    assert isinstance(ended, RunDone)
    assert ended.outcome is Outcome.FAILED
    assert "No space left on device" in (ended.next_step or "")
    assert not started(lab)
    assert all(json.loads(line)["kind"] for line in lines)
    assert unlocked(lab)


async def test_a_home_that_is_read_only_lets_nothing_begin(lab: Lab, session: LiveSession, tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "runs", "size=64k", "ro"),
        pytest.raises(HaconsoleError, match="Read-only file system"),
    ):
        await ending(session, plan(step(f"touch {MARK}")))
    assert not started(lab)
    assert unlocked(lab)


async def test_a_host_without_room_for_a_command_refuses_it_and_one_that_fills_up_loses_only_output(
    lab: Lab, session: LiveSession
) -> None:
    on_host(lab, "mkdir -p /run/haconsole && mount -t tmpfs -o size=96k tmpfs /run/haconsole")
    try:
        on_host(lab, "head -c 60000 /dev/zero >/run/haconsole/full")
        events = [event async for event in session.start(plan(step(f"touch {MARK}"))).events()]
        output = " ".join(str(getattr(event, "error", None)) for event in events)
        assert lacking(output, "/run/haconsole/", "No space left on device") == []
        assert not started(lab)
        on_host(lab, "rm /run/haconsole/full")
        ended = await ending(session, plan(step(f"seq 100000; touch {MARK}")))
        assert ended.outcome is Outcome.DONE
        assert started(lab)
    finally:
        on_host(lab, "umount /run/haconsole; rmdir /run/haconsole")


async def test_a_host_that_cannot_keep_the_lock_starts_nothing(lab: Lab, session: LiveSession) -> None:
    on_host(lab, "mkdir -p /var/lib/haconsole && mount -t tmpfs -o size=4k,ro tmpfs /var/lib/haconsole")
    try:
        with pytest.raises(HaconsoleError, match=r"cp1: .*Read-only file system"):
            await ending(session, plan(step(f"touch {MARK}")))
    finally:
        on_host(lab, "umount /var/lib/haconsole")
    assert not started(lab)


def fill(folder: Path) -> None:
    """Write until there is no room left."""
    result = subprocess.run(["dd", "if=/dev/zero", f"of={folder / 'full'}", "bs=4096"], capture_output=True, text=True)
    assert "No space left on device" in result.stderr


def on_host(lab: Lab, script: str) -> None:
    result = lab.exec("cp1", "sh", "-c", script)
    assert result.returncode == 0, result.stderr
