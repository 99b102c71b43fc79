"""The complete cluster at one moment: a frozen value that is replaced, never edited."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.etcd import Election, ExternalEndpoint
from haconsole.model.hosts import HostFacts
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.lease import Lease
from haconsole.model.names import HostName, Vip
from haconsole.model.node import NodeState
from haconsole.model.observed import NOT_ASKED, Observed, value_of
from haconsole.model.vip import LeasedVip


class PendingFact(msgspec.Struct, frozen=True):
    """A fact that is being read for the first time; `host` is None for the leases."""

    host: HostName | None
    fact: str


class ClusterSnapshot(msgspec.Struct, frozen=True):
    """Facts of every host of the inventory, in its order, and the leases, which belong to no single host.

    `revision` counts up within one collector; `observed_at` (aware, UTC) is when this value was combined, each fact
    carrying its own time. An empty tuple of leases means that there are no leases.
    """

    cluster: str
    revision: int
    observed_at: datetime
    hosts: tuple[HostFacts, ...]
    vips: tuple[Vip, ...] = ()
    leases: Observed[tuple[Lease, ...]] = NOT_ASKED
    nodes: Observed[tuple[NodeState, ...]] = NOT_ASKED
    """By name, control planes first; also nodes of no host of the inventory."""
    kubeadm: Observed[ClusterConfiguration | None] = NOT_ASKED
    """kubeadm's record of the cluster; None where there is none."""
    pending: tuple[PendingFact, ...] = ()
    endpoint_ms: Observed[float] = NOT_ASKED
    """Milliseconds of a small request through the API's endpoint, from the host `via`, the way by SSH included."""
    external_etcd: tuple[ExternalEndpoint, ...] = ()
    """The endpoints of an etcd outside the inventory; none where etcd runs on its hosts."""
    leased_vip: LeasedVip | None = None
    """The one of `vips` that kube-vip moves; keepalived moves the others."""

    election: Election | None = None
    """The last election that was seen in a member's log; only a live view reads it, when the leader changes."""

    def clock_offsets_ms(self) -> dict[HostName, float]:
        """The lead of each host's clock over this machine's; 0 where it is not known."""
        return {facts.host: value_of(facts.clock_offset_ms) or 0.0 for facts in self.hosts}

    def host(self, name: HostName) -> HostFacts | None:
        return next((facts for facts in self.hosts if facts.host == name), None)
