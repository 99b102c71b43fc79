"""Suspicions before they are sorted into causes and consequences."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haconsole.model.findings import Finding, Severity

Key = tuple[str, str]
"""A finding's code and subject."""

QUORUM_LOST: Key = ("etcd.quorum-lost", "etcd")
NOT_BOOTSTRAPPED: Key = ("cluster.not-bootstrapped", "cluster")

SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finding and the findings that would explain it, the likeliest first.

    The consequences of a `hides_consequences` finding go without saying: they are left out, not listed as evidence. So
    are those in `already_covers`, which its own evidence tells already.
    """

    finding: Finding
    caused_by: tuple[Key, ...] = ()
    hides_consequences: bool = False
    already_covers: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        return (self.finding.code, self.finding.subject)


def collapse_to_root_causes(candidates: tuple[Candidate, ...]) -> tuple[Finding, ...]:
    """Causes only, the most severe first; each consequence becomes evidence of the cause it goes back to.

    A cause is at least as severe as the worst of its consequences.
    """
    by_key = {candidate.key: candidate for candidate in candidates}
    consequences: dict[Key, list[Finding]] = {}
    for candidate in candidates:
        root = _root(candidate, by_key)
        if root is not candidate and not root.hides_consequences:
            consequences.setdefault(root.key, []).append(candidate.finding)
    causes = (
        _with(candidate, tuple(consequences.get(candidate.key, ())))
        for candidate in by_key.values()
        if _root(candidate, by_key) is candidate
    )
    return tuple(sorted(causes, key=lambda finding: SEVERITIES.index(finding.severity)))


def _root(candidate: Candidate, by_key: dict[Key, Candidate]) -> Candidate:
    visited = {candidate.key}
    current = candidate
    while (key := next((key for key in current.caused_by if key in by_key and key not in visited), None)) is not None:
        visited.add(key)
        current = by_key[key]
    return current


def _with(cause: Candidate, consequences: tuple[Finding, ...]) -> Finding:
    """The cause with its consequences in words, each once."""
    finding = cause.finding
    severity = min((finding.severity, *(each.severity for each in consequences)), key=SEVERITIES.index)
    summaries = tuple(each.summary for each in consequences if (each.code, each.subject) not in cause.already_covers)
    return replace(finding, severity=severity, evidence=tuple(dict.fromkeys(finding.evidence + summaries)))
