"""Findings as JSON, shared by `status` and `doctor`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from haconsole.model.findings import Advice, Finding, Health, Remedy
from haconsole.model.snapshot import PendingFact


class Shape(msgspec.Struct, frozen=True):
    """Base of every part of a report; unknown is null, with the reason in the report's `errors`."""


class CallReport(Shape, frozen=True):
    """An action to run; `arguments` are those that the finding knows."""

    name: str
    arguments: dict[str, str]


class RemedyReport(Shape, frozen=True):
    """One way to fix a finding; `action` is null if it is advice."""

    text: str
    action: CallReport | None
    last_resort: bool


class FindingReport(Shape, frozen=True):
    """One cause: `code` is ``area.problem``; `evidence` holds its consequences too.

    `remedies` are the ways to fix it, the best first; `actions` are the same as lines of text.
    """

    code: str
    severity: str
    subject: str
    summary: str
    why: str
    evidence: tuple[str, ...]
    actions: tuple[str, ...]
    remedies: tuple[RemedyReport, ...]


class PendingReport(Shape, frozen=True):
    """A fact that was still being read; `host` is null for the leases."""

    host: str | None
    fact: str


class DoctorReport(Shape, frozen=True):
    """``haconsole/doctor/v1``: the findings, most severe first; `pending` are facts that were not known yet."""

    schema: str
    cluster: str
    observed_at: str
    health: str
    findings: tuple[FindingReport, ...]
    pending: tuple[PendingReport, ...] = ()


def finding_report(finding: Finding) -> FindingReport:
    """A finding in its JSON shape."""
    from haconsole.actions.command_line import remedy_line

    return FindingReport(
        finding.code,
        finding.severity.value,
        finding.subject,
        finding.summary,
        finding.why,
        finding.evidence,
        tuple(remedy_line(remedy) for remedy in finding.remedies),
        tuple(_remedy(remedy) for remedy in finding.remedies),
    )


def _remedy(remedy: Remedy) -> RemedyReport:
    from haconsole.actions.command_line import command_line

    if isinstance(remedy, Advice):
        return RemedyReport(remedy.text, None, remedy.last_resort)
    call = CallReport(remedy.action, remedy.request)
    return RemedyReport(remedy.text or command_line(remedy), call, remedy.last_resort)


def doctor_report(
    cluster: str,
    at: datetime,
    health: Health,
    findings: tuple[Finding, ...],
    pending: tuple[PendingFact, ...] = (),
) -> DoctorReport:
    """The findings of one snapshot at `at` (aware)."""
    reports = tuple(finding_report(finding) for finding in findings)
    waits = tuple(PendingReport(one.host, one.fact) for one in pending)
    return DoctorReport("haconsole/doctor/v1", cluster, stamp(at), health.value, reports, waits)


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-03-01T03:00:00.000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
