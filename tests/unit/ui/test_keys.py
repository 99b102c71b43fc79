"""The footer and the help name the keys that count here, and none that does something else or nothing."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import text_of
from haconsole.present.row_keys import CommandKey
from haconsole.ui.key import Scope
from haconsole.ui.key_bar import active_keys, footer_line
from haconsole.ui.keys import KEYS
from haconsole.ui.widgets.table import TablePane
from tests.fakes import cluster
from tests.fakes.cluster import NOW, changed, healthy
from tests.fakes.plans import PLAN, REFUSED, running_events
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

TO_PLAN = ("a", *"bootstrap", "enter", "enter")


def footer(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app).splitlines()[-1]


async def after(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return footer(pilot)


def planned(**how: object) -> FakeSession:
    value = {"plans": {"bootstrap": PLAN}, "events": running_events(), "more": asyncio.Queue(), **how}
    return FakeSession(healthy(), **value)  # type: ignore[arg-type]


async def test_a_key_of_a_question_replaces_the_same_key_of_its_text() -> None:
    async with running(console(planned())) as pilot:
        await after(pilot, *TO_PLAN)
        question = await after(pilot, "r")
        assert " y yes " in question
        assert " copy " not in question


@pytest.mark.parametrize("width", [80, 160])
def test_the_most_needed_keys_are_kept_where_there_is_little_room(width: int) -> None:
    keys = [key for key in KEYS if key.scope in (Scope.EVERYWHERE, Scope.DASHBOARD, Scope.TABLE)]
    output = text_of(footer_line(keys, width))
    assert len(output) <= width
    assert all(f" {label} " in output for label in ("help", "quit", "details", "actions"))
    assert (" palette " in output) is (width == 160)


async def test_a_single_pane_and_a_filter_name_the_way_back() -> None:
    async with running(console(FakeSession(healthy()))) as pilot:
        assert " esc " not in footer(pilot)
        assert " esc back " in await after(pilot, "z")
        assert " esc " not in await after(pilot, "escape")
        typing = await after(pilot, "slash", "c")
        assert typing.split() == ["enter", "keep", "the", "filter", "esc", "drop", "it"]
        assert " esc back " in await after(pilot, "enter")
        assert " esc " not in await after(pilot, "escape")


async def test_fix_is_named_at_every_pane_while_there_is_a_finding() -> None:
    async with running(console(FakeSession(healthy()))) as pilot:
        assert " fix " not in await after(pilot, "f")
    async with running(console(FakeSession(critical()))) as pilot:
        assert " fix " in await after(pilot, "f", "down")
        assert " fix " in await after(pilot, "escape", "1")


async def test_fix_is_named_only_where_an_action_helps() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        assert " fix " not in await after(pilot, "f", "slash", *"3 of 3 balance", "enter")
        window = await after(pilot, "enter")
        assert " esc back " in window
        assert " fix " not in window
        assert " fix " in await after(pilot, "escape", "slash", *["backspace"] * 14, *"member cp2 does", "enter")
        assert " fix " in await after(pilot, "enter")


@pytest.mark.parametrize("keys", ["", "enter"], ids=["row", "window"])
async def test_fix_is_named_as_soon_as_an_action_helps(keys: str) -> None:
    def haproxy(active: str) -> ClusterSnapshot:
        stopped = Known(cluster.units(haproxy=active), NOW)
        return changed(healthy(), 2, lambda facts: replace(facts, services=stopped))

    session = FakeSession(haproxy("activating"))
    async with running(console(session)) as pilot:
        assert " fix " not in await after(pilot, "f", *keys.split())
        session.snapshot_queue.put_nowait(haproxy("failed"))
        await settled(pilot)
        assert " fix " in footer(pilot)


@pytest.mark.parametrize("keys", ["", "z", "f", "tab tab"])
async def test_every_key_that_counts_is_in_the_palette(keys: str) -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await after(pilot, *keys.split())
        count = {key.action: key.text for key in active_keys(pilot.app.screen.active_bindings)}
        await after(pilot, "colon")
        palette = pilot.app.screen.query_one("#commands", TablePane)
        rows = palette.window.rows
        offered = {row.key.action: row.cells[1].text for row in rows if isinstance(row.key, CommandKey)}
        assert count.items() <= offered.items()


def test_every_key_has_a_name_for_the_palette() -> None:
    assert [key for key in KEYS if not key.label] == []


async def test_the_journals_of_all_hosts_are_found_in_the_palette() -> None:
    session = FakeSession(critical())
    async with running(console(session)) as pilot:
        await after(pilot, "colon", *"journals of all", "enter")
        assert session.journals == (("cp1", "cp2", "cp3"),)


async def test_a_run_beside_the_dashboard_names_its_key() -> None:
    async with running(console(planned())) as pilot:
        assert " R " not in footer(pilot)
        await after(pilot, *TO_PLAN)
        assert " R run " in await after(pilot, "r", "y", "escape")


async def test_a_held_run_names_what_lets_it_go_on() -> None:
    async with running(console(planned())) as pilot:
        await after(pilot, *TO_PLAN)
        going = await after(pilot, "r", "y")
        assert " p pause " in going
        assert " next step " not in going
        holder = await after(pilot, "p")
        assert " p continue " in holder
        assert " n next step " in holder


async def test_a_refusal_names_nothing_to_carry_out() -> None:
    async with running(console(planned(plans={"bootstrap": REFUSED}))) as pilot:
        refused = await after(pilot, *TO_PLAN)
        assert " run " not in refused
        assert " teach me " not in refused
        assert " esc back " in refused
        assert " y copy" in refused


async def test_a_screen_without_runs_names_nothing_to_do_with_one() -> None:
    async with running(console(FakeSession(healthy()))) as pilot:
        assert " resume " not in await after(pilot, "h")
