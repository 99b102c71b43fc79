"""Performs changes of nodes through the API: drain, delete, and kubeadm's own list of control planes.

Each reads the state first, so that a retry after a lost answer is safe.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, assert_never

import yaml

from haconsole.actions.operations import DeleteNode, DrainNode, ForgetControlPlane
from haconsole.execution.clock import Clock
from haconsole.execution.nodes.api import CONFIG, Pod, any_api, cluster_status, name_list, pods_to_evict
from haconsole.execution.outcome import OperationResult, failure, success
from haconsole.probes.context import ClusterContext
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind

PAUSE_S = 2.0
MERGE = "application/merge-patch+json"
Tell = Callable[[str], Awaitable[None]]


async def change_node(
    context: ClusterContext, operation: DrainNode | DeleteNode | ForgetControlPlane, clock: Clock, tell: Tell
) -> OperationResult:
    """Perform the change; `tell` receives what a drain waits for."""
    async with any_api(context, operation.ask) as api:
        match operation:
            case DrainNode():
                return await NodeDrain(api, operation, clock, tell).run()
            case DeleteNode(node=node):
                return await _delete(api, node)
            case ForgetControlPlane(node=node):
                return await forget(api, node)
            case _:
                assert_never(operation)


async def _delete(api: KubeApi, node: str) -> OperationResult:
    try:
        await api.send("DELETE", f"/api/v1/nodes/{node}")
    except KubeError as error:
        if error.kind is not KubeErrorKind.NOT_FOUND:
            raise
        return success(f"there is no node {node}")
    return success(f"node {node} is deleted")


async def forget(api: KubeApi, node: str) -> OperationResult:
    """Delete the node's entry in ClusterStatus."""
    status = await cluster_status(api)
    if node not in status.endpoints:
        return success(f"kubeadm-config does not list {node}")
    await _write_endpoints(api, {name: one for name, one in status.endpoints.items() if name != node})
    return success(f"kubeadm-config no longer lists {node}")


async def remember(api: KubeApi, node: str, address: str, port: int) -> None:
    """Add the node to ClusterStatus, where this version of kubeadm keeps one."""
    status = await cluster_status(api)
    entry = {"advertiseAddress": address, "bindPort": port}
    if "ClusterStatus" in status.data and status.endpoints.get(node) != entry:
        await _write_endpoints(api, {**status.endpoints, node: entry})


async def _write_endpoints(api: KubeApi, endpoints: dict[str, Any]) -> None:
    """Only if nobody changed the object meanwhile."""
    status = await cluster_status(api)
    document = yaml.safe_load(status.data["ClusterStatus"])
    text = yaml.safe_dump({**document, "apiEndpoints": endpoints}, sort_keys=False)
    patch = {"metadata": {"resourceVersion": status.version}, "data": {"ClusterStatus": text}}
    await api.send("PATCH", CONFIG, patch, kind=MERGE)


class NodeDrain:
    """One drain: cordon, evict, wait until the pods are gone."""

    def __init__(self, api: KubeApi, operation: DrainNode, clock: Clock, tell: Tell) -> None:
        self._api = api
        self._operation = operation
        self._clock = clock
        self._tell = tell
        self._reported = ""
        self._reasons: dict[str, str] = {}
        """Why pods could not be evicted, by name."""

    async def run(self) -> OperationResult:
        operation, api = self._operation, self._api
        if await api.node(operation.node) is None:
            return success(f"there is no node {operation.node}")
        await api.send("PATCH", f"/api/v1/nodes/{operation.node}", {"spec": {"unschedulable": True}}, kind=MERGE)
        pods = await pods_to_evict(api, operation.node)
        alone = tuple(pod for pod in pods if not pod.controlled)
        if alone and not operation.force:
            way_out = "delete these pods yourself, or make the plan with force, which deletes them"
            return failure(f"no controller would create {name_list(alone)} again: {way_out}")
        return await self._evict(len(pods))

    async def _evict(self, count: int) -> OperationResult:
        version = await _eviction_version(self._api)
        end = self._clock.monotonic() + self._operation.within_s
        evicted: set[str] = set()
        while pods := await pods_to_evict(self._api, self._operation.node):
            for pod in pods:
                if pod.metadata.uid not in evicted and await self._leaves(pod, version):
                    evicted.add(pod.metadata.uid)
            if self._clock.monotonic() >= end:
                return failure(self._late(pods))
            await self._report(pods)
            await self._clock.sleep(PAUSE_S)
        return success(f"node {self._operation.node} is cordoned; {count} pods have left it")

    async def _leaves(self, pod: Pod, version: str) -> bool:
        """Whether the eviction was accepted; with force the pod is deleted instead."""
        meta = pod.metadata
        path = f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}"
        eviction = {
            "apiVersion": version,
            "kind": "Eviction",
            "metadata": {"name": meta.name, "namespace": meta.namespace},
        }
        try:
            await self._api.send("POST", f"{path}/eviction", eviction)
        except KubeError as error:
            if error.kind is KubeErrorKind.NOT_FOUND:
                return True
            if error.kind is not KubeErrorKind.TOO_MANY:
                raise
            self._reasons[pod.name] = error.detail
            if not self._operation.force:
                return False
            await self._api.send("DELETE", path)
        self._reasons.pop(pod.name, None)
        return True

    async def _report(self, pods: tuple[Pod, ...]) -> None:
        text = f"waits for {name_list(pods)}" + "".join(f"; {why}" for why in set(self._reasons.values()))
        if text != self._reported:
            self._reported = text
            await self._tell(text)

    def _late(self, pods: tuple[Pod, ...]) -> str:
        blocked = "; ".join(f"{name}: {why}" for name, why in self._reasons.items())
        why = blocked or f"{name_list(pods)} did not end"
        return (
            f"node {self._operation.node} is cordoned and not drained after {self._operation.within_s:g} s: {why}; "
            "let the PodDisruptionBudget allow the eviction and resume, or plan with force"
        )


async def _eviction_version(api: KubeApi) -> str:
    minor = (await api.version()).split(".")[1]
    return "policy/v1" if int(minor) >= 22 else "policy/v1beta1"
