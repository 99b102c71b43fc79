"""Ages of facts on real hosts: read again after a run, and old as soon as their host stops answering."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from haconsole.lab.lab import Lab
from haconsole.model.findings import Finding
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session.live import LiveSession
from haconsole.session.opening import open_session
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program
from tests.hosts.rotation import stopped_at

AGREE_WITHIN_S = 15.0
LATE_WITHIN_S = 5.0
OLD = ("services", "disks", "clock_offset_ms", "etcd", "addresses", "keepalived", "haproxy", "certificates")
"""Facts that are old once their host is silent."""

pytestmark = pytest.mark.timeout(600)


class Watched:
    """The status that a console open on the cluster shows now."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self.snapshot: ClusterSnapshot | None = None
        self.findings: tuple[Finding, ...] = ()

    async def follow(self) -> None:
        async for status in self._session.observer.watch():
            self.snapshot, self.findings = status.snapshot, status.findings

    def reads(self, kind: str) -> bool:
        """Whether a fact of that kind is known of every host that has it."""
        snapshot = self.snapshot
        return snapshot is not None and all(isinstance(getattr(facts, kind), Known) for facts in snapshot.hosts)


@asynccontextmanager
async def watched(program: Program) -> AsyncIterator[Watched]:
    async with open_session(program.inventory) as session:
        output = Watched(session)
        following = asyncio.create_task(output.follow())
        try:
            yield output
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def within(seconds: float, watched: Watched, true: Callable[[], bool]) -> float:
    """Wait until `true` holds; the seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, watched.findings
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def now_found(program: Program) -> set[tuple[str, str]]:
    """Codes and subjects that a fresh look at the cluster finds."""
    report = json.loads(program.verb("doctor", str(program.inventory), "--json").stdout)
    return {(each["code"], each["subject"]) for each in report["findings"]}


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Three control planes with balancers, bootstrapped."""
    program = Program(make_lab_for_session(), tmp_path_factory.mktemp("ages"))
    program.events("bootstrap")
    return program


async def test_findings_agree_with_a_fresh_look_soon_after_a_run(cluster: Program) -> None:
    """A rotation is interrupted and resumed by another process while a console watches.

    The console read the certificates between two steps, and would read them again in ten minutes only.
    """
    async with watched(cluster) as output:
        await within(30, output, lambda: output.reads("certificates"))
        rotate = ("run", "rotate-certs", str(cluster.inventory), "--yes")
        await asyncio.to_thread(stopped_at, cluster, "pki.apiserver@", *rotate)
        await within(AGREE_WITHIN_S, output, lambda: any(each.code == "cert.served-old" for each in output.findings))
        (record,) = (cluster.state / "haconsole" / "runs").glob("*rotate-certs*.jsonl")
        resumed = await asyncio.to_thread(cluster.verb, "resume", record.stem, "--yes", "--json")
        assert resumed.returncode == 0, resumed.stdout[-2000:] + resumed.stderr[-2000:]
        fresh = await asyncio.to_thread(now_found, cluster)
        assert not any(code == "cert.served-old" for code, _ in fresh)
        took = await within(
            AGREE_WITHIN_S, output, lambda: {(each.code, each.subject) for each in output.findings} == fresh
        )
        print(f"the console agreed {took:.1f} s after the fresh look")


async def test_a_host_without_power_supports_no_finding_but_its_own(cluster: Program) -> None:
    """The VIP's owner loses power: within seconds its facts are old, and never are there two owners."""
    lab: Lab = cluster.lab
    async with watched(cluster) as output:
        await within(30, output, lambda: all(output.reads(name) for name in OLD))
        readings: set[str] = set()
        lab.crash("cp1")

        def late() -> bool:
            readings.update(each.code for each in output.findings)
            assert output.snapshot is not None
            return isinstance(output.snapshot.hosts[0].reach, Failed)

        took = await within(LATE_WITHIN_S, output, late)
        print(f"cp1 counted as silent after {took:.1f} s")
        facts = output.snapshot.hosts[0] if output.snapshot else None
        assert facts is not None
        old = {name: getattr(facts, name) for name in OLD}
        assert [name for name, fact in old.items() if not isinstance(fact, Failed) or fact.last is None] == []
        await asyncio.sleep(6)
        late()
        assert "vip.split" not in readings
        about = {each.code for each in output.findings if each.subject.startswith("cp1")}
        assert about <= {"host.unreachable"}, about
