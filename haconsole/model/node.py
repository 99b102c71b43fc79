"""Nodes of the cluster as the API has them, control planes and workers, in the inventory or not."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.names import HostName


class NodeCondition(msgspec.Struct, frozen=True):
    """`status` is ``True``, ``False``, or ``Unknown`` once the controller-manager has lost sight of kubelet."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: datetime | None = None


class NodeState(msgspec.Struct, frozen=True):
    """One Node object. Times are those of its host's and the API servers' clocks."""

    name: str
    host: HostName | None
    """The inventory's host of that name or address; None where it has none."""
    control_plane: bool
    conditions: tuple[NodeCondition, ...]
    kubelet_version: str
    unschedulable: bool
    """Cordoned: no new pods are placed on it."""
    taints: tuple[str, ...]
    """Like ``node.kubernetes.io/unreachable:NoExecute``."""
    address: str = ""
    """Its InternalIP; empty where it has none."""
    renewed_at: datetime | None = None
    """Last renewal of its lease by kubelet, by the host's clock; None where it has no lease."""
    clock_ahead_s: float = 0.0
    """Lead of the host's clock over this machine's; 0 where unknown."""

    @property
    def ready(self) -> bool | None:
        """None where the API does not know, as kubelet has stopped reporting."""
        status = next((each.status for each in self.conditions if each.type == "Ready"), "Unknown")
        return {"True": True, "False": False}.get(status)

    @property
    def abnormal(self) -> tuple[NodeCondition, ...]:
        """Conditions that are not as on a healthy node."""
        return tuple(each for each in self.conditions if each.status != ("True" if each.type == "Ready" else "False"))

    @property
    def pressures(self) -> tuple[str, ...]:
        """Conditions other than Ready that are true, such as DiskPressure."""
        return tuple(each.type for each in self.conditions if each.type != "Ready" and each.status == "True")

    def condition(self, name: str) -> NodeCondition | None:
        return next((each for each in self.conditions if each.type == name), None)

    def lease_age_s(self, now: datetime) -> float | None:
        """Seconds from kubelet's last renewal to `now`, this machine's time; None without a lease."""
        if self.renewed_at is None:
            return None
        return (now - self.renewed_at).total_seconds() + self.clock_ahead_s
