"""Lines of a finding's evidence: what each is about, and that a key or the mouse opens it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from haconsole.diagnosis.diagnose import status_of
from haconsole.model.findings import Finding, Severity
from haconsole.model.names import HostName, Vip
from haconsole.present.detail import Target
from haconsole.present.evidence import target_of
from haconsole.present.log_place import LogPlace
from haconsole.present.row_keys import (
    ApiserverKey,
    BalancerKey,
    HostKey,
    LeaseKey,
    MemberKey,
    ServerKey,
    VipKey,
)
from haconsole.ui.screens.journal import HostScreen, JournalScreen
from haconsole.ui.screens.overlay import FindingWindow, TextWindow
from haconsole.ui.widgets.text import TextPane
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, etcd_silent, healthy, member
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

CP1, CP2 = HostName("cp1"), HostName("cp2")
AT = datetime(2026, 3, 1, 3, 1, 50, tzinfo=UTC)
FINDING = Finding("etcd.member-down", Severity.WARNING, "cp2", "etcd member cp2 does not answer", "why")


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("etcd on cp2 is stopped since 2026-03-01 02:00:00Z", MemberKey(member(2).id)),
        ("cp1: keepalived failed", VipKey(Vip(VIP), CP1)),
        ("haproxy on cp1 is stopped", BalancerKey(CP1)),
        ("kube-apiserver on cp1 does not answer", ApiserverKey(CP1)),
        ("cp1: k8s_server_6443/cp3 DOWN, check L7STS, for 120 s", ServerKey("k8s_server_6443", "cp3")),
        ("2 of 2 balancers see server cp3 down", ServerKey("k8s_server_6443", "cp3")),
        ("kube-scheduler has no leader: its lock is expired", LeaseKey("kube-system", "kube-scheduler")),
        (f"no host holds {VIP}", VipKey(Vip(VIP), CP2)),
        ("connection refused on port 2379", HostKey(CP2)),
        ("etcd logs: Error: unknown flag: --etcd-serverz", LogPlace(CP2, "etcd")),
        ("cp1: etcd logs: 2026-03-01T03:01:50Z slow", LogPlace(CP1, "etcd", AT)),
    ],
)
def test_what_a_line_is_about(line: str, target: Target) -> None:
    assert target_of(line, FINDING, healthy()) == target


def test_a_line_about_no_single_thing_has_no_target() -> None:
    finding = Finding("vip.unowned", Severity.CRITICAL, "vip", "nobody", "why")
    assert target_of("etcd stops if one more member fails", finding, healthy()) is None


def test_targets_of_real_findings_exist() -> None:
    status = status_of(critical(), INVENTORY, NOW)
    lines = [(line, each) for each in status.findings for line in each.evidence]
    assert len(lines) > 5
    assert all(target_of(line, finding, status.snapshot) is not None for line, finding in lines)


async def test_the_marked_line_is_opened() -> None:
    app = console(FakeSession(changed(healthy(), 2, etcd_silent)))
    async with running(app) as pilot:
        await pilot.press("f", "enter")
        await settled(pilot)
        window = app.screen
        assert isinstance(window, FindingWindow)
        assert "enter open line" in screen_text(app)
        marked = [line for line in screen_text(app).splitlines() if line.strip().startswith("▸ ")]
        assert len(marked) == 1
        await pilot.press("enter")
        await settled(pilot)
        assert type(app.screen) in (TextWindow, HostScreen)
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is window


async def test_arrows_mark_another_line_and_a_click_opens_one() -> None:
    app = console(FakeSession(critical()))
    async with running(app, (110, 45)) as pilot:
        await pilot.press("f", "enter", "right", "right")
        await settled(pilot)
        lines = screen_text(app).splitlines()
        evidence = [line.strip() for line in lines if "keepalived failed" in line]
        assert [line.startswith("▸") for line in evidence] == [False, False, True]
        await pilot.press("left", "left", "left")
        await settled(pilot)
        assert sum("▸ cp3: keepalived failed" in line for line in screen_text(app).splitlines()) == 1
        text = app.screen.query_one(TextPane)
        y = next(y for y, line in enumerate(lines) if "cp2: keepalived failed" in line)
        await pilot.click(text, offset=(6, y - text.region.y))
        await settled(pilot)
        assert "cp2" in screen_text(app).splitlines()[0] or "cp2" in screen_text(app)
        assert type(app.screen) is TextWindow


async def test_a_quoted_log_line_opens_the_log() -> None:
    finding = Finding("etcd.member-down", Severity.WARNING, "cp2", "down", "why", ("etcd logs: unknown flag",))
    session = FakeSession(healthy())
    app = console(session)
    async with running(app) as pilot:
        app.state = app.state.__class__(app.state.link, healthy(), (finding,), app.state.health)
        await pilot.press("f")
        await settled(pilot)
        from haconsole.present.row_keys import FindingKey
        from haconsole.ui.messages import ShowDetails

        app.post_message(ShowDetails(FindingKey("etcd.member-down", "cp2")))
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, JournalScreen)
        assert (session.journals, session.parts) == (((CP2,),), ("etcd",))


async def test_a_text_without_such_lines_does_not_offer_the_key() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("1", "enter")
        await settled(pilot)
        assert isinstance(app.screen, TextWindow)
        assert "open line" not in screen_text(app)
