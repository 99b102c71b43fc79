"""Rules about a VIP that kube-vip moves: the holder of its lease has the address, and no other host.

kube-vip speaks no VRRP. The kernel decides who has the address, and the lease who should have it.
"""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, Key, on
from haconsole.diagnosis.causes import POD_CODES
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.services import service_evidence
from haconsole.diagnosis.static_pods import log_files
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP, LeasedVip, VipState, VipView
from haconsole.model.vip_view import lease_of, possible_holders, strayed_owners, vip_view


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about kube-vip's address, if there is one."""
    vip = snapshot.leased_vip
    if vip is None:
        return
    view, lease = vip_view(snapshot, vip.address), lease_of(snapshot, vip)
    planes = possible_holders(snapshot, vip.address)
    if view.state is VipState.UNOWNED:
        yield _unowned(snapshot, vip, lease, planes)
    elif view.state is VipState.SPLIT:
        yield _split(snapshot, view, vip, lease)
    elif strayed := strayed_owners(snapshot):
        yield _differs(snapshot, view, vip, strayed[0])
    if lease is None and isinstance(snapshot.leases, Known) and view.owners:
        yield _no_lease(snapshot, view, vip)


def _unowned(
    snapshot: ClusterSnapshot, vip: LeasedVip, lease: Lease | None, planes: tuple[HostFacts, ...]
) -> Candidate:
    pods = tuple((code, f"{KUBE_VIP}@{facts.host}") for code in POD_CODES for facts in planes)
    holder = lease.host if lease and lease.host and lease.state(snapshot.observed_at) is LeaseState.HELD else None
    return Candidate(
        Finding(
            "vip.unowned",
            Severity.CRITICAL,
            "vip",
            f"no host holds {vip.address}: clients that use it reach nothing",
            "Every control plane was queried and none has the address on an interface. kube-vip sets the VIP on "
            "the host that holds its lease.",
            (_lease_evidence(snapshot, vip), *(line for facts in planes for line in service_evidence(facts, KUBE_VIP))),
            (
                *((_restart(holder),) if holder else ()),
                advice(f"read kube-vip's log on the control planes: tail -n 50 {log_files(KUBE_VIP)}"),
                advice("check on each control plane that kube-vip reaches the API server and may update its lease"),
            ),
        ),
        (NOT_BOOTSTRAPPED, QUORUM_LOST, *pods, *_api_causes(planes)),
    )


def _api_causes(planes: tuple[HostFacts, ...]) -> tuple[Key, ...]:
    """kube-vip gives the address up while no API server renews its lease."""
    if any(isinstance(facts.apiserver, Known) and facts.apiserver.value.ready for facts in planes):
        return ()
    return tuple(key for facts in planes for key in on(facts.host, "apiserver.down", "apiserver.not-ready"))


def _split(snapshot: ClusterSnapshot, view: VipView, vip: LeasedVip, lease: Lease | None) -> Candidate:
    strayed = tuple(host for host in view.owners if lease is None or host != lease.host)
    return Candidate(
        Finding(
            "vip.split",
            Severity.CRITICAL,
            view.address,
            f"{' and '.join(view.owners)} hold {view.address} at the same time",
            "Only the holder of kube-vip's lease should have the VIP; clients reach either host at random. A kube-vip "
            "that was killed leaves the address behind.",
            (_lease_evidence(snapshot, vip),),
            tuple(remedy for host in strayed for remedy in _removals(snapshot, vip, host)),
        ),
        tuple(key for host in strayed for key in _owner_causes(host)),
    )


def _differs(snapshot: ClusterSnapshot, view: VipView, vip: LeasedVip, host: HostName) -> Candidate:
    """One host has the address without the lease, or the lease without the address."""
    lease = lease_of(snapshot, vip)
    holder = lease.host if lease else None
    if host in view.owners:
        summary = f"{host} has {vip.address}, but {holder} holds kube-vip's lease {vip.lease}"
        why = "Clients reach the host that has the address. If that host fails, the address does not follow the lease."
    else:
        summary = f"{host} holds kube-vip's lease {vip.lease}, but does not have {vip.address}"
        why = (
            "kube-vip sets the address only when it takes the lease. It is missing until kube-vip restarts, or "
            "another host takes the lease."
        )
    remedies = (*((_restart(holder),) if holder else ()), *(_removals(snapshot, vip, host) if host != holder else ()))
    causes = (*_owner_causes(host), *(_owner_causes(holder) if holder else ()))
    finding = Finding(
        "vip.lease-differs",
        Severity.WARNING,
        view.address,
        summary,
        why,
        (_lease_evidence(snapshot, vip), *_pod_evidence(snapshot, host)),
        remedies,
    )
    return Candidate(finding, (NOT_BOOTSTRAPPED, QUORUM_LOST, *causes))


def _no_lease(snapshot: ClusterSnapshot, view: VipView, vip: LeasedVip) -> Candidate:
    owners = ", ".join(view.owners)
    return Candidate(
        Finding(
            "vip.lease-differs",
            Severity.WARNING,
            view.address,
            f"{owners} has {vip.address}, but kube-vip's lease {vip.lease} does not exist",
            "kube-vip moves the address with its lease. Without a lease the address does not move when its host fails.",
            (_lease_evidence(snapshot, vip), *(line for host in view.owners for line in _pod_evidence(snapshot, host))),
            (
                advice(
                    "compare vip_leaderelection and vip_leasename in kube-vip's manifest with kube_vip.lease in the "
                    "inventory"
                ),
                advice(f"read kube-vip's log: tail -n 50 {log_files(KUBE_VIP)} on {owners}"),
            ),
        ),
        (QUORUM_LOST, *(key for host in view.owners for key in _owner_causes(host))),
    )


def _owner_causes(host: HostName) -> tuple[Key, ...]:
    return (
        *((code, f"{KUBE_VIP}@{host}") for code in POD_CODES),
        *on(host, "host.unreachable", "kubelet.down", "runtime.down", "host.slow"),
    )


def _restart(host: HostName) -> Remedy:
    return advice(
        f"restart kube-vip on {host}: move its manifest out of the static pod folder for 20 s, then back. "
        "Renaming the file is not enough: kubelet reads every file in that folder"
    )


def _removals(snapshot: ClusterSnapshot, vip: LeasedVip, host: HostName) -> Iterator[Remedy]:
    """Remove an address that its host should not have."""
    facts = snapshot.host(host)
    entries = value_of(facts.addresses) or () if facts else ()
    for entry in entries:
        if entry.address == vip.address:
            yield advice(f"on {host}: ip address del {entry.address}/{entry.prefix} dev {entry.interface}")


def _pod_evidence(snapshot: ClusterSnapshot, host: HostName) -> tuple[str, ...]:
    facts = snapshot.host(host)
    return service_evidence(facts, KUBE_VIP) if facts else ()


def _lease_evidence(snapshot: ClusterSnapshot, vip: LeasedVip) -> str:
    lease = lease_of(snapshot, vip)
    if lease is None:
        known = isinstance(snapshot.leases, Known)
        return f"lease kube-system/{vip.lease}: " + (
            "the lease does not exist" if known else "the lease could not be read"
        )
    age_s = lease.age_s(lease.read_at or snapshot.observed_at)
    renewed = f"lease renewed {age_s:.0f} s before this reading" if age_s is not None else "never renewed"
    return (
        f"lease kube-system/{vip.lease}: {lease.state(snapshot.observed_at)} by {lease.holder or 'nobody'}, {renewed}"
    )
