"""A second look at the owners of a VIP that several hosts seem to hold: a failover overlaps for less than a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Protocol

from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.vip_view import CONFIRMED, vip_views
from haconsole.probes.fact_store import FactStore

_EVERY_S = 0.1
_PATIENCE_S = 3.0


class Rereader(Protocol):
    """The probes of one host."""

    @property
    def name(self) -> HostName: ...

    def look_again(self, sections: tuple[str, ...]) -> Awaitable[None]: ...


async def confirm_owners(store: FactStore, hosts: Iterable[Rereader]) -> None:
    """Once every balancer has reported its addresses: read them again on the hosts that hold the same VIP."""
    balancers = tuple(facts.host for facts in store.snapshot().hosts if facts.has(Role.LOAD_BALANCER))
    if len(balancers) < 2:
        return
    for _ in range(round(_PATIENCE_S / _EVERY_S)):
        if not any(store.missing_facts(host, ("addresses",)) for host in balancers):
            break
        await asyncio.sleep(_EVERY_S)
    owners = {host for view in vip_views(store.snapshot()) if len(view.owners) > 1 for host in view.owners}
    if owners:
        await asyncio.sleep(CONFIRMED.total_seconds())
        await asyncio.gather(*(host.look_again(("addresses",)) for host in hosts if host.name in owners))
