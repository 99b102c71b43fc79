"""Watching hosts: what is pushed, what is lost and found again, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, NotAsked, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VrrpState
from haconsole.model.vip_view import vip_views
from haconsole.probes import collect
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.probes.live import cut_suspects
from tests.fakes import cluster
from tests.fakes.local_host import LocalFleet, LocalHost
from tests.unit.probes.conftest import PUSH

QUICK = ProbeTimings(round_s=0.2, retry_first_s=0.02, retry_most_s=0.05, silence_s=2.0, news_s=0.1)
GONE = (
    r"Deleted 2: kpa    inet 10.77.0.100/24 scope global secondary kpa\       valid_lft forever preferred_lft forever"
)
HERE = GONE.removeprefix("Deleted ")


async def until(
    snapshots: AsyncIterator[ClusterSnapshot], true: Callable[[HostFacts], bool], host: str = "lb1"
) -> ClusterSnapshot:
    async with asyncio.timeout(5):
        async for snapshot in snapshots:
            output = snapshot.host(HostName(host))
            if output and true(output):
                return snapshot
    raise AssertionError("the stream ended")


def holds_vip(facts: HostFacts) -> bool:
    known = facts.addresses
    return isinstance(known, Known) and any(entry.address == "10.77.0.100" for entry in known.value)


def all_told(facts: HostFacts) -> bool:
    of_host = (facts.clock_offset_ms, facts.addresses, facts.services, facts.disks, facts.unit_setup, facts.events)
    of_balancer = (facts.keepalived, facts.haproxy, facts.configs, facts.balancer_files)
    return not any(isinstance(fact, NotAsked) for fact in (*of_host, *of_balancer))


def vrrp_state(facts: HostFacts) -> VrrpState | None:
    keepalived = value_of(facts.keepalived)
    return keepalived.instances[0].state if keepalived else None


@pytest.fixture
def collector(inventory: Inventory, fleet: LocalFleet) -> Collector:
    return Collector(inventory, fleet, secret=b"s", timings=QUICK)


async def test_an_address_that_leaves_is_pushed(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    seldom = Collector(inventory, fleet, timings=ProbeTimings(round_s=60, silence_s=70))
    with (hosts["lb1"].folder / PUSH).open("rb+", buffering=0) as pipe:
        async with aclosing(seldom.live()) as snapshots:
            await until(snapshots, lambda facts: isinstance(facts.reach, Known) and holds_vip(facts))
            for line, holder in ((GONE, False), (HERE, True)):
                began = time.monotonic()
                pipe.write(f"{line}\n".encode())
                await until(snapshots, holds_vip if holder else lambda facts: not holds_vip(facts))
                assert time.monotonic() - began < 0.5


async def test_a_listing_made_before_a_push_does_not_undo_it(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost], tmp_path: Path
) -> None:
    (hosts["lb1"].folder / "ip").write_text(
        f"#!/bin/sh\ncd {hosts['lb1'].folder}\n"
        f'case "$*" in *monitor*) exec cat <>{PUSH} ;; *) cat {tmp_path}/addresses; sleep 0.3 ;; esac\n'
    )
    seldom = Collector(inventory, fleet, timings=ProbeTimings(round_s=60, silence_s=70))
    with (hosts["lb1"].folder / PUSH).open("rb+", buffering=0) as pipe:
        pipe.write(f"{GONE}\n".encode())
        async with aclosing(seldom.live()) as snapshots:
            snapshot = await until(snapshots, lambda facts: isinstance(facts.addresses, Known))
    output = snapshot.host(HostName("lb1"))
    assert output
    assert not holds_vip(output)


async def test_a_move_queries_keepalived_at_once(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    seldom = Collector(inventory, fleet, timings=ProbeTimings(round_s=60, silence_s=70))
    with (hosts["lb1"].folder / PUSH).open("rb+", buffering=0) as pipe:
        async with aclosing(seldom.live()) as snapshots:
            await until(snapshots, lambda facts: vrrp_state(facts) is VrrpState.MASTER and holds_vip(facts))
            (hosts["lb1"].folder / "journalctl").write_text("#!/bin/sh\necho '(VI_1) Entering BACKUP STATE'\n")
            pipe.write(f"{GONE}\n".encode())
            await until(snapshots, lambda facts: vrrp_state(facts) is VrrpState.BACKUP)


async def test_old_files_are_listed_at_once_when_a_file_system_becomes_short_of_space(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    """They are read every ten slow rounds, here 10 s, and the fix of a full disk needs them at once."""
    folder = hosts["lb1"].folder
    (folder / "df").write_text(
        f'#!/bin/sh\n[ -e {folder}/full ] && free=1 || free="\\$2"\n/bin/df "$@" | awk "NR > 1 {{ \\$4 = $free }} 1"\n'
    )
    (folder / "df").chmod(0o755)
    seldom = Collector(inventory, fleet, timings=replace(QUICK, slow_round_s=1.0))

    def is_short(facts: HostFacts) -> bool:
        return any(disk.is_short for disk in value_of(facts.disks) or ())

    async with aclosing(seldom.live()) as snapshots:
        before = await until(snapshots, lambda facts: all_told(facts) and isinstance(facts.old_files, Known))
        assert not is_short(before.hosts[0])
        (folder / "full").touch()
        filled = await until(snapshots, is_short)
        await until(snapshots, lambda facts: facts.old_files != filled.hosts[0].old_files)


async def test_counters_make_no_flood(inventory: Inventory, fleet: LocalFleet) -> None:
    patient = Collector(inventory, fleet, timings=replace(QUICK, news_s=0.6))
    async with aclosing(patient.live()) as snapshots:
        for name in ("lb1", "lb2"):
            await until(snapshots, all_told, name)
        began, count = time.monotonic(), 0
        async for _ in snapshots:
            count += 1
            if count == 2:
                break
    assert time.monotonic() - began > 0.6


async def test_a_lost_host_keeps_its_last_values_and_is_found_again(
    collector: Collector, hosts: dict[str, LocalHost]
) -> None:
    async with aclosing(collector.live()) as snapshots:
        await until(snapshots, holds_vip)
        hosts["lb1"].lose(Cause.CONNECTION_LOST)
        snapshot = await until(snapshots, lambda facts: isinstance(facts.reach, Failed))
        output = snapshot.host(HostName("lb1"))
        assert output
        assert isinstance(output.addresses, Failed)
        assert output.addresses.cause is Cause.CONNECTION_LOST
        assert output.addresses.last is not None
        assert vip_views(snapshot)[0].state is not VipState.UNOWNED
        hosts["lb1"].find()
        await until(snapshots, holds_vip)


async def test_a_host_that_never_answers_holds_up_no_other(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    hosts["lb2"].hangs = True
    async with aclosing(collector.live()) as snapshots:
        snapshot = await until(snapshots, holds_vip)
        other = snapshot.host(HostName("lb2"))
        assert other
        assert not isinstance(other.reach, Known)


async def test_nothing_runs_on_once_the_iterator_is_closed(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    async with aclosing(collector.live()) as snapshots:
        await until(snapshots, holds_vip)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not any(host._running for host in hosts.values())


async def test_snapshots_are_bounded_in_number(collector: Collector) -> None:
    began, count = time.monotonic(), 0
    async with aclosing(collector.live()) as snapshots:
        async for _ in snapshots:
            count += 1
            if count == 8:
                break
    assert time.monotonic() - began > 7 * QUICK.at_most_every_s * 0.9


def silent_lines(host: LocalHost) -> None:
    """Stop what runs on the host: the connection stays open and nothing comes through it."""
    for process in host._running:
        os.killpg(process.pid, signal.SIGSTOP)


def answering_again(host: LocalHost) -> None:
    for process in host._running:
        os.killpg(process.pid, signal.SIGCONT)


async def test_facts_of_a_host_that_stopped_answering_are_old_before_it_is_lost(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    collector = Collector(inventory, fleet, timings=replace(QUICK, silence_s=60.0, late_s=0.6))
    async with aclosing(collector.live()) as snapshots:
        await until(snapshots, all_told)
        silent_lines(hosts["lb1"])
        snapshot = await until(snapshots, lambda facts: isinstance(facts.reach, Failed))
        output = snapshot.host(HostName("lb1"))
        assert output
        old = (output.reach, output.services, output.disks, output.clock_offset_ms, output.addresses, output.keepalived)
        assert all(isinstance(fact, Failed) and fact.last is not None for fact in old)
        assert {facts.host for facts in snapshot.hosts if isinstance(facts.reach, Known)} == {"lb2", "gate"}
        answering_again(hosts["lb1"])
        snapshot = await until(snapshots, lambda facts: isinstance(facts.reach, Known))
        output = snapshot.host(HostName("lb1"))
        assert output
        assert isinstance(output.disks, Known)
        assert hosts["lb1"].connects < 3


async def test_a_refresh_reads_all_facts_again(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    collector = Collector(inventory, fleet, timings=replace(QUICK, slow_round_s=600.0))
    async with aclosing(collector.live()) as snapshots:
        first = await until(snapshots, all_told)
        before = first.host(HostName("lb1"))
        assert before
        readings = before.disks, before.clock_offset_ms
        assert all(isinstance(fact, Known) for fact in readings)

        def read_again(facts: HostFacts) -> bool:
            pairs = zip((facts.disks, facts.clock_offset_ms), readings, strict=True)
            return all(isinstance(a, Known) and isinstance(b, Known) and a.at > b.at for a, b in pairs)

        collector.refresh()
        await until(snapshots, read_again)


async def test_connections_are_checked_at_once_when_a_member_completes_no_more_reads(
    inventory: Inventory, fleet: LocalFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspects: set[HostName] = set()
    monkeypatch.setattr(collect, "cut_suspects", lambda snapshot: frozenset(suspects))
    collector = Collector(inventory, fleet, timings=replace(QUICK, slow_round_s=600.0))
    async with aclosing(collector.live()) as snapshots:
        first = await until(snapshots, lambda facts: isinstance(facts.peer_ports, Known))
        before = first.host(HostName("lb1"))
        assert before
        reading = before.peer_ports
        assert isinstance(reading, Known)
        suspects.add(HostName("lb1"))
        await until(snapshots, lambda facts: isinstance(facts.peer_ports, Known) and facts.peer_ports.at > reading.at)


def test_a_member_that_answers_and_completes_no_read_may_be_cut_off() -> None:
    def hang(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.etcd, Known)
        return replace(facts, etcd=replace(facts.etcd, value=replace(facts.etcd.value, healthy=False)))

    assert cut_suspects(cluster.healthy()) == frozenset()
    assert cut_suspects(cluster.changed(cluster.healthy(), 2, hang)) == {HostName("cp2")}


async def test_a_refresh_connects_again_at_once(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    collector = Collector(inventory, fleet, timings=replace(QUICK, retry_first_s=600.0, retry_most_s=600.0))
    hosts["lb1"].lose()
    async with aclosing(collector.live()) as snapshots:
        await until(snapshots, lambda facts: isinstance(facts.reach, Failed))
        hosts["lb1"].find()
        collector.refresh()
        await until(snapshots, lambda facts: isinstance(facts.reach, Known))


async def test_facts_are_pending_until_they_are_read(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    hosts["lb2"].hangs = True
    async with aclosing(collector.live()) as snapshots:
        snapshot = await until(snapshots, all_told)
        pending = {(each.host, each.fact) for each in snapshot.pending}
        assert ("lb2", "services") in pending
        assert ("lb2", "reach") in pending
        assert not any(host == "lb1" and fact == "disks" for host, fact in pending)
