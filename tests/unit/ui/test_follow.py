"""A host has left: the console shows how the inventory's file should follow, and changes it on request."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from tests.fakes.cluster import healthy
from tests.fakes.plans import PLAN, ended, recorded, running_events
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import begin, shows, until

LEAVING = replace(PLAN, departing_host="b")
TEXT = """\
cluster: lab
ssh: {user: ops}
hosts:
  - {name: a, address: 10.0.0.1, roles: [etcd]}
  - {name: b, address: 10.0.0.2, roles: [etcd]}
"""
QUESTION = "b has left the cluster: remove the host from the inventory's file?"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lab.yaml"
    path.write_text(TEXT)
    return path


def leaving(**how: object) -> FakeSession:
    plan = replace(LEAVING, **how)
    record = replace(recorded(RunStatus.ENDED, Outcome.FAILED), plan=plan)
    return FakeSession(healthy(), plans={"bootstrap": plan}, records=(record,), events=(*running_events(), *ended()))


async def carry_on(pilot: Pilot[None]) -> None:
    await pilot.press("h")
    await shows(pilot, "✖ failed")
    await pilot.press("r")
    await pilot.press("y")


@pytest.mark.parametrize("by", [begin, carry_on])
async def test_the_change_is_shown_and_made_by_a_yes(file: Path, by: object) -> None:
    async with running(console(leaving(), file=file), (160, 45)) as pilot:
        await by(pilot)  # type: ignore[operator]
        await shows(pilot, QUESTION)
        assert "-  - {name: b, address: 10.0.0.2, roles: [etcd]}" in screen_text(pilot.app)
        assert file.read_text() == TEXT
        await pilot.press("y")
        await until(pilot, lambda: "name: b" not in file.read_text())


async def test_without_a_yes_the_file_stays(file: Path) -> None:
    async with running(console(leaving(), file=file), (160, 45)) as pilot:
        await begin(pilot)
        await shows(pilot, QUESTION)
        await pilot.press("n")
        await shows(pilot, "● done after")
        assert file.read_text() == TEXT


async def test_a_plan_with_the_option_changes_the_file_without_a_prompt(file: Path) -> None:
    async with running(console(leaving(updates_inventory=True), file=file), (160, 45)) as pilot:
        await begin(pilot)
        await until(pilot, lambda: "name: b" not in file.read_text())
        assert QUESTION not in screen_text(pilot.app)
