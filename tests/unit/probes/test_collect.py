"""One look at every host."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from haconsole.inventory.schema import Host, Inventory, Kubernetes
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, NotAsked, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VrrpState
from haconsole.probes.balancers import haproxy
from haconsole.probes.collect import LEAST_S, Collector
from haconsole.probes.context import ProbeTimings
from haconsole.probes.hosts.clock import ClockProbe
from haconsole.probes.kubernetes import apiserver
from tests.fakes.local_host import LocalFleet, LocalHost

PATIENT = ProbeTimings(overall_s=30.0, fact_s=20.0)
"""For tests that measure no time, also on a busy machine."""


def facts(snapshot: ClusterSnapshot, name: str) -> HostFacts:
    result = snapshot.host(HostName(name))
    assert result
    return result


def cause(fact: object) -> Cause:
    assert isinstance(fact, Failed)
    return fact.cause


@pytest.fixture
def collector(inventory: Inventory, fleet: LocalFleet) -> Collector:
    return Collector(inventory, fleet, secret=b"s", timings=PATIENT)


async def test_every_fact_of_a_balancer_is_known(collector: Collector) -> None:
    output = facts(await collector.once(), "lb1")
    assert isinstance(output.reach, Known)
    assert [entry.address for entry in value_of(output.addresses) or ()][3] == "10.77.0.100"
    assert [unit.name for unit in value_of(output.services) or ()][1] == "haproxy"
    assert [space.path for space in value_of(output.disks) or ()] == ["/", "/var/log", "/run"]
    assert isinstance(output.clock_offset_ms, Known)
    assert abs(output.clock_offset_ms.value) < 1000
    keepalived = value_of(output.keepalived)
    assert keepalived
    assert keepalived.instances[0].state is VrrpState.MASTER


async def test_facts_of_other_roles_are_not_queried(collector: Collector) -> None:
    snapshot = await collector.once()
    assert isinstance(facts(snapshot, "lb1").etcd, NotAsked)
    gate = facts(snapshot, "gate")
    assert isinstance(gate.reach, Known)
    assert {type(fact) for name, fact in gate.facts() if name != "reach"} == {NotAsked}


async def test_a_host_out_of_reach_fails_for_one_reason(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    hosts["lb2"].lose(Cause.NO_ROUTE)
    snapshot = await collector.once()
    missing = facts(snapshot, "lb2")
    assert cause(missing.reach) is cause(missing.addresses) is cause(missing.keepalived) is Cause.NO_ROUTE
    assert hosts["lb2"].connects == 1
    assert isinstance(facts(snapshot, "lb1").addresses, Known)


async def test_a_host_that_hangs_delays_no_other_and_all_of_them_by_the_deadline(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    hosts["lb2"].hangs = True
    began = time.monotonic()
    snapshot = await Collector(inventory, fleet, timings=ProbeTimings(overall_s=0.6)).once()
    assert time.monotonic() - began < 1.5
    assert cause(facts(snapshot, "lb2").reach) is Cause.TIMED_OUT
    assert cause(facts(snapshot, "lb2").disks) is Cause.TIMED_OUT
    assert isinstance(facts(snapshot, "lb1").addresses, Known)


async def first_report(collector: Collector) -> tuple[ClusterSnapshot, float]:
    began = time.monotonic()
    async with aclosing(collector.progress(first_after_s=0.0)) as snapshots:
        return await anext(snapshots), time.monotonic() - began


async def test_a_report_at_once_waits_until_a_host_has_answered(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    hosts["lb2"].hangs = True
    snapshot, _ = await first_report(Collector(inventory, fleet))
    assert isinstance(facts(snapshot, "lb1").services, Known)
    assert snapshot.pending


async def test_a_report_by_which_no_host_has_answered_names_all_as_pending(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    for host in hosts.values():
        host.hangs = True
    snapshot, seconds = await first_report(Collector(inventory, fleet))
    assert {one.host for one in snapshot.pending} >= {"lb1", "lb2"}
    assert LEAST_S <= seconds < LEAST_S + 1


async def test_without_sudo_only_what_needs_root_fails(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    hosts["lb1"].sudo = False
    output = facts(await collector.once(), "lb1")
    assert cause(output.keepalived) is Cause.SUDO_REFUSED
    assert isinstance(output.addresses, Known)
    assert isinstance(output.services, Known)


async def test_a_nonsensical_answer_fails_only_its_fact(collector: Collector, hosts: dict[str, LocalHost]) -> None:
    (hosts["lb1"].folder / "systemctl").write_text("#!/bin/sh\necho what?\n")
    output = facts(await collector.once(), "lb1")
    assert cause(output.services) is Cause.UNREADABLE
    assert "lb1: systemctl show: unexpected output" in (output.services.reason)  # type: ignore[union-attr]
    assert isinstance(output.addresses, Known)


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("x"), RecursionError("x"), AttributeError("x")])
async def test_any_error_in_one_parser_costs_one_fact(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def parse(answer: object) -> None:
        raise error

    monkeypatch.setattr(haproxy, "parse", parse)
    report = facts(await collector.once(), "lb1")
    assert cause(report.haproxy) is Cause.UNREADABLE
    assert isinstance(report.addresses, Known)
    assert isinstance(report.services, Known)


CONTROL_PLANE = {"systemctl": "exit 1", "ip": "exit 1", "journalctl": "exit 1", "openssl": "exit 1"}


async def control_plane(tmp_path: Path, **programs: str) -> HostFacts:
    host = Host(name="cp1", address="127.0.0.1", roles=(Role.CONTROL_PLANE,))
    fleet = LocalFleet(LocalHost("cp1", tmp_path, {**CONTROL_PLANE, **programs}))
    inventory = Inventory(cluster="c", hosts=(host,), kubernetes=Kubernetes())
    return facts(await Collector(inventory, fleet, secret=b"s", timings=PATIENT).once(), "cp1")


async def test_an_apiserver_that_ends_while_it_is_read_costs_nothing(tmp_path: Path) -> None:
    assert isinstance((await control_plane(tmp_path, pidof="echo 99999999")).disks, Known)


async def test_an_error_in_an_answer_beside_the_facts_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(answer: object) -> tuple[str, ...]:
        raise RuntimeError("not understood")

    monkeypatch.setattr(apiserver, "etcd_servers", parse)
    assert isinstance((await control_plane(tmp_path, pidof="exit 1")).disks, Known)


async def test_between_the_two_readings_of_a_figure_there_is_a_snapshot(collector: Collector) -> None:
    usages = [facts(snapshot, "lb1").usage async for snapshot in collector.measured()]
    moments = {usage.at for usage in usages if isinstance(usage, Known)}
    assert len(moments) == 2
    assert isinstance(usages[-1], Known)
    assert usages[-1].at == max(moments)


async def test_a_host_that_hangs_delays_figures_only_by_the_deadline(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    hosts["lb2"].hangs = True
    timings = ProbeTimings(overall_s=0.6, fact_s=0.3)
    began = time.monotonic()
    snapshots = [snapshot async for snapshot in Collector(inventory, fleet, timings=timings).measured()]
    assert time.monotonic() - began < 2.0
    assert cause(facts(snapshots[-1], "lb2").reach) is Cause.TIMED_OUT
    assert isinstance(facts(snapshots[-1], "lb1").usage, Known)


async def test_revisions_count_up(collector: Collector) -> None:
    first, second = await collector.once(), await collector.once()
    assert 0 < first.revision < second.revision


async def test_nothing_is_left_running(collector: Collector) -> None:
    await collector.once()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_query_that_ends_without_an_answer_leaves_nothing_pending(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(self: ClockProbe) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(ClockProbe, "once", cancelled)
    snapshot = await collector.once()
    assert snapshot.pending == ()
    assert cause(facts(snapshot, "lb1").clock_offset_ms) is Cause.TIMED_OUT
