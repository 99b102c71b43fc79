"""Nodes with their leases, and kubeadm's records of the cluster, from whichever API server answers first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace

from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.observed import NOT_ASKED, Known, Observed
from haconsole.probes.any_source import NEXT_AFTER_S, first_known, take_turns
from haconsole.probes.context import ClusterContext
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes.access import kube_on
from haconsole.probes.kubernetes.kubeadm_config import kubeadm_records
from haconsole.probes.kubernetes.leases import HolderHost, finder
from haconsole.probes.observe import all_ended, observe
from haconsole.transport.kube_api import KubeApi, KubeError
from haconsole.transport.kube_objects import LeaseObject, Node

_LEASES = "kube-node-lease"
_PLANES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_LEASES_WITHIN_S = 3.0
_KUBEADM_EVERY_S = 60.0
"""kubeadm changes its records only when it runs."""


class NodeProbe:
    """Nodes belong to the cluster: any API server can list them."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        inventory = context.inventory
        self._servers = inventory.with_role(Role.CONTROL_PLANE) if context.layout.kubernetes else ()
        self._has_kubeadm = is_kubeadm(inventory)
        self._kubeadm_due = 0.0

    @property
    def expected(self) -> bool:
        return bool(self._servers)

    async def once(self) -> None:
        self._store.shared.put_nodes(
            await first_known(tuple((NEXT_AFTER_S, partial(self._at, one)) for one in self._servers))
        )

    def give_up(self, seconds: float) -> None:
        """Record that no API server answered in time."""
        if self.expected:
            self._store.shared.put_nodes(self._context.unanswered("nodes", seconds))

    async def follow(self) -> None:
        """List the nodes again and again, through one API server for as long as it answers."""
        pause_s = self._context.timings.reopen_s
        await take_turns(self._servers, self._stay, self._store.shared.put_nodes, pause_s)

    async def _stay(self, host: Host) -> Observed[tuple[NodeState, ...]]:
        """List through `host` until that fails: the failure, or NOT_ASKED if there was an answer before it."""
        answered = False
        try:
            async with kube_on(self._context, host) as api:
                while True:
                    observation = await observe(self._context, host, "nodes", self._list(api), self._deadline_s)
                    if not isinstance(observation, Known):
                        return NOT_ASKED if answered else observation
                    answered = True
                    self._store.shared.put_nodes(observation)
                    await self._read_kubeadm(api, host)
                    await asyncio.sleep(self._context.timings.nodes_s)
        except Exception as error:
            return NOT_ASKED if answered else self._context.failed(host, "nodes", error)

    async def _at(self, host: Host) -> Observed[tuple[NodeState, ...]]:
        async def ask() -> tuple[NodeState, ...]:
            async with kube_on(self._context, host) as api:
                nodes = asyncio.create_task(self._list(api))
                await all_ended(nodes, asyncio.create_task(self._read_kubeadm(api, host)))
                return nodes.result()

        return await observe(self._context, host, "nodes", ask(), self._deadline_s)

    async def _list(self, api: KubeApi) -> tuple[NodeState, ...]:
        """Nodes and, at the same time, their leases; without these, only the ages are unknown."""
        leases = asyncio.create_task(_renewals(api))
        try:
            nodes = await api.nodes(deadline_s=self._deadline_s)
            host_of = finder(self._context.inventory.hosts, self._store.hostnames)
            return node_states(nodes, await leases, host_of)
        finally:
            leases.cancel()

    async def _read_kubeadm(self, api: KubeApi, host: Host) -> None:
        """kubeadm's records, if they are due; after a failure they are due at the next list."""
        now = asyncio.get_running_loop().time()
        if self._has_kubeadm and now >= self._kubeadm_due:
            read = kubeadm_records(api, _LEASES_WITHIN_S)
            record = await observe(self._context, host, "kubeadm", read, _LEASES_WITHIN_S)
            self._store.shared.put_kubeadm(record)
            if isinstance(record, Known):
                self._kubeadm_due = now + _KUBEADM_EVERY_S

    @property
    def _deadline_s(self) -> float:
        return self._context.timings.fact_s


async def _renewals(api: KubeApi) -> tuple[LeaseObject, ...]:
    try:
        return await api.leases(_LEASES, deadline_s=_LEASES_WITHIN_S)
    except KubeError:
        return ()


def node_states(nodes: Iterable[Node], leases: Iterable[LeaseObject], host_of: HolderHost) -> tuple[NodeState, ...]:
    """The nodes by name, control planes first; `host_of` finds the inventory's host of a name or address."""
    renewed = {lease.metadata.name: lease.spec.renew_time for lease in leases}
    states = (_state(node, host_of) for node in nodes)
    with_leases = (replace(state, renewed_at=renewed.get(state.name)) for state in states)
    return tuple(sorted(with_leases, key=lambda state: (not state.control_plane, state.name)))


def _state(node: Node, host_of: HolderHost) -> NodeState:
    addresses = {each.type: each.address for each in reversed(node.status.addresses)}
    address = addresses.get("InternalIP", "")
    return NodeState(
        name=node.metadata.name,
        host=host_of(node.metadata.name) or (host_of(address) if address else None),
        control_plane=any(label in (node.metadata.labels or {}) for label in _PLANES),
        conditions=tuple(
            NodeCondition(each.type, each.status, each.reason, each.message, each.last_transition_time)
            for each in node.status.conditions
        ),
        kubelet_version=node.status.node_info.kubelet_version,
        unschedulable=node.spec.unschedulable,
        taints=tuple(f"{taint.key}:{taint.effect}" for taint in node.spec.taints),
        address=address,
    )
