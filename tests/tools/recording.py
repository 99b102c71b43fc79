"""Record what `demo` shows where it can make no hosts: two faults on a real cluster, and how it heals. Needs a lab.

    python -m tests.tools.recording FILE            # a new lab, taken down at the end
    python -m tests.tools.recording FILE --lab NAME # a lab with an installed, healthy cluster, which stays up

1. keepalived stops on the VIP's owner: another balancer takes the VIP over. It starts again.
2. etcd stops on the leader: another member is elected. It starts again.

The name of the lab is the name of the cluster, here and in the files on its hosts: use one that is named `demo`.

Requests run through the VIP all the time, so that the figures of etcd and haproxy change. To ship the file, move it to
`haconsole/recording/failovers.jsonl.gz`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import aclosing, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from haconsole.actions.step import Refusal
from haconsole.lab import drills
from haconsole.lab.lab import Lab
from haconsole.lab.shape import LabShape
from haconsole.model.findings import Health
from haconsole.model.hosts import HostFacts
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.recording.file import Recorder
from haconsole.session.live import LiveSession
from haconsole.session.opening import open_session

CALM_S, FAULT_S = 8.0, 12.0
HEAL_WITHIN_S = 120.0
READING_EVERY = timedelta(seconds=4)
"""The interval of the kept figures: the file stays small, and curves have enough points."""
TRAFFIC = """
end=$(($(date +%s) + 300))
while [ "$(date +%s)" -lt "$end" ]; do
    printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' | socat -t 2 - "OPENSSL:$1,verify=0,connect-timeout=2" >/dev/null 2>&1
    sleep 0.2
done
"""
"""Requests by socat, because practice hosts have no curl.

The loop ends by the clock: killing the process that entered the host's namespaces does not end it.
"""


class Thinner:
    """Leaves out readings that come sooner than READING_EVERY after the one before."""

    def __init__(self) -> None:
        self._before: dict[str, HostFacts] = {}

    def thin(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        hosts = tuple(self._of_host(facts) for facts in snapshot.hosts)
        self._before = {facts.host: facts for facts in hosts}
        return replace(snapshot, hosts=hosts)

    def _of_host(self, facts: HostFacts) -> HostFacts:
        before = self._before.get(facts.host)
        if before is None:
            return facts
        early: dict[str, Any] = {name: old for name, old in before.readings() if _is_early(old, getattr(facts, name))}
        return replace(facts, **early)


def _is_early(before: object, after: object) -> bool:
    old, new = getattr(before, "at", None), getattr(after, "at", None)
    return type(before) is type(after) and old is not None and new is not None and new - old < READING_EVERY


class Newest:
    """The newest status of the cluster, to wait for a condition."""

    def __init__(self) -> None:
        self.status: ClusterStatus | None = None

    async def until(self, holds: Callable[[ClusterStatus], bool]) -> None:
        async with asyncio.timeout(HEAL_WITHIN_S):
            while self.status is None or not holds(self.status):
                await asyncio.sleep(0.2)


async def record(lab: Lab, file: Path) -> None:
    newest, thinner = Newest(), Thinner()
    async with open_session(lab.inventory_path, read_only=True) as session:
        session.observer.quicken(faster=True)
        await _warm_up(session)
        with closing(Recorder(file, session.inventory)) as recorder:

            async def follow() -> None:
                async with aclosing(session.observer.watch()) as statuses:
                    async for status in statuses:
                        newest.status = status
                        if recorder.snapshots or _is_healthy(status):
                            recorder.add(thinner.thin(status.snapshot))

            task = asyncio.create_task(follow())
            try:
                await _story(lab, newest)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            print(f"{recorder.snapshots} snapshots in {file}, {file.stat().st_size} bytes")


async def _warm_up(session: LiveSession) -> None:
    """Let the cluster be healthy for CALM_S before the recording begins."""
    since: datetime | None = None
    async with asyncio.timeout(HEAL_WITHIN_S), aclosing(session.observer.watch()) as statuses:
        async for status in statuses:
            if not _is_healthy(status):
                since = None
            elif since is None:
                since = status.snapshot.observed_at
            elif status.snapshot.observed_at - since >= timedelta(seconds=CALM_S):
                return


def _is_healthy(status: ClusterStatus) -> bool:
    return status.health is Health.HEALTHY and not status.snapshot.pending


async def _story(lab: Lab, newest: Newest) -> None:
    await newest.until(_is_healthy)
    await asyncio.sleep(CALM_S)
    for unit, host_of in (("keepalived", "vip_owner"), ("etcd", "etcd_leader")):
        scene = await asyncio.to_thread(drills.look, lab)
        host = getattr(scene, host_of)
        if host is None:
            raise SystemExit(f"no host is the {host_of}: {scene}")
        print(f"{unit} stops on {host}")
        await asyncio.to_thread(lab.exec, host, "systemctl", "stop", unit)
        await newest.until(lambda status: status.health is not Health.HEALTHY)
        await asyncio.sleep(FAULT_S)
        await asyncio.to_thread(lab.exec, host, "systemctl", "start", unit)
        await newest.until(_is_healthy)
        await asyncio.sleep(CALM_S)


async def install(lab: Lab) -> None:
    async with open_session(lab.inventory_path) as session:
        planned = await session.planner.plan("bootstrap", {})
        if isinstance(planned, Refusal):
            raise SystemExit(str(planned))
        async for _ in session.start(planned).events():
            pass


async def with_traffic(lab: Lab, file: Path) -> None:
    argv = lab.command("cp3", ("sh", "-c", TRAFFIC, "-", lab.spec.endpoint))
    traffic = await asyncio.create_subprocess_exec(*argv)
    try:
        await record(lab, file)
    finally:
        traffic.kill()
        await traffic.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the recording that `demo` shows without hosts.")
    parser.add_argument("file", type=Path, help="a new file that ends in .jsonl.gz")
    parser.add_argument("--lab", help="a lab with an installed, healthy cluster")
    arguments = parser.parse_args()
    lab = Lab(arguments.lab or "demo")
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        try:
            if arguments.lab is None:
                lab.up(LabShape(3, 0, False, True))
                asyncio.run(install(lab))
            asyncio.run(with_traffic(lab, arguments.file))
        finally:
            if arguments.lab is None:
                lab.down()


if __name__ == "__main__":
    main()
