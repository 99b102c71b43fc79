"""From a finding to its fixes: each can be started, filled in with what the finding knows."""

from __future__ import annotations

from haconsole.actions.catalogue import catalogue
from haconsole.model.findings import ActionCall, Advice, Finding, Severity
from haconsole.model.names import HostName
from haconsole.present.cells import text_of
from haconsole.present.detail import detail_lines
from haconsole.present.details.others import about_finding
from haconsole.present.offers import finding_to_fix, fixes, offered
from haconsole.present.row_keys import FindingKey, HostKey
from tests.fakes.cluster import healthy
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

FOUND = Finding(
    "etcd.quorum-lost",
    Severity.CRITICAL,
    "etcd",
    "etcd has lost its quorum",
    "a majority is needed",
    tuple(f"fact {number}" for number in range(40)),
    (
        ActionCall("restart", (("service", "etcd"),), "start etcd on cp2"),
        Advice("find the cause"),
        ActionCall("restore", (), "restore a snapshot", last_resort=True),
    ),
)


def test_fixes_come_before_the_evidence_the_last_resort_last_and_marked() -> None:
    lines = [text_of(line).strip() for line in detail_lines(about_finding(FOUND), 78)]
    assert lines.index("Fix") < 4
    assert "1. Restart a service (service = etcd): start etcd on cp2" in lines[:20]
    assert "3. last resort: Restore etcd from a snapshot: restore a snapshot" in lines[:20]


def test_every_action_of_a_finding_can_be_chosen() -> None:
    first, last = fixes(FOUND)
    assert (first.name, first.dangerous) == ("Restart a service", False)
    assert (last.name, last.dangerous) == ("last resort: Restore etcd from a snapshot", True)


def test_the_action_list_does_not_put_a_last_resort_first() -> None:
    offers = offered(catalogue(), FindingKey(FOUND.code, FOUND.subject), None, (FOUND,))
    assert [offer.command for offer in offers if offer.key == "fix"] == ["restart"]


def test_beside_the_findings_the_fix_of_the_worst_one_comes_first() -> None:
    offers = offered(catalogue(), HostKey(HostName("cp1")), healthy(), (FOUND,))
    assert (offers[0].command, offers[0].key) == ("restart", "fix")
    assert finding_to_fix(HostKey(HostName("cp1")), (FOUND,)) is FOUND
    assert finding_to_fix(FindingKey("other", "x"), (FOUND,)) is None


async def test_the_key_of_the_fix_works_at_every_pane() -> None:
    """The fix of the worst finding is on the screen with its key, whatever row the cursor is on."""
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        worst = app.state.findings[0]
        assert worst.calls
        await pilot.press("1", "m")
        await shows(pilot, "fixes, the best first" if len(worst.calls) > 1 else "● enter makes the plan")


async def test_one_key_at_a_finding_leads_to_the_form_of_a_fix() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "m")
        await shows(pilot, "fixes, the best first")
        await pilot.press("enter")
        await shows(pilot, "● enter makes the plan")
        assert "◀ etcd ▶" in screen_text(pilot.app)


async def test_another_fix_than_the_first_is_chosen_from_the_list() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "m")
        await shows(pilot, "fixes, the best first")
        await pilot.press("down", "enter")
        await shows(pilot, "Replace a host")


async def test_the_window_of_a_finding_knows_the_key_too() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "enter")
        await shows(pilot, "m fix")
        await pilot.press("1")
        await shows(pilot, "◀ etcd ▶")


async def test_advice_starts_nothing() -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "slash", *"member cp2 does", "enter", "enter")
        await shows(pilot, "m fix")
        await pilot.press("2")
        await settled(pilot)
        assert "outside this console" in [note.message for note in pilot.app._notifications][-1]


async def test_a_read_only_console_fixes_nothing() -> None:
    async with running(console(FakeSession(critical()), read_only=True)) as pilot:
        await pilot.press("f", "m")
        await settled(pilot)
        assert "read-only" in [note.message for note in pilot.app._notifications][-1]
