"""Who holds each virtual address, over all balancer hosts."""

from __future__ import annotations

from haconsole.model.hosts import Role
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView


def vip_views(snapshot: ClusterSnapshot) -> tuple[VipView, ...]:
    """One view for each VIP of the inventory, in its order."""
    return tuple(vip_view(snapshot, address) for address in snapshot.vips)


def vip_view(snapshot: ClusterSnapshot, address: Vip) -> VipView:
    """Owners are the hosts that have the address on an interface now. One owner is enough to call it owned."""
    owners: list[HostName] = []
    unheard: list[HostName] = []
    for facts in snapshot.hosts:
        if not facts.has(Role.LOAD_BALANCER):
            continue
        if not isinstance(facts.addresses, Known):
            unheard.append(facts.host)
        elif any(entry.address == address for entry in facts.addresses.value):
            owners.append(facts.host)
    return VipView(address, _state(len(owners), len(unheard)), tuple(owners), tuple(unheard))


def _state(owners: int, unheard: int) -> VipState:
    if owners > 1:
        return VipState.SPLIT
    if owners == 1:
        return VipState.OWNED
    return VipState.UNKNOWN if unheard else VipState.UNOWNED
