"""Performs SetServerState."""

from __future__ import annotations

import asyncio

from haconsole.actions.operations import SetServerState
from haconsole.configs.layout import HaproxyLayout
from haconsole.execution.clock import Clock
from haconsole.execution.outcome import Performed, done, failed
from haconsole.model.haproxy import AdminState
from haconsole.model.observed import Cause
from haconsole.probes.haproxy import probe_haproxy
from haconsole.transport.base import Fleet, HostTransport
from haconsole.transport.haproxy_api import HaproxyApi, HaproxyError

SENDS_NOTHING = (Cause.NOT_RUNNING, Cause.NOT_INSTALLED)
"""Why a haproxy cannot be asked that passes nothing on anyway."""


QUIET_S, LONGEST_S, PAUSE_S = 1.0, 3.0, 0.2
"""How long no connection may have ended, how long they are waited for at most, and how often they are counted."""


async def set_server_state(
    fleet: Fleet, haproxy: HaproxyLayout | None, wanted: SetServerState, clock: Clock
) -> Performed:
    """Drain a server or make it ready on every balancer; raises TransportError when one cannot be reached.

    A server that was drained may be stopped once this returns: connections under way have ended, but for the lasting.
    """
    if haproxy is None:
        return failed("the inventory has no haproxy")
    hosts = tuple(fleet.host(name) for name in wanted.balancers)
    told = await asyncio.gather(*(_set(host, haproxy.stats_socket, wanted, clock) for host in hosts))
    errors = [one.error for one in told if one.error]
    return failed("; ".join(errors)) if errors else done("\n".join(one.output for one in told))


async def _set(host: HostTransport, socket: str, wanted: SetServerState, clock: Clock) -> Performed:
    name = f"{wanted.backend}/{wanted.server}"
    try:
        facts = await probe_haproxy(host, socket)
    except HaproxyError as error:
        if error.cause in SENDS_NOTHING and wanted.state != AdminState.READY:
            return done(f"{host.host}: haproxy passes nothing on")
        raise
    servers = {server.name for one in facts.backends if one.name == wanted.backend for server in one.servers}
    if wanted.server not in servers:
        return done(f"{host.host}: haproxy has no server {name}")
    await HaproxyApi(host, socket).set_state(wanted.backend, wanted.server, AdminState(wanted.state))
    left = ""
    if wanted.state == AdminState.DRAIN:
        left = f", with {await _connections_left(host, socket, wanted, clock)} lasting connections"
    return done(f"{host.host}: {name} is in {wanted.state}{left}")


async def _connections_left(host: HostTransport, socket: str, wanted: SetServerState, clock: Clock) -> int:
    """Wait while connections to the server end; how many last on."""
    begun = since = clock.monotonic()
    fewest: int | None = None
    while True:
        facts = await probe_haproxy(host, socket)
        servers = (server for one in facts.backends if one.name == wanted.backend for server in one.servers)
        left = sum(server.sessions for server in servers if server.name == wanted.server)
        now = clock.monotonic()
        if fewest is None or left < fewest:
            fewest, since = left, now
        if not left or now - since >= QUIET_S or now - begun >= LONGEST_S:
            return left
        await clock.sleep(PAUSE_S)
