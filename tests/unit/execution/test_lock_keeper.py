"""A lock that is kept: heartbeats, losses that pass and losses that do not, and the steps that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Step
from haconsole.execution.locking.cluster_lock import ClusterLock, LockedError, Takeover
from haconsole.execution.locking.lock_keeper import LockKeeper, locked
from haconsole.execution.steps.gate import StoppedError
from haconsole.model.names import HostName, StepId
from tests.fakes.waiting import eventually
from tests.unit.execution.lock_hosts import HOSTS, PLACES, Reach, age, claim, holders, lock, record

STEP = Step(StepId("s"), "Do it", "It is needed.", HostName("cp1"), Nothing())


@dataclass
class Kept:
    """A lock that is kept, the hosts it is kept on, and its clock, which only the test moves."""

    reach: Reach
    folder: Path
    passed: float = 0.0

    def now(self) -> float:
        return self.passed


@asynccontextmanager
async def keeping(folder: Path) -> AsyncIterator[tuple[Kept, LockKeeper]]:
    one = Kept(Reach(folder), folder)
    mine = ClusterLock("lab", one.reach, HOSTS, claim(1), PLACES)
    keeper = LockKeeper(mine, await mine.take(Takeover()), one.now)
    keeping = asyncio.create_task(keeper.keep())
    try:
        yield one, keeper
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_step_begins_while_the_lock_is_certain(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (_, keeper):
        await keeper.before(STEP)


async def test_a_step_waits_until_a_majority_has_confirmed_a_lock_that_was_not_heard_of_for_a_while(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as (one, keeper):
        one.reach.hosts[HOSTS[2]].unreachable = True
        age(tmp_path, 20)
        one.passed = 20
        await keeper.before(STEP)
        with pytest.raises(LockedError) as refused:
            await lock(tmp_path, 2).see_free(Takeover())
        assert refused.value.view.heartbeat_s <= 5


async def test_a_loss_of_the_majority_holds_the_step_and_lets_it_begin_when_it_passes(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (one, keeper):
        for host in HOSTS[1:]:
            one.reach.hosts[host].unreachable = True
        one.passed = 20
        waiting = asyncio.create_task(keeper.before(STEP))
        for _ in range(3):
            await asyncio.wait((waiting,), timeout=0.3)
            assert not waiting.done()
        one.reach.hosts[HOSTS[1]].unreachable = False
        await asyncio.wait_for(waiting, 20)


async def test_a_majority_lost_for_too_long_lets_no_step_begin(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (one, keeper):
        for host in HOSTS[1:]:
            one.reach.hosts[host].unreachable = True
        request = {host: len(one.reach.hosts[host].commands) for host in HOSTS}
        one.passed = 20
        waiting = asyncio.create_task(keeper.before(STEP))
        await eventually(lambda: all(len(one.reach.hosts[host].commands) > request[host] for host in HOSTS))
        one.passed = 55
        with pytest.raises(StoppedError) as stopped:
            await asyncio.wait_for(waiting, 20)
        words = str(stopped.value)
        assert "the lock is lost: 0 of 3 hosts confirm the lock, 2 needed; " in words
        assert "cp2: connection refused; cp3: connection refused" in words
        for host in HOSTS[1:]:
            one.reach.hosts[host].unreachable = False
        with pytest.raises(StoppedError):
            await keeper.before(STEP)


async def test_a_lock_that_another_took_over_while_this_machine_slept_is_lost_even_when_it_was_given_back(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as (one, keeper):
        age(tmp_path, 60)
        other = lock(tmp_path, 2)
        await other.take(Takeover(frozenset({"r1"})))
        await other.release()
        one.passed = 60
        with pytest.raises(StoppedError, match="the lock is lost"):
            await keeper.before(STEP)
        assert holders(tmp_path) == ["", "", ""]


async def test_a_heartbeat_that_meets_another_holder_stops_the_run_and_names_the_holder(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (one, keeper):
        age(tmp_path, 31)
        await lock(tmp_path, 2).take(Takeover(frozenset({"r1"})))
        one.passed = 16
        with pytest.raises(StoppedError, match=r"cp\d: ops2@desk \(process 102\) has been running bootstrap"):
            await asyncio.wait_for(keeper.before(STEP), 20)


async def test_a_host_that_lost_its_record_or_was_out_of_reach_gets_it_with_a_later_heartbeat(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (one, keeper):
        record(tmp_path, "cp2").unlink()
        one.passed = 16
        await keeper.before(STEP)
        await eventually(lambda: holders(tmp_path) == ["1", "1", "1"])


@pytest.mark.parametrize("stands", [False, True])
async def test_the_lock_is_given_back_at_the_end_unless_something_goes_on(tmp_path: Path, stands: bool) -> None:
    async with locked(lock(tmp_path), Takeover()) as keeper:
        assert holders(tmp_path) == ["1", "1", "1"]
        if stands:
            keeper.leave_standing()
    assert holders(tmp_path) == (["1", "1", "1"] if stands else ["", "", ""])
