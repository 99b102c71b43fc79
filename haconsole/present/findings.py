"""The findings pane: one line per finding."""

from __future__ import annotations

from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import READ_EVERY_S, SELDOM_S
from haconsole.present.basis import oldest_basis
from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import FindingKey, RemedyKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (
    Column("SEVERITY"),
    Column("SUBJECT", rank=1, least=14, both_ends=True),
    Column("CODE", rank=2),
    Column("FINDING", least=20),
)
SYSTEM = "kube-system/"
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
