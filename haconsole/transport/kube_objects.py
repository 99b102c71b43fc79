"""The Kubernetes objects that are looked at, with the fields that are used (kubernetes.io: API reference).

Decoded from JSON in one go; fields not named here are skipped. Times are aware, UTC.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class _Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every object: frozen, named fields, the API's camelCase outside."""


class Meta(_Object, frozen=True, kw_only=True):
    """ObjectMeta, or ListMeta where only `resource_version` is filled."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class LeaseSpec(_Object, frozen=True, kw_only=True):
    """Spec of a coordination.k8s.io Lease; a released lock has no or an empty `holder_identity`."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: int | None = None


class LeaseObject(_Object, frozen=True, kw_only=True):
    metadata: Meta
    spec: LeaseSpec = LeaseSpec()


class LeaseList(_Object, frozen=True, kw_only=True):
    metadata: Meta
    items: tuple[LeaseObject, ...] = ()


class PlainObject(_Object, frozen=True, kw_only=True):
    """Any object of which only the metadata matters (Endpoints, ConfigMap)."""

    metadata: Meta


class PlainList(_Object, frozen=True, kw_only=True):
    metadata: Meta
    items: tuple[PlainObject, ...] = ()


class NodeTaint(_Object, frozen=True, kw_only=True):
    key: str
    effect: str = ""


class NodeSpec(_Object, frozen=True, kw_only=True):
    unschedulable: bool = False
    taints: tuple[NodeTaint, ...] = ()


class NodeConditionObject(_Object, frozen=True, kw_only=True):
    """`status` is ``True``, ``False`` or ``Unknown``."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class NodeAddress(_Object, frozen=True, kw_only=True):
    type: str
    address: str


class NodeInfo(_Object, frozen=True, kw_only=True):
    kubelet_version: str = ""


class NodeStatus(_Object, frozen=True, kw_only=True):
    conditions: tuple[NodeConditionObject, ...] = ()
    addresses: tuple[NodeAddress, ...] = ()
    node_info: NodeInfo = NodeInfo()


class Node(_Object, frozen=True, kw_only=True):
    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        """Whether kubelet recently reported that the node takes pods."""
        return any(each.type == "Ready" and each.status == "True" for each in self.status.conditions)


class NodeList(_Object, frozen=True, kw_only=True):
    metadata: Meta
    items: tuple[Node, ...] = ()


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to /readyz; `failing` are the checks that did not pass, in the server's order."""

    ready: bool
    failing: tuple[str, ...] = ()


class WatchEvent(_Object, frozen=True, kw_only=True):
    """One line of a watch; `type` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then `object` is a Status)."""

    type: str
    object: msgspec.Raw


class Version(_Object, frozen=True, kw_only=True):
    """The answer to /version; `git_version` is like ``v1.20.2``."""

    git_version: str


class Status(_Object, frozen=True, kw_only=True):
    """metav1.Status: why a request was refused."""

    message: str = ""
    reason: str = ""
    code: int = 0
