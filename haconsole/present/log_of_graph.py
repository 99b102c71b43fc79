"""The log that belongs to a row of the graphs at a moment."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.lanes import LaneKind, Mood
from haconsole.model.names import HostName, Vip
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP
from haconsole.model.vip_view import is_leased
from haconsole.present.graph import CurveRow, GraphRow, LaneRow
from haconsole.present.log_of_row import log_of
from haconsole.present.log_place import LogPlace
from haconsole.present.part_of_row import COMPONENTS
from haconsole.present.row_keys import FindingKey, ServerKey

PARTS = {"etcd": "etcd", "apiserver": "kube-apiserver", "haproxy": "haproxy"}
"""Components by the start of a figure's name."""


def log_of_graph_row(row: GraphRow, snapshot: ClusterSnapshot | None, at: datetime) -> LogPlace:
    """The log of the row's component at that time, on the host that then led, owned or held."""
    if isinstance(row, CurveRow):
        host = HostName(row.key.host) if row.key.host else None
        return LogPlace(host, PARTS.get(row.key.measure.name.partition("_")[0], ""), at)
    place = _log_of_lane(row, snapshot, at)
    return LogPlace(place.host, place.part, at)


def _log_of_lane(row: LaneRow, snapshot: ClusterSnapshot | None, at: datetime) -> LogPlace:
    name = row.key.name
    match row.key.kind:
        case LaneKind.SERVICES:
            return LogPlace(HostName(name))
        case LaneKind.SERVER:
            backend, _, server = name.rpartition("/")
            return log_of(ServerKey(backend, server), snapshot)
        case LaneKind.FINDING:
            code, _, subject = name.partition(" ")
            return log_of(FindingKey(code, subject), snapshot)
        case LaneKind.LEADER:
            return LogPlace(_holder(row, at), "etcd")
        case LaneKind.VIP:
            leased = snapshot is not None and is_leased(snapshot, Vip(name))
            return LogPlace(_holder(row, at), KUBE_VIP if leased else "keepalived")
        case LaneKind.LEASE:
            part = name if name in COMPONENTS else f"kube-{name}"
            return LogPlace(_holder(row, at), part if part in COMPONENTS else "")
        case LaneKind.RUN:
            return LogPlace()


def _holder(row: LaneRow, at: datetime) -> HostName | None:
    """The host in the lane at that time; None if nobody or more than one was."""
    state = row.lane.at(at)
    return HostName(state.text) if state is not None and state.mood is Mood.GOOD else None
