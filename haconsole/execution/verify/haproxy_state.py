"""Performs SetServerState: sets a haproxy server to ready, drain or maint, and counts the open connections."""

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
    fleet: Fleet, haproxy: HaproxyLayout | None, target: SetServerState, clock: Clock
) -> OperationResult:
    """Drain a server or make it ready on every balancer; raises TransportError when one cannot be reached.

    A server that was drained may be stopped once this returns: open connections have ended, except long-lived ones.
    """
    if haproxy is None:
        return failure("the inventory has no haproxy")
    hosts = tuple(fleet.host(name) for name in target.balancers)
    results = await asyncio.gather(*(_set(host, haproxy.stats_socket, target, clock) for host in hosts))
    errors = [one.error for one in results if one.error]
    return failure("; ".join(errors)) if errors else success("\n".join(one.output for one in results))


async def _set(host: HostTransport, socket: str, target: SetServerState, clock: Clock) -> OperationResult:
    try:
        facts = await probe_haproxy(host, socket)
    except HaproxyError as error:
        if error.cause in SENDS_NOTHING and target.state != AdminState.READY:
            return success(f"{host.host}: haproxy does not run, so it sends no traffic")
        raise
    places = places_of(facts, target)
    if not places:
        lacks = lacking(host.host, target)
        return success(lacks) if target.may_lack else failure(lacks)
    for place in places:
        await HaproxyApi(host, socket).set_state(place.backend, place.server.name, AdminState(target.state))
    rest = ""
    if target.state == AdminState.DRAIN:
        rest = f", with {await _connections_left(host, socket, target, clock)} long-lived connections"
    return success(f"{host.host}: {', '.join(place.name for place in places)} is in {target.state}{rest}")


def places_of(facts: HaproxyFacts, target: SetServerState | ServerIs) -> tuple[ServerPlace, ...]:
    """The servers: by their addresses, or by name in a plan without addresses."""
    if target.addresses:
        return servers_at(facts, target.addresses)
    return servers_named(facts, target.backend, target.server)


def lacking(host: str, target: SetServerState | ServerIs) -> str:
    """A sentence for a balancer that has none of the servers."""
    at = f"at {' or '.join(target.addresses)}" if target.addresses else f"{target.backend}/{target.server}"
    return f"{host}: haproxy has no server {at}"


async def _connections_left(host: HostTransport, socket: str, target: SetServerState, clock: Clock) -> int:
    """Wait while connections to the servers end; returns the number that remain."""
    start = since = clock.monotonic()
    fewest: int | None = None
    while True:
        places = places_of(await probe_haproxy(host, socket), target)
        sessions = sum(place.server.sessions for place in places)
        now = clock.monotonic()
        if fewest is None or sessions < fewest:
            fewest, since = sessions, now
        if not sessions or now - since >= QUIET_S or now - start >= LONGEST_S:
            return sessions
        await clock.sleep(PAUSE_S)
