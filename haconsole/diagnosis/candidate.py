"""Candidates: findings before they are sorted into causes and consequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from haconsole.model.findings import Finding, Severity

Key = tuple[str, str]
"""A finding's code and subject. As a cause, ``cp1`` also matches ``cp1:/path`` and ``unit@cp1``; `ANY` matches all."""

ANY = "*"


def anywhere(*codes: str) -> tuple[Key, ...]:
    """Causes wherever they are, the likeliest first."""
    return tuple((code, ANY) for code in codes)


def on(host: str, *codes: str) -> tuple[Key, ...]:
    """Causes on one host, the likeliest first."""
    return tuple((code, host) for code in codes)


QUORUM_LOST: Key = ("etcd.quorum-lost", "etcd")
NOSPACE: Key = ("etcd.nospace", "etcd")
NOT_BOOTSTRAPPED: Key = ("cluster.not-bootstrapped", "cluster")

ONLY_LOCAL = "etcd.listens-locally"
BETWEEN_HOSTS = ("host.link-down", "host.duplicate-address", "host.mtu-differs", "host.peer-unreachable")
"""Problems between hosts that break or stall connections of their components."""

SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


AT_WORK = frozenset(
    (
        *BETWEEN_HOSTS,
        *("etcd.member-down", "etcd.stale-data-dir", "etcd.missing-member", "etcd.cluster-id-mismatch"),
        *("host.read-only", "host.disk-full", "host.inodes-full"),
        *(ONLY_LOCAL, "haproxy.short-timeouts"),
        *("service.masked", "service.hung", "service.crash-loop", "service.limited"),
        *("service.requirement-missing", "service.changed-settings", "component.kubeconfig-wrong", "component.down"),
        *("apiserver.down", "apiserver.not-ready", "haproxy.down", "haproxy.connections-full", "keepalived.down"),
        *("vip.not-master", "vip.owner-unhealthy", "vip.stale-arp", "static-pod.crash-loop"),
        *("kubelet.down", "runtime.down", "kubelet.cert-expired", "host.port-taken", "kubeadm.leftovers"),
    )
)
"""Problems of a host that have an effect now: failing, waiting and retrying processes make answers late."""


class Candidate(msgspec.Struct, frozen=True):
    """A finding and the findings that would explain it, the likeliest first.

    The consequences of a `hides_consequences` finding are omitted, not listed as evidence. So are those in
    `already_covers`, which its own evidence includes.
    """

    finding: Finding
    caused_by: tuple[Key, ...] = ()
    hides_consequences: bool = False
    already_covers: tuple[Key, ...] = ()
    overload: bool = False
    """It reports a lack of processor or disk time. Every other cause is more specific, and many make answers late."""
    not_by_overload: bool = False
    """Its evidence excludes a lack of processor or disk time as its cause: a process is stopped, for instance."""

    @property
    def key(self) -> Key:
        return (self.finding.code, self.finding.subject)


def collapse_to_root_causes(candidates: tuple[Candidate, ...]) -> tuple[Finding, ...]:
    """Only root causes, the most severe first; each consequence becomes evidence of its root cause.

    A cause is at least as severe as the worst of its consequences. Overload comes after every problem at work.
    """
    by_key = {candidate.key: candidate for candidate in candidates}
    by_place: dict[Key, list[Candidate]] = {}
    for candidate in by_key.values():
        for place in places_of(candidate.finding.subject):
            by_place.setdefault((candidate.finding.code, place), []).append(candidate)
    roots = _without_overload({key: _root(candidate, by_place) for key, candidate in by_key.items()})
    consequences: dict[Key, list[Finding]] = {}
    for candidate in candidates:
        root = roots[candidate.key]
        if root.key != candidate.key and not root.hides_consequences:
            consequences.setdefault(root.key, []).append(candidate.finding)
    causes = (
        _with(candidate, tuple(consequences.get(key, ()))) for key, candidate in by_key.items() if roots[key].key == key
    )
    return _sorted(tuple(causes), by_key)


def _sorted(causes: tuple[Finding, ...], by_key: dict[Key, Candidate]) -> tuple[Finding, ...]:
    """The most severe first; slow hosts after what is known to be broken, even where they have worse consequences."""
    least = max((SEVERITIES.index(one.severity) for one in causes if one.code in AT_WORK), default=0)

    def rank(finding: Finding) -> tuple[int, bool]:
        overload = by_key[finding.code, finding.subject].overload
        severity = SEVERITIES.index(finding.severity)
        return (max(severity, least) if overload else severity, overload)

    return tuple(sorted(causes, key=rank))


def _without_overload(roots: dict[Key, Candidate]) -> dict[Key, Candidate]:
    """The root of each key; overload gives way to the most severe specific cause at work on the same host."""
    specific = sorted(
        {one.key: one for one in roots.values() if one.finding.code in AT_WORK}.values(),
        key=lambda one: SEVERITIES.index(one.finding.severity),
    )
    return {key: _more_specific(root, specific) if root.overload else root for key, root in roots.items()}


def _more_specific(overload: Candidate, specific: Iterable[Candidate]) -> Candidate:
    place = overload.finding.subject
    return next((one for one in specific if concerns(one.finding.subject, place)), overload)


def _root(candidate: Candidate, by_place: dict[Key, list[Candidate]]) -> Candidate:
    """The last cause of the chain; of causes that name each other, the most severe one."""
    chain = [candidate]
    while True:
        causes = tuple(_causes(chain[-1], by_place))
        further = next((cause for cause in causes if cause not in chain), None)
        if further is not None:
            chain.append(further)
        elif causes:
            circle = chain[min(chain.index(cause) for cause in causes) :]
            return min(circle, key=lambda one: (SEVERITIES.index(one.finding.severity), one.key))
        else:
            return chain[-1]


def _causes(candidate: Candidate, by_place: dict[Key, list[Candidate]]) -> Iterator[Candidate]:
    """The declared causes that were found, the likeliest first; overload after every specific cause."""
    declared = tuple(
        other for cause in candidate.caused_by for other in by_place.get(cause, ()) if other.key != candidate.key
    )
    yield from (cause for cause in declared if not cause.overload)
    if not candidate.not_by_overload:
        yield from (cause for cause in declared if cause.overload)


def concerns(subject: str, place: str) -> bool:
    """Whether a finding's subject is `place`, a path on that host or a unit on it."""
    return place in (ANY, subject) or subject.startswith(f"{place}:") or subject.endswith(f"@{place}")


def places_of(subject: str) -> tuple[str, ...]:
    """Every place that the subject concerns."""
    before = (subject[:index] for index, sign in enumerate(subject) if sign == ":")
    after = (subject[index + 1 :] for index, sign in enumerate(subject) if sign == "@")
    return tuple(dict.fromkeys((ANY, subject, *before, *after)))


def _with(cause: Candidate, consequences: tuple[Finding, ...]) -> Finding:
    """The cause with each of its consequences as one line of evidence."""
    finding = cause.finding
    severity = min((finding.severity, *(each.severity for each in consequences)), key=SEVERITIES.index)
    summaries = tuple(each.summary for each in consequences if (each.code, each.subject) not in cause.already_covers)
    return replace(finding, severity=severity, evidence=tuple(dict.fromkeys(finding.evidence + summaries)))
