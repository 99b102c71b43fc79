"""States and figures on one time axis: lanes and curves as lines of cells, with a cursor at a moment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunRecord, RunStatus
from haconsole.model import measures as m
from haconsole.model.lanes import DOWN, OFF, Chronicle, Lane, LaneKey, LaneKind, LaneState, Mood
from haconsole.model.measures import MEASURES, Measure, SeriesKey
from haconsole.model.series import HOUR_S
from haconsole.present.cells import Cell, Line, Tone, padded, sized, width_of
from haconsole.present.findings import SYSTEM
from haconsole.present.history import Records
from haconsole.present.sparkline import figure_text, scale_of, sparkline

DAY_S = 24 * HOUR_S
"""The time back to which a graph goes: states are kept longer than figures."""
SPANS_S = (60, 120, 300, 600, 1200, 1800, HOUR_S, 2 * HOUR_S, 6 * HOUR_S, DAY_S)
"""Seconds that a graph can show."""
FIRST_SPAN = 2
VALUE_WIDTH = 9
LABEL_LEAST, LABEL_MOST = 12, 30
LEAST_NAME = 10
"""Cells of a strip from which on a longer name in it is cut; in a shorter strip the name is left out."""
MOST_RUNS = 50
TICK_LEAST, LONG_TICK_LEAST = 8, 10
"""Cells from one time on the axis to the next, at least: of ``02:56`` and of ``02:56:30``."""
TICKS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, HOUR_S, 2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S)
"""Seconds between the times on the axis: they are round."""
FILLS = {Mood.GOOD: "━", Mood.BAD: "▒", Mood.WORSE: "▓", Mood.OFF: " ", Mood.UNKNOWN: "·"}
TONES = {
    Mood.GOOD: Tone.GOOD,
    Mood.BAD: Tone.WARNING,
    Mood.WORSE: Tone.CRITICAL,
    Mood.OFF: Tone.MUTED,
    Mood.UNKNOWN: Tone.UNKNOWN,
}
START, MARK = "┃", "▲"
SECOND = timedelta(seconds=1)
"""The second that has just begun is part of a curve."""
CURVES = tuple(measure for measure in MEASURES if measure not in (m.DB_IN_USE, m.LEADER_CHANGES))


class LaneRow(msgspec.Struct, frozen=True):
    """A lane of the graph; `lane` may still change."""

    key: LaneKey
    lane: Lane

    @property
    def label(self) -> str:
        """A finding is named by its code and its subject."""
        if self.key.kind is LaneKind.FINDING:
            return self.key.name.replace(f" {SYSTEM}", " ")
        return f"{self.key.kind} {self.key.name}".strip()


class CurveRow(msgspec.Struct, frozen=True):
    """A series of the graph."""

    key: SeriesKey

    @property
    def label(self) -> str:
        key = self.key
        subject = f"{key.item} on {key.host}" if key.item else key.host
        return f"{key.measure.title} {subject}".strip()


GraphRow = LaneRow | CurveRow


def short_labels(rows: tuple[GraphRow, ...]) -> tuple[str, ...]:
    """The labels of all rows, without the backend of a server where no other row then has the same label."""
    short = tuple(row.label.replace(_backend_of(row), "") for row in rows)
    counts = Counter(short)
    return tuple(text if counts[text] == 1 else row.label for text, row in zip(short, rows, strict=True))


def _backend_of(row: GraphRow) -> str:
    """The backend of a server as it is in the label; a text that is in no label if there is none."""
    if isinstance(row, CurveRow):
        backend, slash, _ = row.key.item.rpartition("/")
    else:
        is_server = row.key.kind is LaneKind.SERVER
        backend, slash, _ = row.key.name.rpartition("/") if is_server else ("", "", "")
    return f"{backend}{slash}" or "\0"


class GraphWindow(msgspec.Struct, frozen=True):
    """The time that is shown: `span` of SPANS_S, up to `end` (None: now). The cursor is `back_s` before the end.

    A cursor that is not at now stays at its moment while time passes: `end` is then set.
    """

    span: int = FIRST_SPAN
    end: datetime | None = None
    back_s: float = 0.0

    @property
    def span_s(self) -> int:
        return SPANS_S[self.span]

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        end = self.end or now
        return end - timedelta(seconds=self.span_s), end

    def cursor(self, now: datetime) -> datetime:
        return (self.end or now) - timedelta(seconds=self.back_s)

    def on_cell(self, cell: int, width: int, now: datetime) -> GraphWindow:
        """The cursor on a cell of `width`, from the left."""
        back_s = self.span_s * (1 - (cell + 1) / max(width, 1))
        return replace(self, end=self.end or now if back_s else self.end, back_s=back_s)

    def zoomed(self, by: int, now: datetime) -> GraphWindow:
        """A longer span for a positive `by`, around the cursor: it stays at its moment, and in its cell if it can."""
        span = max(0, min(self.span + by, len(SPANS_S) - 1))
        if self.end is None:
            return replace(self, span=span)
        moment, back_s = self.cursor(now), self.back_s * SPANS_S[span] / self.span_s
        end = min(moment + timedelta(seconds=back_s), now)
        end = max(end, now - timedelta(seconds=DAY_S - SPANS_S[span]))
        back_s = min((end - moment).total_seconds(), float(SPANS_S[span]))
        return GraphWindow(span, end, back_s)

    def panned(self, share: float, now: datetime) -> GraphWindow:
        """Moved by a share of the span, back if negative; at most a day, and not beyond now."""
        end = (self.end or now) + timedelta(seconds=share * self.span_s)
        end = min(max(end, now - timedelta(seconds=DAY_S - self.span_s)), now)
        return replace(self, end=None if end == now and not self.back_s else end)

    def stepped(self, cells: int, width: int, now: datetime) -> GraphWindow:
        """The cursor moved by so many of `width` cells; at the edge the window moves instead."""
        step_s = self.span_s / max(width, 1)
        back_s = self.back_s - cells * step_s
        if back_s < 0:
            return replace(self, back_s=0.0).panned(-back_s / self.span_s, now)
        if back_s > self.span_s:
            at_edge = replace(self, back_s=float(self.span_s))
            return at_edge.panned(-(back_s - self.span_s) / self.span_s, now)
        return replace(self, end=self.end or now if back_s else self.end, back_s=back_s)


def first_span(chronicle: Chronicle, now: datetime) -> int:
    """The shortest span with everything that is known, five minutes at most: a new graph is not almost empty."""
    begins = (lane.begin for key, lane in chronicle.lanes.lanes.items() if key.kind is not LaneKind.SERVICES)
    known_s = max(((now - begin).total_seconds() for begin in begins if begin is not None), default=0.0)
    return next((span for span in range(FIRST_SPAN) if SPANS_S[span] >= known_s), FIRST_SPAN)


def graph_rows(
    chronicle: Chronicle, window: GraphWindow, now: datetime, runs: tuple[LaneRow, ...] = ()
) -> tuple[GraphRow, ...]:
    """Lanes by kind, of findings and runs those in the time that is shown; then curves by measure."""
    start, end = window.bounds(now)
    lanes = tuple(
        LaneRow(key, lane)
        for kind in LaneKind
        for key, lane in sorted(chronicle.lanes.lanes.items(), key=lambda pair: pair[0].name)
        if key.kind is kind and (kind is not LaneKind.FINDING or lane.is_on(start, end))
    )
    curves = tuple(
        CurveRow(key)
        for measure in CURVES
        for key in sorted(chronicle.measurements.keys(measure), key=lambda key: (key.host, key.item))
    )
    return (*lanes, *(run for run in runs if run.lane.is_on(start, end)), *curves)


def run_lanes(records: Records) -> tuple[LaneRow, ...]:
    """A lane for each action, with its runs; the newest runs count."""
    lanes: dict[str, Lane] = {}
    for record in sorted(
        (one for one in records[:MOST_RUNS] if isinstance(one, RunRecord)), key=lambda one: one.header.started_at
    ):
        lane = lanes.setdefault(record.plan.action, Lane())
        is_bad = record.standing is RunStatus.BROKEN_OFF or record.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
        lane.put(record.header.started_at, LaneState(record.plan.action, Mood.WORSE if is_bad else Mood.GOOD))
        end = record.ended_at or _newest_time(record)
        if record.standing is not RunStatus.RUNNING and end is not None:
            lane.put(end, OFF)
    return tuple(LaneRow(LaneKey(LaneKind.RUN, action), lane) for action, lane in sorted(lanes.items()))


def _newest_time(record: RunRecord) -> datetime:
    """The time of the last line of an interrupted run."""
    return max((one.at for one in record.steps if one.at is not None), default=record.header.started_at)


def label_width(width: int) -> int:
    """Cells of the labels: on 80 columns enough for the lease of the controller-manager."""
    return min(LABEL_MOST, max(width * 3 // 10, LABEL_LEAST))


def chart_width(width: int) -> int:
    """Cells of the time axis on a screen of that width."""
    return max(width - label_width(width) - VALUE_WIDTH - 3, 4)


def graph_title(window: GraphWindow, now: datetime) -> str:
    start, end = window.bounds(now)
    span = f"{window.span_s // 60} min" if window.span_s <= HOUR_S else f"{window.span_s // HOUR_S} h"
    newest = "now" if window.end is None else _clock(end)
    return f"graphs {_clock(start)} to {newest}, {span}, cursor {_clock(window.cursor(now))} UTC"


def axis_line(window: GraphWindow, now: datetime, width: int) -> Line:
    """The times of the axis, and the cursor's sign."""
    cells = chart_width(width)
    text = _ticks(window.bounds(now)[0], window.span_s, cells)
    label = sized("", label_width(width) + 2)
    return (
        Cell(label),
        *_with_cursor((Cell(text, Tone.MUTED),), cursor_cell(window, cells)),
        Cell(" at cursor", Tone.MUTED),
    )


def _ticks(start: datetime, span_s: int, cells: int) -> str:
    """The axis in so many cells: round times, each at its cell; without room for a time only its line."""
    wide_enough = (each for each in TICKS_S if each * cells >= _tick_least(each) * span_s)
    step_s = next(wide_enough, TICKS_S[-1])
    first_s = math.ceil(start.timestamp() / step_s) * step_s
    text = ""
    for moment_s in range(first_s, math.ceil(start.timestamp() + span_s), step_s):
        place = math.floor((moment_s - start.timestamp()) * cells / span_s)
        time = _clock(datetime.fromtimestamp(moment_s, UTC))
        tick = f"│{time.removesuffix(':00') if _tick_least(step_s) == TICK_LEAST else time}"
        text = sized(text, place) + (tick if place + width_of(tick) <= cells else "│")
    return sized(text, cells)


def _tick_least(step_s: int) -> int:
    """Times of whole minutes have no seconds."""
    return LONG_TICK_LEAST if step_s % 60 else TICK_LEAST


def cursor_cell(window: GraphWindow, cells: int) -> int:
    """The cell of the cursor, from the left."""
    return max(0, min(cells - 1, round((1 - window.back_s / window.span_s) * cells) - 1))


def row_line(
    row: GraphRow,
    chronicle: Chronicle,
    window: GraphWindow,
    now: datetime,
    width: int,
    *,
    selected: bool,
    label: str = "",
) -> Line:
    """A lane or a curve with its label, or a shorter one, and its value at the cursor."""
    cells = chart_width(width)
    start, end = window.bounds(now)
    moment, place = window.cursor(now), cursor_cell(window, cells)
    tone = Tone.ACCENT if selected else Tone.PLAIN
    label_cell = padded(Cell(label or row.label, tone), label_width(width), both_ends=True)
    if isinstance(row, LaneRow):
        chart, value = _lane(row.lane, start, end, cells), _state_cell(row.lane.at(moment))
    else:
        values = chronicle.measurements.values(row.key, start + SECOND, end + SECOND, cells)
        chart, value = _curve(row.key.measure, values), _value_cell(row.key.measure, values[place])
    mark = Cell("▸" if selected else " ", Tone.ACCENT)
    return (mark, label_cell, Cell(" "), *_with_cursor(chart, place), Cell(" "), padded(value, VALUE_WIDTH, right=True))


def _value_cell(measure: Measure, value: float | None) -> Cell:
    return Cell(figure_text(measure, value), Tone.UNKNOWN if value is None else Tone.PLAIN)


def _state_cell(state: LaneState | None) -> Cell:
    """The state in few cells: of several units that are down their number."""
    if state is None:
        return Cell("?", Tone.UNKNOWN)
    text = f"{state.text.count(',') + 1} down" if state.text.startswith(DOWN) else state.text
    return Cell(text or "–", TONES[state.mood])


def _curve(measure: Measure, values: tuple[float | None, ...]) -> Line:
    """Bars up to the largest value that is shown, or to what is usual if that is more; a dot where nothing is known."""
    top = scale_of(measure, values)
    text = "".join("·" if value is None else sparkline((value,), top) for value in values)
    return (Cell(text, Tone.ACCENT),)


def _lane(lane: Lane, start: datetime, end: datetime, cells: int) -> Line:
    """States as strips, with their names where they fit, and marks over them; blank before the first one."""
    total_s = (end - start).total_seconds()

    def cell_of(moment: datetime) -> int:
        return math.floor(round((moment - start).total_seconds() * cells / total_s, 6))

    signs, tones = [" "] * cells, [Tone.MUTED] * cells
    last = 0
    for span in lane.spans(start, end):
        first = max(cell_of(span.start), last if span.state.mood is Mood.OFF else 0)  # a short state keeps its cell
        last = cells if span.end is None else min(cell_of(span.end), cells)
        last = max(last, min(first + 1, cells))
        name = span.state.text if span.state.mood is not Mood.UNKNOWN else ""
        begins = START if span.start >= start and span.state.mood is not Mood.OFF else ""
        text = sized(begins + name, min(width_of(begins + name), last - first)) if _fits(name, last - first) else begins
        fill = FILLS[span.state.mood]
        signs[first:last] = (text + fill * (last - first))[: last - first]
        tones[first:last] = [TONES[span.state.mood]] * (last - first)
    for mark in lane.marks:
        place = cell_of(mark.at)
        if 0 <= place < cells:
            signs[place], tones[place] = MARK, Tone.WARNING
    return tuple(_runs(signs, tones))


def _fits(name: str, cells: int) -> bool:
    """Whether a name is legible in a strip: completely, or cut where there is much of it."""
    return width_of(name) < cells or cells >= LEAST_NAME


def _runs(signs: list[str], tones: list[Tone]) -> Iterator[Cell]:
    """Neighbours of one tone in one cell."""
    first = 0
    for place in range(1, len(signs) + 1):
        if place == len(signs) or tones[place] is not tones[first]:
            yield Cell("".join(signs[first:place]), tones[first])
            first = place


def _with_cursor(chart: Line, place: int) -> Line:
    """The chart with the cell of the cursor marked: by its tone, and on a blank by a line."""
    parts: list[Cell] = []
    at = 0
    for cell in chart:
        inside = place - at
        if 0 <= inside < len(cell.text):
            sign = cell.text[inside] if cell.text[inside].strip() else "│"
            parts += [
                Cell(cell.text[:inside], cell.tone),
                Cell(sign, Tone.MARK),
                Cell(cell.text[inside + 1 :], cell.tone),
            ]
        else:
            parts.append(cell)
        at += len(cell.text)
    return tuple(part for part in parts if part.text)


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S")
