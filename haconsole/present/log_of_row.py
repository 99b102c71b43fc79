"""The log that belongs to a row: its host, the component, and the moment of an event."""

from __future__ import annotations

import re

from haconsole.model.findings import Finding
from haconsole.model.names import HostName, Vip
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP
from haconsole.model.vip_view import is_leased, vip_views
from haconsole.present.changes import SnapshotChange
from haconsole.present.host_of_row import host_of
from haconsole.present.log_place import LogPlace
from haconsole.present.part_of_row import COMPONENTS, part_of
from haconsole.present.row_keys import EventKey, FindingKey, RowKey


def log_of(
    subject: RowKey | None, snapshot: ClusterSnapshot | None, history: tuple[SnapshotChange, ...] = ()
) -> LogPlace:
    """The log of a row's unit or container; an event has the log of its host at its time."""
    if isinstance(subject, EventKey):
        change = next((each for each in history if each.number == subject.number), None)
        return log_of_event(change, snapshot) if change is not None else LogPlace()
    return LogPlace(host_of(subject, snapshot), part_of(subject, snapshot))


def log_of_event(change: SnapshotChange, snapshot: ClusterSnapshot | None) -> LogPlace:
    """The log at the time of a change, of the host and component that it names; of a new holder if one is named."""
    names = (change.subject, change.subject.rpartition("@")[2], change.text.rpartition("→")[2].strip())
    known = (snapshot.host(HostName(name)) for name in names) if snapshot is not None else ()
    host = next((facts.host for facts in known if facts is not None), None)
    return LogPlace(host, _part_of_event(change, snapshot), change.at)


def _part_of_event(change: SnapshotChange, snapshot: ClusterSnapshot | None) -> str:
    """The component of a change: one that it names, the lease's, keepalived of a VIP, or a server's API server."""
    lease = f"kube-{change.subject}"
    if named := part_in(f"{change.subject} {change.text}"):
        return named
    if lease in COMPONENTS:
        return lease
    if snapshot is not None and any(view.address == change.subject for view in vip_views(snapshot)):
        return KUBE_VIP if is_leased(snapshot, Vip(change.subject)) else "keepalived"
    return "kube-apiserver" if change.text.startswith("server ") else ""


def log_of_finding(finding: Finding, snapshot: ClusterSnapshot | None) -> LogPlace:
    return log_of(FindingKey(finding.code, finding.subject), snapshot)


def part_in(text: str) -> str:
    """The first component that a text names; empty for none."""
    words = re.sub(r"[:,@]", " ", text.replace(".service", "")).split()
    names = {"apiserver": "kube-apiserver"}
    return next((named for word in words if (named := names.get(word, word)) in COMPONENTS), "")
