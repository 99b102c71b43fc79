"""States over time: who leads etcd, who owns a VIP or a lease, what is up, and which findings are open.

Times are the console's. A time that a host's own clock gave is corrected by that clock's offset.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from haconsole.model.etcd_view import EtcdMemberView, etcd_view
from haconsole.model.findings import Severity
from haconsole.model.hosts import HostFacts, Role, ServiceState
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import Vip
from haconsole.model.observed import Known, NotAsked, value_of
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.model.vip import VipState
from haconsole.model.vip_view import possible_holders, vip_view

MOST_CHANGES = 300
"""Changes that one lane keeps; the oldest are dropped."""
MOST_LANES = 2000
RECENT = timedelta(minutes=2)
"""A host's own time of a change counts if it is at most so old when the change is seen."""


class LaneKind(StrEnum):
    """The values are titles of lanes, before the name of their subject."""

    LEADER = "etcd leader"
    VIP = "VIP"
    LEASE = "lease"
    SERVER = "server"
    SERVICES = "services"
    FINDING = "finding"
    RUN = "run"


class Mood(StrEnum):
    """The meaning of a state."""

    GOOD = "good"
    BAD = "bad"
    WORSE = "worse"
    OFF = "off"
    """Nothing to show: a finding that is not open."""
    UNKNOWN = "unknown"


class LaneKey(msgspec.Struct, frozen=True):
    kind: LaneKind
    name: str = ""


class LaneState(msgspec.Struct, frozen=True):
    text: str
    mood: Mood = Mood.GOOD


class LaneMark(msgspec.Struct, frozen=True):
    """Something that took no time: a restart."""

    at: datetime
    text: str


class Span(msgspec.Struct, frozen=True):
    """A state from `start` to `end`; None: it lasts."""

    start: datetime
    end: datetime | None
    state: LaneState


DOWN = "down: "
"""The start of the state of services of which some are down."""
UNKNOWN = LaneState("?", Mood.UNKNOWN)
OFF = LaneState("", Mood.OFF)


class Lane:
    """The changes of one state, oldest first, and the marks on it."""

    def __init__(self) -> None:
        self._changes: list[tuple[datetime, LaneState]] = []
        self.marks: list[LaneMark] = []

    @property
    def begin(self) -> datetime | None:
        """The time of the first state; None before it."""
        return self._changes[0][0] if self._changes else None

    def put(self, at: datetime, state: LaneState) -> None:
        """The state from `at` on; nothing if it has not changed. A change is never before the one that it ends."""
        if self._changes and self._changes[-1][1] == state:
            return
        if self._changes and at <= self._changes[-1][0]:
            at = self._changes[-1][0] + timedelta(milliseconds=1)
        self._changes.append((at, state))
        del self._changes[:-MOST_CHANGES]

    def correct(self, at: datetime, state: LaneState) -> None:
        """The last change, if it is into `state`, was at `at`; what the lane had after that was outdated."""
        if not self._changes or self._changes[-1][1] != state or self._changes[-1][0] <= at:
            return
        earlier = [change for change in self._changes if change[0] < at]
        self._changes = earlier if earlier and earlier[-1][1] == state else [*earlier, (at, state)]

    def mark(self, at: datetime, text: str) -> None:
        self.marks.append(LaneMark(at, text))
        del self.marks[:-MOST_CHANGES]

    def put_early(self, changes: Iterable[tuple[datetime, LaneState]]) -> None:
        """Add states from before the first one, in order; of equal neighbours the first one stays."""
        first = self._changes[0][0] if self._changes else None
        early = [change for change in changes if first is None or change[0] < first]
        merged: list[tuple[datetime, LaneState]] = []
        for change in (*early, *self._changes):
            if not merged or merged[-1][1] != change[1]:
                merged.append(change)
        self._changes = merged[-MOST_CHANGES:]

    def mark_early(self, at: datetime, text: str) -> None:
        """Add a mark from before those that are kept."""
        self.marks = sorted((*self.marks, LaneMark(at, text)), key=lambda mark: mark.at)[-MOST_CHANGES:]

    def spans(self, start: datetime, end: datetime) -> tuple[Span, ...]:
        """The states in that time, in order."""
        first = max(bisect_right(self._changes, start, key=lambda change: change[0]) - 1, 0)
        spans = (
            Span(at, self._changes[place + 1][0] if place + 1 < len(self._changes) else None, state)
            for place, (at, state) in enumerate(self._changes[first:], first)
        )
        return tuple(span for span in spans if span.start <= end)

    def at(self, moment: datetime) -> LaneState | None:
        """The state at a moment; None before the first one."""
        place = bisect_right(self._changes, moment, key=lambda change: change[0])
        return self._changes[place - 1][1] if place else None

    @property
    def on_since(self) -> datetime | None:
        """The time since which it is in states to look at; None if it is not."""
        since: datetime | None = None
        for at, state in reversed(self._changes):
            if state.mood is Mood.OFF:
                break
            since = at
        return since

    def is_on(self, start: datetime, end: datetime) -> bool:
        """Whether it was in a state to look at in that time."""
        spans = (span for span in self.spans(start, end) if span.end is None or span.end > start)
        return any(span.state.mood is not Mood.OFF for span in spans)


class Lanes:
    """The lanes of one cluster; edited in place with each status."""

    def __init__(self) -> None:
        self.lanes: dict[LaneKey, Lane] = {}
        self.begin: datetime | None = None
        """The time of the first status."""
        self._started: dict[tuple[str, str], datetime] = {}

    def lane(self, key: LaneKey) -> Lane:
        if len(self.lanes) >= MOST_LANES and key not in self.lanes:
            return Lane()
        return self.lanes.setdefault(key, Lane())

    def add(self, status: ClusterStatus) -> None:
        """Keep what changed."""
        snapshot = status.snapshot
        self.begin = self.begin or snapshot.observed_at
        for key, at, state in (*_leader(snapshot), *_vips(snapshot), *_leases(snapshot), *_servers(snapshot)):
            self.lane(key).put(at, state)
        self._correct_election(snapshot)
        for facts in snapshot.hosts:
            self._services(facts)
        self._findings(status)

    def _correct_election(self, snapshot: ClusterSnapshot) -> None:
        """A leader leads from its election on; queries saw it later."""
        leader = next((row for row in etcd_view(snapshot).members if row.leader), None)
        election = snapshot.election
        if leader is None or election is None or election.leader != leader.member.id:
            return
        if leader.endpoint is not None and leader.endpoint.raft_term == election.term:
            self.lane(LaneKey(LaneKind.LEADER)).correct(election.at, _of_leader(leader))

    def _services(self, facts: HostFacts) -> None:
        if isinstance(facts.services, NotAsked):
            return
        lane = self.lane(LaneKey(LaneKind.SERVICES, facts.host))
        if not isinstance(facts.services, Known):
            lane.put(facts.services.at, UNKNOWN)
            return
        units = [unit for unit in facts.services.value if unit.exists]
        down = [unit for unit in units if not unit.running]
        changed = max((_when(unit.since, facts) for unit in units), default=facts.services.at)
        text = DOWN + ", ".join(_short(unit) for unit in down)
        lane.put(changed, LaneState(text, Mood.WORSE) if down else LaneState("all run"))
        for unit in units:
            self._restart(lane, unit, facts)

    def _restart(self, lane: Lane, unit: ServiceState, facts: HostFacts) -> None:
        before = self._started.get((facts.host, unit.name))
        if unit.started is None or unit.started == before:
            return
        self._started[facts.host, unit.name] = unit.started
        if before is not None:
            lane.mark(_when(unit.started, facts), f"{_short(unit)} started")

    def _findings(self, status: ClusterStatus) -> None:
        at = status.snapshot.observed_at
        moods = {
            LaneKey(LaneKind.FINDING, f"{each.code} {each.subject}"): _mood(each.severity) for each in status.findings
        }
        for key, mood in moods.items():
            self.lane(key).put(at, LaneState("open", mood))
        for key, lane in self.lanes.items():
            if key.kind is LaneKind.FINDING and key not in moods:
                lane.put(at, OFF)


class Chronicle:
    """All that is kept of a cluster over time: figures and states; edited in place with each status."""

    def __init__(self, hosts: int = 1) -> None:
        self.measurements = Measurements(hosts)
        self.lanes = Lanes()

    def add(self, status: ClusterStatus) -> None:
        """Keep what is new in a status."""
        self.measurements.add(status.snapshot)
        self.lanes.add(status)


Change = tuple[LaneKey, datetime, LaneState]


def _mood(severity: Severity) -> Mood:
    return {Severity.CRITICAL: Mood.WORSE, Severity.WARNING: Mood.BAD, Severity.INFO: Mood.GOOD}[severity]


def _leader(snapshot: ClusterSnapshot) -> Iterator[Change]:
    """The leader that a healthy member reports, from the first report on."""
    key = LaneKey(LaneKind.LEADER)
    reports = [facts.etcd for facts in snapshot.hosts if isinstance(facts.etcd, Known)]
    if not any(facts.has(Role.ETCD) for facts in snapshot.hosts):
        return
    if not reports:
        failed_at = [facts.etcd.at for facts in snapshot.hosts if not isinstance(facts.etcd, NotAsked)]
        if failed_at:
            yield key, max(failed_at), UNKNOWN
        return
    leader = next((row for row in etcd_view(snapshot).members if row.leader), None)
    if leader is None:
        yield key, max(report.at for report in reports), LaneState("none", Mood.WORSE)
        return
    at = min(report.at for report in reports if report.value.leader_id == leader.member.id)
    yield key, at, _of_leader(leader)


def _of_leader(leader: EtcdMemberView) -> LaneState:
    return LaneState(leader.member.name or leader.member.id)


def _vips(snapshot: ClusterSnapshot) -> Iterator[Change]:
    for address in snapshot.vips:
        yield from _vip(snapshot, address)


def _vip(snapshot: ClusterSnapshot, address: Vip) -> Iterator[Change]:
    view = vip_view(snapshot, address)
    holders = possible_holders(snapshot, address)
    times = [facts.addresses.at for facts in holders if not isinstance(facts.addresses, NotAsked)]
    if not times:
        return
    moved = [facts.addresses_since for facts in holders if facts.addresses_since is not None]
    at = max(moved) if moved else max(times)
    match view.state:
        case VipState.OWNED:
            owner = next(facts for facts in holders if facts.host == view.owners[0])
            yield LaneKey(LaneKind.VIP, address), owner.addresses_since or at, LaneState(owner.host)
        case VipState.SPLIT:
            yield LaneKey(LaneKind.VIP, address), at, LaneState("+".join(view.owners), Mood.WORSE)
        case VipState.UNOWNED:
            yield LaneKey(LaneKind.VIP, address), at, LaneState("nobody", Mood.WORSE)
        case VipState.UNKNOWN:
            yield LaneKey(LaneKind.VIP, address), max(times), UNKNOWN


def _leases(snapshot: ClusterSnapshot) -> Iterator[Change]:
    leases = snapshot.leases
    if not isinstance(leases, Known):
        return
    for lease in leases.value:
        name = lease.name if lease.namespace == "kube-system" else f"{lease.namespace}/{lease.name}"
        yield (
            LaneKey(LaneKind.LEASE, name.removeprefix("kube-")),
            _acquired(lease, leases.at),
            _lease_state(lease, leases.at),
        )


def _lease_state(lease: Lease, at: datetime) -> LaneState:
    match lease.state(at):
        case LeaseState.HELD:
            return LaneState(lease.host or lease.holder)
        case state:
            return LaneState(str(state), Mood.WORSE)


def _acquired(lease: Lease, at: datetime) -> datetime:
    """When its holder acquired it, by the console's clock, if that was recent."""
    if lease.acquired_at is None or lease.state(at) is not LeaseState.HELD:
        return at
    acquired = lease.acquired_at - timedelta(seconds=lease.clock_ahead_s)
    return acquired if timedelta() <= at - acquired < RECENT else at


def _servers(snapshot: ClusterSnapshot) -> Iterator[Change]:
    """A server is up if every balancer that answers sees it up."""
    sights: dict[str, list[tuple[datetime, bool]]] = {}
    for facts in snapshot.hosts:
        haproxy = value_of(facts.haproxy)
        if haproxy is None or not isinstance(facts.haproxy, Known):
            continue
        for backend in haproxy.backends:
            for server in backend.servers:
                changed = facts.haproxy.at - timedelta(seconds=server.last_change_s)
                sights.setdefault(f"{backend.name}/{server.name}", []).append((changed, server.up))
    for name, seen_by in sights.items():
        up = sum(is_up for _, is_up in seen_by)
        at = max(changed for changed, _ in seen_by)
        state = (
            LaneState("up") if up == len(seen_by) else LaneState(f"down {len(seen_by) - up}/{len(seen_by)}", Mood.WORSE)
        )
        yield LaneKey(LaneKind.SERVER, name), at, state


def _short(unit: ServiceState) -> str:
    return unit.name.removesuffix(".service").removeprefix("kube-")


def _when(moment: datetime | None, facts: HostFacts) -> datetime:
    """A time of the host's clock by the console's clock; the time of the report if it is unknown."""
    assert isinstance(facts.services, Known)
    reported = facts.services.at
    if moment is None:
        return reported
    offset_ms = value_of(facts.clock_offset_ms) or 0.0
    return min(moment - timedelta(milliseconds=offset_ms), reported)
