"""The known part of a `doctor` is reported within 5 s of its start, whatever hangs on a host: the rest is named."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from haconsole.lab.drills import heal
from haconsole.model.observed import Known
from haconsole.model.status import ClusterStatus
from haconsole.session.opening import open_session
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

REPORTED_WITHIN_S = 5.0
COMPLETE_WITHIN_S = 22.0
"""The limit of a look, and the answers that end it on a busy machine."""
HOST = "cp3"
PROGRAMS = ("ss", "nft", "ip", "df", "journalctl", "haproxy", "keepalived")
HANG = (
    "printf '#!/bin/sh\\nexec sleep 600\\n' >/root/hang; chmod 0755 /root/hang; for name in {names}; do"
    ' file=$(readlink -f "$(command -v $name)"); mount --bind /root/hang "$file"; done'
)
UNHANG = 'for name in {names}; do umount "$(readlink -f "$(command -v $name)")"; done; pkill -f "^sleep 600" || :'


@dataclass(frozen=True, slots=True)
class Hang:
    """Scripts that let something on the host hang, and end that."""

    breaks: str
    heals: str


def suspended(unit: str) -> Hang:
    return Hang(f"systemctl kill --signal=SIGSTOP {unit}", f"systemctl kill --signal=SIGCONT {unit}")


HANGS = {
    "nothing": Hang(":", ":"),
    "sshd": Hang("pkill -STOP -x sshd", "pkill -CONT -x sshd"),
    "etcd": suspended("etcd"),
    "API server": suspended("kube-apiserver"),
    "systemd": Hang("kill -STOP $(pidof dbus-daemon)", "kill -CONT $(pidof dbus-daemon)"),
    **{name: Hang(HANG.format(names=name), UNHANG.format(names=name)) for name in PROGRAMS},
    "all programs": Hang(HANG.format(names=" ".join(PROGRAMS)), UNHANG.format(names=" ".join(PROGRAMS))),
}


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(make_lab_for_session(hosts=3), tmp_path_factory.mktemp("first"))
    program.events("bootstrap")
    return program


async def reports(program: Program) -> list[tuple[float, ClusterStatus]]:
    """Each status of `doctor` with the seconds since its start."""
    began = time.monotonic()
    async with open_session(program.inventory) as session, aclosing(session.observer.examine()) as statuses:
        return [(time.monotonic() - began, status) async for status in statuses]


def seconds_to_first_line(program: Program) -> float:
    """Of the command, which has to start first: until its first line on standard output."""
    argv = (sys.executable, "-u", "-m", "haconsole", "doctor", str(program.inventory))
    began = time.monotonic()
    with subprocess.Popen(argv, env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.monotonic() - began
        process.kill()
    return seconds


@pytest.mark.parametrize("hang", HANGS)
def test_the_known_part_is_reported_in_time(cluster: Program, hang: str) -> None:
    lab = cluster.lab
    lab.exec(HOST, "sh", "-ec", HANGS[hang].breaks)
    try:
        results = asyncio.run(reports(cluster))
        (first_s, first), (last_s, last) = results[0], results[-1]
        line_s = seconds_to_first_line(cluster)
        print(f"{hang:14} first {first_s:5.2f} s, complete {last_s:5.2f} s, first line of the command {line_s:5.2f} s")
        assert first_s <= REPORTED_WITHIN_S
        assert last_s <= COMPLETE_WITHIN_S
        assert not last.snapshot.pending
        others = tuple(facts for facts in first.snapshot.hosts if facts.host != HOST)
        assert all(isinstance(facts.reach, Known) for facts in others), others
    finally:
        lab.exec(HOST, "sh", "-c", HANGS[hang].heals)
        heal(lab)
