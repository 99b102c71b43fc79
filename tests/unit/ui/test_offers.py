"""From a finding to the action that helps, filled in as far as the finding says."""

from __future__ import annotations

import pytest

from haconsole.actions.catalogue import catalogue
from haconsole.model.findings import Finding, Severity
from haconsole.ui.present.offers import helps
from tests.fakes.cluster import NAMES
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.test_app import console, running, screen_text, settled
from tests.unit.ui.test_guided import shows


def finding(*actions: str) -> Finding:
    return Finding("etcd.member-down", Severity.CRITICAL, "cp3", "it is down", "it does not answer", (), actions)


@pytest.mark.parametrize(
    ("said", "action", "request_"),
    [
        ("run join cp3", "join", {"host": "cp3"}),
        ("look at the log; else run replace cp3 NEW", "replace", {"old": "cp3"}),
        ("run bootstrap --only haproxy: it checks /readyz", "bootstrap", {"only": "haproxy"}),
        ("or run remove --member-id 8e9e05c52164694d", "remove", {"member-id": "8e9e05c52164694d"}),
        ("run remove cp3, then run join cp3", "remove", {"host": "cp3"}),
        ("when its work is done, run ready cp3", "ready", {"host": "cp3"}),
        ("run remove --member-id with the ID of the one that does not answer", "remove", {}),
    ],
)
def test_what_a_finding_says_fills_the_form(said: str, action: str, request_: dict[str, str]) -> None:
    best = helps(finding(said), catalogue(), NAMES)[0]
    assert (best.action.name, dict(best.request)) == (action, request_)


def test_both_actions_of_a_sentence_are_found_in_order() -> None:
    found = helps(finding("run remove cp3, then run join cp3"), catalogue(), NAMES)
    assert [one.action.name for one in found] == ["remove", "join"]


def test_what_is_no_action_of_the_console_is_not_offered() -> None:
    assert helps(finding("run chrony or systemd-timesyncd on every host"), catalogue(), NAMES) == ()


def test_a_flag_that_a_finding_names_is_set() -> None:
    (both,) = helps(finding("run rotate-certs --ca --back"), catalogue(), NAMES)
    assert (both.action.name, dict(both.request)) == ("rotate-certs", {"ca": "yes", "back": "yes"})
    (ended,) = helps(finding("run rotate-certs --ca, then look again"), catalogue(), NAMES)
    assert dict(ended.request) == {"ca": "yes"}


async def test_one_key_at_a_finding_leads_to_the_form_of_what_helps() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "m")
        await shows(pilot, "● enter makes the plan")
        assert "◀ etcd ▶" in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_the_window_of_a_finding_knows_the_key_too() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "enter")
        await shows(pilot, "m mend")
        await pilot.press("m")
        await shows(pilot, "◀ etcd ▶")


async def test_a_read_only_console_mends_nothing() -> None:
    async with running(console(FakeSession(critical()), read_only=True)) as pilot:
        await pilot.press("f", "m")
        await settled(pilot)
        assert "read-only" in [note.message for note in pilot.app._notifications][-1]
