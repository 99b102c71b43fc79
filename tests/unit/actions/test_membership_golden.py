"""Membership plans as a person reads them; HACONSOLE_WRITE_GOLDEN=1 keeps what is planned now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haconsole.cli.reports.plan import plan_text
from tests.unit.actions.test_membership_plan import PLANS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", PLANS)
def test_the_plan_reads_as_kept(name: str) -> None:
    content = GOLDEN / f"membership-{name}.txt"
    text = plan_text(PLANS[name]) + "\n"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        content.write_text(text)
    assert text == content.read_text()
