"""A second look at hosts that share a VIP, or disagree with keepalived or kube-vip's lease.

A VIP that moves looks the same for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from typing import Protocol

from haconsole.model.hosts import FactName
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import CONFIRMED, disagreeing, is_leased, possible_holders, strayed_owners, vip_views
from haconsole.probes.fact_store import FactStore

_EVERY_S = 0.1
_PATIENCE_S = 3.0
_OF_KEEPALIVED: tuple[FactName, ...] = ("addresses", "keepalived", "services")


class Rereader(Protocol):
    """The probes of one host."""

    @property
    def name(self) -> HostName: ...

    def look_again(self, sections: tuple[str, ...]) -> Awaitable[None]: ...


async def confirm_owners(store: FactStore, hosts: Iterable[Rereader]) -> None:
    """Once every possible holder has reported: read hosts again that hold the same VIP, or disagree about it."""
    for _ in range(round(_PATIENCE_S / _EVERY_S)):
        if not any(store.missing_facts(host, facts) for host, facts in _awaited(store.snapshot())):
            break
        await asyncio.sleep(_EVERY_S)
    snapshot = store.snapshot()
    doubtful = {host for view in vip_views(snapshot) if len(view.owners) > 1 for host in view.owners}
    doubtful |= {host for address in snapshot.vips for host in disagreeing(snapshot, address)}
    doubtful |= set(strayed_owners(snapshot))
    if doubtful:
        await asyncio.sleep(CONFIRMED.total_seconds())
        await asyncio.gather(*(host.look_again(("addresses", "keepalived")) for host in hosts if host.name in doubtful))


def _awaited(snapshot: ClusterSnapshot) -> Iterator[tuple[HostName, tuple[FactName, ...]]]:
    """The facts that decide who has a VIP, by the hosts that can hold one."""
    for address in snapshot.vips:
        facts: tuple[FactName, ...] = ("addresses",) if is_leased(snapshot, address) else _OF_KEEPALIVED
        yield from ((one.host, facts) for one in possible_holders(snapshot, address))
