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
class Draft:
    """A finding and the findings that would explain it, the likeliest first.

    The consequences of a `plain` finding go without saying: they are left out, not listed as evidence. So are those in
    `tells`, which its own evidence tells already.
    """

    finding: Finding
    because: tuple[Key, ...] = ()
    plain: bool = False
    tells: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        return (self.finding.code, self.finding.subject)


def fold(drafts: tuple[Draft, ...]) -> tuple[Finding, ...]:
    """Causes only, the most severe first; each consequence becomes evidence of the cause it goes back to.

    A cause is at least as severe as the worst of its consequences.
    """
    by_key = {draft.key: draft for draft in drafts}
    consequences: dict[Key, list[Finding]] = {}
    for draft in drafts:
        root = _root(draft, by_key)
        if root is not draft and not root.plain:
            consequences.setdefault(root.key, []).append(draft.finding)
    causes = (
        _with(draft, tuple(consequences.get(draft.key, ())))
        for draft in by_key.values()
        if _root(draft, by_key) is draft
    )
    return tuple(sorted(causes, key=lambda finding: SEVERITIES.index(finding.severity)))


def _root(draft: Draft, by_key: dict[Key, Draft]) -> Draft:
    seen = {draft.key}
    current = draft
    while (key := next((key for key in current.because if key in by_key and key not in seen), None)) is not None:
        seen.add(key)
        current = by_key[key]
    return current


def _with(cause: Draft, consequences: tuple[Finding, ...]) -> Finding:
    """The cause with its consequences in words, each once."""
    finding = cause.finding
    severity = min((finding.severity, *(each.severity for each in consequences)), key=SEVERITIES.index)
    told = tuple(each.summary for each in consequences if (each.code, each.subject) not in cause.tells)
    return replace(finding, severity=severity, evidence=tuple(dict.fromkeys(finding.evidence + told)))
