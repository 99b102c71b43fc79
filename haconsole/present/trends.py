"""Recent history of figures, as columns of tables and lines of details beside the current values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from haconsole.model import measures as m
from haconsole.model.etcd_view import etcd_view
from haconsole.model.measures import MEASURES, Measure, SeriesKey
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.arrange import PaneId
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading
from haconsole.present.row_keys import ApiserverKey, EndpointKey, HostKey, MemberKey, RowKey, ServerKey, VipKey
from haconsole.present.sparkline import GAP, WIDTH, figure_text, scale_of, sparkline
from haconsole.present.table import Column, TableView

CELL_S = 30
"""Seconds of each cell of a trend."""
TREND = "TREND"
"""The title of a course; the newest part of it is shown where there is little room."""
NOT_KNOWN = "·"
"""The sign of a gap in running text, which has no two blanks."""

Subjects = Callable[[RowKey, ClusterSnapshot], tuple[SeriesKey, ...]]
"""The series whose sum belongs to a row; none where the row has no such figure."""


class Trend(msgspec.Struct, frozen=True):
    """A figure and its course as two columns, after the column `after`; 0: no column for the figure."""

    measure: Measure
    title: str
    after: str
    subjects: Subjects
    figure_rank: int
    trend_rank: int
    course_title: str = TREND
    """Unique in the pane, because filters and hidden columns go by titles."""


def _of_member(measure: Measure) -> Subjects:
    def subjects(key: RowKey, snapshot: ClusterSnapshot) -> tuple[SeriesKey, ...]:
        if not isinstance(key, MemberKey):
            return ()
        rows = (row for row in etcd_view(snapshot).members if row.member.id == key.id)
        return tuple(SeriesKey(measure, row.host) for row in rows if row.host)

    return subjects


def _of_host(measure: Measure) -> Subjects:
    def subjects(key: RowKey, snapshot: ClusterSnapshot) -> tuple[SeriesKey, ...]:
        return (SeriesKey(measure, key.host),) if isinstance(key, HostKey) else ()

    return subjects


def _of_server(measure: Measure) -> Subjects:
    """The server on all balancers."""

    def subjects(key: RowKey, snapshot: ClusterSnapshot) -> tuple[SeriesKey, ...]:
        if not isinstance(key, ServerKey):
            return ()
        return tuple(SeriesKey(measure, facts.host, f"{key.backend}/{key.server}") for facts in snapshot.hosts)

    return subjects


def _endpoint(key: RowKey, snapshot: ClusterSnapshot) -> tuple[SeriesKey, ...]:
    """Requests through the API's endpoint belong to the owner of the VIP."""
    if not isinstance(key, VipKey):
        return ()
    owners = next((view.owners for view in vip_views(snapshot) if view.address == key.address), ())
    return (SeriesKey(m.ENDPOINT),) if key.host in owners else ()


TRENDS: dict[PaneId, tuple[Trend, ...]] = {
    PaneId.ETCD: (Trend(m.FSYNC, "FSYNC", "DB", _of_member(m.FSYNC), 2, 3),),
    PaneId.VIPS: (Trend(m.ENDPOINT, "API", "KEEPALIVED", _endpoint, 3, 4),),
    PaneId.HAPROXY: (Trend(m.SESSIONS, "", "SESS", _of_server(m.SESSIONS), 0, 4),),
    PaneId.HOSTS: (
        Trend(m.API_REQUEST, "REQUEST", "API", _of_host(m.API_REQUEST), 7, 8, "REQ TREND"),
        Trend(m.LOAD, "LOAD", "CLOCK", _of_host(m.LOAD), 4, 5),
    ),
}
"""The trends of each pane, ranked so that a screen of 80 columns has one in each pane with room for it."""


def with_trends(
    pane: PaneId, view: TableView, snapshot: ClusterSnapshot, data: Measurements, now: datetime
) -> TableView:
    """The table with the trends of which something is known."""
    for trend in TRENDS.get(pane, ()):
        view = _with_trend(view, trend, snapshot, data, now)
    return view


def _with_trend(
    view: TableView, trend: Trend, snapshot: ClusterSnapshot, data: Measurements, now: datetime
) -> TableView:
    subjects = tuple(trend.subjects(row.key, snapshot) for row in view.rows)
    courses = tuple(course(data, keys, now) for keys in subjects)
    known = [value for values in courses for value in values if value is not None]
    if not known:
        return view
    top = scale_of(trend.measure, known)
    figure = Column(trend.title, rank=trend.figure_rank, right=True)
    columns = ((figure,) if trend.title else ()) + (
        Column(trend.course_title, rank=trend.trend_rank, least=len(trend.course_title), newest=True),
    )
    place = next(index for index, column in enumerate(view.columns) if column.title == trend.after) + 1
    rows = tuple(
        replace(row, cells=(*row.cells[:place], *cells[-len(columns) :], *row.cells[place:]))
        for row, cells in zip(
            view.rows,
            (
                _cells(trend.measure, data, keys, values, top, now)
                for keys, values in zip(subjects, courses, strict=True)
            ),
            strict=True,
        )
    )
    return replace(view, columns=(*view.columns[:place], *columns, *view.columns[place:]), rows=tuple(rows))


def _cells(
    measure: Measure,
    data: Measurements,
    keys: tuple[SeriesKey, ...],
    values: tuple[float | None, ...],
    top: float,
    now: datetime,
) -> tuple[Cell, Cell]:
    if not keys:
        return NOTHING, Cell("")
    newest = [value for key in keys if (value := data.latest(key, now)) is not None]
    figure = Cell(figure_text(measure, sum(newest))) if newest else UNKNOWN
    return figure, Cell(sparkline(values, top), Tone.ACCENT)


def course(data: Measurements, keys: tuple[SeriesKey, ...], now: datetime) -> tuple[float | None, ...]:
    """The sum of these series in each of the last cells, which begin at full half minutes to stay in place."""
    end = datetime.fromtimestamp((now.timestamp() // CELL_S + 1) * CELL_S, now.tzinfo)
    start = end - timedelta(seconds=CELL_S * WIDTH)
    return summed(tuple(data.values(key, start, end, WIDTH) for key in keys))


def summed(series: tuple[tuple[float | None, ...], ...]) -> tuple[float | None, ...]:
    """Cell by cell the sum of what is known; None where nothing is."""
    columns = ([value for value in cell if value is not None] for cell in zip(*series, strict=True))
    return tuple(sum(cell) if cell else None for cell in columns) if series else (None,) * WIDTH


def with_figures(
    detail: Detail, subject: RowKey, snapshot: ClusterSnapshot, data: Measurements, now: datetime
) -> Detail:
    """The details of a row with every figure of its subject, each with its course."""
    keys = {measure: _figures_of(measure, subject, snapshot, data) for measure in MEASURES}
    items = tuple(_fact(measure, data, own, now) for measure, own in keys.items() if own)
    heading = Heading("Current values, and their last 5 minutes")
    return replace(detail, items=(*detail.items, heading, *items)) if items else detail


def _fact(measure: Measure, data: Measurements, keys: tuple[SeriesKey, ...], now: datetime) -> Fact:
    values = course(data, keys, now)
    figure, bars = _cells(measure, data, keys, values, scale_of(measure, values), now)
    return Fact(measure.title, Cell(f"{bars.text.replace(GAP, NOT_KNOWN)} {figure.text}", figure.tone))


def _figures_of(
    measure: Measure, subject: RowKey, snapshot: ClusterSnapshot, data: Measurements
) -> tuple[SeriesKey, ...]:
    match subject:
        case MemberKey():
            keys = _of_member(measure)(subject, snapshot) if measure.name.startswith("etcd") else ()
        case HostKey():
            keys = _of_host(measure)(subject, snapshot)
        case ApiserverKey(host=host):
            keys = (SeriesKey(measure, host),) if measure.name.startswith("apiserver") else ()
        case EndpointKey():
            keys = (SeriesKey(measure),) if measure is m.ENDPOINT else ()
        case ServerKey():
            keys = _of_server(measure)(subject, snapshot)
        case VipKey():
            keys = _endpoint(subject, snapshot) if measure is m.ENDPOINT else ()
        case _:
            keys = ()
    known_keys = set(data.keys(measure))
    return tuple(key for key in keys if key in known_keys)
