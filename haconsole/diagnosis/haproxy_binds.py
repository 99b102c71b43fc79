"""Rules about the addresses on which haproxy accepts connections to the API: clients use a VIP, or the host's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from haconsole.configs.layout import layout
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.effective import endpoint, join_host_port, watched_vips
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

_BIND = re.compile(
    r"(?:ipv4@|ipv6@|ip@|tcp4?@|tcp6@)?(?P<address>[0-9A-Fa-f.:*\[\]]*):(?P<first>\d+)(?:-(?P<last>\d+))?"
)
"""An address and a port, or a range of ports; names, variables and sockets are not judged."""
_EVERY = {"": (4,), "*": (4,), "0.0.0.0": (4,), "::": (4, 6), "[::]": (4, 6)}  # noqa: S104
"""Addresses that include each address of a host, with the families that they accept."""


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """One candidate for each balancer whose file accepts no connections on an address that clients use."""
    haproxy = layout(inventory).haproxy
    if haproxy is None:
        return
    for facts in snapshot.hosts:
        addresses = _addresses(facts, inventory)
        for check in value_of(facts.configs) or ():
            if not facts.has(Role.LOAD_BALANCER) or check.program != "haproxy" or not check.valid:
                continue
            binds = tuple(map(_BIND.fullmatch, check.binds))
            without = tuple(one for one in addresses if not _accepts(binds, one, haproxy.bind_port))
            if binds and all(binds) and without:
                yield _wrong_bind(facts, check.path, check.binds, without, haproxy.bind_port)


def _addresses(facts: HostFacts, inventory: Inventory) -> tuple[str, ...]:
    """The VIPs; without one the host's own address, if it is the API's endpoint."""
    host, _ = endpoint(inventory) or ("", 0)
    return watched_vips(inventory) or ((facts.address,) if host == facts.address else ())


def _accepts(binds: tuple[re.Match[str] | None, ...], address: str, port: int) -> bool:
    family = 6 if ":" in address else 4
    for bind in filter(None, binds):
        fits = family in _EVERY.get(bind["address"], ()) or bind["address"].strip("[]") == address
        if fits and int(bind["first"]) <= port <= int(bind["last"] or bind["first"]):
            return True
    return False


def _wrong_bind(
    facts: HostFacts, path: str, binds: tuple[str, ...], addresses: tuple[str, ...], port: int
) -> Candidate:
    missing = " and ".join(join_host_port(address, port) for address in addresses)
    return Candidate(
        Finding(
            "haproxy.wrong-bind",
            Severity.WARNING,
            f"haproxy@{facts.host}",
            f"haproxy on {facts.host} does not accept connections on {missing}",
            "Clients use this address and port for the API. haproxy runs and its servers may be UP, and it refuses "
            "them while this host has the address.",
            tuple(f"{path}: bind {one}" for one in binds),
            (
                call("bootstrap", "write haproxy's configuration again and reload it", only="haproxy"),
                advice(f"or on {facts.host}: change the line to bind *:{port} in {path}, then reload haproxy"),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )
