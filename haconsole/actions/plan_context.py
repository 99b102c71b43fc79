"""The input of bootstrap planners: the target state of the cluster, and its observed state."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.configs.layout import Layout, layout
from haconsole.inventory.effective import vip_address, vip_interface
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role, ServiceState
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot


class BootstrapPart(StrEnum):
    """The parts that can be bootstrapped separately."""

    ETCD = "etcd"
    HAPROXY = "haproxy"
    KEEPALIVED = "keepalived"
    KUBERNETES = "kubernetes"


class PlanContext(msgspec.Struct, frozen=True):
    """The inventory, its layout, the snapshot planned from, and the requested parts."""

    inventory: Inventory
    layout: Layout
    snapshot: ClusterSnapshot
    parts: frozenset[BootstrapPart]
    replaces_ca: bool = False
    """Whether a CA is being replaced, which needs new leaves also where none is due."""

    @property
    def etcd(self) -> tuple[Host, ...]:
        return self.inventory.with_role(Role.ETCD)

    @property
    def balancers(self) -> tuple[Host, ...]:
        return self.inventory.with_role(Role.LOAD_BALANCER)

    @property
    def control_planes(self) -> tuple[Host, ...]:
        return self.inventory.with_role(Role.CONTROL_PLANE)

    def hosts_of(self, part: BootstrapPart) -> tuple[Host, ...]:
        """The hosts that `part` runs on."""
        match part:
            case BootstrapPart.ETCD:
                return self.etcd
            case BootstrapPart.HAPROXY | BootstrapPart.KEEPALIVED:
                return self.balancers
            case BootstrapPart.KUBERNETES:
                return self.control_planes

    def parts_on(self, host: Host) -> tuple[BootstrapPart, ...]:
        """The requested parts that run on `host`."""
        return tuple(part for part in BootstrapPart if part in self.parts and host in self.hosts_of(part))

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of the requested parts, in the order of the inventory."""
        return tuple(host for host in self.inventory.hosts if self.parts_on(host))

    def service(self, host: Host, unit: str) -> ServiceState | None:
        """`unit`, with or without its ``.service``, as observed on `host`."""
        facts = self.snapshot.host(HostName(host.name))
        return facts.service(unit.removesuffix(".service")) if facts else None

    def runs(self, host: Host, unit: str) -> bool:
        """Whether `unit` was observed running on `host`."""
        service = self.service(host, unit)
        return service is not None and service.running

    def interface(self, host: Host, address: Vip) -> str | None:
        """The interface of the VIP on `host`: from the inventory, otherwise the one with the host's address."""
        for vip in self.inventory.vips:
            configured = vip_interface(self.inventory, vip, host)
            if vip_address(vip) == address and configured is not None:
                return configured
        facts = self.snapshot.host(HostName(host.name))
        addresses = value_of(facts.addresses) if facts else None
        return next((entry.interface for entry in addresses or () if entry.address == host.address), None)


def plan_context(snapshot: ClusterSnapshot, inventory: Inventory, only: BootstrapPart | None) -> PlanContext:
    """The context for all parts of the inventory, or for the requested one."""
    parts = frozenset({only}) if only else _parts_of(inventory)
    return PlanContext(inventory, layout(inventory), snapshot, parts)


def _parts_of(inventory: Inventory) -> frozenset[BootstrapPart]:
    balanced = bool(inventory.with_role(Role.LOAD_BALANCER)) and inventory.kubernetes is not None
    there = {
        BootstrapPart.ETCD: bool(inventory.with_role(Role.ETCD)),
        BootstrapPart.HAPROXY: balanced,
        BootstrapPart.KEEPALIVED: balanced and bool(inventory.vips),
        BootstrapPart.KUBERNETES: inventory.kubernetes is not None and bool(inventory.with_role(Role.CONTROL_PLANE)),
    }
    return frozenset(part for part, present in there.items() if present)
