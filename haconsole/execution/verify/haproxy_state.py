"""Performs SetServerState."""

from __future__ import annotations

import asyncio

from haconsole.actions.checks import ServerIs
from haconsole.actions.operations import SetServerState
from haconsole.configs.layout import HaproxyLayout
from haconsole.execution.clock import Clock
from haconsole.execution.outcome import OperationResult, failure, success
from haconsole.model.haproxy import AdminState, HaproxyFacts
from haconsole.model.haproxy_view import ServerPlace, servers_at, servers_named
from haconsole.model.observed import Cause
from haconsole.probes.balancers.haproxy import probe_haproxy
from haconsole.transport.base import Fleet, HostTransport
from haconsole.transport.haproxy_api import HaproxyApi, HaproxyError

SENDS_NOTHING = (Cause.NOT_RUNNING, Cause.NOT_INSTALLED)
"""The reason why a haproxy that sends nothing anyway cannot be queried."""


QUIET_S, LONGEST_S, PAUSE_S = 1.0, 3.0, 0.2
"""Seconds without an ended connection, the longest wait, and the interval of counting."""


async def set_server_state(
    fleet: Fleet, haproxy: HaproxyLayout | None, wanted: SetServerState, clock: Clock
) -> OperationResult:
    """Drain a server or make it ready on every balancer; raises TransportError when one cannot be reached.

    A server that was drained may be stopped once this returns: open connections have ended, except long-lived ones.
    """
    if haproxy is None:
        return failure("the inventory has no haproxy")
    hosts = tuple(fleet.host(name) for name in wanted.balancers)
    results = await asyncio.gather(*(_set(host, haproxy.stats_socket, wanted, clock) for host in hosts))
    errors = [one.error for one in results if one.error]
    return failure("; ".join(errors)) if errors else success("\n".join(one.output for one in results))


async def _set(host: HostTransport, socket: str, wanted: SetServerState, clock: Clock) -> OperationResult:
    try:
        facts = await probe_haproxy(host, socket)
    except HaproxyError as error:
        if error.cause in SENDS_NOTHING and wanted.state != AdminState.READY:
            return success(f"{host.host}: haproxy does not run, so it sends nothing")
        raise
    places = places_of(facts, wanted)
    if not places:
        lacks = lacking(host.host, wanted)
        return success(lacks) if wanted.may_lack else failure(lacks)
    for place in places:
        await HaproxyApi(host, socket).set_state(place.backend, place.server.name, AdminState(wanted.state))
    left = ""
    if wanted.state == AdminState.DRAIN:
        left = f", with {await _connections_left(host, socket, wanted, clock)} lasting connections"
    return success(f"{host.host}: {', '.join(place.name for place in places)} is in {wanted.state}{left}")


def places_of(facts: HaproxyFacts, wanted: SetServerState | ServerIs) -> tuple[ServerPlace, ...]:
    """The servers: by their addresses, or by name in a plan without addresses."""
    if wanted.addresses:
        return servers_at(facts, wanted.addresses)
    return servers_named(facts, wanted.backend, wanted.server)


def lacking(host: str, wanted: SetServerState | ServerIs) -> str:
    """A sentence for a balancer that has none of the servers."""
    at = f"at {' or '.join(wanted.addresses)}" if wanted.addresses else f"{wanted.backend}/{wanted.server}"
    return f"{host}: haproxy has no server {at}"


async def _connections_left(host: HostTransport, socket: str, wanted: SetServerState, clock: Clock) -> int:
    """Wait while connections to the servers end; returns the number that remain."""
    start = since = clock.monotonic()
    fewest: int | None = None
    while True:
        places = places_of(await probe_haproxy(host, socket), wanted)
        left = sum(place.server.sessions for place in places)
        now = clock.monotonic()
        if fewest is None or left < fewest:
            fewest, since = left, now
        if not left or now - since >= QUIET_S or now - start >= LONGEST_S:
            return left
        await clock.sleep(PAUSE_S)
