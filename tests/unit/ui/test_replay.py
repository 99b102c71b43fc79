"""A recording on the screen: its own time, marks at what happened, single moments, positions, speed, and a click."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from haconsole.diagnosis.diagnose import status_of
from haconsole.model.findings import Health
from haconsole.model.hosts import HostFacts
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Tone, text_of
from haconsole.present.replay import MarkFinder, ReplayMark, ReplayView, bar_place, seek_line
from haconsole.recording.file import Recorder, read_recording
from haconsole.session import Session
from haconsole.session.replayed import ReplayedSession
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.controllers.replay import folded_places, state_at
from haconsole.ui.controllers.snapshots import goes_back
from haconsole.ui.state import ConsoleState
from haconsole.ui.theming import find_theme, theme_folders
from haconsole.ui.widgets.seek import SeekBar
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, member, unreachable
from tests.fakes.session import critical
from tests.fakes.waiting import eventually
from tests.unit.ui.driver import screen_text, settled

CLAIM = LockClaim("t1", "ops@laptop", 4711, "r1", "bootstrap")
SNAPSHOTS = (healthy(), critical(), healthy(), changed(healthy(), 2, etcd_silent), changed(healthy(), 3, unreachable))


class Stopped:
    """A clock whose time does not pass, so that a recording stops at its first moment."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def at(place: int) -> datetime:
    return NOW + timedelta(seconds=60 * place)


@pytest.fixture
def session(tmp_path: Path) -> ReplayedSession:
    """Five moments, a minute apart."""
    recorder = Recorder(tmp_path / "seen.jsonl", INVENTORY)
    for place, snapshot in enumerate(SNAPSHOTS):
        recorder.add(replace(snapshot, observed_at=at(place)))
    recorder.close()
    return ReplayedSession(read_recording(tmp_path / "seen.jsonl"), clock=Stopped())


@asynccontextmanager
async def playing(session: ReplayedSession, size: tuple[int, int] = (120, 30)) -> AsyncIterator[Pilot[None]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        yield session

    theme = find_theme("dark", theme_folders())
    setting = Setting(INVENTORY, theme, "dark", opened, read_only=True, recorded=True, clock=session.player.now)
    app = ConsoleApp(setting)
    async with app.run_test(size=size) as pilot:
        await eventually(lambda: app.replay is not None and app.replay.read == len(SNAPSHOTS), 60)
        await settled(pilot)
        yield pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete([each for each in pilot.app.workers if each.group == "seek"])
        await settled(pilot)


def bar(app: object) -> str:
    assert isinstance(app, ConsoleApp)
    return screen_text(app).splitlines()[-2]


async def test_single_moments_forward_and_back(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        assert "03:00:00 UTC" in screen_text(app).splitlines()[0]
        assert bar(app).startswith(" ▶ 1x 03:00:00 ")
        assert "03:04:00" in bar(app)
        await press(pilot, "full_stop")
        assert app.state.health == "critical"
        assert bar(app).startswith(" ‖ 1x 03:01:00 ")
        await press(pilot, "comma")
        assert app.state.health == "healthy"
        assert app.state.history == ()
        await press(pilot, "comma")
        assert session.player.place == 0


async def test_events_and_graphs_are_those_up_to_the_position(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await press(pilot, "full_stop", "full_stop")
        forward = [(change.at, change.text) for change in app.state.history]
        assert any(when == at(1) for when, _ in forward)
        assert max(when for when, _ in forward) == at(2)
        await press(pilot, "full_stop", "full_stop", "comma", "comma")
        assert [(change.at, change.text) for change in app.state.history] == forward
        await press(pilot, "v")
        text = screen_text(app)
        assert "03:02:00" in text
        assert "etcd leader" in text
        assert bar(app).startswith(" ‖ 1x 03:02:00 ")


async def test_marks_are_found_and_reached(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        assert app.replay is not None
        assert {mark.place for mark in app.replay.marks} == {1, 2, 3, 4}
        assert any(mark.text.startswith("resolved: ") for mark in app.replay.marks)
        assert any(mark.text == "VIP 10.99.0.100: cp1 → nobody" for mark in app.replay.marks)
        await press(pilot, "right_curly_bracket", "right_curly_bracket")
        assert session.player.place == 2
        assert bar(app).startswith(" ‖ 1x 03:02:00 ")
        assert bar(app).endswith("◆ VIP 10.99.0.100: nobody → cp1")
        await press(pilot, "left_curly_bracket")
        assert session.player.place == 1
        await press(pilot, "left_curly_bracket")
        assert [each.message for each in app._notifications] == ["▲ there is no earlier event"]


async def test_keys_that_follow_each_other_fast_all_count(
    session: ReplayedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of a position takes a moment to make, on a busy machine seconds."""

    def slowly(*values: Any) -> ConsoleState:
        time.sleep(0.2)
        return state_at(*values)

    monkeypatch.setattr("haconsole.ui.controllers.replay.state_at", slowly)
    async with playing(session) as pilot:
        await pilot.press("right_curly_bracket", "right_curly_bracket", "right_curly_bracket")
        await press(pilot, "comma")
        assert session.player.place == 2
        assert session.player.paused
        end = bar(pilot.app).index(" 03:04:00")
        await pilot.press("backslash")
        for offset in (30, end - 1):
            await pilot.click(SeekBar, offset=(offset, 0))
        await pilot.app.workers.wait_for_complete([each for each in pilot.app.workers if each.group == "seek"])
        assert session.player.place == 4
        assert not session.player.paused, "it played before the two clicks"


def test_a_moment_is_read_once(session: ReplayedSession) -> None:
    player = session.player
    assert player.status(2) is player.status(2)
    first, second = (player.status(place).snapshot.hosts[0].etcd for place in (0, 1))
    assert isinstance(first, Known)
    assert isinstance(second, Known)
    assert second.value is first.value, "a fact that did not change is shared"


async def test_speed_and_pause(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        await press(pilot, "right_parenthesis", "right_parenthesis")
        assert session.player.speed == 4
        assert " ▶ 4x " in bar(pilot.app)
        await press(pilot, "left_parenthesis", "space")
        assert (session.player.speed, session.player.paused) == (2, True)
        assert " ‖ 2x " in bar(pilot.app)
        await press(pilot, "backslash")
        assert not session.player.paused


async def test_a_click_on_the_bar_moves_there_and_play_continues(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        end = bar(pilot.app).index(" 03:04:00")
        await pilot.click(SeekBar, offset=(end - 1, 0))
        await pilot.app.workers.wait_for_complete([each for each in pilot.app.workers if each.group == "seek"])
        await settled(pilot)
        assert session.player.place == 4
        assert not session.player.paused
        assert bar(pilot.app).startswith(" ■ 1x 03:04:00 ")


async def test_a_recording_that_starts_again_has_no_events_of_the_last_round(session: ReplayedSession) -> None:
    async with playing(session) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await press(pilot, "full_stop", "full_stop")
        assert app.state.history
        state = app.state
        assert goes_back(state.snapshot, session.player.status(0).snapshot)
        assert not goes_back(state.snapshot, session.player.status(3).snapshot)
        await app._feed._update(session.player.status(0))
        assert app.state.history == ()


@pytest.mark.parametrize(
    ("keys", "what"),
    [("l", "journals"), ("L", "journals"), ("h", "run logs"), ("C", "commands"), ("v enter", "journals")],
)
async def test_a_key_for_what_a_recording_lacks_shows_that(session: ReplayedSession, keys: str, what: str) -> None:
    async with playing(session, (160, 45)) as pilot:
        *path, last = keys.split()
        await press(pilot, *path)
        screen = pilot.app.screen
        await press(pilot, last)
        assert pilot.app.screen is screen
        (note,) = (each.message for each in pilot.app._notifications)
        assert note.startswith(f"▲ a recording contains no {what}:")
        assert "journal" not in screen_text(pilot.app).splitlines()[-1]


async def test_a_host_in_a_recording_has_its_facts_and_no_promise_of_lines(session: ReplayedSession) -> None:
    async with playing(session, (80, 24)) as pilot:
        await press(pilot, "5", "enter")
        await eventually(lambda: "a recording contains no journals" in screen_text(pilot.app))
        lines = screen_text(pilot.app).splitlines()
        assert "lines show here" not in "".join(lines)
        assert next(number for number, line in enumerate(lines) if "journal of cp1" in line) > 16


async def test_a_live_cluster_has_no_such_keys() -> None:
    from tests.fakes.session import FakeSession
    from tests.unit.ui.test_app import console, running

    app = console(FakeSession(healthy()))
    async with running(app, (160, 45)) as pilot:
        assert not app.query(SeekBar)
        await pilot.press("question_mark")
        await settled(pilot)
        assert "continue playing" not in screen_text(app)


def mark(place: int, tone: Tone = Tone.WARNING, sign: str = "▲") -> ReplayMark:
    return ReplayMark(place, at(place), sign, f"event {place}", tone)


VIEW = ReplayView(tuple(map(at, range(5))), 1.0, False, (mark(1), mark(1, Tone.CRITICAL, "✖"), mark(3)), 5)


def test_the_bar_has_marks_the_worst_of_a_cell_and_the_position() -> None:
    text = text_of(seek_line(VIEW, at(2), 66))
    assert text == " ▶ 1x 03:02:00 ━━━━━━━━━━✖━━━━━━━━━┃─────────▲────────── 03:04:00 "
    assert len(text_of(seek_line(VIEW, at(2), 140))) == 140
    assert "▲ event 3" in text_of(seek_line(VIEW, at(3), 140))
    assert "reading events 40 %" in text_of(seek_line(replace(VIEW, read=2), at(3), 140))


@pytest.mark.parametrize(("x", "place"), [(14, None), (15, 0), (25, 1), (35, 2), (55, 4), (57, None)])
def test_a_column_of_the_bar_is_a_place(x: int, place: int | None) -> None:
    assert bar_place(VIEW, at(2), 66, x) == place


def signs(*snapshots: ClusterSnapshot) -> list[set[str]]:
    """The signs of the marks at each of these snapshots."""
    finder = MarkFinder()
    statuses = (status_of(snapshot, INVENTORY, NOW) for snapshot in snapshots)
    return [{mark.sign for mark in finder.add(status, place)} for place, status in enumerate(statuses)]


def test_marks_are_of_changes_only() -> None:
    first, same, failed = signs(healthy(), healthy(), critical())
    assert first == same == set()
    assert {"✖", "◆"} <= failed


def test_an_election_is_found_though_no_member_answered_meanwhile() -> None:
    silent = healthy()
    for number in (1, 2, 3):
        silent = changed(silent, number, etcd_silent)
    elected = replace(healthy(), hosts=tuple(map(led_by_cp2, healthy().hosts)))
    assert ["★" in each for each in signs(healthy(), silent, elected, elected)] == [False, False, True, False]


def led_by_cp2(facts: HostFacts) -> HostFacts:
    assert isinstance(facts.etcd, Known)
    return replace(facts, etcd=replace(facts.etcd, value=replace(facts.etcd.value, leader_id=member(2).id)))


def test_a_run_begins_and_ends_with_its_lock() -> None:
    locked = changed(healthy(), 1, lambda facts: replace(facts, lock=Known(HostLock(CLAIM, 42, 4), NOW)))
    assert ["■" in each for each in signs(healthy(), locked, locked, healthy())] == [False, True, False, True]


def test_a_long_recording_is_thinned_but_keeps_its_marks(session: ReplayedSession) -> None:
    class Long:
        times = tuple(NOW + timedelta(seconds=each) for each in range(8000))

    places = folded_places(Long(), 7999, (mark(7001),))  # type: ignore[arg-type]
    assert len(places) <= 610
    assert {7000, 7001} <= set(places)
    assert places[0] >= 7999 - 3600
    assert state_at(session.player, 1, ()).health is Health.CRITICAL
