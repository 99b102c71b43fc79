"""Findings as JSON, shared by `status` and `doctor`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from haconsole.model.findings import Finding, Health


class Shape(msgspec.Struct, frozen=True):
    """Base of every part of a report; unknown is null, with the reason in the report's `errors`."""


class FindingReport(Shape, frozen=True):
    """One cause: `code` is ``area.problem``; `evidence` holds its consequences too; `actions` the best help first."""

    code: str
    severity: str
    subject: str
    summary: str
    why: str
    evidence: tuple[str, ...]
    actions: tuple[str, ...]


class DoctorReport(Shape, frozen=True):
    """``haconsole/doctor/v1``: what is wrong, most severe first."""

    schema: str
    cluster: str
    observed_at: str
    health: str
    findings: tuple[FindingReport, ...]


def finding_report(finding: Finding) -> FindingReport:
    """A finding in its JSON shape."""
    return FindingReport(
        finding.code,
        finding.severity.value,
        finding.subject,
        finding.summary,
        finding.why,
        finding.evidence,
        finding.actions,
    )


def doctor_report(cluster: str, at: datetime, health: Health, findings: tuple[Finding, ...]) -> DoctorReport:
    """The findings of one look at `at` (aware)."""
    reports = tuple(finding_report(finding) for finding in findings)
    return DoctorReport("haconsole/doctor/v1", cluster, stamp(at), health.value, reports)


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-03-01T03:00:00.000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
