"""Figures beside the facts of their subjects, and their course in ten cells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.model import measures as m
from haconsole.model.figures import Figure
from haconsole.model.measures import MEASURES, SeriesKey
from haconsole.model.names import HostName, MemberId
from haconsole.model.series import Measurements
from haconsole.present.arrange import PaneId
from haconsole.present.ascii import ascii_text
from haconsole.present.detail import Fact
from haconsole.present.details.anything import about
from haconsole.present.fitting import text_table
from haconsole.present.row_keys import HostKey, MemberKey, ServerKey, VipKey
from haconsole.present.sparkline import BARS, figure_text, scale_of, sparkline
from haconsole.present.tables import table_of
from haconsole.present.trends import TRENDS, with_figures, with_trends
from tests.fakes.cluster import NOW, healthy


def measured(gap: bool = False) -> Measurements:
    """Five minutes of figures: cp2's disk becomes slow in the last one; with `gap` nothing is known in the middle."""
    data = Measurements(3)
    for seconds in range(-300, 1, 5):
        at = NOW + timedelta(seconds=seconds)
        is_unknown = gap and -200 <= seconds <= -100
        for host in ("cp1", "cp2", "cp3"):
            slow = host == "cp2" and seconds > -60
            data.put(Figure(SeriesKey(m.FSYNC, host), at, None if is_unknown else 0.040 if slow else 0.002))
            data.put(Figure(SeriesKey(m.API_REQUEST, host), at, 0.012))
            data.put(Figure(SeriesKey(m.LOAD, host), at, 0.5))
            data.put(Figure(SeriesKey(m.SESSIONS, host, "k8s_server_6443/cp1"), at, 4.0))
        data.put(Figure(SeriesKey(m.ENDPOINT), at, 0.009))
    return data


def pane_text(pane: PaneId, data: Measurements, width: int) -> str:
    view = table_of(pane, healthy(), (), (), NOW)
    return text_table(with_trends(pane, view, healthy(), data, NOW), width)


def test_a_slow_disk_is_seen_in_the_row_of_its_member() -> None:
    lines = pane_text(PaneId.ETCD, measured(), 100).splitlines()
    assert "FSYNC TREND" in " ".join(lines[0].split())
    assert "2.0ms ▁▁▁▁▁▁▁▁▁▁" in " ".join(lines[1].split())
    assert "40ms ▁▁▁▁▁▁▁███" in " ".join(lines[2].split())


def test_what_was_not_known_is_blank_in_the_course() -> None:
    line = pane_text(PaneId.ETCD, measured(gap=True), 100).splitlines()[1]
    assert "▁▁▁  ▁▁▁▁▁" in line.replace("2.0ms", "")


def test_nothing_changes_while_nothing_is_known() -> None:
    for pane in TRENDS:
        assert pane_text(pane, Measurements(), 200) == text_table(table_of(pane, healthy(), (), (), NOW), 200)


@pytest.mark.parametrize(
    ("pane", "width", "titles"),
    [
        (PaneId.ETCD, 38, "MEMBER ROLE STATE FSYNC TREND"),
        (PaneId.VIPS, 37, "HOST HOLDS VRRP PRIO KEEPALIVED"),
        (PaneId.HAPROXY, 37, "SERVER STATE CHECK SESS TREND FOR"),
        (PaneId.HOSTS, 78, "HOST SSH SERVICES API DISK FREE CLOCK LOAD TREND ADDRESS"),
        (PaneId.VIPS, 48, "HOST HOLDS VRRP PRIO KEEPALIVED API TREND"),
    ],
)
def test_on_80_and_160_columns_the_panes_have_trends(pane: PaneId, width: int, titles: str) -> None:
    assert " ".join(pane_text(pane, measured(), width).splitlines()[0].split()) == titles


def test_a_narrow_trend_has_the_newest_cells() -> None:
    assert pane_text(PaneId.ETCD, measured(), 37).splitlines()[2].endswith(" 40ms ▁▁███")


def test_the_owner_of_the_vip_has_the_time_of_a_request() -> None:
    lines = pane_text(PaneId.VIPS, measured(), 90).splitlines()
    assert "9.0ms ▁" in " ".join(lines[1].split())
    assert "ms" not in lines[2]


def test_the_sessions_of_a_server_are_those_on_all_balancers() -> None:
    fact = next(
        item
        for item in with_figures(
            about(ServerKey("k8s_server_6443", "cp1"), healthy(), (), (), NOW),  # type: ignore[arg-type]
            ServerKey("k8s_server_6443", "cp1"),
            healthy(),
            measured(),
            NOW,
        ).items
        if isinstance(item, Fact) and item.label == "sessions" and "█" in item.value.text
    )
    assert fact.value.text.split()[-1] == "12"


@pytest.mark.parametrize(
    ("subject", "labels"),
    [
        (MemberKey(MemberId("a2")), {"fsync p99"}),
        (HostKey(HostName("cp2")), {"fsync p99", "request", "load"}),
        (VipKey(healthy().vips[0], HostName("cp1")), {"request by VIP"}),
        (VipKey(healthy().vips[0], HostName("cp2")), set()),
    ],
    ids=["member", "host", "owner", "no owner"],
)
def test_the_details_of_a_row_have_its_figures(subject: object, labels: set[str]) -> None:
    detail = about(subject, healthy(), (), (), NOW)  # type: ignore[arg-type]
    assert detail is not None
    items = with_figures(detail, subject, healthy(), measured(), NOW).items[len(detail.items) :]  # type: ignore[arg-type]
    assert {item.label for item in items if isinstance(item, Fact)} == labels


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=30), st.sampled_from(MEASURES))
def test_a_course_has_a_cell_for_each_value(values: list[float | None], measure: m.Measure) -> None:
    top = scale_of(measure, values)
    text = sparkline(values, top)
    assert len(text) == len(values)
    assert all((sign == " ") == (value is None) for sign, value in zip(text, values, strict=True))
    assert all(sign == BARS[-1] for sign, value in zip(text, values, strict=True) if value == top > 0)
    assert len(set(ascii_text(BARS))) == len(BARS)


@given(st.sampled_from(MEASURES), st.floats(0, 1e5))
def test_a_figure_is_short(measure: m.Measure, value: float) -> None:
    possible = min(value, 1.0) if measure.unit is m.Unit.RATIO else value
    assert 1 <= len(figure_text(measure, possible)) <= 7


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        (m.FSYNC, 0.00153, "1.5ms"),
        (m.FSYNC, 0.0153, "15ms"),
        (m.FSYNC, 1.53, "1.5s"),
        (m.MEMORY, 0.256, "26%"),
        (m.WRITES, 3.14, "3.1/s"),
        (m.WRITES, 12345.0, "12k/s"),
        (m.DB_SIZE, 20480.0, "20K"),
        (m.LAG, 0.0, "0"),
        (m.LOAD, 0.256, "0.26"),
        (m.FSYNC, None, "?"),
    ],
)
def test_a_figure_in_its_unit(measure: m.Measure, value: float | None, text: str) -> None:
    assert figure_text(measure, value) == text


def test_rows_share_a_scale() -> None:
    """A calm member beside a slow one stays low."""
    data = measured()
    data.put(Figure(SeriesKey(m.FSYNC, "cp3"), NOW, 4.0))
    assert "▁▁▁▁▁▁▁▁▁▁" in pane_text(PaneId.ETCD, data, 100).splitlines()[2]


def test_a_row_of_a_lost_member_keeps_its_course() -> None:
    view = table_of(PaneId.ETCD, healthy(), (), (), NOW)
    stale = replace(view, rows=tuple(replace(row, stale=True) for row in view.rows))
    assert len(with_trends(PaneId.ETCD, stale, healthy(), measured(), NOW).rows[0].cells) == len(view.columns) + 2


def test_each_column_of_a_pane_has_its_own_title() -> None:
    """Filters and hidden columns go by titles."""
    for pane in TRENDS:
        view = with_trends(pane, table_of(pane, healthy(), (), (), NOW), healthy(), measured(), NOW)
        titles = [column.title for column in view.columns]
        assert len(set(titles)) == len(titles)
        assert any("TREND" in title for title in titles)
