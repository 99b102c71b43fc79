"""The timeline: each change is one event, and a fact that was not known before is no change."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.hosts import HostFacts, InterfaceAddress
from haconsole.model.observed import NOT_ASKED, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Tone
from haconsole.present.changes import KEPT, SnapshotChange, changes, events_table, finding_changes, remembered
from tests.fakes import cluster
from tests.fakes.cluster import NOW, VIP, changed, etcd_silent, healthy, lease, unreachable
from tests.fakes.session import FakeSession, critical


def change_lines(before: ClusterSnapshot, after: ClusterSnapshot) -> list[str]:
    return [f"{change.subject}: {change.text}" for change in changes(before, after)]


def moved(snapshot: ClusterSnapshot, n: int) -> ClusterSnapshot:
    """The VIP only on host number `n`."""
    for each in (1, 2, 3):
        own = (InterfaceAddress("eth0", f"10.99.0.1{each}", 24),)
        holder = (*own, InterfaceAddress("eth0", VIP, 24)) if each == n else own
        snapshot = changed(snapshot, each, lambda facts, now=holder: replace(facts, addresses=Known(now, NOW)))  # type: ignore[misc]
    return snapshot


def test_no_change_is_no_event() -> None:
    assert change_lines(healthy(), healthy()) == []
    assert change_lines(critical(), critical()) == []


def test_an_owner_that_changes_is_an_event() -> None:
    assert change_lines(healthy(), moved(healthy(), 2)) == ["10.99.0.100: owner cp1 → cp2"]


def test_a_take_over_from_a_lost_host_is_an_event_when_it_is_seen() -> None:
    silent = changed(healthy(), 1, unreachable)
    assert "10.99.0.100" not in " ".join(change_lines(healthy(), silent))
    after = changed(moved(healthy(), 2), 1, unreachable)
    assert change_lines(silent, after) == ["10.99.0.100: owner cp1 → cp2"]


def test_a_lost_host_is_one_event() -> None:
    message = change_lines(healthy(), changed(healthy(), 3, unreachable))
    assert message == [
        "cp3: host lost: no answer within 10 s",
        "etcd: member cp3 is not healthy: no answer within 10 s",
    ]
    assert change_lines(changed(healthy(), 3, unreachable), healthy())[0] == "cp3: host is back"


def test_a_stopped_member_is_an_event_with_its_service() -> None:
    message = change_lines(healthy(), changed(healthy(), 2, etcd_silent))
    assert message == [
        "cp2: etcd: active → inactive",
        "etcd: member cp2 is not healthy: connection refused on port 2379",
    ]


def test_a_new_leader_is_an_event() -> None:
    after = healthy()
    for n in (1, 2, 3):
        etcd = Known(cluster.endpoint(n, leader=2), NOW)
        after = changed(after, n, lambda facts, now=etcd: replace(facts, etcd=now))  # type: ignore[misc]
    assert change_lines(healthy(), after) == ["etcd: leader cp1 → cp2"]


def test_a_lock_that_changes_hands_is_an_event() -> None:
    after = replace(healthy(), leases=Known((lease("kube-controller-manager", 1), lease("kube-scheduler", 3)), NOW))
    assert change_lines(healthy(), after) == ["scheduler: holder cp1 → cp3"]


def test_events_of_servers_name_the_balancers_that_see_it() -> None:
    messages = [line for line in change_lines(healthy(), critical()) if "server" in line]
    assert messages == ["cp2: server UP → DOWN on cp1, cp2, cp3"]


def test_what_is_heard_for_the_first_time_is_no_change() -> None:
    unheard = changed(healthy(), 2, lambda facts: HostFacts(facts.host, facts.address, facts.roles))
    assert change_lines(unheard, healthy()) == []
    findings = FakeSession().status_of(critical()).findings
    assert finding_changes(unheard, healthy(), (), findings) == ()
    assert finding_changes(replace(healthy(), leases=NOT_ASKED), critical(), (), findings) == ()


def test_new_and_resolved_findings_are_events() -> None:
    findings = FakeSession().status_of(critical()).findings
    came = finding_changes(healthy(), critical(), (), findings)
    assert came[0].text == "✖ critical: no host holds 10.99.0.100: clients that use it reach nothing"
    went = finding_changes(critical(), healthy(), findings, ())
    assert went[0].text.startswith("● resolved: no host holds")


def test_the_timeline_is_newest_first_numbered_and_bounded() -> None:
    one = SnapshotChange(NOW, "cp1", "host is back", Tone.GOOD)
    history = remembered(remembered((), (one, one)), (replace(one, subject="cp2"),))
    assert [(change.number, change.subject) for change in history] == [(3, "cp2"), (2, "cp1"), (1, "cp1")]
    assert len(remembered(history, (one,) * KEPT)) == KEPT
    view = events_table(history, NOW)
    assert [cell.text for cell in view.rows[0].cells] == ["03:00:00", "cp2", "host is back"]
    assert view.summaries[0].text == "3 since start"
