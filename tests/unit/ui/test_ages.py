"""Ages of the facts shown in panes, rows and findings, and when facts are read again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import health
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.hosts import DiskSpace, HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, NotAsked
from haconsole.model.snapshot import ClusterSnapshot, PendingFact
from haconsole.present.arrange import PaneId
from haconsole.present.basis import basis_items
from haconsole.present.cells import Tone, text_of
from haconsole.present.detail import detail_lines
from haconsole.present.details.host import about_host
from haconsole.present.details.others import about_finding
from haconsole.present.findings import findings_table, severity_cell
from haconsole.present.hosts import disk_cell, hosts_table
from haconsole.present.tables import TABLES, table_of
from tests.fakes.cluster import NOW, changed, healthy
from tests.fakes.session import FakeSession, degraded
from tests.unit.ui.driver import settled
from tests.unit.ui.test_app import console, running

CERT = Finding("cert.served-old", Severity.WARNING, "cp2:/etc/etcd/server.crt", "served is old", "why")


def certificates_read(seconds: int) -> ClusterSnapshot:
    """The healthy cluster; the certificates of cp2 were read that long ago."""

    def older(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.certificates, Known)
        return replace(facts, certificates=replace(facts.certificates, at=NOW - timedelta(seconds=seconds)))

    return changed(healthy(), 2, older)


def test_a_finding_is_as_old_as_the_facts_behind_it() -> None:
    snapshot = certificates_read(107)
    view = findings_table((CERT,), snapshot)
    assert view.at == NOW - timedelta(seconds=107)
    lines = [
        text_of(line).strip() for line in detail_lines(about_finding(CERT, basis=basis_items(CERT, snapshot, NOW)), 80)
    ]
    assert any(line.startswith("certificates") and "107s old on cp2" in line for line in lines[lines.index("Read") :])


def test_findings_are_as_old_as_the_oldest_fact_where_nothing_is_wrong() -> None:
    assert findings_table((), certificates_read(300)).at == NOW - timedelta(seconds=300)


@pytest.mark.parametrize("pane", [PaneId.NODES, PaneId.LEASES, PaneId.CERTIFICATES])
def test_the_head_of_a_pane_that_was_not_read_yet_is_unknown_and_not_none(pane: PaneId) -> None:
    hosts = tuple(replace(facts, certificates=NotAsked()) for facts in healthy().hosts)
    snapshot = replace(healthy(), nodes=NotAsked(), leases=NotAsked(), hosts=hosts)
    for summary in table_of(pane, snapshot, (), (), NOW).summaries:
        assert summary.text.startswith("?")
        assert summary.tone is Tone.UNKNOWN


def test_nothing_is_found_right_before_everything_was_read() -> None:
    pending = (PendingFact(HostName("cp2"), "services"), PendingFact(None, "leases"))
    snapshot = replace(healthy(), pending=pending)
    view = findings_table((), snapshot)
    assert view.summaries[0].text == "? reading…"
    assert view.empty.text == "? reading… not complete yet: cp2, the leases"
    assert health(snapshot, ()) is Health.UNKNOWN
    assert findings_table((CERT,), snapshot).summaries[0].text == "1 warning, reading…"


@pytest.mark.parametrize("pane", TABLES)
def test_facts_of_a_lost_host_are_never_good(pane: str) -> None:
    view = table_of(pane, degraded(), (), (), NOW)  # type: ignore[arg-type]
    for row in view.rows:
        if row.cells[0].text == "cp3" and not row.stale:
            assert not any(cell.tone is Tone.GOOD or cell.text.startswith("● ") for cell in row.cells)


def test_a_lost_host_shows_how_old_its_facts_are() -> None:
    snapshot = replace(degraded(), observed_at=NOW + timedelta(seconds=40))
    facts = snapshot.hosts[2]
    row = hosts_table(snapshot).rows[2]
    assert isinstance(facts.disks, Failed)
    assert facts.disks.last
    assert [row.cells[index].text for index in (2, 4, 5)] == [
        "? 6/6 active, 40s old",
        "60% 60G, 40s old",
        "+0ms, 40s old",
    ]
    assert hosts_table(snapshot).at == facts.disks.last.at


@pytest.mark.parametrize(("free", "severity"), [(0.01, Severity.CRITICAL), (0.05, Severity.WARNING)])
def test_a_full_disk_is_as_severe_in_its_row_as_in_its_finding(free: float, severity: Severity) -> None:
    disk = DiskSpace("/var/lib/etcd", 10_000_000_000, int(10_000_000_000 * free))
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, disks=Known((disk,), NOW)))
    result = next(each for each in FakeSession().status_of(snapshot).findings if each.code.startswith("host.disk"))
    assert result.severity is severity
    assert disk_cell(snapshot.hosts[0].disks).tone is severity_cell(severity).tone
    assert disk_cell(snapshot.hosts[0].disks).text[0] == severity_cell(severity).text[0]


def test_the_time_it_took_to_connect_is_no_current_latency() -> None:
    def long_ago(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.reach, Known)
        reach = replace(facts.reach.value, connected_at=NOW - timedelta(minutes=34))
        return replace(facts, reach=replace(facts.reach, value=reach))

    snapshot = changed(healthy(), 1, long_ago)
    assert hosts_table(snapshot).rows[0].cells[1].text == "● reached"
    detail = about_host(snapshot, HostName("cp1"), NOW)
    assert detail is not None
    text = "\n".join(text_of(line) for line in detail_lines(detail, 100))
    assert "took 40 ms to open, opened 02:26:00 UTC, 34m ago" in text


async def test_a_key_has_all_facts_read_again() -> None:
    session = FakeSession(healthy())
    async with running(console(session)) as pilot:
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert session.refreshed == 1
