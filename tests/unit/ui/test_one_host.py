"""One host over all panes: what belongs to it is shown, the first line names it, and escape ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.model.names import HostName
from haconsole.present.arrange import PaneId
from haconsole.present.one_host import HostTables, names_host, only_host
from haconsole.present.row_keys import BalancerKey, HostKey, ServerKey
from haconsole.present.tables import TABLES, table_of
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.widgets.graph import GraphPane
from tests.fakes.cluster import NAMES, NOW, changed, healthy, unreachable
from tests.fakes.path import on_path
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, pane, running


@pytest.mark.parametrize(
    ("text", "is_named"),
    [("etcd on cp1 is stopped", True), ("cp1: failed", True), ("kube-scheduler@cp1", True), ("cp10 is down", False),
     ("cp1.example.com", False), ("my-cp1", False), ("leader cp2 → cp1", True), ("cp1:/var", True)],
)  # fmt: skip
def test_a_text_names_a_host(text: str, is_named: bool) -> None:
    assert names_host(HostName("cp1"))(text) is is_named


async def test_all_panes_show_only_that_host_until_escape() -> None:
    session = FakeSession(healthy())
    app = console(session)
    async with running(app, (160, 45)) as pilot:
        session.snapshot_queue.put_nowait(changed(changed(healthy(), 2, unreachable), 3, unreachable))
        await settled(pilot)
        await pilot.press("5", "j", "H")
        await settled(pilot)
        text = screen_text(app)
        assert " ONLY cp2 " in text.splitlines()[0]
        assert [row.key for row in pane(app, PaneId.HOSTS).window.rows] == [HostKey(HostName("cp2"))]
        assert len(pane(app, PaneId.ETCD).window.rows) == 1
        balancing = {ServerKey("k8s_server_6443", "cp2"), BalancerKey(HostName("cp2"))}
        assert {row.key for row in pane(app, PaneId.HAPROXY).window.rows} == balancing
        events = ["".join(cell.text for cell in row.cells) for row in pane(app, PaneId.EVENTS).window.rows]
        assert events
        assert all("cp2" in event for event in events)
        await pilot.press("escape")
        await settled(pilot)
        assert "ONLY" not in screen_text(app)
        assert len(pane(app, PaneId.HOSTS).window.rows) == 3


async def test_the_key_again_shows_all_hosts() -> None:
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        await pilot.press("1", "H")
        await settled(pilot)
        assert app.only_host == "cp1"
        await pilot.press("H")
        await settled(pilot)
        assert app.only_host is None


async def test_a_row_of_no_host_is_refused_with_the_reason() -> None:
    app = console(FakeSession(critical()))
    async with running(app) as pilot:
        await pilot.press("f", "H")
        await settled(pilot)
        assert app.only_host is None
        assert [each.message for each in app._notifications] == ["▲ this row does not belong to a single host"]


async def test_graphs_and_journals_follow_it() -> None:
    session = FakeSession(on_path(healthy()))
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("1", "j", "H", "v")
        await settled(pilot)
        rows = app.screen.query_one(GraphPane)._rows
        assert "services cp2" in [row.label for row in rows]
        assert not [row.label for row in rows if row.label.endswith((" cp1", "/cp3"))]
        assert "only cp2" in screen_text(app)
        await pilot.press("escape", "L")
        await settled(pilot)
        assert session.journals == (("cp2",),)
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        assert app.only_host is None


def test_a_table_is_limited_again_only_when_it_or_its_basis_changed() -> None:
    snapshot, findings = critical(), ()
    tables = {pane: table_of(pane, snapshot, findings, (), NOW) for pane in TABLES}
    tables_of_host = HostTables()
    first = tables_of_host.limit(tables, NAMES[0], snapshot, findings)
    assert first == only_host(tables, NAMES[0], snapshot, findings)
    later = {**tables, PaneId.LEASES: table_of(PaneId.LEASES, snapshot, findings, (), NOW + timedelta(seconds=20))}
    second = tables_of_host.limit(later, NAMES[0], snapshot, findings)
    assert [pane for pane in TABLES if second[pane] is not first[pane]] == [PaneId.LEASES]
    other = tables_of_host.limit(later, NAMES[1], snapshot, findings)
    assert other == only_host(later, NAMES[1], snapshot, findings)
    assert other != second
    newer = replace(snapshot, observed_at=NOW + timedelta(seconds=1))
    assert tables_of_host.limit(later, NAMES[1], newer, findings)[PaneId.ETCD] is not other[PaneId.ETCD]
