"""The cluster of `tests.fakes.kubeadm` with kube-vip on its control planes in place of haproxy and keepalived."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from haconsole.inventory.component_settings import KubeVip
from haconsole.inventory.effective import leased_vip, watched_vips
from haconsole.model.hosts import HostFacts, InterfaceAddress, Role, ServiceKind
from haconsole.model.lease import Lease, LeaseSource
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY as BALANCED
from tests.fakes.kubeadm import healthy as balanced
from tests.fakes.kubeadm import static_pod, unit

VIP = Vip("10.99.0.200")
assert BALANCED.kubernetes is not None
INVENTORY = msgspec.structs.replace(
    BALANCED,
    hosts=tuple(
        msgspec.structs.replace(host, roles=tuple(role for role in host.roles if role is not Role.LOAD_BALANCER))
        for host in BALANCED.hosts
    ),
    vips=(),
    kube_vip=KubeVip(address=VIP),
    kubernetes=msgspec.structs.replace(BALANCED.kubernetes, endpoint=None),
)
PLANES = ("cp1", "cp2", "cp3")


def healthy(*owners: str, holder: str = "cp1", lease: Lease | None = None) -> ClusterSnapshot:
    """Three stacked control planes with kube-vip, the address on `owners` and the lease with `holder`."""

    def with_kube_vip(facts: HostFacts) -> HostFacts:
        roles = tuple(role for role in facts.roles if role is not Role.LOAD_BALANCER)
        if Role.CONTROL_PLANE not in roles:
            return facts
        own, leased = InterfaceAddress("eth0", facts.address, 24), InterfaceAddress("eth0", VIP, 32)
        entries = (own, leased) if facts.host in owners else (own,)
        kubelet, services = value_of(facts.kubelet), value_of(facts.services) or ()
        assert kubelet is not None
        pods = (*kubelet.static_pods, static_pod(KUBE_VIP))
        units = tuple(one for one in services if one.name not in ("haproxy", "keepalived"))
        return replace(
            facts,
            roles=roles,
            addresses=Known(entries, NOW),
            kubelet=Known(replace(kubelet, static_pods=pods), NOW),
            services=Known((*units, unit(KUBE_VIP, kind=ServiceKind.STATIC_POD, enabled=True)), NOW),
        )

    snapshot = balanced()
    leases = (*(value_of(snapshot.leases) or ()), lease or lease_of(holder))
    hosts = tuple(map(with_kube_vip, snapshot.hosts))
    vip = leased_vip(INVENTORY)
    return replace(snapshot, hosts=hosts, vips=watched_vips(INVENTORY), leased_vip=vip, leases=Known(leases, NOW))


def lease_of(holder: str, *, taken_s: float = 600.0, renewed_s: float = 1.0) -> Lease:
    return Lease(
        namespace="kube-system",
        name="plndr-cp-lock",
        holder=holder,
        host=HostName(holder) if holder in PLANES else None,
        acquired_at=NOW - timedelta(seconds=taken_s),
        renewed_at=NOW - timedelta(seconds=renewed_s),
        duration_s=5,
        transitions=3,
        source=LeaseSource.API,
        read_at=NOW,
    )


def without_lease(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    leases = tuple(one for one in value_of(snapshot.leases) or () if one.name != "plndr-cp-lock")
    return replace(snapshot, leases=Known(leases, NOW))
