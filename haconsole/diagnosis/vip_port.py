"""Rules about a VIP's port: it accepts no connections although its owner's haproxy runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from haconsole.configs.layout import layout
from haconsole.diagnosis.candidate import BETWEEN_HOSTS, NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, anywhere, on
from haconsole.diagnosis.causes import setup_causes
from haconsole.diagnosis.reachability import HOW, REFUSALS, time_to_listen
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState
from haconsole.model.vip import VipState, VipView
from haconsole.model.vip_view import vip_views


class _Attempts(msgspec.Struct, frozen=True):
    """The results of connections to a VIP's port, by the host that tried."""

    port: int
    states: dict[HostName, PortState]

    @property
    def failed(self) -> dict[HostName, PortState]:
        return {host: state for host, state in self.states.items() if state is not PortState.OPEN}


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """One candidate for each VIP whose port fails from some host while its owner's haproxy has run for a while."""
    places = layout(inventory)
    if places.haproxy is None:
        return
    for view in vip_views(snapshot):
        owner = snapshot.host(view.owners[0]) if view.state is VipState.OWNED else None
        if owner is None or not _serves(owner):
            continue
        attempts = _Attempts(places.haproxy.bind_port, dict(_states(snapshot, owner, view, places.haproxy.bind_port)))
        if attempts.failed:
            yield _not_serving(view, owner, attempts)


def _serves(owner: HostFacts) -> bool:
    unit = owner.service("haproxy")
    return unit is not None and unit.running


def _states(
    snapshot: ClusterSnapshot, owner: HostFacts, view: VipView, port: int
) -> Iterator[tuple[HostName, PortState]]:
    """Attempts made after haproxy's start and after the VIP's last move."""
    for facts in snapshot.hosts:
        ports = facts.peer_ports
        if not isinstance(facts.reach, Known) or not isinstance(ports, Known):
            continue
        yield from (
            (facts.host, one.state)
            for one in ports.value
            if (one.address, one.port) == (view.address, port) and _served_then(owner, one, ports.at)
        )


def _served_then(owner: HostFacts, port: PeerPort, at: datetime) -> bool:
    """The VIP was there for a while at that time, and so was haproxy, as far as is known.

    A port is refused while haproxy is restarted, so of a refused one only a reading after the attempt counts. A
    rejected one had a process that listened.
    """
    if port.state is PortState.REJECTED:
        return True
    if port.state is PortState.REFUSED and port.process_since is None:
        return False
    unit = owner.service("haproxy")
    began = port.process_since or (unit and (unit.started or unit.since))
    return all(at >= moment + time_to_listen(owner) for moment in (began, owner.addresses_since) if moment)


def _not_serving(view: VipView, owner: HostFacts, attempts: _Attempts) -> Candidate:
    everyone = len(attempts.failed) == len(attempts.states)
    where = "" if everyone else f" from {', '.join(attempts.failed)}"
    return Candidate(
        Finding(
            "vip.not-serving",
            Severity.CRITICAL if everyone else Severity.WARNING,
            view.address,
            f"{view.address} port {attempts.port} accepts no connections{where}, although haproxy runs on {owner.host}",
            "This address and port accept no connections. Clients use them, so they do not reach the API."
            if everyone
            else "Clients on these hosts do not reach the API.",
            tuple(f"{host}: {HOW[state]}" for host, state in attempts.failed.items()),
            tuple(_remedies(view.address, owner, attempts)),
        ),
        (
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            ("service.hung", f"haproxy@{owner.host}"),
            *setup_causes(owner.host, "haproxy"),
            ("haproxy.wrong-bind", f"haproxy@{owner.host}"),
            *on(owner.host, "host.unreachable", "host.slow"),
            *anywhere("vip.stale-arp", *BETWEEN_HOSTS, "config.invalid"),
        ),
        not_by_overload=all(state in REFUSALS for state in attempts.failed.values()),
    )


def _remedies(address: Vip, owner: HostFacts, attempts: _Attempts) -> Iterator[Remedy]:
    """On its own address a host without a firewall refuses only what no process listens on."""
    if attempts.states.get(owner.host) is PortState.REFUSED:
        yield call("bootstrap", "write haproxy's configuration again, with this port", only="haproxy")
        yield advice(f"or on {owner.host}: compare ss -ltn with the bind lines of haproxy's configuration")
    elif routes := tuple(host for host, state in attempts.failed.items() if state is PortState.NO_ROUTE):
        for host in routes:
            yield call("repair", "remove the route", setting="route", host=host, target=address)
    elif not {PortState.UNREACHABLE, PortState.NO_PORT} & set(attempts.failed.values()):
        what = f"allow port {attempts.port} in the firewall for the cluster's hosts"
        yield call("repair", what, setting="firewall", host=owner.host, target=f"{attempts.port}")
    yield advice(
        f"check the firewall of {owner.host}: nft list ruleset, or iptables -S; allow TCP port {attempts.port}, also "
        "from clients outside of the cluster"
    )
