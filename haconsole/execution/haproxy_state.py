"""Performs SetServerState."""

from __future__ import annotations

import asyncio

from haconsole.actions.operations import SetServerState
from haconsole.configs.layout import HaproxyLayout
from haconsole.execution.outcome import Performed, done, failed
from haconsole.model.haproxy import AdminState
from haconsole.model.observed import Cause
from haconsole.probes.haproxy import probe_haproxy
from haconsole.transport.base import Fleet, HostTransport
from haconsole.transport.haproxy_api import HaproxyApi, HaproxyError

SENDS_NOTHING = (Cause.NOT_RUNNING, Cause.NOT_INSTALLED)
"""Why a haproxy cannot be asked that passes nothing on anyway."""


async def set_server_state(fleet: Fleet, haproxy: HaproxyLayout | None, wanted: SetServerState) -> Performed:
    """Drain a server or make it ready on every balancer; raises TransportError when one cannot be reached."""
    if haproxy is None:
        return failed("the inventory has no haproxy")
    hosts = tuple(fleet.host(name) for name in wanted.balancers)
    told = await asyncio.gather(*(_set(host, haproxy.stats_socket, wanted) for host in hosts))
    errors = [one.error for one in told if one.error]
    return failed("; ".join(errors)) if errors else done("\n".join(one.output for one in told))


async def _set(host: HostTransport, socket: str, wanted: SetServerState) -> Performed:
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
    return done(f"{host.host}: {name} is in {wanted.state}")
