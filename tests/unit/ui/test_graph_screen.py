"""The screen of graphs: keys, clicks, and the way from a point to its journal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.present.graph import (
    chart_width,
    label_width,
)
from tests.fakes.cluster import NOW, changed, etcd_silent, healthy
from tests.fakes.plans import recorded
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows


def session() -> FakeSession:
    logged = (JournalLine(HostName("cp1"), NOW, "etcd", "elected leader", 6),)
    return FakeSession(healthy(), records=(recorded(RunStatus.ENDED, Outcome.DONE, hours_ago=0),), logged=logged)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_screen_shows_lanes_and_curves_and_reads_faster_meanwhile(size: tuple[int, int]) -> None:
    fake = session()
    async with running(console(fake), size) as pilot:
        await shows(pilot, "HEALTHY")
        await pilot.press("v")
        await shows(pilot, "etcd leader")
        text = screen_text(pilot.app)
        assert "2 min, cursor" in text
        assert "VIP" in text
        assert max(len(one) for one in text.splitlines()) <= size[0]
        assert list(fake.paces) == [True]
        await pilot.press("minus")
        await shows(pilot, "5 min")
        await pilot.press("escape")
        await shows(pilot, "lease holders")
        assert list(fake.paces) == [True, False]


async def test_from_a_point_to_the_journal_of_that_moment() -> None:
    fake = session()
    async with running(console(fake), (80, 24)) as pilot:
        await shows(pilot, "HEALTHY")
        await pilot.press("v")
        await shows(pilot, "etcd leader")
        await pilot.press("left", "left", "enter")
        await shows(pilot, "elected leader")
        ((hosts, moment),) = fake.moments
        assert hosts == ("cp1", "cp2", "cp3"), "the leader was not known yet at that moment"
        assert timedelta(seconds=4) <= NOW - moment <= timedelta(seconds=8)
        await pilot.press("escape")
        await shows(pilot, "etcd leader")


async def test_a_click_chooses_the_row_and_the_moment() -> None:
    fake = session()
    async with running(console(fake), (80, 24)) as pilot:
        await shows(pilot, "HEALTHY")
        await pilot.press("v")
        await shows(pilot, "etcd leader")
        lines = screen_text(pilot.app).splitlines()
        row = next(number for number, text in enumerate(lines) if "services cp1" in text)
        await pilot.click("#graph", offset=(label_width(80) + 2 + chart_width(80) // 2, row))
        await shows(pilot, "▸services cp1")
        assert "2 min, cursor 02:58:5" in screen_text(pilot.app) or "cursor 02:59:0" in screen_text(pilot.app)
        await pilot.press("enter")
        await shows(pilot, "elected leader")
        ((hosts, moment),) = fake.moments
        assert hosts == ("cp1",)
        assert abs((NOW - moment).total_seconds() - 60) < 5


async def test_a_finding_that_opened_is_a_lane() -> None:
    fake = session()
    async with running(console(fake), (120, 40)) as pilot:
        await shows(pilot, "HEALTHY")
        fake.snapshot_queue.put_nowait(replace(changed(healthy(), 2, etcd_silent), observed_at=NOW))
        await pilot.press("v")
        await shows(pilot, "etcd.member-down")
