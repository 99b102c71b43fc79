"""States and figures on one time axis: what is drawn where."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.diagnosis.diagnose import status_of
from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from haconsole.model import measures as m
from haconsole.model.figures import Figure
from haconsole.model.lanes import Chronicle, Lane, LaneKey, LaneKind, LaneState, Mood
from haconsole.model.measures import MEASURES, SeriesKey
from haconsole.model.names import HostName
from haconsole.model.series import HOUR_S
from haconsole.present.ascii import ascii_text
from haconsole.present.cells import Tone, text_of
from haconsole.present.graph import (
    DAY_S,
    FILLS,
    SPANS_S,
    CurveRow,
    GraphWindow,
    LaneRow,
    axis_line,
    chart_width,
    cursor_cell,
    first_span,
    graph_rows,
    label_width,
    row_line,
    run_lanes,
    short_labels,
)
from haconsole.present.log_of_graph import log_of_graph_row
from haconsole.present.log_place import LogPlace
from tests.fakes.cluster import INVENTORY, NOW, VIP, healthy
from tests.fakes.plans import recorded

TEN_MINUTES = GraphWindow(span=3)
DAY = timedelta(days=1)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def chronicle() -> Chronicle:
    """Ten minutes: in the middle the VIP moved from cp1 to cp2, and cp2's disk became slow two minutes ago."""
    result = Chronicle(3)
    result.add(status_of(healthy(), INVENTORY, NOW))
    vip = result.lanes.lane(LaneKey(LaneKind.VIP, "10.9.9.9"))
    vip.put(at(-600), LaneState("cp1"))
    vip.put(at(-300), LaneState("cp2"))
    vip.put(at(-120), LaneState("nobody", Mood.WORSE))
    vip.mark(at(-450), "keepalived started")
    for seconds in range(-600, 1, 5):
        for host in ("cp1", "cp2"):
            slow = host == "cp2" and seconds > -120
            result.measurements.put(Figure(SeriesKey(m.FSYNC, host), at(seconds), 0.040 if slow else 0.002))
    return result


def line(row: LaneRow | CurveRow, width: int, window: GraphWindow = TEN_MINUTES) -> str:
    return text_of(row_line(row, chronicle(), window, NOW, width, selected=False))


def lane_row() -> LaneRow:
    key = LaneKey(LaneKind.VIP, "10.9.9.9")
    return LaneRow(key, chronicle().lanes.lanes[key])


def chart(text: str, width: int) -> str:
    return text[label_width(width) + 2 :][: chart_width(width)]


@pytest.mark.parametrize("width", [60, 80, 160, 240])
def test_every_line_has_the_width_of_the_screen(width: int) -> None:
    for row in graph_rows(chronicle(), TEN_MINUTES, NOW):
        assert len(line(row, width)) == width
    assert len(text_of(axis_line(TEN_MINUTES, NOW, width))) <= width


@pytest.mark.parametrize("width", [60, 80, 160, 240])
@pytest.mark.parametrize("span", range(len(SPANS_S)))
def test_the_times_of_the_axis_are_round_and_at_their_cells(span: int, width: int) -> None:
    now = at(7.3)
    window, cells = GraphWindow(span), chart_width(width)
    start, _ = window.bounds(now)
    axis = chart(text_of(axis_line(window, now, width)), width)
    ticks = list(re.finditer(r"│(\d\d):(\d\d)(?::(\d\d))?", axis))
    assert len(ticks) >= (2 if cells > 40 else 1)
    assert "…" not in axis
    for tick in ticks:
        hour, minute, second = (int(part or 0) for part in tick.groups())
        assert second % 5 == 0
        moment = start + (timedelta(hours=hour, minutes=minute, seconds=second) - since_midnight(start)) % DAY
        assert tick.start() == int((moment - start).total_seconds() * cells / window.span_s)


def since_midnight(moment: datetime) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


def test_a_lane_shows_who_had_the_address_when() -> None:
    drawing = chart(line(lane_row(), 80), 80)
    middle = chart_width(80) // 2
    assert drawing.startswith("┃cp1━")
    assert drawing[middle - 1 : middle + 4] == "━┃cp2"
    assert "┃nobody" in drawing
    assert drawing.count("▲") == 1
    assert drawing.index("▲") == pytest.approx(chart_width(80) / 4, abs=1)


def test_the_value_at_the_cursor_is_beside_the_row() -> None:
    assert line(lane_row(), 80).split()[-1] == "nobody"
    back = GraphWindow(span=3, back_s=400.0)
    assert line(lane_row(), 80, back).split()[-1] == "cp1"
    fsync = CurveRow(SeriesKey(m.FSYNC, "cp2"))
    assert line(fsync, 80).split()[-1] == "40ms"
    assert line(fsync, 80, back).split()[-1] == "2.0ms"


def test_a_curve_rises_where_the_disk_became_slow() -> None:
    drawing = chart(line(CurveRow(SeriesKey(m.FSYNC, "cp2")), 80), 80)
    cells = chart_width(80)
    assert set(drawing[: int(cells * 0.78)]) == {"▁"}
    assert set(drawing[int(cells * 0.82) :]) == {"█"}


def test_what_was_not_known_is_no_value() -> None:
    early = GraphWindow(span=3, end=at(-900))
    drawing = line(CurveRow(SeriesKey(m.FSYNC, "cp2")), 80, early)
    assert set(chart(drawing, 80)) == {"·"}
    assert drawing.split()[-1] == "?"
    assert line(lane_row(), 80, early).split()[-1] == "?"


def test_the_cursor_has_a_mark_of_its_own_in_every_row() -> None:
    for row in graph_rows(chronicle(), TEN_MINUTES, NOW):
        cells = row_line(row, chronicle(), GraphWindow(span=3, back_s=300.0), NOW, 80, selected=False)
        before = 0
        marked = []
        for cell in cells:
            if cell.tone is Tone.MARK:
                marked.append(before - label_width(80) - 2)
            before += len(cell.text)
        assert marked == [cursor_cell(GraphWindow(span=3, back_s=300.0), chart_width(80))]


def test_ascii_distinguishes_states() -> None:
    drawing = ascii_text(chart(line(lane_row(), 80), 80))
    assert "?" not in drawing
    assert drawing.isascii()
    assert drawing.startswith("|cp1-")
    assert "|nobodyX" in drawing
    assert len({ascii_text(fill) for fill in FILLS.values()}) == len(FILLS), "a warning is not drawn as critical"


MOVES = st.lists(st.sampled_from(["left", "right", "in", "out", "earlier", "later"]), max_size=60)


@given(MOVES, st.integers(4, 200))
def test_the_cursor_stays_in_the_last_day_whatever_is_pressed(moves: list[str], width: int) -> None:
    window = TEN_MINUTES
    for move in moves:
        match move:
            case "left" | "right":
                window = window.stepped(-7 if move == "left" else 7, width, NOW)
            case "in" | "out":
                window = window.zoomed(-1 if move == "in" else 1, NOW)
            case _:
                window = window.panned(-0.5 if move == "earlier" else 0.5, NOW)
        start, end = window.bounds(NOW)
        assert (end - start).total_seconds() in SPANS_S
        assert end <= NOW
        assert start <= window.cursor(NOW) <= end
        assert (NOW - start).total_seconds() <= DAY_S
        assert 0 <= cursor_cell(window, width) < width


def test_zoom_shows_the_time_around_the_cursor() -> None:
    """A minute of the ten, eight minutes ago: the cursor is on the same moment, in the same cell."""
    window = TEN_MINUTES.stepped(-40, 50, NOW)
    moment, cell = window.cursor(NOW), cursor_cell(window, 50)
    assert moment == at(-480)
    for by in (-1, -1, -1, 1, 1, 1):
        window = window.zoomed(by, NOW)
        assert window.cursor(NOW) == moment
        assert cursor_cell(window, 50) == pytest.approx(cell, abs=1)
    closest = window.zoomed(-1, NOW).zoomed(-1, NOW).zoomed(-1, NOW)
    start, end = closest.bounds(NOW)
    assert (end - start).total_seconds() == 60
    assert start < moment < end


def test_zooming_at_now_follows_the_time() -> None:
    later = at(100)
    assert TEN_MINUTES.zoomed(-2, NOW).bounds(later)[1] == later


def test_the_cursor_stays_on_its_moment_while_time_passes() -> None:
    window = TEN_MINUTES.stepped(-5, 50, NOW)
    assert window.cursor(at(60)) == window.cursor(NOW) == at(-60)
    assert window.bounds(at(60)) == window.bounds(NOW)


def test_states_from_before_the_last_hour_can_be_seen() -> None:
    lane = chronicle().lanes.lane(LaneKey(LaneKind.LEADER))
    lane.put_early([(at(-5 * HOUR_S), LaneState("cp3"))])
    window = TEN_MINUTES
    for _ in range(5):
        window = window.zoomed(1, NOW)
    assert window.span_s == 6 * HOUR_S
    assert "┃cp3" in text_of(
        row_line(LaneRow(LaneKey(LaneKind.LEADER), lane), chronicle(), window, NOW, 80, selected=False)
    )


def test_a_name_is_in_a_strip_only_where_it_can_be_read() -> None:
    """Half a name could be that of several hosts."""
    lane = Lane()
    for seconds, host in ((-300, "cp1"), (-100, "cp2"), (-40, "cp3"), (-20, "cp1")):
        lane.put(at(seconds), LaneState(host))
    row = LaneRow(LaneKey(LaneKind.LEADER), lane)
    drawing = chart(text_of(row_line(row, chronicle(), GraphWindow(span=3), NOW, 80, selected=False)), 80)
    assert "┃cp1" in drawing
    assert "cp2" in drawing
    assert drawing.endswith(("┃━┃│", "┃┃━")), drawing


def test_a_finding_that_was_open_for_a_moment_is_drawn() -> None:
    lane = Lane()
    lane.put(at(-300), LaneState("open", Mood.WORSE))
    lane.put(at(-299), LaneState("", Mood.OFF))
    row = LaneRow(LaneKey(LaneKind.FINDING, "vip.unowned vip"), lane)
    drawing = chart(text_of(row_line(row, chronicle(), TEN_MINUTES, NOW, 80, selected=False)), 80)
    assert drawing.count("┃") == 1


@pytest.mark.parametrize("width", [60, 80, 121, 160])
def test_no_time_of_the_axis_is_cut(width: int) -> None:
    assert "…" not in text_of(axis_line(TEN_MINUTES, NOW, width))


def test_the_value_beside_a_row_is_not_cut() -> None:
    lane = Lane()
    lane.put(at(-300), LaneState("down: etcd, keepalived", Mood.WORSE))
    row = LaneRow(LaneKey(LaneKind.SERVICES, "cp1"), lane)
    assert line(row, 80).endswith("   2 down")


def test_a_new_graph_shows_the_time_of_which_something_is_known() -> None:
    new = Chronicle(3)
    new.lanes.lane(LaneKey(LaneKind.SERVICES, "cp1")).put(at(-9999), LaneState("all run"))
    new.lanes.lane(LaneKey(LaneKind.LEADER)).put(at(-30), LaneState("cp1"))
    assert SPANS_S[first_span(new, NOW)] == 60
    assert SPANS_S[first_span(new, at(60))] == 120
    assert SPANS_S[first_span(new, at(6000))] == 300


def test_a_finding_that_was_closed_before_the_time_shown_has_no_row() -> None:
    result = chronicle()
    finding = result.lanes.lane(LaneKey(LaneKind.FINDING, "etcd.member-down cp2"))
    finding.put(at(-500), LaneState("open", Mood.WORSE))
    finding.put(at(-400), LaneState("", Mood.OFF))
    labels = [row.label for row in graph_rows(result, TEN_MINUTES, NOW)]
    assert "etcd.member-down cp2" in labels
    assert "etcd.member-down cp2" not in [row.label for row in graph_rows(result, GraphWindow(span=2), NOW)]


def test_runs_are_lanes_too() -> None:
    (row,) = run_lanes((recorded(RunStatus.ENDED, Outcome.FAILED, hours_ago=0),))
    spans = row.lane.spans(at(-HOUR_S), at(HOUR_S))
    assert [span.state.mood for span in spans] == [Mood.WORSE, Mood.OFF]


def test_a_large_cluster_is_drawn_without_a_stall() -> None:
    """The rows that fit on a screen, of 200 hosts with all their figures."""
    result = Chronicle(200)
    for number in range(200):
        for measure in MEASURES[:8]:
            for seconds in range(-3600, 1, 60):
                result.measurements.put(Figure(SeriesKey(measure, f"cp{number}"), at(seconds), 1.0))
    window = GraphWindow(span=len(SPANS_S) - 1)
    rows = graph_rows(result, window, NOW)
    began = time.process_time()
    graph_rows(result, window, NOW)
    for row in rows[:45]:
        row_line(row, result, window, NOW, 200, selected=False)
    assert time.process_time() - began < 0.2


def lane_of(kind: LaneKind, name: str, state: str = "cp2", mood: Mood = Mood.GOOD) -> LaneRow:
    lane = Lane()
    lane.put(NOW - timedelta(minutes=2), LaneState(state, mood))
    return LaneRow(LaneKey(kind, name), lane)


CP2, CP3 = HostName("cp2"), HostName("cp3")


@pytest.mark.parametrize(
    ("row", "host", "part"),
    [
        (lane_of(LaneKind.LEADER, ""), CP2, "etcd"),
        (lane_of(LaneKind.VIP, VIP), CP2, "keepalived"),
        (lane_of(LaneKind.VIP, VIP, "nobody", Mood.WORSE), None, "keepalived"),
        (lane_of(LaneKind.LEASE, "scheduler"), CP2, "kube-scheduler"),
        (lane_of(LaneKind.SERVER, "k8s_server_6443/cp3", "up"), CP3, "kube-apiserver"),
        (lane_of(LaneKind.SERVICES, "cp3", "all run"), CP3, ""),
        (lane_of(LaneKind.FINDING, "component.down kube-scheduler@cp3", "open"), CP3, "kube-scheduler"),
        (lane_of(LaneKind.RUN, "failover"), None, ""),
        (CurveRow(SeriesKey(m.FSYNC, "cp3")), CP3, "etcd"),
        (CurveRow(SeriesKey(m.QUEUE, "cp3", "k8s_server_6443/cp1")), CP3, "haproxy"),
        (CurveRow(SeriesKey(m.LOAD, "cp3")), CP3, ""),
        (CurveRow(SeriesKey(m.ENDPOINT)), None, ""),
    ],
)
def test_a_point_has_the_log_of_its_component(row: LaneRow | CurveRow, host: HostName | None, part: str) -> None:
    assert log_of_graph_row(row, healthy(), NOW) == LogPlace(host, part, NOW)


def test_a_server_is_named_without_its_backend_while_that_is_clear() -> None:
    curve = CurveRow(SeriesKey(m.QUEUE, "cp3", "k8s/cp1"))
    clear = (lane_of(LaneKind.SERVER, "k8s/cp1"), lane_of(LaneKind.SERVER, "k8s/cp2"), curve)
    assert short_labels(clear) == ("server cp1", "server cp2", f"{m.QUEUE.title} cp1 on cp3")
    unclear = (*clear, lane_of(LaneKind.SERVER, "other/cp1"), lane_of(LaneKind.VIP, VIP))
    assert short_labels(unclear)[0] == "server k8s/cp1"
    assert short_labels(unclear)[1:] == ("server cp2", short_labels(clear)[2], "server other/cp1", f"VIP {VIP}")
