"""Candidates: findings before they are sorted into causes and consequences."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haconsole.model.findings import Finding, Severity

Key = tuple[str, str]
"""A finding's code and subject. As a cause, the subject ``cp1`` stands for ``cp1:/path`` and ``unit@cp1`` too."""


def on(host: str, *codes: str) -> tuple[Key, ...]:
    """Causes on one host, the likeliest first."""
    return tuple((code, host) for code in codes)


QUORUM_LOST: Key = ("etcd.quorum-lost", "etcd")
NOT_BOOTSTRAPPED: Key = ("cluster.not-bootstrapped", "cluster")

SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finding and the findings that would explain it, the likeliest first.

    The consequences of a `hides_consequences` finding are omitted, not listed as evidence. So are those in
    `already_covers`, which its own evidence includes.
    """

    finding: Finding
    caused_by: tuple[Key, ...] = ()
    hides_consequences: bool = False
    already_covers: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        return (self.finding.code, self.finding.subject)


def collapse_to_root_causes(candidates: tuple[Candidate, ...]) -> tuple[Finding, ...]:
    """Only root causes, the most severe first; each consequence becomes evidence of its root cause.

    A cause is at least as severe as the worst of its consequences.
    """
    by_key = {candidate.key: candidate for candidate in candidates}
    by_code: dict[str, list[Candidate]] = {}
    for candidate in by_key.values():
        by_code.setdefault(candidate.finding.code, []).append(candidate)
    roots = {key: _root(candidate, by_code) for key, candidate in by_key.items()}
    consequences: dict[Key, list[Finding]] = {}
    for candidate in candidates:
        root = roots[candidate.key]
        if root.key != candidate.key and not root.hides_consequences:
            consequences.setdefault(root.key, []).append(candidate.finding)
    causes = (
        _with(candidate, tuple(consequences.get(key, ()))) for key, candidate in by_key.items() if roots[key].key == key
    )
    return tuple(sorted(causes, key=lambda finding: SEVERITIES.index(finding.severity)))


def _root(candidate: Candidate, by_code: dict[str, list[Candidate]]) -> Candidate:
    visited = {candidate.key}
    current = candidate
    while (cause := _cause(current, by_code, visited)) is not None:
        visited.add(cause.key)
        current = cause
    return current


def _cause(candidate: Candidate, by_code: dict[str, list[Candidate]], seen: set[Key]) -> Candidate | None:
    """The first declared cause that was found."""
    candidates = (
        other
        for code, subject in candidate.caused_by
        for other in by_code.get(code, ())
        if other.key not in seen and concerns(other.finding.subject, subject)
    )
    return next(candidates, None)


def concerns(subject: str, place: str) -> bool:
    """Whether a finding's subject is `place`, a path on that host or a unit on it."""
    return subject == place or subject.startswith(f"{place}:") or subject.endswith(f"@{place}")


def _with(cause: Candidate, consequences: tuple[Finding, ...]) -> Finding:
    """The cause with each of its consequences as one line of evidence."""
    finding = cause.finding
    severity = min((finding.severity, *(each.severity for each in consequences)), key=SEVERITIES.index)
    summaries = tuple(each.summary for each in consequences if (each.code, each.subject) not in cause.already_covers)
    return replace(finding, severity=severity, evidence=tuple(dict.fromkeys(finding.evidence + summaries)))
