"""Events from before the console was opened agree with the times at which they were caused, by this machine's clock."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from haconsole.lab.lab import Lab
from haconsole.model.lanes import LaneKey, LaneKind, Lanes
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.past_lanes import add_past
from haconsole.session.opening import open_session
from tests.hosts.conftest import Tell
from tests.hosts.machine import vip_holders
from tests.hosts.program import Program

WITHIN_S = 1.0
pytestmark = pytest.mark.timeout(600)


async def on_host(lab: Lab, host: str, *argv: str) -> datetime:
    """Run a command on a host; returns when it began, by this machine's clock."""
    began = datetime.now(UTC)
    await asyncio.to_thread(lab.exec, host, *argv)
    return began


async def eventually(lab: Lab, other_than: str) -> str:
    """The host that took the VIP over."""
    async with asyncio.timeout(60):
        while not (new := [host for host in vip_holders(lab) if host != other_than]):
            await asyncio.sleep(0.2)
    return new[0]


async def test_events_before_the_start_are_shown_at_their_times(installed: Program, tell: Tell) -> None:
    lab = installed.lab
    (owner,) = vip_holders(lab)
    since = datetime.now(UTC)
    stopped_at = await on_host(lab, owner, "systemctl", "stop", "keepalived")
    taker = await eventually(lab, owner)
    moved_by = datetime.now(UTC)
    await on_host(lab, owner, "systemctl", "start", "keepalived")
    killed_at = await on_host(lab, "cp2", "systemctl", "kill", "-s", "KILL", "kube-scheduler")
    leader = await _leader(lab)
    restarted_at = await on_host(lab, leader, "systemctl", "restart", "etcd")
    ended_at = datetime.now(UTC)
    await asyncio.sleep(3)

    report = json.loads(installed.verb("events", str(lab.inventory_path), "--hours", "0.2", "--json").stdout)
    events = [each for each in report["events"] if datetime.fromisoformat(each["at"]) >= since]
    assert report["errors"] == []

    def time_of(host: str, kind: str, source: str, text: str = "") -> datetime:
        times = (
            datetime.fromisoformat(each["at"])
            for each in events
            if (each["host"], each["kind"], each["source"]) == (host, kind, source) and text in each["text"]
        )
        return next(times)

    kill = abs((time_of("cp2", "ended", "kube-scheduler", "signal 9") - killed_at).total_seconds())
    move = time_of(taker, "vrrp", "keepalived", "MASTER")
    election = next(
        datetime.fromisoformat(each["at"]) for each in events if each["kind"] == "leader" and "became" in each["text"]
    )
    tell(f"kill {kill:.2f} s after the command, VIP moved {(moved_by - move).total_seconds():.2f} s before it was seen")
    assert kill <= WITHIN_S
    assert stopped_at - timedelta(seconds=WITHIN_S) <= move <= moved_by + timedelta(seconds=WITHIN_S)
    assert restarted_at - timedelta(seconds=WITHIN_S) <= election <= ended_at + timedelta(seconds=WITHIN_S)
    await _lanes_agree(lab, since, taker, move, election)


async def _leader(lab: Lab) -> str:
    async with open_session(lab.inventory_path) as session:
        snapshot = (await session.observer.status()).snapshot
    leaders = (
        facts.host for facts in snapshot.hosts if (etcd := value_of(facts.etcd)) and etcd.leader_id == etcd.member_id
    )
    return next(leaders)


async def _lanes_agree(lab: Lab, since: datetime, taker: str, move: datetime, election: datetime) -> None:
    """A console that starts now shows the moves at the same times."""
    async with open_session(lab.inventory_path) as session:
        snapshot = (await session.observer.status()).snapshot
        offsets = {HostName(facts.host): value_of(facts.clock_offset_ms) or 0.0 for facts in snapshot.hosts}
        pasts = await session.observer.past_events(600, offsets)
    lanes = Lanes()
    add_past(lanes, pasts, snapshot, datetime.now(UTC))
    owners = lanes.lane(LaneKey(LaneKind.VIP, lab.spec.vip)).spans(since, datetime.now(UTC))
    moves = [span.start for span in owners if span.state.text == taker and span.start >= since]
    leaders = [span.start for span in lanes.lane(LaneKey(LaneKind.LEADER)).spans(since, datetime.now(UTC))]
    assert min(abs((one - move).total_seconds()) for one in moves) <= WITHIN_S
    assert min(abs((one - election).total_seconds()) for one in leaders) <= WITHIN_S
