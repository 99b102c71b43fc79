"""Queries the Kubernetes API through any host that answers, and reads the state of a node there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, assert_never

import msgspec

from haconsole.actions.checks import ApiHas, NodeIs, NodeStage
from haconsole.errors import HaconsoleError
from haconsole.execution.etcd.member_list import host_of
from haconsole.execution.first_usable import first_usable
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes.access import kube_on
from haconsole.transport.base import TransportError
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind
from haconsole.transport.kube_objects import Node
from haconsole.transport.kubeconfig import KubeconfigError

READ_S = 6.0
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
Problems = tuple[str, ...]


def any_api(context: ClusterContext, ask: tuple[HostName, ...]) -> AbstractAsyncContextManager[KubeApi]:
    """The API server of the first of `ask` that is ready; raises the last error if none is."""

    async def ready(api: KubeApi) -> bool:
        return (await api.readiness(deadline_s=READ_S)).ready

    names = ", ".join(ask)
    none = HaconsoleError(f"no API server of {names} is ready", hint="see which check of /readyz fails, then retry")
    return first_usable((kube_on(context, host_of(context, name)) for name in ask), ready, none)


async def object_problems(context: ClusterContext, check: NodeIs | ApiHas) -> Problems:
    """The reason why the check fails; raises TransportError when no host of its API servers can be queried."""
    try:
        async with any_api(context, check.ask) as api:
            return await (_missing(api, check) if isinstance(check, ApiHas) else _node_problems(api, check))
    except (KubeError, KubeconfigError, ProbeError, HaconsoleError) as error:
        if isinstance(error, TransportError) and not isinstance(error, KubeError):
            raise
        return (str(error),)


async def _missing(api: KubeApi, check: ApiHas) -> Problems:
    try:
        await api.get(check.path, deadline_s=READ_S)
    except KubeError as error:
        if error.kind is not KubeErrorKind.NOT_FOUND:
            raise
        return (f"the API serves nothing at {check.path}",)
    return ()


async def _node_problems(api: KubeApi, check: NodeIs) -> Problems:
    if check.stage is NodeStage.UNLISTED:
        listed = check.node in (await cluster_status(api)).endpoints
        return (f"the ConfigMap kubeadm-config still lists {check.node} in its ClusterStatus",) if listed else ()
    node = await api.node(check.node, deadline_s=READ_S)
    if check.stage is NodeStage.DRAINED and node is not None and node.spec.unschedulable:
        pods = await pods_to_evict(api, check.node)
        return (f"node {check.node} still runs {name_list(pods)}",) if pods else ()
    return stage_problems(check.node, check.stage, node)


def stage_problems(name: str, stage: NodeStage, node: Node | None) -> Problems:
    """The reason why `node` is not at the stage."""
    if stage in (NodeStage.GONE, NodeStage.UNLISTED):
        return (f"the API still has node {name}",) if node is not None else ()
    if node is None:
        return () if stage is NodeStage.DRAINED else (f"the API has no node {name}",)
    match stage:
        case NodeStage.DRAINED:
            return () if node.spec.unschedulable else (f"node {name} is not cordoned",)
        case NodeStage.REGISTERED:
            return ()
        case NodeStage.READY:
            return _readiness(name, node)
        case NodeStage.MARKED:
            return _mark(name, node)
        case NodeStage.CONTROL_PLANE:
            return _readiness(name, node) + _mark(name, node)
        case _:
            assert_never(stage)


def _mark(name: str, node: Node) -> Problems:
    labels = node.metadata.labels or {}
    return () if labels.keys() & set(CONTROL_PLANE_LABELS) else (f"node {name} has no control-plane label",)


def _readiness(name: str, node: Node) -> Problems:
    if node.ready:
        return ()
    reported = next((one for one in node.status.conditions if one.type == "Ready"), None)
    message = f": {reported.message}" if reported and reported.message else ""
    network = "; set kubernetes.kubeadm.cni, or install a pod network" if "etwork" in message else ""
    return (f"node {name} is not ready{message}{network}",)


class KubeadmConfig(msgspec.Struct, frozen=True):
    """kubeadm-config as stored, and the control planes in its ClusterStatus, by node (kubeadm up to 1.21)."""

    data: Mapping[str, str]
    endpoints: Mapping[str, Any]
    version: str
    """The object's resourceVersion."""


CONFIG = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"


async def cluster_status(api: KubeApi) -> KubeadmConfig:
    """kubeadm-config of the cluster; without entries where kubeadm keeps none."""
    import yaml

    stored = msgspec.json.decode(await api.get(CONFIG, deadline_s=READ_S))
    data = stored.get("data") or {}
    status = yaml.safe_load(data.get("ClusterStatus", "")) or {}
    return KubeadmConfig(data, status.get("apiEndpoints") or {}, stored["metadata"]["resourceVersion"])


class PodOwner(msgspec.Struct, frozen=True):
    kind: str
    controller: bool = False


class PodMeta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str
    uid: str = ""
    annotations: dict[str, str] | None = None
    owner_references: tuple[PodOwner, ...] = ()


class PodStatus(msgspec.Struct, frozen=True):
    phase: str = ""


class Pod(msgspec.Struct, frozen=True):
    """A pod, as far as an eviction needs it."""

    metadata: PodMeta
    status: PodStatus = PodStatus()

    @property
    def name(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def stays(self) -> bool:
        """A static pod's mirror, or a DaemonSet's: it belongs to the node, and an eviction would not remove it."""
        owners = {owner.kind for owner in self.metadata.owner_references}
        return "kubernetes.io/config.mirror" in (self.metadata.annotations or {}) or bool(
            owners & {"DaemonSet", "Node"}
        )

    @property
    def controlled(self) -> bool:
        """A controller starts it again elsewhere, or it has ended."""
        return bool(self.metadata.owner_references) or self.status.phase in ("Succeeded", "Failed")


class _Pods(msgspec.Struct, frozen=True):
    items: tuple[Pod, ...] = ()


async def pods_to_evict(api: KubeApi, node: str) -> tuple[Pod, ...]:
    """The pods of the node that a drain evicts."""
    body = await api.get(f"/api/v1/pods?fieldSelector=spec.nodeName={node}", deadline_s=READ_S)
    return tuple(pod for pod in msgspec.json.decode(body, type=_Pods).items if not pod.stays)


def name_list(pods: tuple[Pod, ...], most: int = 5) -> str:
    """The names of the first pods."""
    more = f" and {len(pods) - most} more" if len(pods) > most else ""
    return ", ".join(pod.name for pod in pods[:most]) + more
