"""A command that outlives its connection on a real host, even where a login's processes end with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haconsole.execution.clock import SystemClock
from haconsole.execution.events import RunId
from haconsole.execution.host.detached import DetachedCommands, Exited
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from haconsole.model.names import HostName, StepId
from haconsole.transport.answers import NoAnswers
from haconsole.transport.ssh import SshFleet
from tests.fakes.waiting import eventually

STRICT = r"""
mkdir -p /etc/systemd/logind.conf.d
printf '[Login]\nKillUserProcesses=yes\n' >/etc/systemd/logind.conf.d/strict.conf
systemctl restart systemd-logind
"""


@pytest.fixture
async def fleet(small_lab: Lab) -> AsyncIterator[SshFleet]:
    fleet = SshFleet(load(small_lab.inventory_path), NoAnswers())
    yield fleet
    await fleet.close()


def there(lab: Lab, path: str) -> bool:
    return lab.exec("cp1", "test", "-e", path).returncode == 0


async def test_a_command_continues_when_all_processes_of_its_login_are_killed(small_lab: Lab, fleet: SshFleet) -> None:
    assert small_lab.exec("cp1", "sh", "-ec", STRICT).returncode == 0
    commands = DetachedCommands(fleet.host(HostName("cp1")), SystemClock(), "/run/haconsole", RunId("r1"))
    script = "echo once >>/root/ran; touch /root/begun; while [ ! -e /root/go ]; do sleep 0.1; done; echo ended"
    running = asyncio.create_task(commands.run(StepId("s"), 1, ("sh", "-c", script), stdin=None, timeout_s=60))
    await eventually(lambda: there(small_lab, "/root/begun"))
    logins = small_lab.exec("cp1", "loginctl", "list-sessions", "--no-legend").stdout.splitlines()
    for login in logins:
        small_lab.exec("cp1", "loginctl", "terminate-session", login.split()[0])
    small_lab.exec("cp1", "pkill", "-f", "sshd: ops")
    small_lab.exec("cp1", "touch", "/root/go")
    assert await running == Exited(0, "ended\n", "")
    assert small_lab.exec("cp1", "cat", "/root/ran").stdout == "once\n"
    assert logins
    await commands.end()
    assert not there(small_lab, "/run/haconsole")
    assert not Path("/run/haconsole/r1").exists()
