"""Undone runs: files and commands on folders in place of hosts."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import CommandSucceeds, FileIs
from haconsole.actions.operations import Irreversible, RunCommand, UndoByCommand, UndoByRestoringFiles, WriteFile
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.events import Event, Outcome
from haconsole.execution.log.run_log import RunLog
from haconsole.execution.log.run_record import RunStatus, StepState, read_run
from haconsole.execution.log.undo import plan_undo
from haconsole.model.names import HostName, StepId
from tests.unit.execution.bench import Bench, outcomes


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def write(bench: Bench, name: str, content: str, **other: object) -> Step:
    path = str(bench.folder / name)
    digest = sha256(content.encode()).hexdigest()
    step = Step(
        id=StepId(f"write-{name}@cp1"),
        title=f"write {name}",
        why="it is needed",
        host=HostName("cp1"),
        operation=WriteFile(path, content),
        verification=(FileIs(path, digest, 0o644, "root:root"),),
        undo=UndoByRestoringFiles((path,)),
    )
    return replace(step, **other)


def start(bench: Bench, name: str) -> Step:
    """A step whose undo removes the file that it made."""
    path = str(bench.folder / name)
    absent = CommandSucceeds(("test", "!", "-e", path), "it is still there")
    return replace(bench.step(name), undo=UndoByCommand(RunCommand(("rm", path)), (absent,)))


def undo_of(bench: Bench) -> Plan:
    plan = plan_undo(read_run(bench.run_log), (), str(bench.folder / "run"))
    assert isinstance(plan, Plan), plan
    return plan


async def take_back(bench: Bench, plan: Plan) -> list[Event]:
    result, bench.run_log = bench.run_log, bench.folder / "undo.jsonl"
    events = [event async for event in bench.executor(plan=plan, run="r2").events()]
    bench.run_log = result
    return events


async def test_only_steps_that_were_done_are_undone_newest_first(bench: Bench) -> None:
    (bench.folder / "there").touch()
    steps = (start(bench, "there"), start(bench, "a"), replace(start(bench, "b"), needs=(StepId("a"),)))
    await bench.run(*steps)
    plan = undo_of(bench)
    assert [step.id for step in plan.steps] == ["undo.b", "undo.a"]
    assert plan.steps[1].needs == ("undo.b",)
    assert (plan.action, plan.undoes) == ("undo", "r1")
    assert outcomes(await take_back(bench, plan)) == {"undo.b": Outcome.DONE, "undo.a": Outcome.DONE}
    assert [name for name in ("there", "a", "b") if (bench.folder / name).exists()] == ["there"]


async def test_a_file_is_restored_and_a_new_one_is_kept_as_a_backup(bench: Bench) -> None:
    (bench.folder / "old").write_text("before")
    (bench.folder / "old").chmod(0o600)
    await bench.run(write(bench, "old", "after"), write(bench, "new", "made"))
    assert (bench.folder / "old").read_text() == "after"
    plan = undo_of(bench)
    assert set(outcomes(await take_back(bench, plan)).values()) == {Outcome.DONE}
    assert (bench.folder / "old").read_text() == "before"
    assert (bench.folder / "old").stat().st_mode & 0o777 == 0o600
    assert not (bench.folder / "new").exists()
    content = {path.name: path.read_text() for path in bench.folder.glob(".*.undone")}
    assert content == {".old.r1.write-old@cp1.undone": "after", ".new.r1.write-new@cp1.undone": "made"}


async def test_a_units_state_is_restored_after_its_files(bench: Bench) -> None:
    """A unit is reloaded after its files are restored; other hosts and phases are not waited for."""
    reading = str(bench.folder / "seen")
    loaded = CommandSucceeds(("grep", "-qx", "before", reading), "the unit has not read its file")
    copy = RunCommand(("cp", str(bench.folder / "config"), reading))
    (bench.folder / "config").write_text("before\n")
    config = write(bench, "config", "after\n", phase="haproxy")
    unit = replace(
        start(bench, "unit"), needs=(config.id,), phase="haproxy", undo=UndoByCommand(copy, (loaded,), after_files=True)
    )
    other = replace(start(bench, "other"), needs=(unit.id,), phase="keepalived")
    await bench.run(config, unit, other)
    plan = undo_of(bench)
    assert [step.id for step in plan.steps] == ["undo.other", f"undo.{config.id}", "undo.unit"]
    assert plan.steps[2].needs == (plan.steps[1].id,)
    assert set(outcomes(await take_back(bench, plan)).values()) == {Outcome.DONE}
    assert (bench.folder / "seen").read_text() == "before\n"


async def test_a_second_undo_changes_nothing(bench: Bench) -> None:
    (bench.folder / "old").write_text("before")
    await bench.run(write(bench, "old", "after"))
    plan = undo_of(bench)
    await take_back(bench, plan)
    assert set(outcomes(await take_back(bench, plan)).values()) == {Outcome.ALREADY}
    assert (bench.folder / "old").read_text() == "before"


async def test_the_same_file_written_twice_goes_back_all_the_way(bench: Bench) -> None:
    (bench.folder / "x").write_text("one")
    first = write(bench, "x", "two")
    second = write(bench, "x", "three", id=StepId("again@cp1"), needs=(first.id,))
    await bench.run(first, second)
    assert (bench.folder / "x").read_text() == "three"
    await take_back(bench, undo_of(bench))
    assert (bench.folder / "x").read_text() == "one"


async def test_a_file_that_somebody_changed_since_is_left_as_it_is(bench: Bench) -> None:
    (bench.folder / "old").write_text("before")
    await bench.run(write(bench, "old", "after"))
    (bench.folder / "old").write_text("by hand")
    await take_back(bench, undo_of(bench))
    assert (bench.folder / "old").read_text() == "by hand"


async def test_a_write_that_was_meant_and_never_happened_takes_nothing_away(bench: Bench) -> None:
    (bench.folder / "old").write_text("before")
    step = write(bench, "old", "after")
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("bootstrap", "lab", (step,)))
    await run_log.log_intent(step.id, 1)
    run_log.close()
    assert set(outcomes(await take_back(bench, undo_of(bench))).values()) == {Outcome.ALREADY}
    assert (bench.folder / "old").read_text() == "before"


async def test_two_files_of_one_step_go_together(bench: Bench) -> None:
    """A certificate that was renewed with the key it had: the key was not the step's and stays."""
    certificate, key = bench.folder / "c.crt", bench.folder / "c.key"
    certificate.write_text("old certificate")
    key.write_text("key")
    step = write(bench, "c.crt", "new certificate", undo=UndoByRestoringFiles((str(certificate), str(key))))
    secret = replace(step, operation=WriteFile(str(certificate), "new certificate"), verification=())
    await bench.run(secret)
    assert set(outcomes(await take_back(bench, undo_of(bench))).values()) == {Outcome.DONE}
    assert (certificate.read_text(), key.read_text()) == ("old certificate", "key")


async def test_what_stays_is_named_with_its_reason(bench: Bench) -> None:
    snapshot = replace(bench.step("snapshot"), undo=Irreversible("it harms nobody"))
    await bench.run(snapshot, start(bench, "a"))
    plan = undo_of(bench)
    assert plan.summary == ("undoes 1 of the 2 steps of r1, newest first\nstays: make snapshot (cp1): it harms nobody")


async def test_what_is_still_under_way_is_waited_for_by_a_person(bench: Bench) -> None:
    step = start(bench, "a")
    place = bench.folder / "run" / "r1" / "a.1"
    place.mkdir(parents=True)
    (place / "pid").write_text("1")
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("bootstrap", "lab", (step,)))
    await run_log.log_intent(step.id, 1, "boot")
    run_log.close()
    (bench.folder / "a").touch()
    events = await take_back(bench, undo_of(bench))
    assert outcomes(events) == {"undo.a": Outcome.FAILED}
    (place / "status").write_text("0")
    assert outcomes(await take_back(bench, undo_of(bench))) == {"undo.a": Outcome.DONE}
    assert not (bench.folder / "run" / "r1").exists()


async def test_a_run_that_may_not_be_undone_is_refused(bench: Bench) -> None:
    await bench.run(start(bench, "a"))
    record = read_run(bench.run_log)

    def refused(record=record, *runs) -> str:  # type: ignore[no-untyped-def]
        plan = plan_undo(record, runs, "/run")
        assert isinstance(plan, Refusal)
        return "; ".join(plan.reasons)

    assert "running: process 1" in refused(replace(record, standing=RunStatus.RUNNING))
    assert "differs from the confirmed plan" in refused(replace(record, intact=False))
    assert "is itself an undo: run the action of r0 again" in refused(
        replace(record, plan=replace(record.plan, undoes="r0"))
    )
    nothing = replace(record, steps=tuple(replace(one, attempts=0) for one in record.steps))
    assert "r1 did nothing that can be undone" in refused(nothing)
    undo = replace(
        record,
        plan=replace(record.plan, undoes="r1"),
        header=replace(record.header, run="r2"),
    )
    assert refused(record, undo) == "r1 was undone by r2"
    fault = replace(undo, outcome=None, standing=RunStatus.BROKEN_OFF)
    assert refused(record, fault) == "resume its undo: haconsole resume r2"
    assert read_run(bench.run_log).steps[0].state is StepState.VERIFIED
