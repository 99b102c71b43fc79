"""`status` and `doctor` as a page of plain text, for people and for logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from haconsole.model.etcd_view import EtcdMemberView, etcd_view
from haconsole.model.findings import Finding, Health
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.lease import Lease
from haconsole.model.lock_view import lock_sentence, lock_view
from haconsole.model.observed import Failed, Known, reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views

Row = tuple[str, ...]


def status_text(snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime) -> str:
    """Everything `status` knows, a section each, findings last so that they stand above the prompt."""
    return "\n".join(
        (
            f"{snapshot.cluster}: {health.value}, observed {snapshot.observed_at:%Y-%m-%d %H:%M:%S}Z",
            *section("hosts", ("HOST", "ADDRESS", "ROLES", "SSH", "CLOCK"), map(_host, snapshot.hosts)),
            *_etcd(snapshot),
            *_vips(snapshot),
            *_haproxy(snapshot),
            *_leases(snapshot, now),
            *_lock(snapshot),
            "",
            doctor_text(snapshot, findings, health, now),
        )
    )


def doctor_text(snapshot: ClusterSnapshot, findings: tuple[Finding, ...], health: Health, now: datetime) -> str:
    """Each finding with why, evidence and remedies."""
    if not findings:
        return f"{snapshot.cluster}: {health.value}, no findings"
    return findings_text(findings)


def findings_text(findings: tuple[Finding, ...]) -> str:
    """Each with why, evidence and remedies."""
    return "\n\n".join("\n".join(_finding(finding)) for finding in findings)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.value.upper()} {finding.code} {finding.subject}: {finding.summary}"
    yield f"  why:   {finding.why}"
    for line in finding.evidence:
        yield f"  seen:  {line}"
    from haconsole.actions.command_line import remedy_line

    for remedy in finding.remedies:
        yield f"  fix:   {remedy_line(remedy)}"


def section(title: str, head: Row, rows: Iterable[Row]) -> Iterator[str]:
    """A title and a table with a line for its columns' names."""
    table = (head, *rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    yield ""
    yield title
    for row in table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _host(facts: HostFacts) -> Row:
    match facts.reach:
        case Known(value=reach):
            ssh = f"{reach.connect_ms:.0f} ms"
        case Failed(reason=reason):
            ssh = f"unreachable: {reason}"
        case _:
            ssh = "not asked"
    offset = value_of(facts.clock_offset_ms)
    clock = f"{offset:+.0f} ms" if offset is not None else "?"
    return facts.host, facts.address, ",".join(facts.roles), ssh, clock


def _etcd(snapshot: ClusterSnapshot) -> Iterator[str]:
    if not any(facts.has(Role.ETCD) for facts in snapshot.hosts):
        return
    view = etcd_view(snapshot)
    if view.quorum is None:
        yield from ("", "etcd: unknown")
        for facts in snapshot.hosts:
            if facts.has(Role.ETCD):
                yield "  " + facts.says(reason_of(facts.etcd) or "not asked")
        return
    head = ("MEMBER", "ID", "HOST", "STATE", "VERSION", "DB", "TERM", "INDEX")
    yield from section(f"etcd: {view.quorum.sentence()}", head, map(_member, view.members))


def _member(row: EtcdMemberView) -> Row:
    kind = "learner" if row.member.learner else "leader" if row.leader else "follower"
    state = kind if row.healthy else f"{kind}, {row.error or 'not healthy'}"
    told = row.endpoint
    tail = (told.version, _size(told.db_size_bytes), str(told.raft_term), str(told.raft_index)) if told else ("?",) * 4
    return row.member.name or "(unstarted)", row.member.id, row.host or "?", state, *tail


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"


def _vips(snapshot: ClusterSnapshot) -> Iterator[str]:
    views = vip_views(snapshot)
    if not views:
        return
    rows = ((view.address, view.state.value, ", ".join(view.owners) or "-", _vrrp(snapshot)) for view in views)
    yield from section("vips", ("ADDRESS", "STATE", "OWNER", "KEEPALIVED"), rows)


def _vrrp(snapshot: ClusterSnapshot) -> str:
    return ", ".join(
        f"{facts.host} {instance.state or '?'} {instance.priority}"
        for facts in snapshot.hosts
        if (keepalived := value_of(facts.keepalived)) is not None
        for instance in keepalived.instances
    )


def _haproxy(snapshot: ClusterSnapshot) -> Iterator[str]:
    rows: list[Row] = []
    for facts in snapshot.hosts:
        haproxy = value_of(facts.haproxy)
        if haproxy is None:
            if facts.has(Role.LOAD_BALANCER):
                rows.append((facts.host, "?", "?", reason_of(facts.haproxy) or "not asked", ""))
            continue
        for backend in haproxy.backends:
            rows += [(facts.host, backend.name, each.name, each.status, each.check) for each in backend.servers]
    if rows:
        yield from section("haproxy", ("BALANCER", "BACKEND", "SERVER", "STATUS", "CHECK"), rows)


def _leases(snapshot: ClusterSnapshot, now: datetime) -> Iterator[str]:
    match snapshot.leases:
        case Known(value=leases):
            head = ("LOCK", "HOLDER", "STATE", "RENEWED", "TRANSITIONS")
            yield from section("leases", head, (_lease(each, now) for each in leases))
        case Failed(reason=reason):
            yield from ("", f"leases: unknown: {reason}")
        case _:
            return


def _lock(snapshot: ClusterSnapshot) -> Iterator[str]:
    view = lock_view(snapshot)
    if view is not None:
        yield from ("", f"lock: {lock_sentence(view)} (on {', '.join(view.hosts)})")


def _lease(lease: Lease, now: datetime) -> Row:
    age_s = lease.age_s(now)
    renewed = f"{age_s:.0f} s ago" if age_s is not None else "?"
    return (
        f"{lease.namespace}/{lease.name}",
        lease.host or lease.holder or "-",
        lease.state(now).value,
        renewed,
        str(lease.transitions),
    )
