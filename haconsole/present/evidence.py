"""Finds the table row or the log that one line of a finding's evidence was read from."""

from __future__ import annotations

import re
from datetime import datetime

from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import Finding
from haconsole.model.names import HostName, Vip
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.detail import Target
from haconsole.present.facts import display_of
from haconsole.present.haproxy import server_views
from haconsole.present.host_of_row import host_of
from haconsole.present.log_of_row import part_in
from haconsole.present.log_place import LogPlace
from haconsole.present.one_host import names_host
from haconsole.present.row_keys import (
    ApiserverKey,
    BalancerKey,
    FindingKey,
    HostKey,
    LeaseKey,
    MemberKey,
    RowKey,
    VipKey,
)

LOGGED = re.compile(r"(?:\S+: )?(?P<part>[\w.-]+) logs: (?P<text>.*)", re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
SERVER = re.compile(r"(?P<backend>[\w.-]+)/(?P<server>[\w.-]+) \S|\bserver (?P<seen>[\w.-]+)")


def target_of(line: str, finding: Finding, snapshot: ClusterSnapshot) -> Target | None:
    """The log that the line quotes, otherwise the server, lease, VIP or part of a host that it is about.

    A line that names no host is about the host of the finding. None if it is about no single thing.
    """
    host = _host_in(line, snapshot) or host_of(FindingKey(finding.code, finding.subject), snapshot)
    logged = LOGGED.fullmatch(line)
    if logged is not None and host is not None:
        return LogPlace(host, logged["part"], _time_in(logged["text"]))
    named = _server(line, snapshot) or _lease(line, finding, snapshot) or _vip(line, host, snapshot)
    return named or _part(line, host, snapshot)


def _host_in(line: str, snapshot: ClusterSnapshot) -> HostName | None:
    """The first host that the line names."""
    hosts = (facts.host for facts in snapshot.hosts)
    return min((host for host in hosts if names_host(host)(line)), key=line.find, default=None)


def _time_in(text: str) -> datetime | None:
    match = TIME.search(text)
    return datetime.fromisoformat(match[0]) if match is not None else None


def _server(line: str, snapshot: ClusterSnapshot) -> RowKey | None:
    for match in SERVER.finditer(line):
        for view in server_views(snapshot):
            key = view.key
            if (key.backend, key.server) == (match["backend"], match["server"]) or key.server == match["seen"]:
                return key
    return None


def _lease(line: str, finding: Finding, snapshot: ClusterSnapshot) -> RowKey | None:
    """The lease that the line names, or that the finding is about."""
    words = line if any(word in line for word in ("lease", "lock", "holder")) else ""
    about = finding.subject if finding.code.startswith("lease.") else ""
    leases = display_of(snapshot.leases).value or ()
    return next(
        (
            LeaseKey(each.namespace, each.name)
            for each in leases
            if each.name in words or about == f"{each.namespace}/{each.name}"
        ),
        None,
    )


def _vip(line: str, host: HostName | None, snapshot: ClusterSnapshot) -> RowKey | None:
    for view in vip_views(snapshot):
        if re.search(rf"(?<![\d.]){re.escape(view.address)}(?![\d.]*\d)", line):
            place = host or next(iter(view.owners), None)
            return VipKey(view.address, place) if place is not None else None
    return None


def _part(line: str, host: HostName | None, snapshot: ClusterSnapshot) -> RowKey | None:
    """A part of the host by the component that the line names; the host itself if it names none."""
    if host is None:
        return None
    match part_in(line):
        case "etcd":
            rows = (row for row in etcd_view(snapshot).members if row.host == host)
            return next((MemberKey(row.member.id) for row in rows), HostKey(host))
        case "haproxy":
            return BalancerKey(host)
        case "kube-apiserver":
            return ApiserverKey(host)
        case "keepalived":
            address = next(iter(snapshot.vips), None)
            return VipKey(Vip(address), host) if address is not None else HostKey(host)
        case _:
            return HostKey(host)
