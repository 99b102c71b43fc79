"""Run logs that version 0.1 wrote are read, listed, resumed and undone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from haconsole.actions.catalogue import check_request, find_action
from haconsole.execution.log.resume import why_not_resume
from haconsole.execution.log.run_record import RunRecord, read_run, read_runs
from haconsole.model.findings import ActionCall

LOG = Path(__file__).parent / "records" / "20261129T053554Z-rotate-certs-5882.jsonl"
"""A run of a plan whose undoing action is kept as ``taken_back_by``, a list of words."""


@pytest.fixture
def record() -> RunRecord:
    return read_run(LOG)


def test_its_plan_is_undone_by_the_same_action(record: RunRecord) -> None:
    call = record.plan.undone_by
    assert call == ActionCall("rotate-certs", (("ca", "yes"), ("back", "yes")))
    check_request(find_action(call.action), call.request)


def test_its_plan_counts_as_unchanged(record: RunRecord) -> None:
    assert record.intact


def test_a_plan_that_was_changed_in_the_log_does_not(tmp_path: Path) -> None:
    text = LOG.read_text().replace('"Do it"', '"Do more"')
    (tmp_path / LOG.name).write_text(text)
    assert not read_run(tmp_path / LOG.name).intact


def test_it_is_listed(tmp_path: Path) -> None:
    shutil.copy(LOG, tmp_path)
    assert [one.plan.action for one in read_runs(tmp_path) if isinstance(one, RunRecord)] == ["rotate-certs"]


def test_it_is_resumed_where_it_did_not_end(tmp_path: Path) -> None:
    lines = LOG.read_text().splitlines(keepends=True)
    (tmp_path / LOG.name).write_text("".join(lines[:2]))
    fault = read_run(tmp_path / LOG.name)
    parts = json.loads(lines[0])["inventory"]["parts"]
    assert why_not_resume(fault, read_runs(tmp_path), "lab", parts) == ()
