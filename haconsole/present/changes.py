"""Changes between two snapshots, described for an on-call operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from haconsole.model.etcd_view import EtcdMemberView, etcd_view
from haconsole.model.findings import Finding
from haconsole.model.hosts import FactName, HostFacts
from haconsole.model.lease import Lease
from haconsole.model.names import HostName, MemberId, Vip
from haconsole.model.observed import Failed, Known, NotAsked, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState
from haconsole.model.vip_view import possible_holders, vip_views
from haconsole.present.ages import timestamp
from haconsole.present.cells import Cell, Tone
from haconsole.present.facts import display_of
from haconsole.present.findings import SYSTEM, severity_cell
from haconsole.present.haproxy import server_views
from haconsole.present.leases import lease_name
from haconsole.present.row_keys import EventKey
from haconsole.present.table import Column, Row, TableView

KEPT = 500
OBSERVED: tuple[FactName, ...] = (
    "reach",
    "services",
    "addresses",
    "etcd",
    "keepalived",
    "haproxy",
    "apiserver",
    "certificates",
    "disks",
)
COLUMNS = (
    Column("TIME"),
    Column("ABOUT", least=12, both_ends=True, shrinks_first=True),
    Column("WHAT CHANGED", least=16),
)


class SnapshotChange(msgspec.Struct, frozen=True):
    """One change: its time, its subject, its text, its meaning; `number` counts from the first.

    Changes from before the start have numbers from 0 down.
    """

    at: datetime
    subject: str
    text: str
    tone: Tone
    number: int = 0


def changes(before: ClusterSnapshot, after: ClusterSnapshot) -> tuple[SnapshotChange, ...]:
    """Hosts, services, etcd members and leader, VIP owners, servers and lease holders that changed.

    A fact that is unknown on one side is no change: an unreachable host is reported once, as the host's own change.
    """
    return (
        *_hosts(before, after),
        *_etcd(before, after),
        *_vips(before, after),
        *_servers(before, after),
        *_leases(before, after),
        *_nodes(before, after),
    )


def finding_changes(
    before: ClusterSnapshot, after: ClusterSnapshot, old: tuple[Finding, ...], new: tuple[Finding, ...]
) -> tuple[SnapshotChange, ...]:
    """New and resolved findings; none while facts are read for the first time, because nothing has changed then."""
    if _first_hearing(before, after):
        return ()
    had = {(each.code, each.subject) for each in old}
    have = {(each.code, each.subject) for each in new}
    at = after.observed_at
    came = (
        SnapshotChange(
            at, each.subject, f"{severity_cell(each.severity).text}: {each.summary}", severity_cell(each.severity).tone
        )
        for each in new
        if (each.code, each.subject) not in had
    )
    went = (
        SnapshotChange(at, each.subject, f"● resolved: {each.summary}", Tone.GOOD)
        for each in old
        if (each.code, each.subject) not in have
    )
    return (*came, *went)


def _first_hearing(before: ClusterSnapshot, after: ClusterSnapshot) -> bool:
    """Whether a kind of fact is known of a host for the first time."""
    pairs: list[tuple[Observed[Any], Observed[Any]]] = [(before.leases, after.leases), (before.nodes, after.nodes)]
    for facts in after.hosts:
        was = before.host(facts.host)
        if was is None:
            return True
        pairs += [(getattr(was, name), getattr(facts, name)) for name in OBSERVED]
    return any(isinstance(old, NotAsked) and not isinstance(new, NotAsked) for old, new in pairs)


def remembered(earlier: tuple[SnapshotChange, ...], new: tuple[SnapshotChange, ...]) -> tuple[SnapshotChange, ...]:
    """The newest KEPT changes, newest first."""
    first = max(earlier[0].number, 0) + 1 if earlier else 1
    numbered = tuple(replace(change, number=number) for number, change in enumerate(new, first))
    return (*reversed(numbered), *earlier)[:KEPT]


def events_table(history: tuple[SnapshotChange, ...], now: datetime) -> TableView:
    """The timeline as a pane, newest first."""
    rows = tuple(
        Row(
            EventKey(each.number),
            (
                Cell(timestamp(each.at, now), Tone.MUTED),
                Cell(each.subject.removeprefix(SYSTEM)),
                Cell(each.text, each.tone),
            ),
        )
        for each in history
    )
    since = max(history[0].number, 0) if history else 0
    earlier = sum(each.number <= 0 for each in history)
    before = f", {earlier} before" if earlier else ""
    gist = Cell(f"{since} since start{before}", Tone.MUTED) if history else Cell("")
    return TableView(
        "events", COLUMNS, rows, None, (gist,), Cell("nothing has changed since start", Tone.MUTED), ageless=True
    )


def _hosts(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    for facts in after.hosts:
        was = before.host(facts.host)
        if was is None:
            continue
        if isinstance(was.reach, Known) and isinstance(facts.reach, Failed):
            yield SnapshotChange(facts.reach.at, facts.host, f"host lost: {facts.reach.reason}", Tone.CRITICAL)
        if isinstance(was.reach, Failed) and isinstance(facts.reach, Known):
            yield SnapshotChange(facts.reach.at, facts.host, "host is back", Tone.GOOD)
        yield from _services(was, facts)
        yield from _apiserver(was, facts)


def _services(was: HostFacts, now: HostFacts) -> Iterator[SnapshotChange]:
    old = {unit.name: unit for unit in value_of(was.services) or ()}
    for unit in value_of(now.services) or ():
        if isinstance(now.services, Known) and unit.name in old and old[unit.name].active != unit.active:
            tone = Tone.GOOD if unit.running else Tone.CRITICAL
            text = f"{unit.name}: {old[unit.name].active} → {unit.active}"
            yield SnapshotChange(now.services.at, now.host, text, tone)


def _apiserver(was: HostFacts, now: HostFacts) -> Iterator[SnapshotChange]:
    old, new = was.apiserver, now.apiserver
    if not isinstance(new, Known) or not isinstance(old, (Known, Failed)):
        if isinstance(old, Known) and isinstance(new, Failed) and isinstance(now.reach, Known):
            yield SnapshotChange(new.at, now.host, "apiserver stopped answering", Tone.CRITICAL)
        return
    before = old.value.ready if isinstance(old, Known) else False
    if before != new.value.ready:
        text = "apiserver is ready" if new.value.ready else "apiserver is not ready"
        yield SnapshotChange(new.at, now.host, text, Tone.GOOD if new.value.ready else Tone.CRITICAL)


def _etcd(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    old, new = etcd_view(before), etcd_view(after)
    at = after.observed_at
    if old.current and new.current and old.leader != new.leader:
        was, now = _member_name(old.members, old.leader), _member_name(new.members, new.leader)
        yield SnapshotChange(at, "etcd", f"leader {was} → {now}", Tone.ACCENT if new.leader else Tone.CRITICAL)
    members = {row.member.id: row for row in old.members}
    listed = {row.member.id for row in new.members}
    for row in new.members:
        earlier = members.get(row.member.id)
        name = row.member.name or row.member.id
        if earlier is None and old.current:
            yield SnapshotChange(at, "etcd", f"member {name} joined the list", Tone.ACCENT)
        elif earlier is not None and earlier.healthy != row.healthy and _was_asked(before, row):
            text = f"member {name} is healthy" if row.healthy else f"member {name} is not healthy: {row.error}"
            yield SnapshotChange(at, "etcd", text, Tone.GOOD if row.healthy else Tone.CRITICAL)
    if new.current:
        for row in (row for row in old.members if row.member.id not in listed):
            yield SnapshotChange(at, "etcd", f"member {row.member.name or row.member.id} left the list", Tone.WARNING)


def _was_asked(before: ClusterSnapshot, row: EtcdMemberView) -> bool:
    facts = before.host(row.host) if row.host else None
    return facts is not None and not isinstance(facts.etcd, NotAsked)


def _member_name(members: tuple[EtcdMemberView, ...], member: MemberId | None) -> str:
    return next((row.member.name for row in members if row.member.id == member), "none")


def _vips(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    for view in vip_views(after):
        was = believed_owners(before, view.address)
        if view.state is VipState.UNKNOWN or was is None or was == view.owners:
            continue
        tone = Tone.ACCENT if view.state is VipState.OWNED else Tone.CRITICAL
        yield SnapshotChange(after.observed_at, view.address, f"owner {_owners(was)} → {_owners(view.owners)}", tone)


def believed_owners(snapshot: ClusterSnapshot, address: Vip) -> tuple[HostName, ...] | None:
    """The owners of the address, unreachable hosts as last known; None while one that could own it never answered."""
    holders = possible_holders(snapshot, address)
    addresses_by_host = {facts.host: display_of(facts.addresses).value for facts in holders}
    if any(addresses is None for addresses in addresses_by_host.values()):
        return None
    return tuple(
        host
        for host, addresses in addresses_by_host.items()
        if any(each.address == address for each in addresses or ())
    )


def _owners(owners: tuple[HostName, ...]) -> str:
    return "+".join(owners) or "nobody"


def _servers(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    old = {(view.key, sight.balancer): sight.server for view in server_views(before) for sight in view.sights}
    for view in server_views(after):
        turned: dict[tuple[str, str], list[str]] = {}
        for sight in view.current:
            was = old.get((view.key, sight.balancer))
            if was is not None and (was.status, was.admin_state) != (sight.server.status, sight.server.admin_state):
                turned.setdefault((was.status, sight.server.status), []).append(sight.balancer)
        for (was_status, status), balancers in turned.items():
            tone = Tone.GOOD if status.startswith("UP") else Tone.CRITICAL
            on = ", ".join(balancers)
            yield SnapshotChange(after.observed_at, view.name, f"server {was_status} → {status} on {on}", tone)


def _leases(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    if not isinstance(before.leases, Known) or not isinstance(after.leases, Known):
        return
    old = {(lease.namespace, lease.name): lease for lease in before.leases.value}
    for lease in after.leases.value:
        was = old.get((lease.namespace, lease.name))
        if was is not None and was.holder != lease.holder:
            tone = Tone.ACCENT if lease.holder else Tone.CRITICAL
            yield SnapshotChange(after.leases.at, lease_name(lease), f"holder {_holder(was)} → {_holder(lease)}", tone)


def _nodes(before: ClusterSnapshot, after: ClusterSnapshot) -> Iterator[SnapshotChange]:
    """Nodes that turned ready or not, were cordoned or uncordoned."""
    if not isinstance(before.nodes, Known) or not isinstance(after.nodes, Known):
        return
    old = {node.name: node for node in before.nodes.value}
    for node in after.nodes.value:
        was = old.get(node.name)
        if was is not None and was.ready is not node.ready:
            state, tone = ("is ready", Tone.GOOD) if node.ready else ("is not ready", Tone.CRITICAL)
            yield SnapshotChange(after.nodes.at, node.name, f"node {state}", tone)
        if was is not None and was.unschedulable is not node.unschedulable:
            yield SnapshotChange(
                after.nodes.at, node.name, f"node {'cordoned' if node.unschedulable else 'uncordoned'}", Tone.ACCENT
            )


def _holder(lease: Lease) -> str:
    return lease.host or lease.holder or "nobody"
