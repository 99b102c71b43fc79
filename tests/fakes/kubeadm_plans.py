"""Bootstraps by kubeadm as plans, and the order of their steps."""

from __future__ import annotations

import msgspec

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.step import Plan
from haconsole.inventory.schema import Inventory, Kubernetes
from haconsole.model.names import StepId
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import bare
from tests.fakes.kubeadm import INVENTORY


def with_kubernetes(**changes: object) -> Inventory:
    kubernetes = msgspec.structs.replace(INVENTORY.kubernetes or Kubernetes(), version="1.20.2", **changes)
    return msgspec.structs.replace(INVENTORY, kubernetes=kubernetes)


def plan(inventory: Inventory, snapshot: ClusterSnapshot | None = None) -> Plan:
    planned = plan_bootstrap(snapshot or bare(inventory), inventory)
    assert isinstance(planned, Plan), planned.reasons
    return planned


def needs_of(plan: Plan, step: str) -> set[StepId]:
    """All steps before one, directly or through others."""
    steps = {one.id: one for one in plan.steps}
    waiting, before = [StepId(step)], set[StepId]()
    while waiting:
        for need in steps[waiting.pop()].needs:
            if need not in before:
                before.add(need)
                waiting.append(need)
    return before
