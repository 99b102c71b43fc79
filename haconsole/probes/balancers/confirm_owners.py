"""A second look at balancers that share a VIP or disagree with their keepalived: a move looks the same for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Protocol

from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.vip_view import CONFIRMED, disagreeing, vip_views
from haconsole.probes.fact_store import FactStore

_EVERY_S = 0.1
_PATIENCE_S = 3.0


class Rereader(Protocol):
    """The probes of one host."""

    @property
    def name(self) -> HostName: ...

    def look_again(self, sections: tuple[str, ...]) -> Awaitable[None]: ...


async def confirm_owners(store: FactStore, hosts: Iterable[Rereader]) -> None:
    """Once every balancer has reported: read hosts again that hold the same VIP, or disagree with their keepalived."""
    balancers = tuple(facts.host for facts in store.snapshot().hosts if facts.has(Role.LOAD_BALANCER))
    for _ in range(round(_PATIENCE_S / _EVERY_S)):
        if not any(store.missing_facts(host, ("addresses", "keepalived", "services")) for host in balancers):
            break
        await asyncio.sleep(_EVERY_S)
    snapshot = store.snapshot()
    doubtful = {host for view in vip_views(snapshot) if len(view.owners) > 1 for host in view.owners}
    doubtful |= {host for address in snapshot.vips for host in disagreeing(snapshot, address)}
    if doubtful:
        await asyncio.sleep(CONFIRMED.total_seconds())
        await asyncio.gather(*(host.look_again(("addresses", "keepalived")) for host in hosts if host.name in doubtful))
