"""A join by a discovered inventory prepares the host for the kubelet that the cluster's record gives it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.kubeadm.recorded import as_recorded
from haconsole.actions.membership.plan import plan_join
from haconsole.actions.operations import Nothing
from haconsole.actions.preparation.plan import needs_of
from haconsole.actions.step import Plan
from haconsole.inventory.component_settings import CgroupDriver
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.kubeadm import ClusterConfiguration, KubeletConfiguration
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.platform import RuntimeState
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, healthy, unit
from tests.fakes.platforms import ready

W2 = Host(name="w2", address="10.99.0.52", roles=(Role.WORKER,))
WITH_W2 = msgspec.structs.replace(INVENTORY, hosts=(*INVENTORY.hosts, W2))


def recorded(kubelet: KubeletConfiguration | None) -> ClusterSnapshot:
    """The cluster with this record, and a worker that is ready for cgroupfs."""
    runtime = RuntimeState("containerd", "/run/containerd/containerd.sock", True, "cgroupfs")
    worker = HostFacts(
        host=HostName("w2"),
        address=W2.address,
        roles=W2.roles,
        reach=healthy().hosts[0].reach,
        addresses=Known((), NOW),
        services=Known((unit("kubelet", "inactive"), unit("containerd", enabled=True)), NOW),
        platform=Known(replace(ready(WITH_W2, W2), runtime=runtime, swap=("/swap.img",)), NOW),
    )
    record = ClusterConfiguration("v1.20.2", "10.99.0.100:8443", kubelet=kubelet)
    snapshot = healthy()
    return replace(snapshot, hosts=(*snapshot.hosts, worker), kubeadm=Known(record, NOW))


CGROUPFS = KubeletConfiguration("kubelet-config-1.20", "cgroupfs", True, False)


@pytest.mark.parametrize(
    ("kubelet", "driver", "swap_on"),
    [
        (None, CgroupDriver.SYSTEMD, True),
        (KubeletConfiguration("kubelet-config"), CgroupDriver.SYSTEMD, True),
        (KubeletConfiguration("kubelet-config", "other"), CgroupDriver.SYSTEMD, True),
        (CGROUPFS, CgroupDriver.CGROUPFS, False),
    ],
)
def test_the_record_of_the_cluster_decides(
    kubelet: KubeletConfiguration | None, driver: CgroupDriver, swap_on: bool
) -> None:
    needs = needs_of(recorded(kubelet), WITH_W2, W2)
    assert needs is not None
    assert needs.kernel is not None
    assert (needs.kubeadm.cgroup_driver, needs.kernel.swap_on) == (driver, swap_on)


def test_a_join_leaves_a_runtime_that_fits_the_cluster() -> None:
    """By the inventory's default the runtime was changed to systemd, and no pod of the new node started."""
    plan = plan_join(recorded(CGROUPFS), WITH_W2, "w2")
    assert isinstance(plan, Plan), plan.reasons
    check = next(step for step in plan.steps if step.id.startswith("preflight.kubeadm"))
    assert isinstance(check.operation, Nothing)
    assert "cgroupfs" in str(check.precondition + check.verification)
    assert not any("containerd" in step.title for step in plan.steps)


def test_other_settings_are_those_of_the_inventory() -> None:
    changed: Inventory = as_recorded(recorded(CGROUPFS), WITH_W2)
    assert changed.kubernetes is not None
    assert changed.kubernetes.kubeadm.kubelet == {"failSwapOn": False}
    assert as_recorded(recorded(None), WITH_W2) is WITH_W2
    assert as_recorded(healthy(), WITH_W2) is WITH_W2
