"""Plans run on folders in place of hosts: order, outcomes, stops, and the entries of the run log meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import Check, CommandSucceeds, FilesAbsent
from haconsole.actions.operations import Nothing, Operation, RunCommand
from haconsole.execution.events import (
    Event,
    Outcome,
    RunStarted,
    StepDone,
    StepOutput,
    StepStarted,
)
from haconsole.execution.log.run_record import StepState, read_run
from haconsole.model.names import HostName
from haconsole.present.history import view_of
from tests.unit.execution.bench import Bench, last, outcomes
from tests.unit.execution.local import until_exists


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_steps_run_in_the_order_of_their_needs(bench: Bench) -> None:
    steps = (bench.step("a"), bench.step("b", needs=("a",), host="cp2"), bench.step("c", needs=("a", "b")))
    events = await bench.run(*steps)
    order = [(type(event).__name__, event.step) for event in events if isinstance(event, StepStarted | StepDone)]
    assert order == [
        *(("StepStarted", "a"), ("StepDone", "a"), ("StepStarted", "b")),
        *(("StepDone", "b"), ("StepStarted", "c"), ("StepDone", "c")),
    ]
    assert isinstance(events[0], RunStarted)
    assert events[0].steps == 3
    assert [event.text for event in events if isinstance(event, StepOutput)] == ["a", "b", "c"]
    result = last(events)
    assert (result.outcome, result.changed, result.already_right, result.failed) == (Outcome.DONE, 3, 0, 0)
    assert result.next_step is None
    assert set(bench.states().values()) == {StepState.VERIFIED}


async def test_steps_that_need_nothing_of_each_other_run_side_by_side(bench: Bench) -> None:
    """Each waits for the other: one after the other they would never end."""
    gates = [bench.folder / "gate-a", bench.folder / "gate-b"]
    for gate in gates:
        os.mkfifo(gate)
    one = bench.step("a", script=f"echo go >{gates[0]}; read word <{gates[1]}")
    two = bench.step("b", script=f"read word <{gates[0]}; echo go >{gates[1]}")
    assert outcomes(await bench.run(one, two)) == {"a": Outcome.DONE, "b": Outcome.DONE}


async def test_no_more_than_eight_steps_at_once_on_a_host(bench: Bench) -> None:
    running = most = 0
    host = bench.fleet.host(HostName("cp1"))
    really = host.run

    async def count(argv, **options):  # type: ignore[no-untyped-def]
        nonlocal running, most
        running += 1
        most = max(most, running)
        result = await really(argv, **options)
        running -= 1
        return result

    host.run = count  # type: ignore[method-assign]
    await bench.run(*(bench.step(f"s{number}") for number in range(20)))
    assert most == 8


async def test_the_longest_way_to_the_end_goes_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haconsole.execution.steps.executor.STEPS_A_HOST", 1)
    steps = (bench.step("short"), bench.step("a"), bench.step("b", needs=("a",)), bench.step("c", needs=("b",)))
    events = await bench.run(*steps)
    assert [event.step for event in events if isinstance(event, StepStarted)] == ["a", "b", "short", "c"]


async def test_a_second_run_changes_nothing(bench: Bench) -> None:
    steps = (bench.step("a"), bench.step("b", needs=("a",)))
    await bench.run(*steps)
    bench.run_log = bench.folder / "second.jsonl"
    events = await bench.run(*steps)
    assert outcomes(events) == {"a": Outcome.ALREADY, "b": Outcome.ALREADY}
    assert (last(events).outcome, last(events).changed, last(events).already_right) == (Outcome.ALREADY, 0, 2)
    assert bench.lines_of("a") == "once\n"
    assert '"intent"' not in bench.run_log.read_text()


async def test_a_failed_step_skips_all_that_has_not_started(bench: Bench) -> None:
    bad = bench.step("bad", script="echo 'disk full' >&2; exit 1")
    later, other = bench.step("later", needs=("bad",)), bench.step("other", host="cp2", needs=("first",))
    first = bench.step("first", needs=("bad",))
    events = await bench.run(bad, first, later, other)
    assert outcomes(events) == {
        "bad": Outcome.FAILED,
        "first": Outcome.SKIPPED,
        "later": Outcome.SKIPPED,
        "other": Outcome.SKIPPED,
    }
    (error,) = (event.error for event in events if isinstance(event, StepDone) and event.error)
    assert error.startswith("cp1: `sh -c ")
    assert error.endswith("ended with status 1: disk full")
    result = last(events)
    assert (result.outcome, result.failed, result.changed) == (Outcome.FAILED, 1, 1)
    assert result.next_step == "fix the failure, then resume with: haconsole resume r1"
    assert bench.states() == {
        "bad": StepState.FAILED,
        "first": StepState.NOT_STARTED,
        "later": StepState.NOT_STARTED,
        "other": StepState.NOT_STARTED,
    }


async def test_a_step_under_way_ends_when_another_fails(bench: Bench) -> None:
    os.mkfifo(bench.folder / "gate")
    slow = bench.step("slow", script=f"read word <{bench.folder}/gate")
    bad = bench.step("bad", script=f"echo go >{bench.folder}/gate; exit 1", host="cp2")
    assert outcomes(await bench.run(slow, bad)) == {"slow": Outcome.DONE, "bad": Outcome.FAILED}


async def test_a_precondition_that_does_not_hold_stops_before_anything_is_done(bench: Bench) -> None:
    (bench.folder / "old").touch()
    leftover = FilesAbsent((f"{bench.folder}/old",), "an earlier cluster's data")
    events = await bench.run(replace(bench.step("a"), precondition=(leftover,)))
    assert outcomes(events) == {"a": Outcome.FAILED}
    (error,) = (event.error for event in events if isinstance(event, StepDone))
    assert error == f"cp1: {bench.folder}/old: an earlier cluster's data"
    assert last(events).changed == 0
    assert bench.lines_of("a") == ""
    assert '"intent"' not in bench.run_log.read_text()


async def test_an_unreachable_host_fails_the_step_before_it_begins(bench: Bench) -> None:
    bench.fleet.host(HostName("cp1")).unreachable = True
    events = await bench.run(bench.step("a"))
    assert [event.error for event in events if isinstance(event, StepDone)] == ["cp1: connection refused"]
    assert '"intent"' not in bench.run_log.read_text()


async def test_an_effect_that_does_not_come_fails_the_step(bench: Bench) -> None:
    never: tuple[Check, ...] = (CommandSucceeds(("false",), "etcd is not healthy"),)
    events = await bench.run(replace(bench.step("a"), verification=never, verify_within_s=3.0))
    (error,) = (event.error for event in events if isinstance(event, StepDone))
    assert error == "done, but its effect is not there after 3 s: cp1: etcd is not healthy"
    assert bench.clock.passed >= 3.0
    assert bench.states() == {"a": StepState.FAILED}


async def test_a_late_effect_is_waited_for(bench: Bench) -> None:
    tries = bench.folder / "tries"
    later = CommandSucceeds(("sh", "-c", f"echo x >>{tries}; test $(wc -l <{tries}) -ge 4"), "not yet")
    assert outcomes(await bench.run(replace(bench.step("a"), verification=(later,)))) == {"a": Outcome.DONE}


@pytest.mark.parametrize(("effect", "outcome"), [(True, Outcome.DONE), (False, Outcome.UNKNOWN)])
async def test_an_end_never_heard_is_looked_up(bench: Bench, effect: bool, outcome: Outcome) -> None:
    host = bench.fleet.host(HostName("cp1"))
    really = host.run

    async def lose(argv, **options):  # type: ignore[no-untyped-def]
        result = await really(argv, **options)
        return replace(result, stdout="lost\n") if result.stdout.startswith("ended ") else result

    host.run = lose  # type: ignore[method-assign]
    step = bench.step("a")
    operation = step.operation if effect else RunCommand(("true",))
    assert outcomes(await bench.run(replace(step, operation=operation))) == {"a": outcome}
    assert bench.states() == {"a": StepState.VERIFIED if effect else StepState.UNKNOWN}
    assert (bench.folder / "run" / "r1").exists() is not effect


async def test_a_step_that_only_checks_changes_nothing(bench: Bench) -> None:
    (bench.folder / "a").touch()
    events = await bench.run(replace(bench.step("a"), operation=Nothing()))
    assert (last(events).changed, last(events).already_right) == (0, 1)


async def test_the_intent_is_recorded_before_and_the_outcome_after(bench: Bench) -> None:
    operation: Operation = RunCommand(("sh", "-c", f"cp {bench.run_log} {bench.folder}/seen; touch {bench.folder}/a"))
    await bench.run(replace(bench.step("a"), operation=operation))
    reading = (bench.folder / "seen").read_text()
    assert '"kind": "intent", ' in reading
    assert '"kind": "performed"' not in reading
    kinds = [line.split('"')[3] for line in bench.run_log.read_text().splitlines()]
    assert kinds == ["run", "intent", "performed", "verified", "end"]


async def test_nothing_starts_that_cannot_be_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    executor = bench.executor(bench.step("a"))
    monkeypatch.setattr(os, "write", full)
    events = [event async for event in executor.events()]
    assert outcomes(events) == {"a": Outcome.SKIPPED}
    assert last(events).outcome is Outcome.FAILED
    assert last(events).next_step is not None
    assert "No space left on device" in (last(events).next_step or "")
    assert bench.lines_of("a") == ""


async def test_a_record_that_breaks_off_stops_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.write

    def write(file: int, data: bytes) -> int:
        if b'"kind": "intent", ' in data and b'"b"' in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(file, data)

    monkeypatch.setattr(os, "write", write)
    events = await bench.run(bench.step("a"), bench.step("b", needs=("a",)), bench.step("c", needs=("b",)))
    assert outcomes(events) == {"a": Outcome.DONE, "b": Outcome.FAILED, "c": Outcome.SKIPPED}
    assert bench.lines_of("b") == ""
    assert "No space left on device" in (last(events).next_step or "")


async def test_stop_lets_the_current_step_end(bench: Bench) -> None:
    executor = bench.executor(bench.step("a"), bench.step("b", needs=("a",)))
    events: list[Event] = []
    async for event in executor.events():
        events.append(event)
        if isinstance(event, StepStarted):
            executor.stop()
    assert outcomes(events) == {"a": Outcome.DONE, "b": Outcome.SKIPPED}
    assert last(events).outcome is Outcome.SKIPPED
    assert last(events).next_step == "resume with: haconsole resume r1"


async def test_an_abandoned_step_goes_on_on_its_host_and_is_unknown(bench: Bench) -> None:
    os.mkfifo(bench.folder / "gate")
    gate = os.open(bench.folder / "gate", os.O_RDWR)
    waits = f"touch {bench.folder}/begun; read word <{bench.folder}/gate"
    executor = bench.executor(bench.step("a", script=waits), bench.step("b", needs=("a",)))
    events: list[Event] = []
    async for event in executor.events():
        events.append(event)
        if isinstance(event, StepStarted):
            await until_exists(bench.folder / "begun")
            executor.abandon()
    os.write(gate, b"go\n")
    assert last(events).outcome is Outcome.UNKNOWN
    assert bench.states() == {"a": StepState.UNKNOWN, "b": StepState.NOT_STARTED}
    await until_exists(bench.folder / "a")
    os.close(gate)


async def test_closing_the_events_lets_the_current_step_end(bench: Bench) -> None:
    events = bench.executor(bench.step("a"), bench.step("b", needs=("a",))).events()
    assert isinstance(events, AsyncGenerator)
    async for event in events:
        if isinstance(event, StepStarted):
            break
    await events.aclose()
    assert (bench.lines_of("a"), bench.lines_of("b")) == ("once\n", "")
    assert bench.states() == {"a": StepState.VERIFIED, "b": StepState.NOT_STARTED}


async def test_a_listener_who_leaves_with_events_waiting_holds_no_step_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.execution.steps.event_queue.EVENTS_WAITING", 1)
    events = bench.executor(*(bench.step(f"s{number}") for number in range(4))).events()
    assert isinstance(events, AsyncGenerator)
    await anext(events)
    await until_exists(bench.run_log)
    async with asyncio.timeout(5):
        await events.aclose()
    assert read_run(bench.run_log).outcome in (Outcome.DONE, Outcome.SKIPPED)


async def test_output_of_hosts_is_redacted(bench: Bench) -> None:
    events = await bench.run(bench.step("a", script="echo hunter2"), bench.step("b", script="echo hunter2; false"))
    assert {event.text for event in events if isinstance(event, StepOutput)} == {"***\na", "***"}
    assert [event.error for event in events if isinstance(event, StepDone) and event.error]
    assert "hunter2" not in repr(events)


async def test_nothing_is_left_in_the_run_folder_of_the_hosts(bench: Bench) -> None:
    await bench.run(bench.step("a"), bench.step("b", host="cp2"))
    assert not (bench.folder / "run").exists()


async def test_every_step_of_a_plan_counts_once(bench: Bench) -> None:
    """One is right before, one is changed, one only checks, one fails and one never starts."""
    (bench.folder / "right").touch()
    checks = replace(bench.step("checks"), operation=Nothing(), verification=())
    fails = bench.step("fails", script="exit 3", needs=("right", "changed", "checks"))
    steps = (bench.step("right"), bench.step("changed"), checks, fails, bench.step("late", needs=("fails",)))
    result = last([event async for event in bench.executor(*steps).events()])
    assert result.counts() == "1 changed, 1 already right, 1 checked, 1 failed, 1 not started"
    others = result.already_right + result.checked + result.failed + result.not_started
    assert result.changed - result.half_done + others == len(steps)
    logged = read_run(bench.run_log).end
    assert logged is not None
    assert (logged.counts(), logged.outcome, logged.next_step) == (result.counts(), result.outcome, result.next_step)


async def test_a_log_without_counts_is_counted_by_its_steps(bench: Bench) -> None:
    """Runs of 0.1 have no counts in their logs."""
    checks = replace(bench.step("checks"), operation=Nothing(), verification=())
    fails = bench.step("fails", script="exit 3", needs=("changed", "checks"))
    result = last(await bench.run(bench.step("changed"), checks, fails, bench.step("late", needs=("fails",))))
    end = view_of(replace(read_run(bench.run_log), end=None)).end
    assert end is not None
    assert end.counts() == result.counts()
