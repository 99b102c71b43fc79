"""A key that has no effect now shows the reason; every request has a controller that fulfils it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from haconsole.ui import messages
from haconsole.ui.keys import KEYS
from tests.fakes.cluster import healthy
from tests.fakes.plans import REFUSED, ended, recorded, running_events
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.flows import TO_PLAN, console
from tests.unit.ui.test_app import running

FAILED: dict[str, Any] = {"events": (*running_events(), *ended(Outcome.FAILED))}
DONE: dict[str, Any] = {"events": (*running_events(), *ended())}
COMPLETE = recorded(RunStatus.ENDED, Outcome.DONE)
CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "back at all panes": ("", {}, "escape", "there is nothing to leave"),
    "fix of no finding": ("", {}, "m", "there is no finding to fix"),
    "run of a refused plan": (TO_PLAN, {"plans": {"bootstrap": REFUSED}}, "r", "there is no plan to run"),
    "teaching of a refused plan": (TO_PLAN, {"plans": {"bootstrap": REFUSED}}, "t", "there is no plan to run"),
    "outcome of a run under way": (f"{TO_PLAN} r y", {}, "w", "the run has not ended yet"),
    "resuming of a run under way": (f"{TO_PLAN} r y", {}, "r", "the run has not ended yet"),
    "release of no held step": (f"{TO_PLAN} r y", {}, "n", "under way; wait for its end"),
    "pause of a stopping run": (f"{TO_PLAN} r y s", {}, "p", "the run is stopping"),
    "teaching of a stopping run": (f"{TO_PLAN} r y s", {}, "t", "the run is stopping"),
    "pause of an ended run": (f"{TO_PLAN} r y", FAILED, "p", "the run has ended"),
    "stop of an ended run": (f"{TO_PLAN} r y", FAILED, "s", "the run has ended"),
    "release in an ended run": (f"{TO_PLAN} r y", FAILED, "n", "the run has ended"),
    "following of an ended run": (f"{TO_PLAN} r y", FAILED, "F", "the run has ended"),
    "resuming of a complete run": (f"{TO_PLAN} r y", DONE, "r", "nothing to resume"),
    "resuming of a complete logged run": ("h", {"records": (COMPLETE,)}, "r", "nothing to resume"),
    "resuming of no run": ("h", {"records": ()}, "r", "there is no run here"),
    "undo of no run": ("h", {"records": ()}, "u", "there is no run here"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_key_without_effect_shows_the_reason(case: str) -> None:
    keys, session, key, why = CASES[case]
    async with running(console(healthy(), "dark", **{"records": (), **session})) as pilot:
        for each in keys.split():
            await pilot.press(each)
            await settled(pilot)
        pilot.app.clear_notifications()
        here = pilot.app.screen
        await pilot.press(key)
        await settled(pilot)
        assert why in [note.message for note in pilot.app._notifications][-1]
        assert pilot.app.screen is here


async def test_a_table_without_rows_names_no_keys_of_rows() -> None:
    async with running(console(healthy(), "dark", records=())) as pilot:
        await settled(pilot)
        assert "enter details" in screen_text(pilot.app).splitlines()[-1]
        await pilot.press("h")
        await settled(pilot)
        assert "no run on this cluster is logged here" in screen_text(pilot.app)
        last = screen_text(pilot.app).splitlines()[-1]
        assert "esc back" in last
        assert not [name for name in ("enter details", "o sort", "y copy") if name in last]


async def test_a_text_that_is_shown_completely_names_no_key_to_scroll_it() -> None:
    async with running(console(healthy(), "dark", records=())) as pilot:
        await pilot.press("4", "enter")
        await settled(pilot)
        assert "y copy" in screen_text(pilot.app).splitlines()[-1]
        assert "scroll" not in screen_text(pilot.app).splitlines()[-1]
        await pilot.resize_terminal(80, 6)
        await settled(pilot)
        assert "scroll" in screen_text(pilot.app).splitlines()[-1]


@pytest.mark.parametrize(("runs", "can_sort"), [(1, False), (2, True)])
async def test_a_single_row_names_no_key_to_sort_it(runs: int, can_sort: bool) -> None:
    records = (COMPLETE, recorded(RunStatus.ENDED, Outcome.DONE, hours_ago=5))[:runs]
    async with running(console(healthy(), "dark", records=records), (160, 45)) as pilot:
        await pilot.press("h")
        await settled(pilot)
        assert "enter details" in screen_text(pilot.app).splitlines()[-1]
        assert ("o sort" in screen_text(pilot.app).splitlines()[-1]) is can_sort


def test_every_request_is_passed_to_one_controller() -> None:
    groups = (
        messages.WindowRequest,
        messages.ActionRequest,
        messages.RunRequest,
        messages.HistoryRequest,
        messages.HostRequest,
        messages.GraphRequest,
        messages.ThemeRequest,
        messages.OpenText,
        messages.GoTo,
        messages.ControlReplay,
        messages.FeedRequest,
    )
    kinds = [kind for group in groups for kind in (get_args(group) or (group,))]
    assert sorted(kind.__name__ for kind in kinds) == sorted(messages.REQUESTS)


def test_keys_name_only_requests_there_are() -> None:
    from textual.actions import parse

    actions = [parse(key.action) for key in KEYS]
    names = {parameters[0] for _, name, parameters in actions if name == "request"}
    assert names <= set(messages.REQUESTS)
    assert {"ShowKeys", "StopRun"} <= names
