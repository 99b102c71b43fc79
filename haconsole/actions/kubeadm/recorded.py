"""A copy of the inventory with the kubelet settings that the cluster records: kubeadm gives them to a joining host."""

from __future__ import annotations

import msgspec

from haconsole.inventory.component_settings import CgroupDriver
from haconsole.inventory.schema import Inventory
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot


def as_recorded(snapshot: ClusterSnapshot, inventory: Inventory) -> Inventory:
    """The inventory; the cgroup driver and the use of swap are those of kubelet-config, if the cluster has one.

    An inventory that was discovered has no such settings, and its defaults may differ from the cluster's.
    """
    record = value_of(snapshot.kubeadm)
    kubelet = record.kubelet if record else None
    kubernetes = inventory.kubernetes
    if kubelet is None or kubernetes is None:
        return inventory
    kubeadm = kubernetes.kubeadm
    if kubelet.cgroup_driver in tuple(CgroupDriver):
        kubeadm = msgspec.structs.replace(kubeadm, cgroup_driver=CgroupDriver(kubelet.cgroup_driver))
    if kubelet.fail_swap_on is False:
        kubeadm = msgspec.structs.replace(kubeadm, kubelet={**(kubeadm.kubelet or {}), "failSwapOn": False})
    return msgspec.structs.replace(inventory, kubernetes=msgspec.structs.replace(kubernetes, kubeadm=kubeadm))
