"""A plan on the screen is made from the hosts' current state, never from the screen's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.model.hosts import HostFacts
from haconsole.model.names import MemberId
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.collect import Collector
from haconsole.session.live import LiveSession
from tests.fakes.cluster import INVENTORY, changed, healthy, unreachable
from tests.unit.execution.local import LocalFleet
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows


def led_by(n: int) -> ClusterSnapshot:
    """The healthy cluster with another leader."""

    def follow(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.etcd, Known)
        return replace(facts, etcd=Known(replace(facts.etcd.value, leader_id=MemberId(f"a{n}")), facts.etcd.at))

    snapshot = healthy()
    for host in (1, 2, 3):
        snapshot = changed(snapshot, host, follow)
    return snapshot


def looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, now: ClusterSnapshot) -> tuple[LiveSession, list[str]]:
    """A live session that polled the healthy cluster once, whose state is `now`; and the looks that it takes."""
    looks: list[str] = []

    async def live(self: Collector) -> AsyncIterator[ClusterSnapshot]:
        looks.append("poll")
        yield healthy()
        await asyncio.Event().wait()

    async def once(self: Collector, *, certificates: bool = False, platform: bool = False) -> ClusterSnapshot:
        looks.append("fresh")
        return now

    monkeypatch.setattr(Collector, "live", live)
    monkeypatch.setattr(Collector, "once", once)
    fleet = LocalFleet("cp1", "cp2", "cp3")
    return LiveSession(INVENTORY, fleet, source="/lab.yaml", digest="ab" * 32, runs=tmp_path), looks


async def test_what_changed_since_the_last_poll_is_what_the_plan_is_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session, looks = looking(monkeypatch, tmp_path, led_by(2))
    async with running(console(session), (160, 45)) as pilot:
        assert "cp1    ★ leader" in screen_text(pilot.app)
        assert looks == ["poll"]
        await pilot.press("a", *"move etcd", "enter")
        await settled(pilot)
        await pilot.press("backspace", "enter")
        await shows(pilot, "1 step on cp2")
        assert looks == ["poll", "fresh"]
        assert "cp1" not in screen_text(pilot.app).partition("plan: move-leader")[2].splitlines()[0]


async def test_a_cluster_that_fell_since_the_last_poll_gives_no_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fall = changed(changed(healthy(), 2, unreachable), 3, unreachable)
    session, looks = looking(monkeypatch, tmp_path, fall)
    async with running(console(session), (160, 45)) as pilot:
        assert "● live  may lose 1" in screen_text(pilot.app)
        await pilot.press("a", *"move etcd", "enter")
        await settled(pilot)
        await pilot.press("backspace", "enter")
        await shows(pilot, "✖ refused")
        assert "fresh" in looks
