"""The cluster lock on hosts that are folders here, by the real scripts: one writer, whatever fails."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from haconsole.errors import ExitCode
from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError, Takeover
from haconsole.execution.process import has_ended, this_process
from haconsole.probes.hosts.lock import encode_claim, parse_record
from tests.unit.execution.lock_hosts import HOSTS, age, claim, holders, lock, record

pytestmark = pytest.mark.usefixtures("posix_shell")

NOTHING = Takeover()


async def test_a_lock_is_on_every_host_until_it_is_released(tmp_path: Path) -> None:
    one = lock(tmp_path)
    assert await one.take(NOTHING) == frozenset(HOSTS)
    assert holders(tmp_path) == ["1", "1", "1"]
    assert record(tmp_path, "cp1").stat().st_mode & 0o777 == 0o600
    assert await one.release() == ()
    assert holders(tmp_path) == ["", "", ""]


async def test_a_second_console_sees_the_holder_its_run_its_age_and_its_heartbeat(tmp_path: Path) -> None:
    await lock(tmp_path, 1).take(NOTHING)
    age(tmp_path, 7)
    with pytest.raises(LockedError) as refused:
        await lock(tmp_path, 2).take(NOTHING)
    words = str(refused.value)
    assert "ops1@desk (process 101) has been running bootstrap for " in words
    output = re.search(r"\(run r1\); heartbeat (\d+) s ago \(on cp1, cp2, cp3\)", words)
    assert output is not None, words
    assert 7 <= int(output[1]) < 27
    assert refused.value.exit_code == ExitCode.LOCKED
    assert not refused.value.can_take_over
    assert holders(tmp_path) == ["1", "1", "1"]


async def test_of_consoles_that_begin_at_once_exactly_one_wins(tmp_path: Path) -> None:
    for _ in range(12):
        locks = [lock(tmp_path, n) for n in (1, 2, 3)]
        choice = await asyncio.gather(*(one.take(NOTHING) for one in locks), return_exceptions=True)
        winners = [n for n, result in enumerate(choice, 1) if isinstance(result, frozenset)]
        assert len(winners) == 1, choice
        assert all(isinstance(result, frozenset | LockedError) for result in choice), choice
        assert holders(tmp_path) == [str(winners[0])] * 3
        await locks[winners[0] - 1].release()


async def test_of_consoles_that_reach_different_hosts_at_most_one_wins_and_none_waits(tmp_path: Path) -> None:
    for _ in range(8):
        locks = [lock(tmp_path, n, out_of_reach=(host,)) for n, host in ((1, "cp3"), (2, "cp1"), (3, "cp2"))]
        choice = await asyncio.gather(*(one.take(NOTHING) for one in locks), return_exceptions=True)
        winners = [n for n, result in enumerate(choice, 1) if isinstance(result, frozenset)]
        assert len(winners) == 1, choice
        assert sorted(holders(tmp_path)) == ["", str(winners[0]), str(winners[0])]
        await locks[winners[0] - 1].release()


async def test_a_console_that_reaches_no_majority_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoMajorityError) as refused:
        await lock(tmp_path, out_of_reach=("cp2", "cp3")).take(NOTHING)
    words = str(refused.value)
    assert (
        "the lock needs 2 of 3 hosts, but 1 could be reached: cp2: connection refused; cp3: connection refused" in words
    )
    assert refused.value.exit_code == ExitCode.REFUSED
    assert holders(tmp_path) == ["", "", ""]


async def test_hosts_that_cannot_keep_the_record_do_not_count_and_records_of_others_are_removed(
    tmp_path: Path,
) -> None:
    for host in ("cp2", "cp3"):
        (tmp_path / host).mkdir()
        (tmp_path / host / "place").write_text("in the way\n")
    with pytest.raises(
        NoMajorityError,
        match=r"the lock needs 2 of 3 hosts, but 1 granted it: cp2: the record of the lock could not be read or .+",
    ):
        await lock(tmp_path).take(NOTHING)
    assert not record(tmp_path, "cp1").exists()


async def test_a_stale_lock_is_taken_over_only_knowingly(tmp_path: Path) -> None:
    first = lock(tmp_path, 1)
    await first.take(NOTHING)
    age(tmp_path, 31)
    with pytest.raises(LockedError, match=r"stale: its last heartbeat is \d\d s ago.*--take-over-lock r1") as refused:
        await lock(tmp_path, 2).take(NOTHING)
    assert refused.value.can_take_over
    with pytest.raises(LockedError):
        await lock(tmp_path, 2).take(Takeover(frozenset({"another"})))
    assert await lock(tmp_path, 2).take(Takeover(frozenset({"r1"}))) == frozenset(HOSTS)
    assert holders(tmp_path) == ["2", "2", "2"]
    assert await first.release() == ()
    assert holders(tmp_path) == ["2", "2", "2"]


async def test_a_fresh_lock_is_taken_over_by_nobody(tmp_path: Path) -> None:
    await lock(tmp_path, 1).take(NOTHING)
    age(tmp_path, 35, "cp1", "cp2")
    with pytest.raises(LockedError) as refused:
        await lock(tmp_path, 2).take(Takeover(frozenset({"r1"})))
    assert not refused.value.can_take_over
    assert holders(tmp_path) == ["1", "1", "1"]


async def test_a_host_itself_refuses_to_replace_what_was_renewed_since_the_look(tmp_path: Path) -> None:
    first, second = lock(tmp_path, 1), lock(tmp_path, 2)
    await first.take(NOTHING)
    age(tmp_path, 40)
    await first.hosts[0].renew(5)
    answer = await second.hosts[0].claim(5, {claim(1).token: 30})
    assert not second.hosts[0].has(answer)
    assert second.hosts[1].has(await second.hosts[1].claim(5, {claim(1).token: 30}))


async def test_a_leftover_on_a_minority_of_the_hosts_is_in_nobodys_way_once_it_is_stale(tmp_path: Path) -> None:
    first = lock(tmp_path, 1)
    await first.take(NOTHING)
    await lock(tmp_path, 1, out_of_reach=("cp3",)).release()
    assert holders(tmp_path) == ["", "", "1"]
    with pytest.raises(LockedError):
        await lock(tmp_path, 2).take(NOTHING)
    with pytest.raises(LockedError):
        await lock(tmp_path, 2).see_free(NOTHING)
    age(tmp_path, 30, "cp3")
    await lock(tmp_path, 2).see_free(NOTHING)
    assert holders(tmp_path) == ["", "", "1"]
    assert await lock(tmp_path, 2).take(NOTHING) == frozenset(HOSTS)


async def test_a_leftover_of_a_process_that_is_gone_need_not_grow_stale(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        name = this_process(process.pid)
        await lock(tmp_path, 1, process=name).take(NOTHING)
        await lock(tmp_path, 1, process=name, out_of_reach=("cp3",)).release()
        with pytest.raises(LockedError):
            await lock(tmp_path, 2).see_free(NOTHING)
        process.kill()
    await lock(tmp_path, 2).see_free(NOTHING)
    assert await lock(tmp_path, 2).take(NOTHING) == frozenset(HOSTS)


async def test_a_restart_of_the_host_takes_no_lock_away_and_its_heartbeat_is_as_old_as_the_start(
    tmp_path: Path,
) -> None:
    await lock(tmp_path, 1).take(NOTHING)
    for host in HOSTS:
        (tmp_path / host / "heartbeat").unlink()
    with pytest.raises(LockedError) as refused:
        await lock(tmp_path, 2).see_free(NOTHING)
    view = refused.value.view
    started = int(subprocess.run(["ps", "-o", "etimes=", "-p", "1"], capture_output=True, text=True).stdout)
    assert abs(view.heartbeat_s - started) <= 2
    assert holders(tmp_path) == ["1", "1", "1"]


async def test_the_lock_of_a_process_of_this_machine_that_is_gone_need_not_grow_stale(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        name = this_process(process.pid)
        await lock(tmp_path, 1, process=name).take(NOTHING)
        with pytest.raises(LockedError) as refused:
            await lock(tmp_path, 2).take(Takeover(frozenset({"r1"})))
        assert not refused.value.can_take_over
        process.kill()
    assert has_ended(name)
    with pytest.raises(LockedError) as refused:
        await lock(tmp_path, 2).take(NOTHING)
    assert refused.value.can_take_over
    assert await lock(tmp_path, 2).take(Takeover(frozenset({"r1"}))) == frozenset(HOSTS)


async def test_what_a_console_left_standing_itself_it_may_take_over_at_once(tmp_path: Path) -> None:
    await lock(tmp_path, 1, process=this_process()).take(NOTHING)
    rest = frozenset({claim(1).token})
    with pytest.raises(LockedError) as refused:
        await lock(tmp_path, 2).take(Takeover(unreleased=rest))
    assert refused.value.can_take_over
    assert await lock(tmp_path, 2).take(Takeover(frozenset({"r1"}), rest)) == frozenset(HOSTS)


def test_a_process_of_another_machine_or_an_unknown_one_is_not_known_to_be_gone() -> None:
    mine = this_process()
    assert not has_ended(mine)
    assert not has_ended("")
    assert not has_ended("nonsense")
    assert not has_ended(f"elsewhere:pid:[1]:{os.getpid()}:1")
    assert has_ended(mine.rpartition(":")[0] + ":1")


def test_a_holder_from_a_hostile_host_is_shortened_and_without_control_characters() -> None:
    output = encode_claim(claim(1)).replace("ops1@desk", "ops\\u001b[2J\\u202e" + "x" * 1000)
    read = parse_record(f"{claim(1).token} 3 4\n{output}\n")
    assert read is not None
    assert read.claim.holder == "ops[2J" + "x" * 194


@pytest.mark.parametrize(
    "text", ["", "taken", "a b c\n{}", "1 2 3\nnull", f"{claim(1).token} 1 2\n[]", "x 1 2\n" + encode_claim(claim(1))]
)
def test_a_record_that_is_none_is_an_error_and_not_a_free_lock(text: str) -> None:
    with pytest.raises(Exception, match="the cluster lock's record cannot be read"):
        parse_record(text)
