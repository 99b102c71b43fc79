"""A run as a grid: failures on top, what runs and since when, progress by phase and host, and the estimated end."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from haconsole.execution.events import Outcome, StepDone, StepPaused, StepResumed
from haconsole.execution.log.run_record import RunStatus, StepRecord, StepState
from haconsole.model.names import HostName
from haconsole.present.fitting import text_table
from haconsole.present.row_keys import PhaseKey, StepKey
from haconsole.present.run_grid import about_row, counterpart, has_grid, run_grid
from haconsole.present.run_time import earlier_seconds, remaining_s
from haconsole.present.running import RunView, run_gist, time_cell
from haconsole.present.table_filter import TableFilter, granted
from tests.fakes.cluster import NOW
from tests.fakes.plans import PLAN, RUN, ended, recorded, running_events, step

LATER = NOW + timedelta(seconds=30)


def view_after(*more: object) -> RunView:
    view = RunView(PLAN, NOW)
    for event in (*running_events(), *more):
        view = view.after(event)  # type: ignore[arg-type]
    return view


def test_the_grid_shows_progress_by_phase_and_host() -> None:
    lines = text_table(run_grid(view_after(), LATER), 80).splitlines()
    assert lines[0].split() == ["PHASE", "cp1", "cp2", "cp3"]
    assert lines[1].startswith("▸ running cp1: Start etcd, ")
    assert lines[2].split() == ["etcd.env", "●", "1/1"]
    assert "▸ 0/1" in lines[3]
    assert lines[3].count("· 0/1") == 2


def test_the_time_of_a_step_begins_when_it_is_no_longer_held() -> None:
    running, *_ = view_after().under_way
    one = next(step for step in PLAN.steps if step.id == running)
    view = view_after(
        StepPaused(RUN, NOW, one.id, one.host), StepResumed(RUN, LATER - timedelta(seconds=2), one.id, one.host)
    )
    assert time_cell(view, one.id, LATER).text == "2s"


def test_failures_come_first_with_their_error() -> None:
    view = view_after(*ended(Outcome.FAILED))
    first, *_ = run_grid(view, LATER).rows
    assert first.cells[0].text.startswith("✖ cp3: Start etcd: systemctl enable --now etcd: exit status 1")
    assert any(cell.text == "✖ 0/1" for row in run_grid(view, LATER).rows for cell in row.cells)


def test_a_failure_names_its_host_once() -> None:
    result = StepDone(
        RUN, LATER, PLAN.steps[1].id, HostName("cp1"), Outcome.FAILED, 1.0, "cp1: systemctl: exit status 1"
    )
    failure = run_grid(view_after(result), LATER).rows[0].cells[0].text
    assert failure.count("cp1") == 1
    assert failure.endswith(": systemctl: exit status 1")


def test_the_grid_can_be_sorted_and_filtered() -> None:
    grid = run_grid(view_after(), LATER)
    assert len(granted(grid, TableFilter(column=3)).rows) == len(grid.rows)


def test_a_phase_is_described_step_by_step() -> None:
    detail = about_row(view_after(), PhaseKey("etcd"), LATER)
    assert detail is not None
    assert [getattr(item, "text", None) for item in detail.items].count("cp2") == 1
    assert detail.title == "bootstrap: etcd"


def test_a_step_of_the_list_is_found_in_the_grid_by_its_phase() -> None:
    view = view_after()
    result, *_ = (step for step in PLAN.steps if step.id in view.ended)
    assert counterpart(view, StepKey(result.id), listed=False) == PhaseKey(result.phase or "steps")
    running, *_ = view.under_way
    assert counterpart(view, StepKey(running), listed=False) == StepKey(running)


def test_a_failed_step_stays_the_row_of_the_grid() -> None:
    view = view_after(*ended(Outcome.FAILED))
    failed, *_ = (one for one, event in view.ended.items() if event.error)
    assert counterpart(view, StepKey(failed), listed=False) == StepKey(failed)


def test_a_phase_of_the_grid_is_found_in_the_list_by_its_first_step() -> None:
    first = next(step for step in PLAN.steps if step.phase == "etcd")
    assert counterpart(view_after(), PhaseKey("etcd"), listed=True) == StepKey(first.id)


def test_one_step_more_is_named_and_not_counted() -> None:
    three = replace(view_after(), started={step.id: NOW for step in PLAN.steps[:3]}, ended={})
    texts = [row.cells[0].text for row in run_grid(three, LATER).rows]
    assert sum(text.startswith("▸ running") for text in texts) == 3
    assert not any("more step" in text for text in texts)
    four = replace(three, started={step.id: NOW for step in PLAN.steps})
    assert "  and 2 more steps" in [row.cells[0].text for row in run_grid(four, LATER).rows]


def test_the_short_result_has_what_changed_and_what_failed() -> None:
    assert [cell.text for cell in run_gist(view_after(*ended()), LATER)][1] == "● done after 7 s: 4 changed"
    assert run_gist(view_after(*ended(Outcome.FAILED)), LATER)[1].text.endswith("1 failed")


def test_many_hosts_have_no_grid() -> None:
    wide = replace(PLAN, steps=tuple(replace(step(1, "Do", f"s{n}"), host=HostName(f"h{n}")) for n in range(9)))
    assert has_grid(RunView(PLAN, NOW))
    assert not has_grid(RunView(wide, NOW))


def test_the_end_is_estimated_along_the_longest_chain() -> None:
    seconds = dict(zip((one.id for one in PLAN.steps), (10.0, 20.0, 60.0, 5.0), strict=True))
    assert remaining_s(PLAN, {}, (), seconds, NOW) == 70.0
    first, second = PLAN.steps[0].id, PLAN.steps[2].id
    assert remaining_s(PLAN, {first: NOW, second: NOW}, (first,), seconds, LATER) == 30.0


def test_without_the_time_of_a_step_there_is_no_estimate() -> None:
    seconds = {one.id: 1.0 for one in PLAN.steps[1:]}
    assert remaining_s(PLAN, {}, (), seconds, NOW) is None
    assert remaining_s(PLAN, {}, (PLAN.steps[0].id,), seconds, NOW) == 1.0


def test_earlier_times_are_those_of_the_same_action() -> None:
    record = recorded(RunStatus.ENDED, Outcome.DONE)
    slow = StepRecord(PLAN.steps[0].id, StepState.VERIFIED, 1, NOW + timedelta(seconds=7), begun_at=NOW)
    skipped = StepRecord(PLAN.steps[1].id, StepState.ALREADY, 0, NOW)
    record = replace(record, steps=(slow, skipped, *record.steps[2:]))
    first, second = PLAN.steps[:2]
    assert earlier_seconds((record,), replace(PLAN, steps=(first, second))) == {first.id: 7.0, second.id: 0.0}
    assert earlier_seconds((record,), replace(PLAN, action="join")) == {}


def test_a_step_on_a_new_host_takes_the_time_of_the_same_step_on_others() -> None:
    """A move of the VIP to another host than last time has an estimate too."""
    record = recorded(RunStatus.ENDED, Outcome.DONE)
    slow = StepRecord(step(1, "Start etcd", "etcd").id, StepState.VERIFIED, 1, NOW + timedelta(seconds=9), begun_at=NOW)
    new = step(3, "Start etcd", "etcd")
    times = earlier_seconds((replace(record, steps=(slow,)),), replace(PLAN, steps=(new,)))
    assert times[new.id] == 9.0


def test_the_progress_names_the_estimate() -> None:
    times = dict.fromkeys((one.id for one in PLAN.steps), 40.0)
    result = StepDone(RUN, LATER, PLAN.steps[1].id, HostName("cp1"), Outcome.DONE, 1.0)
    gist = run_grid(replace(view_after(result), earlier_s=times), LATER).summaries
    assert "about 40s left" in gist[0].text
