"""States over time: each change once, at the best time known for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import status_of
from haconsole.model.etcd import Election
from haconsole.model.hosts import HostFacts
from haconsole.model.lanes import MOST_CHANGES, Chronicle, Lane, LaneKey, LaneKind, LaneState, Mood
from haconsole.model.names import MemberId
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, endpoint, etcd_silent, healthy, lease, units, unreachable


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def chronicle(*snapshots: ClusterSnapshot) -> Chronicle:
    result = Chronicle(3)
    for snapshot in snapshots:
        result.add(status_of(snapshot, INVENTORY, snapshot.observed_at))
    return result


def states(result: Chronicle, kind: LaneKind, name: str = "") -> list[tuple[datetime, str]]:
    lane = result.lanes.lanes[LaneKey(kind, name)]
    return [(span.start, span.state.text) for span in lane.spans(at(-7200), at(7200))]


def later(snapshot: ClusterSnapshot, seconds: float) -> ClusterSnapshot:
    return replace(snapshot, observed_at=at(seconds))


def led_by(n: int | None, seconds: float) -> ClusterSnapshot:
    snapshot = healthy()
    for number in (1, 2, 3):
        fact = Known(endpoint(number, leader=n), at(seconds + number / 10))
        snapshot = changed(snapshot, number, lambda facts, fact=fact: replace(facts, etcd=fact))  # type: ignore[misc]
    return later(snapshot, seconds + 0.4)


def test_the_leader_changes_with_the_first_report_of_the_new_one() -> None:
    result = chronicle(led_by(1, 0), led_by(1, 5), led_by(None, 10), led_by(2, 12))
    times = states(result, LaneKind.LEADER)
    assert [text for _, text in times] == ["cp1", "none", "cp2"]
    assert times[2][0] == at(12.1)


def elected(n: int, seconds: float, election_s: float, *, term: int = 2) -> ClusterSnapshot:
    """A member's log has the election of the term."""
    return replace(led_by(n, seconds), election=Election(MemberId(f"a{n}"), term, at(election_s)))


def test_a_leader_leads_from_its_election_on() -> None:
    result = chronicle(led_by(1, 0), led_by(None, 10), led_by(2, 12), elected(2, 12.5, 10.9), elected(2, 20, 10.9))
    times = states(result, LaneKind.LEADER)
    assert [text for _, text in times] == ["cp1", "none", "cp2"]
    assert times[-1][0] == at(10.9)


def test_reports_without_a_leader_from_after_an_election_are_outdated() -> None:
    result = chronicle(led_by(1, 0), led_by(None, 10), led_by(2, 12), elected(2, 12.5, 9.7))
    assert states(result, LaneKind.LEADER)[1:] == [(at(9.7), "cp2")]


def test_the_election_of_another_term_dates_no_leader() -> None:
    result = chronicle(led_by(1, 0), led_by(2, 12), elected(2, 12.5, 9.7, term=1))
    assert states(result, LaneKind.LEADER)[-1] == (at(12.1), "cp2")


def test_without_any_report_the_leader_is_unknown() -> None:
    silent = healthy()
    for n in (1, 2, 3):
        silent = changed(silent, n, etcd_silent)
    result = chronicle(healthy(), later(silent, 3))
    assert [text for _, text in states(result, LaneKind.LEADER)] == ["cp1", "?"]


def owned_by(n: int, seconds: float) -> ClusterSnapshot:
    snapshot = healthy()

    def change(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.addresses, Known)
        own = tuple(each for each in facts.addresses.value if each.address != VIP)
        vip = tuple(replace(own[0], address=VIP) for _ in range(facts.host == f"cp{n}"))
        return replace(facts, addresses=Known((*own, *vip), at(seconds)), addresses_since=at(seconds))

    for number in (1, 2, 3):
        snapshot = changed(snapshot, number, change)
    return later(snapshot, seconds + 0.5)


def test_a_vip_moves_when_its_new_owner_has_the_address() -> None:
    result = chronicle(healthy(), owned_by(2, 30))
    assert states(result, LaneKind.VIP, VIP)[-1] == (at(30), "cp2")


def test_a_lease_moves_at_the_time_of_its_holder_corrected_by_its_clock() -> None:
    moved = replace(lease("kube-scheduler", 2), acquired_at=at(27.5), renewed_at=at(29.9), clock_ahead_s=2.0)
    snapshot = replace(later(healthy(), 30), leases=Known((moved,), at(30)))
    result = chronicle(healthy(), snapshot)
    assert [text for _, text in states(result, LaneKind.LEASE, "scheduler")] == ["cp1", "cp2"]
    assert states(result, LaneKind.LEASE, "scheduler")[-1][0] == at(25.5)


def with_units(seconds: float, offset_ms: float = 0.0, **active: str) -> ClusterSnapshot:
    """cp1's units; those that are named changed two seconds before, by the clock of the host."""
    changed_at = at(seconds - 2 + offset_ms / 1000)
    services = tuple(
        replace(unit, since=changed_at if unit.active != "active" else unit.since) for unit in units(**active)
    )
    return later(
        changed(
            healthy(),
            1,
            lambda facts: replace(
                facts, services=Known(services, at(seconds)), clock_offset_ms=Known(offset_ms, at(seconds))
            ),
        ),
        seconds,
    )


def test_a_service_is_down_from_the_time_that_its_host_reports_by_the_consoles_clock() -> None:
    result = chronicle(with_units(0), with_units(10, 5000.0, etcd="failed"))
    assert states(result, LaneKind.SERVICES, "cp1")[-1] == (at(8), "down: etcd")


def test_a_restart_is_marked_when_the_process_started() -> None:
    before, after = with_units(0), with_units(10)

    def restarted(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.services, Known)
        value = tuple(replace(unit, started=at(9.5)) if unit.name == "etcd" else unit for unit in facts.services.value)
        return replace(facts, services=replace(facts.services, value=value))

    def running(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.services, Known)
        value = tuple(replace(unit, started=at(-60)) for unit in facts.services.value)
        return replace(facts, services=replace(facts.services, value=value))

    result = chronicle(changed(before, 1, running), changed(changed(after, 1, running), 1, restarted))
    (mark,) = result.lanes.lanes[LaneKey(LaneKind.SERVICES, "cp1")].marks
    assert (mark.at, mark.text) == (at(9.5), "etcd started")


def test_services_of_a_lost_host_are_unknown() -> None:
    result = chronicle(healthy(), later(changed(healthy(), 3, unreachable), 5))
    assert states(result, LaneKind.SERVICES, "cp3")[-1][1] == "?"


def test_a_finding_opens_and_closes() -> None:
    result = chronicle(healthy(), later(changed(healthy(), 2, etcd_silent), 5), later(healthy(), 9))
    findings = [key for key in result.lanes.lanes if key.kind is LaneKind.FINDING]
    assert findings
    for key in findings:
        spans = result.lanes.lanes[key].spans(at(-1), at(100))
        assert [(span.start, span.state.mood is Mood.OFF) for span in spans] == [(at(5), False), (at(9), True)]


def test_a_failed_fact_of_leases_changes_no_lane() -> None:
    result = chronicle(healthy(), later(replace(healthy(), leases=Failed("no answer", at(5))), 5))
    assert [text for _, text in states(result, LaneKind.LEASE, "scheduler")] == ["cp1"]


CHANGES = st.lists(st.tuples(st.integers(-3, 30), st.sampled_from("abc")), min_size=1, max_size=40)


@given(CHANGES, st.integers(0, 400), st.integers(1, 400))
def test_spans_follow_each_other_without_a_gap(changes: list[tuple[int, str]], start: int, length: int) -> None:
    lane, seconds = Lane(), 0
    for step, text in changes:
        seconds += step
        lane.put(at(seconds), LaneState(text))
    spans = lane.spans(at(start), at(start + length))
    for one, following in pairwise(spans):
        assert one.start < following.start
        assert one.end == following.start
        assert one.state != following.state
    for span in spans:
        assert lane.at(span.start) == span.state


def test_a_lane_keeps_a_number_of_changes() -> None:
    lane = Lane()
    for number in range(MOST_CHANGES + 50):
        lane.put(at(number), LaneState(str(number)))
        lane.mark(at(number), "started")
    assert len(lane.spans(at(-1), at(10_000))) == len(lane.marks) == MOST_CHANGES
