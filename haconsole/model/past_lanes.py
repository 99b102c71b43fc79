"""The graph's lanes for the hours before the console was opened, from events in the hosts' journals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import Role
from haconsole.model.lanes import UNKNOWN, Lane, LaneKey, LaneKind, Lanes, LaneState, Mood
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import value_of
from haconsole.model.past import HostPast, PastEvent, PastKind
from haconsole.model.snapshot import ClusterSnapshot

MARKED = (
    PastKind.STARTED,
    PastKind.ENDED,
    PastKind.OUT_OF_MEMORY,
    PastKind.BOOT,
    PastKind.SHUTDOWN,
    PastKind.CLOCK,
)
"""Events that are marks on the lane of a host's services."""


def add_past(lanes: Lanes, pasts: Iterable[HostPast], snapshot: ClusterSnapshot, before: datetime) -> None:
    """Add what happened before that moment, when the lanes began; once for each cluster."""
    events = sorted((event for past in pasts for event in past.events if event.at < before), key=lambda each: each.at)
    if any(facts.has(Role.ETCD) for facts in snapshot.hosts):
        _put(lanes.lane(LaneKey(LaneKind.LEADER)), _leaders(events, snapshot))
    for address in snapshot.vips:
        _put(lanes.lane(LaneKey(LaneKind.VIP, address)), _owners(events, snapshot, address))
    for event in events:
        if event.kind in MARKED:
            text = f"{event.source.removeprefix('kube-')} {event.text}"
            lanes.lane(LaneKey(LaneKind.SERVICES, event.host)).mark_early(event.at, text)


def _put(lane: Lane, changes: Iterator[tuple[datetime, LaneState]]) -> None:
    lane.put_early(tuple(changes))


def member_names(snapshot: ClusterSnapshot) -> dict[str, str]:
    """The names of etcd's members by their IDs."""
    return {row.member.id: row.member.name or row.member.id for row in etcd_view(snapshot).members}


def _leaders(events: list[PastEvent], snapshot: ClusterSnapshot) -> Iterator[tuple[datetime, LaneState]]:
    names = member_names(snapshot)
    for event in events:
        if event.kind is PastKind.LEADER:
            yield event.at, LaneState(names.get(event.detail, event.detail))
        elif event.kind is PastKind.LEADER_LOST:
            yield event.at, LaneState("none", Mood.WORSE)


def _owners(events: list[PastEvent], snapshot: ClusterSnapshot, address: Vip) -> Iterator[tuple[datetime, LaneState]]:
    """The host whose instance entered MASTER; nobody is known while the owner's keepalived is stopped."""
    instances = _instances(snapshot, address)
    owner: HostName | None = None
    for event in events:
        name, _, state = event.detail.rpartition(" ")
        if event.kind is PastKind.VRRP and state == "MASTER" and name in instances.get(event.host, ()):
            owner = event.host
            yield event.at, LaneState(owner)
        elif event.host == owner and _is_end(event, instances.get(event.host, ())):
            owner = None
            yield event.at, UNKNOWN


def _is_end(event: PastEvent, instances: tuple[str, ...]) -> bool:
    """keepalived on this host lost the address, or stopped."""
    name, _, state = event.detail.rpartition(" ")
    if event.kind is PastKind.VRRP:
        return state == "FAULT" and name in instances
    is_stopped = event.source == "keepalived" and event.kind in (PastKind.STOPPED, PastKind.ENDED)
    return is_stopped or event.kind in (PastKind.SHUTDOWN, PastKind.BOOT)


def _instances(snapshot: ClusterSnapshot, address: Vip) -> dict[HostName, tuple[str, ...]]:
    """The VRRP instances with the address, by host."""
    known = ((facts.host, value_of(facts.keepalived)) for facts in snapshot.hosts)
    return {
        host: tuple(each.name for each in keepalived.instances if address in each.vips)
        for host, keepalived in known
        if keepalived is not None
    }
