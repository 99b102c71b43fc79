"""Rules about ports that one host does not reach although they answer elsewhere: firewalls, routes, MTU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from haconsole.diagnosis.candidate import ONLY_LOCAL, Candidate, on
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.effective import service_behind
from haconsole.inventory.schema import Inventory
from haconsole.model.component import is_busy
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Known, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState

CODE = "host.peer-unreachable"
STARTED = timedelta(seconds=10)
"""The time in which a process that was started opens its ports."""
STARTED_SLOWLY = timedelta(minutes=3)
"""The same on a host whose tasks mostly wait for a processor, a disk or memory."""
REFUSALS = (PortState.REFUSED, PortState.REJECTED, PortState.UNREACHABLE, PortState.NO_ROUTE, PortState.NO_PORT)
"""Answers that a slow host does not give."""
OF_HOST = (ONLY_LOCAL, "service.changed-settings", "host.link-down", "host.duplicate-address", "host.mtu-differs")
"""Causes on one of the two hosts."""
HOW = {
    PortState.REFUSED: "the connection is refused",
    PortState.REJECTED: "the connection is refused, although a process listens there",
    PortState.SILENT: "no answer to two attempts",
    PortState.UNREACHABLE: "the network reports the host unreachable",
    PortState.NO_ROUTE: "the host that connects has a route that drops packets to this address",
    PortState.NO_PORT: "the host that connects has no free local port for this address",
}


class _Blocked(msgspec.Struct, frozen=True):
    """A port of `target` that `source` does not reach."""

    source: HostName
    target: HostName
    port: int
    state: PortState

    def __str__(self) -> str:
        return f"{self.source} → {self.target} port {self.port}: {HOW[self.state]}"


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """One candidate per host that takes part in blocked connections, the one with the most first."""
    blocked = list(_blocked(snapshot, inventory))
    for source, target in dict.fromkeys((one.source, one.target) for one in blocked if one.state is PortState.NO_ROUTE):
        its = tuple(each for each in blocked if {each.source, each.target} == {source, target})
        blocked = [each for each in blocked if each not in its]
        yield _dropping_route(source, target, snapshot, its)
    for source in dict.fromkeys(one.source for one in blocked if one.state is PortState.NO_PORT):
        its = tuple(each for each in blocked if each.source == source and each.state is PortState.NO_PORT)
        blocked = [each for each in blocked if each not in its]
        yield _without_ports(source, its)
    while blocked:
        counts = Counter(host for each in blocked for host in (each.source, each.target))
        host = max(counts, key=lambda name: (counts[name], any(each.target == name for each in blocked)))
        its = tuple(each for each in blocked if host in (each.source, each.target))
        blocked = [each for each in blocked if each not in its]
        yield _unreachable(host, its)


def _blocked(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[_Blocked]:
    """Connections that fail between two reachable hosts, to a port that answers somewhere."""
    attempts = [
        (facts.host, port, facts.peer_ports.at)
        for facts in snapshot.hosts
        if isinstance(facts.reach, Known) and isinstance(facts.peer_ports, Known)
        for port in facts.peer_ports.value
    ]
    attempts = [one for one in attempts if not _is_doubtful(one[0], one[1], attempts, snapshot)]
    answers = [(port.address, port.port, at) for _, port, at in attempts if port.state is PortState.OPEN]
    by_address = {facts.address: facts for facts in snapshot.hosts if isinstance(facts.reach, Known)}
    for source, port, at in attempts:
        target = by_address.get(port.address)
        began = _began(target, port, inventory) if target is not None and port.state is not PortState.OPEN else None
        if target is None or began is None or began + time_to_listen(target) > at:
            continue
        answered = any(each[:2] == (port.address, port.port) and each[2] >= began for each in answers)
        if answered or _answers_there(target, port, inventory):
            yield _Blocked(source, target.host, port.port, port.state)


def _is_doubtful(
    source: HostName,
    port: PeerPort,
    attempts: list[tuple[HostName, PeerPort, datetime]],
    snapshot: ClusterSnapshot,
) -> bool:
    """Silence between two hosts of which one is overloaded, while no other attempt of it failed."""
    if port.state is not PortState.SILENT:
        return False
    ends = tuple(facts for facts in snapshot.hosts if facts.host == source or facts.address == port.address)
    if not any(is_busy(facts) for facts in ends):
        return False
    silent = tuple(
        other
        for host, other, _ in attempts
        if other.state is not PortState.OPEN and (host == source or other.address == port.address)
    )
    return len(silent) < 2


def _began(target: HostFacts, port: PeerPort, inventory: Inventory) -> datetime | None:
    """When the process behind a port started, by this machine's clock.

    A port is refused while its process is restarted, so of a refused one only a reading after the attempt counts.
    """
    if port.state is PortState.REFUSED:
        return port.process_since
    unit = target.service(service_behind(inventory, port.address, port.port))
    began = (unit.started or unit.since) if unit is not None and unit.alive else None
    return began - timedelta(milliseconds=value_of(target.clock_offset_ms) or 0.0) if began else None


def time_to_listen(target: HostFacts) -> timedelta:
    """The time in which a process that was started on this host opens its ports."""
    return STARTED_SLOWLY if is_busy(target) else STARTED


def _answers_there(target: HostFacts, port: PeerPort, inventory: Inventory) -> bool:
    """The component behind the port answers on its own host."""
    fact: Observed[Any] = (
        target.etcd if service_behind(inventory, port.address, port.port) == "etcd" else target.apiserver
    )
    return isinstance(fact, Known) and not fact.via


def _unreachable(host: HostName, blocked: tuple[_Blocked, ...]) -> Candidate:
    others = sorted({name for each in blocked for name in (each.source, each.target)} - {host})
    ports = ", ".join(sorted({str(each.port) for each in blocked}))
    way = advice(
        f"if firewalls allow the port, check the route: ip route get ADDRESS, ip rule, tracepath -p {ports} ADDRESS"
    )
    no_way = tuple(each for each in blocked if each.state is PortState.UNREACHABLE)
    to_source = tuple(_no_way_back(each) for each in no_way[:1])
    return Candidate(
        Finding(
            CODE,
            Severity.WARNING,
            host,
            f"connections between {host} and {', '.join(others)} fail on port {ports}",
            "Other hosts reach this port, so its process runs: a firewall, a route or the MTU between hosts is wrong.",
            tuple(map(str, blocked)),
            (
                *to_source,
                *_unblock(host, blocked),
                advice(
                    f"compare the firewalls of {host} and {', '.join(others)}: nft list ruleset, or iptables -S; "
                    f"allow TCP port {ports} between the cluster's hosts"
                ),
                way,
            ),
        ),
        tuple(cause for name in (host, *others) for cause in on(name, *OF_HOST)),
    )


def _no_way_back(blocked: _Blocked) -> Remedy:
    """A host that reports the other one unreachable knows no way to it, or a router or a firewall sends that answer."""
    return advice(
        f"on {blocked.source}: compare ip rule and ip route get ADDRESS, with the address of {blocked.target}, with "
        "another host"
    )


def _dropping_route(
    source: HostName, target: HostName, snapshot: ClusterSnapshot, its: tuple[_Blocked, ...]
) -> Candidate:
    """The answers to the other host are dropped too, so that its own connections get none."""
    address = next(facts.address for facts in snapshot.hosts if facts.host == target)
    return Candidate(
        Finding(
            CODE,
            Severity.WARNING,
            source,
            f"a route of {source} drops all packets to {target}",
            f"Other hosts reach the port; on {source} a route of type blackhole, unreachable or prohibit was added.",
            tuple(map(str, its)),
            (
                call("repair", "remove the route", setting="route", host=source, target=address),
                advice(f"find out what added the route: ip route show {address} on {source}"),
            ),
        )
    )


def _without_ports(source: HostName, its: tuple[_Blocked, ...]) -> Candidate:
    return Candidate(
        Finding(
            CODE,
            Severity.WARNING,
            source,
            f"{source} has no local port left for new connections",
            "Every port of its range is in use, or the range is small. Its components cannot connect to other hosts.",
            tuple(map(str, its)),
            (
                advice(f"on {source}: ss -tanp, and restart the process that has most of the connections"),
                advice(
                    f"compare sysctl net.ipv4.ip_local_port_range on {source} with another host; Linux's default is "
                    "32768 60999"
                ),
            ),
        )
    )


def _unblock(host: HostName, blocked: tuple[_Blocked, ...]) -> Iterator[Remedy]:
    """One call for each port; a network that reports a host unreachable is no firewall."""
    ports = {each.port: None for each in blocked if each.state is not PortState.UNREACHABLE}
    for port in ports:
        yield call(
            "repair",
            f"allow connections from the cluster's hosts to port {port}",
            setting="firewall",
            host=host,
            target=str(port),
        )
