"""The first line: how many members may fail, the next expiry, the last backup; chips where attention is needed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.actions.operations import SaveSnapshot
from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus, StepRecord, StepState
from haconsole.model.findings import Health
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.arrange import PaneId, arrange
from haconsole.present.bar import BarLink, BarView, LastBackup, LinkState, Vitals, bar_line, vital_cells
from haconsole.present.cells import Tone, text_of
from haconsole.present.findings import findings_table, with_complete_fix
from haconsole.present.history import last_backup
from haconsole.present.row_keys import FindingKey, RemedyKey
from haconsole.present.table import TableView
from tests.fakes.cluster import NOW, changed, etcd_silent, healthy, unreachable
from tests.fakes.plans import PLAN, recorded
from tests.fakes.session import FakeSession, critical, degraded
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_certificates import LEAF, with_certificates
from tests.unit.ui.test_guided import shows

NO_QUORUM = changed(changed(changed(healthy(), 1, etcd_silent), 2, etcd_silent), 3, etcd_silent)
UNREACHABLE = changed(changed(changed(healthy(), 1, unreachable), 2, unreachable), 3, unreachable)


@pytest.mark.parametrize(
    ("snapshot", "text", "tone"),
    [
        (healthy(), "may lose 1", Tone.PLAIN),
        (degraded(), " ▲ may lose 0 ", Tone.WARNING),
        (NO_QUORUM, " ✖ no quorum ", Tone.CRITICAL),
    ],
)
def test_the_members_that_may_fail_are_counted(snapshot: ClusterSnapshot, text: str, tone: Tone) -> None:
    (cell,) = vital_cells(Vitals.of(snapshot, None), NOW)
    assert (cell.text, cell.tone) == (text, tone)


@pytest.mark.parametrize(
    ("measured", "text", "tone"),
    [
        (Known(4.3, NOW), "API in 4ms", Tone.PLAIN),
        (Failed("no answer", NOW, Cause.TIMED_OUT), " ✖ no API answer ", Tone.CRITICAL),
    ],
)
def test_the_time_of_a_request_is_in_the_first_line(measured: Observed[float], text: str, tone: Tone) -> None:
    cells = vital_cells(Vitals.of(replace(healthy(), endpoint_ms=measured), None), NOW)
    assert (cells[1].text, cells[1].tone) == (text, tone)


def test_without_any_host_the_time_of_a_request_is_unknown() -> None:
    snapshot = replace(UNREACHABLE, endpoint_ms=Failed("no host", NOW, Cause.TIMED_OUT))
    assert Vitals.of(snapshot, None).request_ms is None


def test_without_any_host_the_quorum_is_unknown() -> None:
    assert Vitals.of(UNREACHABLE, None).can_lose is None


@pytest.mark.parametrize(
    ("days", "text", "tone"),
    [
        (300, "certs 300d", Tone.PLAIN),
        (29, " ▲ certs 29d ", Tone.WARNING),
        (6, " ✖ certs 6d ", Tone.CRITICAL),
        (-1, " ✖ certs expired ", Tone.CRITICAL),
    ],
)
def test_the_next_expiry_counts(days: int, text: str, tone: Tone) -> None:
    later = replace(LEAF, path="/later.crt", not_after=NOW + timedelta(days=999))
    snapshot = with_certificates(later, replace(LEAF, not_after=NOW + timedelta(days=days)))
    cell = vital_cells(Vitals.of(snapshot, None), NOW)[1]
    assert (cell.text, cell.tone) == (text, tone)


def test_the_last_backup_is_the_newest_verified_snapshot() -> None:
    record = recorded(RunStatus.ENDED, Outcome.DONE)
    plan = replace(PLAN, steps=tuple(replace(one, operation=SaveSnapshot("/backup.db")) for one in PLAN.steps))
    at = NOW - timedelta(hours=3)
    states = (StepState.VERIFIED, StepState.VERIFIED, StepState.FAILED, StepState.ALREADY)
    ages = (9, 3, 1, 1)
    steps = tuple(
        StepRecord(one.id, state, 1, NOW - timedelta(hours=age))
        for one, state, age in zip(plan.steps, states, ages, strict=True)
    )
    assert last_backup((record,)) == LastBackup(None)
    assert last_backup((replace(record, plan=plan, steps=steps),)) == LastBackup(at)
    assert vital_cells(Vitals(backup=LastBackup(at)), NOW)[0].text == "backup 3h"
    assert vital_cells(Vitals(backup=LastBackup(None)), NOW)[0].text == "no backup here"
    assert vital_cells(Vitals(), NOW) == ()


def test_all_answers_fit_in_80_columns() -> None:
    vitals = Vitals(1, NOW + timedelta(days=364), LastBackup(NOW - timedelta(hours=3)))
    view = BarView("production", Health.HEALTHY, BarLink(LinkState.LIVE, NOW), (), 3, NOW, vitals=vitals)
    text = text_of(bar_line(view, 80, NOW))
    assert len(text) == 80
    assert "may lose 1  certs 364d  backup 3h" in text


def test_a_healthy_findings_pane_takes_one_line() -> None:
    rows = {PaneId.ETCD: 3, PaneId.VIPS: 3, PaneId.HAPROXY: 3, PaneId.LEASES: 2, PaneId.HOSTS: 3}
    assert arrange(80, 22, rows)[PaneId.FINDINGS].height == 1
    boxes = arrange(80, 22, {**rows, PaneId.FINDINGS: 2})
    assert boxes[PaneId.FINDINGS].height >= 4
    assert (
        sum(boxes[pane].height for pane in (PaneId.ETCD, PaneId.HAPROXY, PaneId.HOSTS, PaneId.FINDINGS, PaneId.EVENTS))
        == 22
    )


def test_only_the_worst_finding_has_its_fix_below() -> None:
    view = findings_table(FakeSession().status_of(critical()).findings, critical())
    keys = [type(row.key) for row in view.rows]
    assert keys[:3] == [FindingKey, RemedyKey, FindingKey]
    assert keys.count(RemedyKey) == 1
    assert view.rows[1].cells[0].text.startswith("  fix (m): ")


def test_a_long_fix_has_two_lines_and_one_that_fits_one() -> None:
    view = findings_table(FakeSession().status_of(critical()).findings, critical())
    assert with_complete_fix(view, 78).rows == view.rows
    lines = [row for row in with_complete_fix(view, 50).rows if isinstance(row.key, RemedyKey)]
    assert [row.cells[0].text for row in lines] == [
        "  fix (m): Restart a service (service =",
        "    keepalived): start stopped units",
    ]
    assert len({row.key for row in lines}) == 2, "the cursor can be on each"


async def test_the_lines_of_a_fix_are_laid_out_once_for_a_table_and_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []

    def counting(view: TableView, width: int) -> TableView:
        widths.append(width)
        return with_complete_fix(view, width)

    monkeypatch.setattr("haconsole.present.findings.with_complete_fix", counting)
    app = console(FakeSession(critical()))
    async with running(app, (80, 24)) as pilot:
        await settled(pilot)
        before = len(widths)
        for _ in range(5):
            app.now += timedelta(seconds=1)
            await settled(pilot)
        assert len(widths) == before
        await pilot.resize_terminal(50, 24)
        await settled(pilot)
        assert widths[before:] == [48]
        assert "keepalived): start stopped units" in screen_text(pilot.app)


async def test_a_finding_shows_since_when_it_is_open() -> None:
    """One that is there at the console's start may be older."""
    fake = FakeSession(changed(healthy(), 2, etcd_silent))
    async with running(console(fake), (80, 24)) as pilot:
        await shows(pilot, "etcd member cp2 does not answer")
        assert re.search(r"warning +start +(cp2 +)?(\S+ +)?etcd member cp2", screen_text(pilot.app))
        later = changed(healthy(), 3, unreachable)
        fake.snapshot_queue.put_nowait(replace(later, observed_at=NOW + timedelta(seconds=70)))
        await shows(pilot, "03:01:10")
        assert re.search(r"03:01:10 +.*cp3 cannot be reached", screen_text(pilot.app))
        await pilot.press("f", "enter")
        await shows(pilot, "first seen")
        assert re.search(r"first seen +03:01:10 UTC", screen_text(pilot.app))


async def test_the_fix_of_the_worst_finding_is_on_the_first_screen_and_started_there() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        assert "fix (m): Restart a service" in screen_text(pilot.app)
        await pilot.press("6", "j", "enter")
        await settled(pilot)
        assert "no host holds" in screen_text(pilot.app)
