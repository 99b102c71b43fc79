"""A recording on the screen: marked as such, and nothing to change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from haconsole.cli.demo import SHIPPED
from haconsole.diagnosis.diagnose import status_of
from haconsole.model import measures as m
from haconsole.model.etcd_view import etcd_view
from haconsole.model.figures import Meter
from haconsole.model.findings import Health
from haconsole.model.vip_view import vip_views
from haconsole.recording.file import Recorder, read_recording
from haconsole.session import Session
from haconsole.session.replayed import ReplayedSession
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.theming import find_theme, theme_folders
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.session import critical
from tests.fakes.waiting import eventually
from tests.unit.ui.driver import screen_text


async def test_it_is_marked_as_a_recording_and_its_end_too(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "seen.jsonl", INVENTORY)
    recorder.add(healthy())
    recorder.add(replace(critical(), observed_at=NOW + timedelta(seconds=1)))
    recorder.close()

    session = ReplayedSession(read_recording(tmp_path / "seen.jsonl"))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    theme, clock = find_theme("dark", theme_folders()), session.player.now
    app = ConsoleApp(Setting(INVENTORY, theme, "dark", opened, read_only=True, recorded=True, clock=clock))
    async with app.run_test(size=(80, 24)) as pilot:
        await eventually(lambda: "HEALTHY" in screen_text(app))
        bar = screen_text(app).splitlines()[0]
        assert "RECORDING" in bar
        assert "live" not in bar
        await eventually(lambda: "CRITICAL" in screen_text(app) and "the recording ended here" in screen_text(app))
        await pilot.press("a")
        await pilot.pause()
        assert len(app.screen_stack) == 1


def test_the_one_that_is_shipped_shows_two_failovers() -> None:
    recording = read_recording(SHIPPED)
    session = ReplayedSession(recording)
    assert 45 <= (recording.moments[-1].at - recording.moments[0].at).total_seconds() <= 180
    now = datetime.now(UTC)
    readings = [recording.snapshot(moment, number, now - moment.at) for number, moment in enumerate(recording.moments)]
    assert len({view.owners for snapshot in readings for view in vip_views(snapshot) if len(view.owners) == 1}) >= 2
    assert len({etcd_view(snapshot).leader for snapshot in readings}) >= 2
    statuses = [status_of(snapshot, session.inventory, now) for snapshot in readings]
    lines = [status.health for status in statuses]
    assert lines[0] is Health.HEALTHY
    assert Health.DEGRADED in lines
    assert lines[-1] is Health.HEALTHY
    codes = {finding.code for status in statuses for finding in status.findings}
    assert codes == {"vip.unowned", "keepalived.down", "etcd.member-down"}, "only the two faults that were caused"


def test_the_one_that_is_shipped_has_the_figures_of_graphs() -> None:
    recording = read_recording(SHIPPED)
    meter, now = Meter(), datetime.now(UTC)
    figures = [
        figure
        for number, moment in enumerate(recording.moments)
        for figure in meter.figures(recording.snapshot(moment, number, now - moment.at))
        if figure.value is not None
    ]
    measures = {figure.key.measure for figure in figures}
    assert measures >= {m.FSYNC, m.COMMIT, m.ENDPOINT, m.SESSIONS, m.LOAD}
    assert any(figure.value for figure in figures if figure.key.measure is m.SESSION_RATE), "no requests were recorded"
