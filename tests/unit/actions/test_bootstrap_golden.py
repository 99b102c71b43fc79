"""The plan for the practice cluster as a person reads it; HACONSOLE_WRITE_GOLDEN=1 keeps what is planned now."""

from __future__ import annotations

import os
from pathlib import Path

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.step import Plan
from haconsole.cli.reports.plan import plan_text
from tests.unit.actions.test_bootstrap_plan import bare
from tests.unit.configs import samples

KEPT = Path(__file__).parent / "golden" / "bootstrap-lab.txt"


def test_the_plan_reads_as_kept() -> None:
    inventory = samples.lab()
    plan = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(plan, Plan)
    text = plan_text(plan) + "\n"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        KEPT.write_text(text)
    assert text == KEPT.read_text()
