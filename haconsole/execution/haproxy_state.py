"""Performs SetServerState."""

from __future__ import annotations

from haconsole.actions.operations import SetServerState
from haconsole.configs.layout import HaproxyLayout
from haconsole.execution.outcome import Performed, done, failed
from haconsole.model.haproxy import AdminState
from haconsole.probes.errors import ProbeError
from haconsole.probes.haproxy import probe_haproxy
from haconsole.transport.base import HostTransport
from haconsole.transport.haproxy_api import HaproxyApi


async def set_server_state(host: HostTransport, haproxy: HaproxyLayout | None, wanted: SetServerState) -> Performed:
    """Drain a server or make it ready; a server that this haproxy does not have needs neither."""
    if haproxy is None:
        return failed(f"{host.host}: the inventory has no haproxy")
    name = f"{wanted.backend}/{wanted.server}"
    try:
        facts = await probe_haproxy(host, haproxy.stats_socket)
    except ProbeError as error:
        return failed(f"{host.host}: {error}")
    servers = {server.name for one in facts.backends if one.name == wanted.backend for server in one.servers}
    if wanted.server not in servers:
        return done(f"haproxy has no server {name}")
    await HaproxyApi(host, haproxy.stats_socket).set_state(wanted.backend, wanted.server, AdminState(wanted.state))
    return done(f"{name} is in {wanted.state}")
