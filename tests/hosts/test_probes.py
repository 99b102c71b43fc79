"""Facts of real hosts: bare ones as they are, changes that arrive on their own, hosts lost and reached again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState
from haconsole.model.vip_view import vip_views
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.transport.answers import NoAnswers
from haconsole.transport.ssh import SshFleet, Tuning

IMPATIENT = Tuning(keepalive_s=0.5, keepalive_misses=1)


@asynccontextmanager
async def collector(lab: Lab, timings: ProbeTimings | None = None) -> AsyncIterator[Collector]:
    inventory = load(lab.inventory_path)
    fleet = SshFleet(inventory, NoAnswers(), tuning=IMPATIENT)
    try:
        yield Collector(inventory, fleet, timings=timings)
    finally:
        await fleet.close()


def cause(fact: Observed[object]) -> Cause | None:
    return fact.cause if isinstance(fact, Failed) else None


async def until(
    snapshots: AsyncIterator[ClusterSnapshot], true: Callable[[ClusterSnapshot], bool], within_s: float = 15.0
) -> ClusterSnapshot:
    async with asyncio.timeout(within_s):
        async for snapshot in snapshots:
            if true(snapshot):
                return snapshot
    raise AssertionError("the stream ended")


def of(snapshot: ClusterSnapshot, host: str) -> HostFacts:
    result = snapshot.host(HostName(host))
    assert result
    return result


def all_heard(snapshot: ClusterSnapshot) -> bool:
    return all(isinstance(facts.addresses, Known) for facts in snapshot.hosts)


async def with_disks(lab: Lab, within_s: float = 60.0) -> ClusterSnapshot:
    """One look that knows each host's disks, which a busy machine may answer too late for the first."""
    end = time.monotonic() + within_s
    async with collector(lab) as asks:
        while True:
            snapshot = await asks.once(certificates=True)
            reasons = [facts.disks for facts in snapshot.hosts if not isinstance(facts.disks, Known)]
            if not reasons:
                return snapshot
            assert time.monotonic() < end, reasons


async def test_bare_hosts_are_reported_as_they_are(shared_lab: Lab) -> None:
    snapshot = await with_disks(shared_lab)
    for facts, host in zip(snapshot.hosts, shared_lab.spec.hosts, strict=True):
        assert isinstance(facts.reach, Known)
        assert abs(value_of(facts.clock_offset_ms) or 0.0) < 250
        assert host.address in [entry.address for entry in value_of(facts.addresses) or ()]
        etcds = {"/var/lib/etcd", "/var/lib/etcd-snapshots"}
        assert {space.path for space in value_of(facts.disks) or ()} == {*etcds, "/", "/var/log", "/run"}
        etcd, api = facts.service("etcd"), facts.service("kube-apiserver")
        assert etcd
        assert (etcd.exists, etcd.active, etcd.enabled) == (True, "inactive", False)
        assert api
        assert not api.exists
        assert cause(facts.etcd) is cause(facts.keepalived) is cause(facts.certificates) is Cause.NOT_CONFIGURED
        assert cause(facts.haproxy) is Cause.NOT_RUNNING


async def test_an_address_change_arrives_within_half_a_second(shared_lab: Lab) -> None:
    vip, waits = shared_lab.spec.vip, []
    async with collector(shared_lab, ProbeTimings(round_s=5, silence_s=30)) as asks, aclosing(asks.live()) as snapshots:
        await until(snapshots, all_heard)
        for verb, state in (("add", VipState.OWNED), ("del", VipState.UNOWNED)) * 2:
            change = ("ip", "address", verb, f"{vip}/32", "dev", "eth0")
            result = await asyncio.to_thread(shared_lab.exec, "cp2", *change)
            began = time.monotonic()
            assert result.returncode == 0
            await until(snapshots, lambda snapshot, state=state: vip_views(snapshot)[0].state is state)  # type: ignore[misc]
            waits.append(time.monotonic() - began)
    assert max(waits) < 0.5


async def test_a_host_that_is_cut_off_is_lost_and_found_again(shared_lab: Lab) -> None:
    async with collector(shared_lab) as asks, aclosing(asks.live()) as snapshots:
        await until(snapshots, all_heard)
        began = time.monotonic()
        shared_lab.exec("cp3", "ip", "link", "set", "eth0", "down")
        try:
            missing = await until(snapshots, lambda snapshot: isinstance(of(snapshot, "cp3").reach, Failed))
            assert time.monotonic() - began < 5
            content = of(missing, "cp3").addresses
            assert isinstance(content, Failed)
            assert content.last
            assert isinstance(of(missing, "cp1").addresses, Known)
        finally:
            shared_lab.exec("cp3", "ip", "link", "set", "eth0", "up")
        await until(snapshots, all_heard)


async def test_a_stopped_daemon_on_one_host_delays_no_other(shared_lab: Lab) -> None:
    """sshd frozen: the connection opens and nothing answers on it."""
    shared_lab.exec("cp1", "systemctl", "kill", "-s", "STOP", "ssh")
    try:
        async with collector(shared_lab, ProbeTimings(overall_s=4)) as asks:
            began = time.monotonic()
            snapshot = await asks.once()
            assert time.monotonic() - began < 6
    finally:
        shared_lab.exec("cp1", "systemctl", "kill", "-s", "CONT", "ssh")
    assert cause(of(snapshot, "cp1").reach) is Cause.TIMED_OUT
    assert isinstance(of(snapshot, "cp2").addresses, Known)
    assert isinstance(of(snapshot, "cp3").services, Known)


async def test_nothing_is_left_on_hosts_or_here(shared_lab: Lab) -> None:
    async with collector(shared_lab) as asks, aclosing(asks.live()) as snapshots:
        await until(snapshots, all_heard)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    for _ in range(50):
        result = shared_lab.exec("cp1", "pgrep", "-u", "root", "-fa", "ip -o monitor|sh -s").stdout
        if not result:
            break
        await asyncio.sleep(0.1)
    assert result == ""
