"""A short pause of requests through the VIPs, for operations that would break open requests.

etcd fails every read that waits for its leader while leadership moves, and the requests that a stopping member is
answering; API servers pass that failure on. Packets of clients to the VIPs are therefore dropped meanwhile; TCP sends
them again a fraction of a second later, and a new connection's first packet after a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from haconsole.actions.steps.vip_scripts import GO_ON, PAUSE
from haconsole.inventory.effective import vip_addresses
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext

BEGINS_WITHIN_S = 1.0


@asynccontextmanager
async def vips_paused(context: ClusterContext) -> AsyncGenerator[None]:
    """Every balancer drops packets to the VIPs, for 1.5 s at most; one that cannot drops nothing."""
    haproxy, addresses = context.layout.haproxy, vip_addresses(context.inventory)
    if haproxy is None or not addresses:
        yield
        return
    balancers = tuple(HostName(host.name) for host in context.inventory.with_role(Role.LOAD_BALANCER))
    try:
        await _on_all(context, balancers, PAUSE, str(haproxy.bind_port), *addresses)
        yield
    finally:
        await _on_all(context, balancers, GO_ON)


async def _on_all(context: ClusterContext, hosts: tuple[HostName, ...], script: str, *words: str) -> None:
    argv = ("sh", "-ec", script.strip(), "pause", *words)
    requests = (context.fleet.host(host).run(argv, root=True, deadline_s=BEGINS_WITHIN_S) for host in hosts)
    await asyncio.gather(*requests, return_exceptions=True)
