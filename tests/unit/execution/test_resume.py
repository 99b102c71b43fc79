"""Resumed runs: by the hosts' state, waiting for commands that a dead process left running, each effect once."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.operations import JoinNode, RunCommand, SetServerState, WriteFile
from haconsole.actions.step import Plan, Step
from haconsole.execution.events import Event, Outcome, StepDone, StepOutput, StepStarted
from haconsole.execution.log.resume import why_not_resume
from haconsole.execution.log.run_log import RunLog, RunLogError
from haconsole.execution.log.run_record import (
    RunRecord,
    RunStatus,
    StepRecord,
    StepState,
    UnreadableRun,
    read_run,
    read_runs,
)
from haconsole.execution.steps.executor import Executor
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, StepId
from haconsole.model.secret import Secret
from haconsole.transport.redact import redact, redact_certain
from tests.unit.actions.test_bootstrap_plan import PLANS
from tests.unit.execution.bench import Bench, last, outcomes
from tests.unit.execution.local import FastClock, until_exists

A, B = StepId("a"), StepId("b")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def carry_on(bench: Bench, *steps: Step) -> list[Event]:
    """As another process would: from the record."""
    return [event async for event in bench.executor(*steps, so_far=read_run(bench.run_log).steps).events()]


async def test_a_command_that_outlived_its_console_is_waited_for_and_its_output_is_kept(bench: Bench) -> None:
    first = bench.step("a")
    second = bench.step(
        "b", needs=("a",), script=f"touch {bench.folder}/begun; while [ ! -e {bench.folder}/go ]; do :; done"
    )
    executor = bench.executor(first, second)
    async for event in executor.events():
        if isinstance(event, StepStarted) and event.step == "b":
            await until_exists(bench.folder / "begun")
            executor.abandon()
    assert read_run(bench.run_log).step(B).end_known is False
    (bench.folder / "go").touch()
    events = await carry_on(bench, first, second)
    assert outcomes(events) == {"a": Outcome.ALREADY, "b": Outcome.DONE}
    assert [event.text for event in events if isinstance(event, StepOutput)] == ["b"]
    assert (bench.lines_of("a"), bench.lines_of("b")) == ("once\n", "once\n")
    record = read_run(bench.run_log)
    assert {one.step: (one.state, one.attempts) for one in record.steps} == {
        A: (StepState.VERIFIED, 1),
        B: (StepState.VERIFIED, 1),
    }
    assert (record.outcome, record.standing, len(record.resumed)) == (Outcome.DONE, RunStatus.ENDED, 1)
    assert not (bench.folder / "run" / "r1").exists()


@pytest.mark.parametrize("upload", ["kind: InitConfiguration", ""])
async def test_the_folder_of_a_joins_upload_on_another_host_is_removed_too(bench: Bench, upload: str) -> None:
    """A control plane's join uploads the certificates on a host that has them; a worker's does not."""
    ask = (HostName("cp1"),)
    step = replace(bench.step("a", host="cp2"), operation=JoinNode("cp2", "", upload, ask))
    (bench.folder / "a").touch()
    events = [event async for event in bench.executor(step, so_far=(StepRecord(A, attempts=1),)).events()]
    assert outcomes(events) == {"a": Outcome.ALREADY}
    folder = str(bench.folder / "run" / "r1")
    hosts = (bench.fleet.host(HostName(name)) for name in ("cp1", "cp2"))
    names = [host.name for host in hosts if any(argv[-1] == folder for argv in host.commands)]
    assert names == (["cp1", "cp2"] if upload else ["cp2"])


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_resumed_run_that_is_stopped_leaves_a_running_command_its_folder(bench: Bench, at_once: bool) -> None:
    """Without its folder the command's result is lost, and the next resume would start it a second time."""
    first = bench.step("a", script=f"touch {bench.folder}/begun; while [ ! -e {bench.folder}/go ]; do :; done")
    executor = bench.executor(first)
    async for event in executor.events():
        if isinstance(event, StepStarted):
            await until_exists(bench.folder / "begun")
            executor.abandon()
    resumed = bench.executor(first, so_far=read_run(bench.run_log).steps)
    events = asyncio.create_task(collected(resumed))
    await asyncio.sleep(0.5)
    if at_once:
        resumed.abandon()
    else:
        resumed.stop()
        (bench.folder / "go").touch()
    assert last(await events).outcome is (Outcome.UNKNOWN if at_once else Outcome.SKIPPED)
    assert resumed.ends_unheard is at_once
    (bench.folder / "go").touch()
    assert outcomes(await carry_on(bench, first)) == {"a": Outcome.DONE if at_once else Outcome.ALREADY}
    assert bench.lines_of("a") == "once\n"


async def collected(executor: Executor) -> list[Event]:
    return [event async for event in executor.events()]


async def test_nothing_is_judged_while_a_command_is_still_under_way(bench: Bench) -> None:
    """The first step's file is missing for as long as the second step's command runs."""
    result, away = bench.folder / "a", bench.folder / "away"
    first = bench.step("a")
    under_way = f"mv {result} {away}; touch {bench.folder}/begun; while [ ! -e {bench.folder}/go ]; do :; done"
    second = bench.step("b", needs=("a",), script=f"{under_way}; mv {away} {result}")
    executor = bench.executor(first, second)
    async for event in executor.events():
        if isinstance(event, StepStarted) and event.step == "b":
            await until_exists(bench.folder / "begun")
            executor.abandon()
    resumed = asyncio.create_task(carry_on(bench, first, second))
    await asyncio.sleep(0.5)
    (bench.folder / "go").touch()
    assert outcomes(await resumed) == {"a": Outcome.ALREADY, "b": Outcome.DONE}
    assert (bench.lines_of("a"), bench.lines_of("b")) == ("once\n", "once\n")


class Held:
    """Lets nothing of that name through."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def before(self, step: Step) -> None:
        if step.id == self._name:
            await asyncio.Event().wait()


async def test_a_command_that_waits_for_a_step_not_begun_is_not_waited_for_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the first members of etcd: none is up before a majority was started."""
    monkeypatch.setattr("haconsole.execution.steps.executor.UNSURE_S", 0.3)
    before = bench.step("before")
    wait = f"touch {bench.folder}/begun; while [ ! -e {bench.folder}/b ]; do sleep 0.05; done"
    first, second = bench.step("a", needs=("before",), script=wait), bench.step("b", needs=("before",))
    executor = bench.executor(before, first, second, gates=(Held("b"),))
    async for event in executor.events():
        if isinstance(event, StepStarted) and event.step == "a":
            await until_exists(bench.folder / "begun")
            executor.abandon()
    async with asyncio.timeout(20):
        events = await carry_on(bench, before, first, second)
    assert outcomes(events) == {"before": Outcome.ALREADY, "a": Outcome.DONE, "b": Outcome.DONE}
    assert [bench.lines_of(name) for name in ("before", "a", "b")] == ["once\n"] * 3


async def test_what_was_meant_and_never_begun_is_begun(bench: Bench) -> None:
    """The console died between the intent and the command."""
    step = bench.step("a")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("bootstrap", "lab", (step,)))
    await run_log.log_intent(A, 1, boot)
    run_log.close()
    events = await carry_on(bench, step)
    assert outcomes(events) == {"a": Outcome.DONE}
    assert bench.lines_of("a") == "once\n"
    kinds = [line.split('"')[3] for line in bench.run_log.read_text().splitlines()]
    assert kinds == ["run", "intent", "resumed", "intent", "performed", "verified", "end"]


async def test_a_host_restarted_meanwhile_is_reported_and_missing_effects_are_done_again(
    bench: Bench,
) -> None:
    step = bench.step("a")
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("bootstrap", "lab", (step,)))
    await run_log.log_intent(A, 1, "the-boot-before")
    run_log.close()
    events = await carry_on(bench, replace(step, verify_within_s=0.0))
    assert outcomes(events) == {"a": Outcome.DONE}
    text = bench.run_log.read_text()
    assert "the host was rebooted while the command ran" in text
    assert read_run(bench.run_log).step(A).attempts == 2


async def test_a_failure_that_was_not_received_is_recorded_and_retried(bench: Bench) -> None:
    tries = bench.folder / "tries"
    step = bench.step("a", script=f"echo x >>{tries}; touch {bench.folder}/begun; test $(wc -l <{tries}) -ge 2")
    executor = bench.executor(step)
    async for event in executor.events():
        if isinstance(event, StepStarted):
            await until_exists(bench.folder / "begun")
            executor.abandon()
    assert outcomes(await carry_on(bench, step)) == {"a": Outcome.DONE}
    performed = [line for line in bench.run_log.read_text().splitlines() if '"performed"' in line]
    assert ['"outcome": "failed"' in line for line in performed] == [True, False]
    assert tries.read_text() == "x\nx\n"


async def test_a_record_is_not_believed(bench: Bench) -> None:
    """All is done in the record, but not on the host."""
    step = bench.step("a")
    await bench.run(step)
    (bench.folder / "a").unlink()
    assert outcomes(await carry_on(bench, step)) == {"a": Outcome.DONE}
    assert bench.lines_of("a") == "once\n"


async def test_a_step_without_a_verification_is_not_done_twice(bench: Bench) -> None:
    step, later = replace(bench.step("a"), verification=()), bench.step("b", needs=("a",), script="test -e go")
    await bench.run(step, later)
    assert outcomes(await carry_on(bench, step, later))["a"] is Outcome.ALREADY
    assert bench.lines_of("a") == "once\n"


async def test_a_step_without_a_result_or_a_verification_is_unknown_and_done_again(bench: Bench) -> None:
    script = f"test -e {bench.folder}/again || {{ kill -9 $PPID $(cat {bench.folder}/run/r1/a.1/pid); exit 1; }}"
    step = replace(bench.step("a", script=script), verification=())
    assert outcomes(await bench.run(step)) == {"a": Outcome.UNKNOWN}
    assert read_run(bench.run_log).step(A).state is StepState.UNKNOWN
    assert '"verified"' not in bench.run_log.read_text()
    (bench.folder / "again").touch()
    assert outcomes(await carry_on(bench, step)) == {"a": Outcome.DONE}
    assert bench.lines_of("a") == "once\n"


async def test_an_unreachable_host_leaves_the_step_unknown(bench: Bench) -> None:
    step = bench.step("a")
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("bootstrap", "lab", (step,)))
    await run_log.log_intent(A, 1, "boot")
    run_log.close()
    bench.fleet.host(HostName("cp1")).unreachable = True
    events = await carry_on(bench, step)
    assert outcomes(events) == {"a": Outcome.UNKNOWN}
    assert last(events).next_step == "fix the failure, then resume with: haconsole resume r1"
    assert read_run(bench.run_log).step(A).state is StepState.UNKNOWN


async def test_a_run_under_way_is_not_broken_off_and_cannot_be_written_by_another(bench: Bench) -> None:
    executor = bench.executor(bench.step("a"))
    standings: list[RunStatus] = []
    async for event in executor.events():
        if isinstance(event, StepDone):
            standings.append(read_run(bench.run_log).standing)
            with pytest.raises(RunLogError, match="running in another process"):
                RunLog(bench.run_log, FastClock(), str)
    assert standings == [RunStatus.RUNNING]
    assert read_run(bench.run_log).standing is RunStatus.ENDED
    text = bench.run_log.read_text().splitlines(keepends=True)
    bench.run_log.write_text("".join(text[:-1]))
    assert read_run(bench.run_log).standing is RunStatus.BROKEN_OFF


def reasons(record: RunRecord, *others: RunRecord | UnreadableRun, cluster: str = "lab", **parts: str) -> str:
    return "; ".join(why_not_resume(record, (record, *others), cluster, {"etcd": "1", "host cp1": "2"} | parts))


async def test_a_run_that_may_not_be_resumed_is_refused_with_the_reason(bench: Bench) -> None:
    bad = replace(bench.step("a"), operation=RunCommand(("false",)))
    await bench.run(bad)
    record = read_run(bench.run_log)
    record = replace(record, header=replace(record.header, parts={"etcd": "1", "host cp1": "2"}))
    assert reasons(record) == ""
    assert "r1 is complete" in reasons(replace(record, outcome=Outcome.DONE))
    assert "running: process 1 of root on laptop" in reasons(replace(record, standing=RunStatus.RUNNING))
    assert "the inventory was changed since the run: etcd, host cp4 (new)" in reasons(
        record, **{"etcd": "9", "host cp4": "3"}
    )
    assert "the run belongs to cluster lab, but the inventory belongs to prod" in reasons(record, cluster="prod")
    assert "differs from the confirmed plan" in reasons(replace(record, intact=False))
    undo = replace(record, plan=replace(record.plan, undoes="r1"), header=replace(record.header, run="r2"))
    assert "undone by r2" in reasons(record, undo)


async def test_a_plan_of_a_version_that_knew_fewer_fields_is_intact(bench: Bench) -> None:
    drain = SetServerState("k8s_server_6443", "cp1", AdminState.DRAIN, (HostName("cp1"),))
    run_log = RunLog(bench.run_log, bench.clock, str)
    await run_log.log_run(bench.header(), Plan("drain", "lab", (replace(bench.step("a"), operation=drain),)))
    run_log.close()
    line = json.loads(bench.run_log.read_text())
    operation = line["plan"]["steps"][0]["operation"]
    del operation["addresses"], operation["may_lack"]
    line["plan_sha256"] = sha256(json.dumps(line["plan"], sort_keys=True).encode()).hexdigest()
    bench.run_log.write_text(json.dumps(line) + "\n")
    record = read_run(bench.run_log)
    assert record.intact
    assert record.plan.steps[0].operation == drain


async def test_a_plan_that_was_redacted_is_not_intact(bench: Bench) -> None:
    step = replace(bench.step("a"), why="the password is hunter2")
    plan = Plan("bootstrap", "lab", (step,))
    run_log = RunLog(bench.run_log, bench.clock, lambda text: text.replace("hunter2", "***"))
    await run_log.log_run(bench.header(), plan)
    run_log.close()
    assert not read_run(bench.run_log).intact


async def test_records_of_other_versions_and_damaged_ones_are_distinguished(bench: Bench) -> None:
    await bench.run(bench.step("a"))
    newer = bench.folder / "newer.jsonl"
    newer.write_text(bench.run_log.read_text().replace("haconsole/journal/v1", "haconsole/journal/v9"))
    (bench.folder / "bad.jsonl").write_text('{"kind": "run", "at": "x", "schema": "haconsole/journal/v1"}\n')
    (bench.folder / "worse.jsonl").write_bytes(b"\xff\x00nothing")
    output = {one.path.stem: one for one in read_runs(bench.folder)}
    assert isinstance(output["journal"], RunRecord)
    why = {name: one.why for name, one in output.items() if isinstance(one, UnreadableRun)}
    assert "another version of haconsole (haconsole/journal/v9; this one reads haconsole/journal/v1)" in why["newer"]
    assert "is incomplete" in why["bad"]
    assert "does not begin like a run log" in why["worse"]


async def test_incomplete_lines_count_as_torn(bench: Bench) -> None:
    await bench.run(bench.step("a"))
    with bench.run_log.open("a") as file:
        file.write('{"kind": "intent", "at": "2026-01-01T00:00:00+00:00", "step": "a"}\n{"kind": "end", "at": 7}\n')
    assert read_run(bench.run_log).torn_lines == 2
    assert read_run(bench.run_log).outcome is Outcome.DONE


async def test_the_plan_of_a_real_cluster_survives_its_record_to_the_letter(bench: Bench) -> None:
    """Texts in a plan that look like secrets are none: etcd's cluster token, the paths of keys."""
    plan = PLANS["lab"]
    long = replace(plan.steps[0], id=StepId("long"), operation=WriteFile("/x", "y" * 200_000))
    plan = replace(plan, steps=(*plan.steps, long))
    known = (Secret("hunter22"),)
    run_log = RunLog(bench.run_log, bench.clock, partial(redact, secrets=known), partial(redact_certain, secrets=known))
    await run_log.log_run(bench.header(), plan)
    run_log.close()
    record = read_run(bench.run_log)
    assert record.intact
    assert record.plan == plan
