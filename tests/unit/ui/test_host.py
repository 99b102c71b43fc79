"""A host's own screen: facts and journal side by side, both live."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from haconsole.model.journal import JournalLine
from haconsole.present.cells import Tone
from haconsole.present.detail import Fact
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.screens.journal import HostScreen
from haconsole.ui.widgets.text import TextPane
from tests.fakes.cluster import NAMES, NOW, changed, healthy, units
from tests.fakes.session import FakeSession, degraded
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

LINE = JournalLine(NAMES[0], NOW - timedelta(seconds=9), "etcd", "became leader at term 4")


async def test_a_host_shows_its_services_and_follows_its_journal() -> None:
    session = FakeSession(healthy(), logged=(LINE, replace(LINE, host=NAMES[1], text="not of this host")))
    async with running(console(session), (160, 45)) as pilot:
        await pilot.press("5", "enter")
        await shows(pilot, "became leader at term 4")
        text = screen_text(pilot.app)
        assert session.journals == ((NAMES[0],),)
        assert "host cp1" in text
        assert "kube-scheduler" in text
        assert "not of this host" not in text
        session.logging.put_nowait(replace(LINE, text="a later line"))
        await shows(pilot, "a later line")
        stopped = units(etcd="failed")
        session.snapshot_queue.put_nowait(
            changed(healthy(), 1, lambda facts: replace(facts, services=replace(facts.services, value=stopped)))
        )
        await shows(pilot, "✖ failed (dead)")


async def test_keys_go_to_facts_or_journal() -> None:
    lines = tuple(replace(LINE, text=f"line {number}", at=NOW + timedelta(seconds=number)) for number in range(60))
    async with running(console(FakeSession(healthy(), logged=lines))) as pilot:
        await pilot.press("5", "enter")
        await shows(pilot, "line 59")
        await pilot.press("G")
        await shows(pilot, "Addresses")
        await pilot.press("tab", "k")
        await shows(pilot, "▼1 newer")
        await pilot.press("slash", *"line 7", "enter")
        await shows(pilot, "1 line matches")
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Dashboard)


async def test_a_lost_host_shows_since_when_and_remembered_facts() -> None:
    async with running(console(FakeSession(degraded())), (160, 45)) as pilot:
        await pilot.press("5", "G", "enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HostScreen)
        text = screen_text(pilot.app)
        assert "The following is remembered, not current." in text
        assert "last known" in text
        detail = pilot.app.screen.query_one("#steps", TextPane).detail
        assert detail is not None
        facts = {item.label: item.value for item in detail.items if isinstance(item, Fact)}
        assert facts["kube-scheduler"].text.startswith("? active")
        assert {facts[name].tone for name in ("kube-scheduler", "version", "eth0", "clock offset")} == {Tone.STALE}


async def test_a_read_only_console_names_no_change_at_a_host() -> None:
    async with running(console(FakeSession(healthy()), read_only=True)) as pilot:
        await pilot.press("5", "enter")
        await settled(pilot)
        footer = screen_text(pilot.app).splitlines()[-1]
        assert "actions" not in footer
        assert "shell" not in footer
        await pilot.press("s")
        await settled(pilot)
        assert [note.message for note in pilot.app._notifications] == ["▲ this console is read-only: no shell"]
