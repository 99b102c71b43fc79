"""The facts behind a finding, and how old they are."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.findings import Finding
from haconsole.model.hosts import FACTS, HostFacts
from haconsole.model.observed import Failed, Known, NotAsked, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import age, seconds_since, timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Fact, Item
from haconsole.present.facts import observed_at

AREAS: dict[str, tuple[str, ...]] = {
    "cluster": ("services", "etcd"),
    "etcd": ("etcd", "services"),
    "vip": ("addresses", "keepalived"),
    "keepalived": ("services", "keepalived"),
    "balancer": ("balancer_files",),
    "haproxy": ("haproxy", "services"),
    "apiserver": ("apiserver", "services"),
    "component": ("services",),
    "lease": ("leases",),
    "cert": ("certificates",),
}
"""Facts by the part of a finding's code before its first dot."""
OF_HOSTS: dict[str, tuple[str, ...]] = {
    "host.unreachable": ("reach",),
    "console.key-unusable": ("reach",),
    "host.clock-skew": ("clock_offset_ms",),
    "host.disk-full": ("disks",),
    "host.disk-low": ("disks",),
}
LABELS = {"reach": "SSH", "clock_offset_ms": "clock offset", "balancer_files": "balancer files"}

Basis = tuple[tuple[str, str, Observed[object]], ...]
"""Host (empty for the leases), name and observation of each fact."""


def basis_of(finding: Finding, snapshot: ClusterSnapshot) -> Basis:
    """The facts behind a finding: of the host that it is about, else of all hosts that have them."""
    names = OF_HOSTS.get(finding.code) or AREAS.get(finding.code.partition(".")[0], FACTS)
    about = tuple(facts for facts in snapshot.hosts if _is_about(finding.subject, facts))
    hosts = about or snapshot.hosts
    rows: Basis = tuple((facts.host, name, getattr(facts, name)) for name in names if name in FACTS for facts in hosts)
    leases: Basis = (("", "leases", snapshot.leases),) if "leases" in names else ()
    return tuple(each for each in (*rows, *leases) if not isinstance(each[2], NotAsked))


def oldest_basis(findings: tuple[Finding, ...], snapshot: ClusterSnapshot) -> datetime | None:
    """When the oldest fact was observed behind any of these findings; of all facts, where there are no findings."""
    facts = [fact for finding in findings for _, _, fact in basis_of(finding, snapshot)]
    if not findings:
        facts = [fact for host in snapshot.hosts for _, fact in host.facts()]
    return min((at for fact in facts if (at := observed_at(fact)) is not None), default=None)


def basis_items(finding: Finding, snapshot: ClusterSnapshot, now: datetime) -> tuple[Item, ...]:
    """A line for each kind of fact behind a finding: when it was observed, the oldest where several hosts have it."""
    basis = basis_of(finding, snapshot)
    return tuple(
        Fact(LABELS.get(name, name), _age(tuple(each for each in basis if each[1] == name), now))
        for name in dict.fromkeys(name for _, name, _ in basis)
    )


def _age(basis: Basis, now: datetime) -> Cell:
    known = [(at, host, fact) for host, _, fact in basis if (at := observed_at(fact)) is not None]
    if not known:
        return Cell("never read", Tone.UNKNOWN)
    at, host, fact = min(known, key=lambda each: each[0])
    where = (
        f" (the oldest fact of {len(known)} hosts, from {host})" if len(known) > 1 else f" on {host}" if host else ""
    )
    if isinstance(fact, Failed):
        return Cell(f"last known {timestamp(at, now)} UTC, {age(at, now).text}{where}", Tone.STALE)
    newer = f"{timestamp(at, now)} UTC, {age(at, now, warn_s=max(seconds_since(at, now), 1) + 1).text}{where}"
    return Cell(newer, Tone.PLAIN if isinstance(fact, Known) else Tone.STALE)


def _is_about(subject: str, facts: HostFacts) -> bool:
    return subject == facts.host or subject.startswith(f"{facts.host}:") or subject.endswith(f"@{facts.host}")
