"""The commands screen: live commands of the session, logged ones below, copied for a shell."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from haconsole.model.command import HostCommand, Purpose
from haconsole.model.names import HostName
from haconsole.present import commands
from haconsole.present.table import Row
from tests.fakes.cluster import NOW, healthy
from tests.fakes.plans import recorded
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

PROBE = HostCommand(
    HostName("cp2"), NOW, Purpose.PROBE, "systemctl show etcd", root=True, exit_status=0, seconds=0.2, times=9
)
RESTART = HostCommand(
    HostName("cp3"), NOW, Purpose.STEP, "systemctl restart etcd", root=True, exit_status=1, seconds=2.0
)


def session() -> FakeSession:
    logged = recorded(RunStatus.ENDED, Outcome.FAILED, hours_ago=1)
    return FakeSession(healthy(), commands=(PROBE, RESTART), records=(logged,))


async def test_commands_of_the_session_and_of_logged_runs_are_listed() -> None:
    async with running(console(session()), (160, 45)) as pilot:
        await pilot.press("C")
        await shows(pilot, "write /etc/etcd/etcd.env")
        text = screen_text(pilot.app)
        assert "3 commands that may change a host, 9 that only read" in text
        assert "exit 1" in text
        assert "✖ cp1: " in text, "the failure of a logged step is known"
        lines = text.splitlines()
        restart, probe = (
            next(i for i, line in enumerate(lines) if each in line) for each in ("restart etcd", "show etcd")
        )
        assert restart < probe
        await pilot.press("v")
        await pilot.pause()
        assert "systemctl show etcd" not in screen_text(pilot.app)


async def test_a_command_is_copied_for_a_shell() -> None:
    async with running(console(session()), (80, 24)) as pilot:
        await pilot.press("C")
        await shows(pilot, "write /etc/etcd/etcd.env")
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == "sudo systemctl restart etcd"


async def test_logged_commands_are_laid_out_once_and_not_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be thousands: 100 runs of 120 steps took half a second of every second."""
    rows: list[HostCommand] = []

    def counting(command: HostCommand, now: datetime) -> Row:
        rows.append(command)
        return row_of(command, now)

    row_of = commands._row
    monkeypatch.setattr(commands, "_row", counting)
    app = console(session())
    async with running(app, (160, 45)) as pilot:
        await pilot.press("C")
        await shows(pilot, "write /etc/etcd/etcd.env")
        rows.clear()
        for _ in range(3):
            app.now += timedelta(seconds=1)
            await settled(pilot)
        assert {command.text for command in rows} == {PROBE.text, RESTART.text}
