"""A busy lab is watched while certificates are replaced and its VIP moves: real faults are found, and no others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest

from haconsole.lab.cgroups import HostGroup
from haconsole.lab.drills import break_lab, heal
from haconsole.lab.lab import Lab
from haconsole.model.findings import Finding
from haconsole.session.opening import open_session
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.program import Program
from tests.hosts.witness import AFTER_S, DENSE_S, Witness

SLOW = "cp3"
SHARE = 0.1
"""The share of a processor that a host may use."""
FOUND_WITHIN_S = 45.0
FAULTS = (
    ("haproxy-stale", "cp2", "service.stale-config"),
    ("scheduler-kubeconfig-wrong", "cp2", "component.kubeconfig-wrong"),
    ("apiserver-down", "cp2", "apiserver.down"),
)
CHANGES = (("failover", "--to", "cp2"), ("failback",), ("rotate-certs", "--scope", "etcd", "--host", "cp1"))


@dataclass(frozen=True, slots=True)
class Opened:
    """A finding, and when it was first shown."""

    finding: Finding
    at: float

    def __str__(self) -> str:
        at = time.strftime("%H:%M:%S", time.gmtime(self.at))
        return f"{at} {self.finding.code} {self.finding.subject}: {self.finding.summary}"


@dataclass
class Watched:
    """The findings that the console shows now, and all that it has shown."""

    inventory: Path
    now: dict[tuple[str, str], Opened] = field(default_factory=dict)
    all: list[Opened] = field(default_factory=list)

    async def follow(self, over: threading.Event) -> None:
        async with (
            open_session(self.inventory) as session,
            aclosing(session.observer.watch()) as statuses,
        ):
            async for status in statuses:
                self._take(status.findings)
                if over.is_set():
                    return

    def _take(self, findings: tuple[Finding, ...]) -> None:
        keys = {(one.code, one.subject): one for one in findings}
        self.now = {key: opened for key, opened in self.now.items() if key in keys}
        for key, finding in keys.items():
            if key not in self.now:
                self.now[key] = Opened(finding, time.time())
                self.all.append(self.now[key])

    def shows(self, code: str, host: str) -> bool:
        return any(one == code and host in subject for one, subject in self.now)


@contextmanager
def watched(program: Program) -> Iterator[Watched]:
    output, over = Watched(program.inventory), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(output.follow(over)))
    thread.start()
    try:
        yield output
    finally:
        over.set()
        thread.join(30)


@contextmanager
def busy_processors() -> Iterator[None]:
    """Two processes that never wait."""
    spinning = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


@contextmanager
def limited(lab: Lab, host: str, share: float) -> Iterator[None]:
    """All of a host may use a share of a processor."""
    group = HostGroup.here(lab.name, host)
    group.limit_host(share)
    try:
        yield
    finally:
        group.limit_host(None)


@dataclass
class Changes:
    """Runs of actions one after the other: their names, exit statuses and last errors.

    The first one rotates all certificates; `begun` is set once its plan is made, for which it reads every host.
    """

    program: Program
    start_event: threading.Event = field(default_factory=threading.Event)
    ended: list[tuple[str, int, str]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Changes]:
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,))
        thread.start()
        try:
            assert self.start_event.wait(60), self.ended
            yield self
        finally:
            over.set()
            thread.join(900)

    def _run(self, over: threading.Event) -> None:
        self._rotate()
        for action, *words in cycle(CHANGES):
            if over.wait(2):
                return
            result = self.program("run", action, "--yes", *words)
            self.ended.append((action, result.returncode, result.stderr[-300:]))

    def _rotate(self) -> None:
        command = self.program.command("run", "rotate-certs", "--yes", "--json")
        with subprocess.Popen(
            command, env=self.program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout
            assert running.stderr
            for line in running.stdout:
                if json.loads(line)["event"] == "step-started":
                    self.start_event.set()
            errors = running.stderr.read()
        self.ended.append(("rotate-certs", running.returncode, errors[-300:]))


def wait_until(true: object, within_s: float) -> float | None:
    """The seconds until a condition held, None if it did not in time."""
    assert callable(true)
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if true():
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def injected(lab: Lab, watched: Watched, until: float) -> Iterator[tuple[str, float, float, float | None]]:
    """Each fault of FAULTS spread over the time: its code, its begin and end, the seconds until it was found."""
    pause = (until - time.time()) / len(FAULTS)
    begin = time.time()
    for number, (scenario, host, code) in enumerate(FAULTS):
        time.sleep(max(0.0, begin + (number + 0.4) * pause - time.time()))
        began = time.time()
        try:
            break_lab(lab, scenario, host)
            seconds = wait_until(lambda code=code, host=host: watched.shows(code, host), FOUND_WITHIN_S)
        finally:
            heal(lab)
        yield code, began, time.time(), seconds


@pytest.fixture
def cluster(make_lab: LabMaker, tmp_path: Path) -> Program:
    """Three control planes of the test's own: a rotation may stop halfway on the limited host."""
    program = Program(make_lab(hosts=3), tmp_path / "state")
    program.events("bootstrap")
    return program


@pytest.mark.parametrize("minutes", [4.5, pytest.param(30.0, marks=pytest.mark.nightly)])
@pytest.mark.timeout(3000)
def test_no_finding_is_contradicted_by_the_hosts(cluster: Program, tmp_path: Path, tell: Tell, minutes: float) -> None:
    lab = cluster.lab
    witness = Witness(lab, tmp_path)
    with witness.watching(), watched(cluster) as output:
        assert wait_until(lambda: witness.cluster and witness.cluster[-1].endpoint, 60) is not None
        time.sleep(15)
        output.all.clear()
        until = time.time() + minutes * 60 - 15
        with Changes(cluster).running() as runs, busy_processors(), limited(lab, SLOW, SHARE):
            faults = list(injected(lab, output, until))
            time.sleep(max(0.0, until - time.time()))
        time.sleep(AFTER_S)
    tell(f"{minutes:g} minutes on {os.cpu_count()} processors, {len(witness.sights)} looks")
    for opened in output.all:
        tell(f"{opened}")
    tell(f"runs: {runs.ended}; faults found after {[(code, seconds) for code, _, _, seconds in faults]}")
    false = [
        opened
        for opened in output.all
        if not any(began <= opened.at <= ended + 20 and opened.finding.code == code for code, began, ended, _ in faults)
        and witness.contradicts(opened.finding, opened.at)
    ]
    assert not false, "\n".join(map(str, false))
    assert all(seconds is not None for *_, seconds in faults), faults
    assert any(status == 0 for _, status, _ in runs.ended), runs.ended
    assert len(witness.sights) > minutes * 60 * len(lab.spec.hosts) / DENSE_S, "too few looks to contradict anything"
