"""The findings pane: one line per finding."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.model.lanes import LaneKey, LaneKind, Lanes
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import READ_EVERY_S, SELDOM_S, seconds_since, span, timestamp
from haconsole.present.basis import oldest_basis
from haconsole.present.cells import Cell, Tone, width_of, wrapped
from haconsole.present.detail import Detail, Fact
from haconsole.present.row_keys import FindingKey, RemedyKey
from haconsole.present.table import Column, Row, TableView

SINCE = Column("SINCE", rank=1)
COLUMNS = (
    Column("SEVERITY"),
    Column("SUBJECT", rank=2, least=14, both_ends=True),
    Column("CODE", rank=3),
    Column("FINDING", least=20),
)
SYSTEM = "kube-system/"
AT_START = timedelta(seconds=5)
"""A finding that is seen so soon after the console's start may be older."""
FIX_LINES = 2
"""Lines of a long fix."""
SEVERITIES = {
    Severity.CRITICAL: ("✖", Tone.CRITICAL),
    Severity.WARNING: ("▲", Tone.WARNING),
    Severity.INFO: ("i", Tone.ACCENT),
}


def findings_table(findings: tuple[Finding, ...], snapshot: ClusterSnapshot, *, can_fix: bool = True) -> TableView:
    """Findings as the diagnosis orders them, the first with the fix below it, and the key for it if it `can_fix`."""
    return TableView(
        title="findings",
        columns=COLUMNS,
        rows=(
            *(row for finding in findings[:1] for row in _with_fix(finding, can_fix=can_fix)),
            *(_row(finding) for finding in findings[1:]),
        ),
        at=oldest_basis(findings, snapshot),
        warn_s=READ_EVERY_S + SELDOM_S,
        summaries=_summaries(findings, reading=bool(snapshot.pending)),
        empty=_reading(snapshot) or Cell("no problem found in the observed facts", Tone.GOOD),
    )


def severity_cell(severity: Severity) -> Cell:
    sign, tone = SEVERITIES[severity]
    return Cell(f"{sign} {severity}", tone)


def _with_fix(finding: Finding, *, can_fix: bool) -> tuple[Row, ...]:
    from haconsole.present.offers import remedy_text

    if not finding.remedies:
        return (_row(finding),)
    first = finding.remedies[0]
    key = " (m)" if can_fix and isinstance(first, ActionCall) else ""
    fix = Cell(f"  fix{key}: {remedy_text(first)}", Tone.ACCENT)
    blanks = (Cell(""),) * (len(COLUMNS) - 1)
    return (_row(finding), Row(RemedyKey(finding.code, finding.subject), (fix, *blanks), heading=True))


def _row(finding: Finding) -> Row:
    cells = (
        severity_cell(finding.severity),
        Cell(finding.subject.removeprefix(SYSTEM)),
        Cell(finding.code, Tone.MUTED),
        Cell(finding.summary),
    )
    return Row(FindingKey(finding.code, finding.subject), cells)


def with_since(view: TableView, lanes: Lanes, now: datetime) -> TableView:
    """The table with the time since which each finding is open, after its severity."""

    def since(row: Row) -> Cell:
        if row.heading or not isinstance(row.key, FindingKey):
            return Cell("")
        return _since_cell(row.key, lanes, now)

    rows = tuple(replace(row, cells=(row.cells[0], since(row), *row.cells[1:])) for row in view.rows)
    return replace(view, columns=(view.columns[0], SINCE, *view.columns[1:]), rows=rows)


def first_seen(key: FindingKey, lanes: Lanes) -> datetime | None:
    """The time since which the finding is open, as far as it was observed."""
    lane = lanes.lanes.get(LaneKey(LaneKind.FINDING, f"{key.code} {key.subject}"))
    return lane.on_since if lane is not None else None


def _is_from_start(opened_at: datetime, lanes: Lanes) -> bool:
    return lanes.begin is not None and opened_at - lanes.begin <= AT_START


def _since_cell(key: FindingKey, lanes: Lanes, now: datetime) -> Cell:
    opened_at = first_seen(key, lanes)
    if opened_at is None or _is_from_start(opened_at, lanes):
        return Cell("start", Tone.MUTED)
    return Cell(timestamp(opened_at, now))


def with_first_seen(detail: Detail, key: FindingKey, lanes: Lanes, now: datetime) -> Detail:
    """The details of a finding with the time since which it is open, after its severity."""
    opened_at = first_seen(key, lanes)
    if opened_at is None:
        return detail
    text = f"{timestamp(opened_at, now)} UTC, {span(seconds_since(opened_at, now))} ago"
    if _is_from_start(opened_at, lanes):
        text += ", at the first query, so possibly older"
    place = next((place for place, item in enumerate(detail.items, 1) if isinstance(item, Fact)), 0)
    return replace(detail, items=(*detail.items[:place], Fact("first seen", Cell(text)), *detail.items[place:]))


def with_complete_fix(view: TableView, width: int) -> TableView:
    """The table with a fix that is longer than a line in two lines."""
    return replace(view, rows=tuple(line for row in view.rows for line in _fix_lines(row, width)))


def _fix_lines(row: Row, width: int) -> tuple[Row, ...]:
    text = row.cells[0].text
    if not isinstance(row.key, RemedyKey) or width_of(text) <= width:
        return (row,)
    first, *others = wrapped(text.strip(), max(width - 4, 8))
    texts = (f"  {first}", *((f"    {' '.join(others)}",) if others else ()))[:FIX_LINES]
    key, tone, blanks = row.key, row.cells[0].tone, row.cells[1:]
    return tuple(
        replace(row, key=RemedyKey(key.code, key.subject, line), cells=(Cell(text, tone), *blanks))
        for line, text in enumerate(texts)
    )


def _reading(snapshot: ClusterSnapshot) -> Cell | None:
    """The hosts with facts that are read for the first time; None once everything was read."""
    if not snapshot.pending:
        return None
    hosts = dict.fromkeys(each.host or "the leases" for each in snapshot.pending)
    return Cell(f"? reading… not complete yet: {', '.join(hosts)}", Tone.UNKNOWN)


def _summaries(findings: tuple[Finding, ...], *, reading: bool) -> tuple[Cell, ...]:
    counts = tuple((severity, sum(each.severity is severity for each in findings)) for severity in Severity)
    text = ", ".join(_counted(count, severity) for severity, count in counts if count)
    tone = SEVERITIES[findings[0].severity][1] if findings else Tone.GOOD
    if reading:
        return (Cell(f"{text}, reading…", tone) if findings else Cell("? reading…", Tone.UNKNOWN),)
    return (
        (Cell(text, tone),)
        if findings
        else (Cell("● none: no problem found in the observed facts", tone), Cell("● none", tone))
    )


def _counted(count: int, severity: Severity) -> str:
    plural = "s" if count > 1 and severity is Severity.WARNING else ""
    return f"{count} {severity}{plural}"
