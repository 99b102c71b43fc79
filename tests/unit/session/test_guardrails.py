"""Guardrails stop runs in the session, whatever started them; an override is kept in the run log."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from haconsole.actions.step import Plan
from haconsole.errors import ExitCode
from haconsole.execution.log.run_record import read_run, run_paths
from haconsole.inventory.guardrail import Guardrail, GuardrailKind
from haconsole.session import GuardrailError
from haconsole.session.live import LiveSession
from tests.unit.execution.local import LocalFleet
from tests.unit.session.test_live import INVENTORY, places, step

__all__ = ["places"]
NEVER = Guardrail(rule=GuardrailKind.REFUSE, reason="Rebuilt by the pipeline.", actions=("bootstrap",))
ONE = Guardrail(rule=GuardrailKind.AT_MOST, reason="One cluster at a time.", count=1)
PLAN = Plan("bootstrap", "lab", (step("true"),))


def session(folder: Path, *guardrails: Guardrail, cluster: str = "lab") -> LiveSession:
    inventory = msgspec.structs.replace(INVENTORY, guardrails=guardrails, cluster=cluster)
    return LiveSession(inventory, LocalFleet("cp1"), source="/lab.yaml", digest="ab" * 32, runs=folder / "runs")


async def test_a_guardrail_refuses_a_run_and_its_override_is_logged(tmp_path: Path) -> None:
    one = session(tmp_path, NEVER)
    with pytest.raises(GuardrailError, match="bootstrap: refused: Rebuilt by the pipeline") as excinfo:
        one.start(PLAN)
    assert excinfo.value.exit_code is ExitCode.REFUSED
    with pytest.raises(GuardrailError):
        one.start(PLAN, override="  ")
    assert run_paths(tmp_path / "runs") == ()
    assert [event async for event in one.start(PLAN, override="The pipeline is broken.").events()]
    (path,) = run_paths(tmp_path / "runs")
    (override,) = read_run(path).overrides
    assert (override.reason, override.rules) == ("The pipeline is broken.", ("bootstrap: refused",))


async def test_an_unneeded_override_is_not_logged(tmp_path: Path) -> None:
    one = session(tmp_path)
    assert [event async for event in one.start(PLAN, override="just in case").events()]
    (path,) = run_paths(tmp_path / "runs")
    assert read_run(path).overrides == ()


async def test_runs_on_other_clusters_count(tmp_path: Path) -> None:
    other, one = session(tmp_path), session(tmp_path, ONE, cluster="second")
    events = other.start(PLAN).events()
    await anext(events)
    with pytest.raises(GuardrailError, match="at most 1 run at the same time: One cluster at a time"):
        one.start(PLAN)
    assert [event async for event in events]
    assert one.guardrail_stops(PLAN) == ()


async def test_a_resumption_is_stopped_too_and_its_override_logged(tmp_path: Path) -> None:
    plan = Plan("bootstrap", "lab", (step(f"test -e {tmp_path}/there"),))
    assert [event async for event in session(tmp_path).start(plan).events()]
    (path,) = run_paths(tmp_path / "runs")
    (tmp_path / "there").touch()
    one = session(tmp_path, NEVER)
    with pytest.raises(GuardrailError):
        await one.resume(path.stem)
    assert [event async for event in (await one.resume(path.stem, override="Finish it.")).events()]
    assert [each.reason for each in read_run(path).overrides] == ["Finish it."]
