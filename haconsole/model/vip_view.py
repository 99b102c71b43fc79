"""The owners of each virtual address, over all hosts that can hold it."""

from __future__ import annotations

from datetime import timedelta

from haconsole.model.hosts import HostFacts, InterfaceAddress, Role
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import LeasedVip, VipState, VipView, VrrpState

OUTDATED = timedelta(seconds=2)
"""The largest age difference to the newest report for a report that is still current: two rounds, and less than
keepalived waits (three adverts of a second) before it takes an unreachable owner's VIP over.
"""
CONFIRMED = timedelta(seconds=1)
"""The time for which several owners must have been observed: keepalived's start and each failover overlap for less."""

LEASE_SETTLED = timedelta(seconds=3)
"""The age from which a holder of kube-vip's lease must have the address, and every other host must have dropped it."""


def hardware_of(facts: HostFacts, address: str) -> str:
    """The hardware address of the host's interface that has `address`; empty where it is unknown."""
    system = value_of(facts.system)
    interface = next((one.interface for one in value_of(facts.addresses) or () if one.address == address), "")
    return dict(system.hardware).get(interface.partition("@")[0], "") if system else ""


def vip_views(snapshot: ClusterSnapshot) -> tuple[VipView, ...]:
    """One view for each VIP of the inventory, in its order."""
    return tuple(vip_view(snapshot, address) for address in snapshot.vips)


def vip_view(snapshot: ClusterSnapshot, address: Vip) -> VipView:
    """Owners are the hosts that have the address on an interface now. One owner is enough to call it owned."""
    owners: list[HostName] = []
    unheard: list[HostName] = []
    holders = possible_holders(snapshot, address)
    current = _current_reports(holders)
    for facts in holders:
        if facts.host not in current:
            unheard.append(facts.host)
        elif any(entry.address == address for entry in current[facts.host].value):
            owners.append(facts.host)
    state = _state(len(owners), len(unheard))
    if state is VipState.SPLIT and not all(_is_confirmed(facts) for facts in holders if facts.host in owners):
        state = VipState.UNKNOWN
    return VipView(address, state, tuple(owners), tuple(unheard))


def possible_holders(snapshot: ClusterSnapshot, address: Vip) -> tuple[HostFacts, ...]:
    """The hosts that can hold a VIP: the control planes for that of kube-vip, the balancers for those of keepalived."""
    role = Role.CONTROL_PLANE if is_leased(snapshot, address) else Role.LOAD_BALANCER
    return tuple(facts for facts in snapshot.hosts if facts.has(role))


def is_leased(snapshot: ClusterSnapshot, address: Vip) -> bool:
    """Whether kube-vip moves the address."""
    return snapshot.leased_vip is not None and snapshot.leased_vip.address == address


def lease_of(snapshot: ClusterSnapshot, vip: LeasedVip) -> Lease | None:
    """kube-vip's lease; None where it does not exist or no lease could be read."""
    return next((lease for lease in value_of(snapshot.leases) or () if lease.name == vip.lease), None)


def strayed_owners(snapshot: ClusterSnapshot) -> tuple[HostName, ...]:
    """The hosts that have kube-vip's address although another one holds the lease, or that hold the lease without it.

    Empty while the lease is not held, or was taken so shortly before it was read that the address may be moving.
    """
    vip = snapshot.leased_vip
    lease = lease_of(snapshot, vip) if vip else None
    if vip is None or lease is None or lease.host is None or lease.state(snapshot.observed_at) is not LeaseState.HELD:
        return ()
    view = vip_view(snapshot, vip.address)
    if not _is_settled(lease, possible_holders(snapshot, vip.address)):
        return ()
    others = tuple(host for host in view.owners if host != lease.host)
    lacking = lease.host not in (*view.owners, *view.unheard)
    return (*others, *((lease.host,) if lacking and not others else ()))


def _is_settled(lease: Lease, holders: tuple[HostFacts, ...]) -> bool:
    """The lease was read a while after its holder took it, and a while after the address moved."""
    if lease.read_at is None:
        return True
    ahead = timedelta(seconds=lease.clock_ahead_s)
    acquired = (lease.acquired_at - ahead,) if lease.acquired_at else ()
    moved = (facts.addresses_since for facts in holders if facts.addresses_since is not None)
    return all(lease.read_at - moment >= LEASE_SETTLED for moment in (*acquired, *moved))


def _is_confirmed(facts: HostFacts) -> bool:
    """A second look reported the same addresses."""
    since, report = facts.addresses_held_since, facts.addresses
    return since is None or (isinstance(report, Known) and report.at - since >= CONFIRMED)


def _current_reports(holders: tuple[HostFacts, ...]) -> dict[HostName, Known[tuple[InterfaceAddress, ...]]]:
    """The hosts' address reports, without those of unreachable hosts and those older than the newest one.

    A host that lost power reported the VIP a moment before another took it over: both reports together are no split.
    """
    reports = {
        facts.host: facts.addresses
        for facts in holders
        if isinstance(facts.addresses, Known) and not isinstance(facts.reach, Failed)
    }
    newest = max((report.at for report in reports.values()), default=None)
    if newest is None:
        return {}
    return {host: report for host, report in reports.items() if newest - report.at < OUTDATED}


def unfit(snapshot: ClusterSnapshot, host: str) -> str:
    """The reason why a balancer could not hold a VIP now, to be read after its name; empty if it could."""
    facts = snapshot.host(HostName(host))
    if facts is None or not isinstance(facts.reach, Known):
        return "cannot be reached"
    stopped = [name for name in ("keepalived", "haproxy") if not ((unit := facts.service(name)) and unit.running)]
    if stopped:
        return f"does not run {' and '.join(stopped)}"
    if held_down(snapshot, host):
        return "has a keepalived down file, so it takes no VIPs: run failback first"
    haproxy = value_of(facts.haproxy)
    if haproxy is not None and not any(server.up for backend in haproxy.backends for server in backend.servers):
        return "has no API server that is UP in its haproxy"
    return ""


def held_down(snapshot: ClusterSnapshot, host: str) -> bool:
    """Whether the host's down file was observed."""
    facts = snapshot.host(HostName(host))
    keepalived = value_of(facts.keepalived) if facts else None
    return keepalived is not None and keepalived.forced_down


def _state(owners: int, unheard: int) -> VipState:
    if owners > 1:
        return VipState.SPLIT
    if owners == 1:
        return VipState.OWNED
    return VipState.UNKNOWN if unheard else VipState.UNOWNED


def disagreeing(snapshot: ClusterSnapshot, address: Vip) -> tuple[HostName, ...]:
    """Hosts whose keepalived and addresses disagree about who has the VIP, by their latest reports."""
    balancers = (facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
    return tuple(facts.host for facts in balancers if _disagree(facts, address))


def _disagree(facts: HostFacts, address: Vip) -> bool:
    keepalived, addresses = value_of(facts.keepalived), value_of(facts.addresses)
    unit = facts.service("keepalived")
    if keepalived is None or addresses is None or unit is None:
        return False
    states = tuple(instance.state for instance in keepalived.instances if address in instance.vips)
    if not states or None in states:
        return False
    master = unit.running and VrrpState.MASTER in states
    return master != any(entry.address == address for entry in addresses)


def disagreement_confirmed(facts: HostFacts) -> bool:
    """keepalived was read after the addresses had been the same for a while: neither is in the middle of a move.

    keepalived's log and the addresses change some moments apart.
    """
    since, keepalived = facts.addresses_held_since, facts.keepalived
    return since is None or (isinstance(keepalived, Known) and keepalived.at >= since + CONFIRMED)
