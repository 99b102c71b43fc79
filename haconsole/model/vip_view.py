"""Who holds each virtual address, over all balancer hosts."""

from __future__ import annotations

from haconsole.model.hosts import Role
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known, value_of
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


def unfit(snapshot: ClusterSnapshot, host: str) -> str:
    """Why a balancer could not hold a VIP now, to be read after its name; empty where it could."""
    facts = snapshot.host(HostName(host))
    if facts is None or not isinstance(facts.reach, Known):
        return "cannot be reached"
    stopped = [name for name in ("keepalived", "haproxy") if not ((unit := facts.service(name)) and unit.running)]
    if stopped:
        return f"does not run {' and '.join(stopped)}"
    if held_down(snapshot, host):
        return "is held down by its down file: run failback first"
    haproxy = value_of(facts.haproxy)
    if haproxy is not None and not any(server.up for backend in haproxy.backends for server in backend.servers):
        return "has no API server up in haproxy"
    return ""


def held_down(snapshot: ClusterSnapshot, host: str) -> bool:
    """Whether the host's down file was seen."""
    facts = snapshot.host(HostName(host))
    keepalived = value_of(facts.keepalived) if facts else None
    return keepalived is not None and keepalived.forced_down


def _state(owners: int, unheard: int) -> VipState:
    if owners > 1:
        return VipState.SPLIT
    if owners == 1:
        return VipState.OWNED
    return VipState.UNKNOWN if unheard else VipState.UNOWNED
