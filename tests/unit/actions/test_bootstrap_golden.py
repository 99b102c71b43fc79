"""The plan for the practice cluster as a person reads it; HACONSOLE_WRITE_GOLDEN=1 keeps what is planned now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.step import Plan, Refusal
from haconsole.cli.reports.plan import plan_text
from haconsole.inventory.load import load
from tests.fakes.cluster import bare

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = Path(__file__).resolve().parents[3] / "sample-inventories"
REFUSED = {
    "etcd-static-pods.yaml": ("etcd.placement",),
}


@pytest.mark.parametrize("name", ["lab", "kubeadm-external-etcd", "kubeadm-etcd-pods"])
def test_the_plan_reads_as_kept(name: str) -> None:
    inventory, content = load(SAMPLES / f"{name}.yaml"), GOLDEN / f"bootstrap-{name}.txt"
    plan = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(plan, Plan)
    text = plan_text(plan) + "\n"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        content.write_text(text)
    assert text == content.read_text()


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_every_sample_inventory_is_planned_or_refused_for_a_setting(file: Path) -> None:
    inventory = load(file)
    plan = plan_bootstrap(bare(inventory), inventory)
    settings = tuple(reason.split(" is ")[0] for reason in plan.reasons) if isinstance(plan, Refusal) else ()
    assert settings == REFUSED.get(file.name, ())
