"""Run logs that version 0.1 wrote on real hosts are still read, and their plans count as unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunRecord, RunStatus, read_run, read_runs

FOLDER = Path(__file__).parent / "runs_of_0_1"
PATHS = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem.split("-", 1)[1])
def test_a_recorded_plan_is_the_one_that_was_agreed_to(path: Path) -> None:
    record = read_run(path)
    assert record.intact
    assert record.torn_lines == 0
    assert len(record.steps) == len(record.plan.steps) > 0


def test_finished_runs_are_complete_and_an_interrupted_one_is_not() -> None:
    records = [record for record in read_runs(FOLDER) if isinstance(record, RunRecord)]
    assert len(records) == len(PATHS) == 5
    unfinished = [record for record in records if not record.complete]
    assert [(record.plan.action, record.standing) for record in unfinished] == [("rotate-certs", RunStatus.BROKEN_OFF)]
    assert all(record.outcome is Outcome.DONE for record in records if record.complete)


def test_a_changed_plan_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "20260101T000000Z-drain-0000.jsonl"
    text = next(path for path in PATHS if "drain" in path.name).read_text()
    assert '"state": "drain"' in text
    path.write_text(text.replace('"state": "drain"', '"state": "maint"', 1))
    assert not read_run(path).intact
