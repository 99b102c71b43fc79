"""Rules about events that repeat: VIPs, etcd leaders and leader locks that change hands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from haconsole.diagnosis.candidate import BETWEEN_HOSTS, NOT_BOOTSTRAPPED, Candidate, Key, anywhere
from haconsole.diagnosis.remedies import advice
from haconsole.model.events import EventKind
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

WINDOW_S = 180
FLAPPING: Key = ("vip.flapping", "vip")
RECENT_S = 30
"""The age up to which the last event counts as going on."""


class _Rule(msgspec.Struct, frozen=True):
    """`most` events of the kind are normal within the window: over all hosts, or on each if `per_host`.

    A rotation restarts each control plane once, and some failovers with their way back are no flapping.
    """

    kind: EventKind
    code: str
    subject: str
    most: int
    what: str
    why: str
    remedies: tuple[Remedy, ...]
    caused_by: tuple[Key, ...]
    per_host: bool = False


_RULES = (
    _Rule(
        EventKind.MASTER,
        *FLAPPING,
        8,
        "a VIP changes its owner again and again",
        "Each move resets the clients' connections. Usual reasons are a check that fails now and then, lost adverts, "
        "and a keepalived that crashes.",
        (
            advice(
                "find out why the VIP moves: journalctl -u keepalived on each balancer; run the check script by hand"
            ),
            advice("if a host has keepalived's down file: find out what adds and removes the file"),
            advice(
                "if the hosts or their network are slow: raise advert_int, or the values `fall` and `rise` of "
                "the check script"
            ),
        ),
        anywhere(
            "service.crash-loop", "haproxy.down", "vip.config-mismatch", "host.unreachable", "host.duplicate-address"
        ),
    ),
    _Rule(
        EventKind.FOREIGN_ADVERT,
        "vip.vrid-collision",
        "vip",
        3,
        "keepalived receives adverts that have its router ID but are for other addresses",
        "Another pair of balancers in this network uses the same virtual router ID. Each ignores the other's adverts, "
        "and both may claim to be master.",
        (
            advice("find the sender: tcpdump -nn -i any vrrp, which shows its address and router ID (vrid)"),
            advice("set another vips.router_id in the inventory, then run bootstrap with only = keepalived"),
        ),
        anywhere("vip.config-mismatch"),
    ),
    _Rule(
        EventKind.ELECTED,
        "etcd.leader-flapping",
        "etcd",
        5,
        "etcd elects a leader again and again",
        "Each election stops writes for about a second. Usual reasons are a slow disk, a member that restarts, and a "
        "network whose round trips come close to the heartbeat interval.",
        (
            advice("compare the members' disks and load: iostat -x 1, cat /proc/pressure/io; ping between the members"),
            advice("raise heartbeat_ms and election_ms in the inventory if round trips are long, then run bootstrap"),
        ),
        anywhere("host.slow", "etcd.slow-disk", "service.crash-loop", *BETWEEN_HOSTS, "service.limited"),
        per_host=True,
    ),
    _Rule(
        EventKind.ACQUIRED,
        "lease.churn",
        "leases",
        8,
        "leader locks move from holder to holder again and again",
        "A component that cannot renew its lock in time loses the lock, exits, and starts again.",
        (
            advice("find out why locks are lost: journalctl -u kube-scheduler -u kube-controller-manager on each host"),
            advice("check the API servers' latency and etcd's: a slow disk delays every renewal"),
        ),
        anywhere(
            "etcd.leader-flapping",
            "etcd.slow-disk",
            "host.slow",
            "service.crash-loop",
            "service.limited",
            "apiserver.down",
            "etcd.quorum-lost",
        ),
    ),
)


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about kinds of events that happened too often and still do."""
    for rule in _RULES:
        counts = {facts.host: count for facts in snapshot.hosts if (count := recent_events(facts, rule.kind))}
        if counts and (max(counts.values()) if rule.per_host else sum(counts.values())) > rule.most:
            yield _candidate(rule, counts)


def took_vip(facts: HostFacts) -> bool:
    """The host took a VIP moments ago, so a down file on it was not there then."""
    return recent_events(facts, EventKind.MASTER) > 0


def recent_events(facts: HostFacts, kind: EventKind) -> int:
    """The events of this kind on a host within the window; none once they have stopped."""
    events = next((one for one in value_of(facts.events) or () if one.kind is kind), None)
    return events.within(WINDOW_S) if events and events.within(RECENT_S) else 0


def _candidate(rule: _Rule, counts: Mapping[HostName, int]) -> Candidate:
    return Candidate(
        Finding(
            rule.code,
            Severity.WARNING,
            rule.subject,
            rule.what,
            rule.why,
            tuple(f"{host}: {count} times in the last {WINDOW_S} s" for host, count in counts.items()),
            rule.remedies,
        ),
        (NOT_BOOTSTRAPPED, *rule.caused_by),
    )
