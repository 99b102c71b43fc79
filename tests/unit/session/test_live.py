"""The live session's own rules: refusals before any host is reached, and the record that a run leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.errors import HaconsoleError, UsageError
from haconsole.execution.events import Outcome, RunDone, StepStarted
from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError
from haconsole.execution.locking.lock_host import LockPaths
from haconsole.execution.log.run_record import read_run, run_paths
from haconsole.inventory.schema import Host, Inventory, VirtualIp
from haconsole.model.findings import ActionCall
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName, StepId
from haconsole.model.observed import Cause, Failed
from haconsole.model.roles import Role
from haconsole.model.secret import Secret
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.collect import Collector
from haconsole.session.live import LiveSession
from haconsole.session.planning import PATIENT
from haconsole.transport.answers import Answers
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.certified import NEW, OLD, certified
from tests.fakes.cluster import INVENTORY as THREE
from tests.fakes.cluster import NOW, changed, healthy
from tests.fakes.waiting import eventually
from tests.unit.execution.local import LocalFleet

INVENTORY = Inventory(
    cluster="lab",
    hosts=(Host(name="cp1", address="10.0.0.1", roles=(Role.ETCD,)),),
    vips=(VirtualIp(address="10.0.0.9", auth_pass=Secret("hunter22")),),
)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of runs and of the lock on hosts are in the test's own folder."""
    monkeypatch.setattr("haconsole.session.executor_factory.RUN_DIR", str(tmp_path / "run"))
    lock = LockPaths(str(tmp_path / "lock"), str(tmp_path / "heartbeat"))
    monkeypatch.setattr("haconsole.session.executor_factory.LOCK_PATHS", lock)


def step(script: str) -> Step:
    return Step(StepId("s"), "Do it", "It is needed.", HostName("cp1"), RunCommand(("sh", "-c", script)))


def session(folder: Path, *, read_only: bool = False, answers: Answers | None = None) -> tuple[LiveSession, LocalFleet]:
    fleet = LocalFleet("cp1")
    result = LiveSession(
        INVENTORY,
        fleet,
        source="/lab.yaml",
        digest="ab" * 32,
        runs=folder / "runs",
        read_only=read_only,
        answers=answers,
    )
    return result, fleet


async def test_a_read_only_session_runs_nothing(tmp_path: Path) -> None:
    one, fleet = session(tmp_path, read_only=True)
    assert one.read_only
    with pytest.raises(HaconsoleError, match="read-only"):
        one.start(Plan("bootstrap", "lab", (step("true"),)))
    assert fleet.host(HostName("cp1")).commands == []
    assert run_paths(tmp_path / "runs") == ()


@pytest.mark.parametrize(("action", "request_"), [("unheard", {}), ("bootstrap", {"only": "nothing"})])
async def test_wrong_arguments_are_refused_before_any_host_is_reached(
    tmp_path: Path, action: str, request_: dict[str, str]
) -> None:
    one, fleet = session(tmp_path)
    with pytest.raises(UsageError):
        await one.planner.plan(action, request_)
    assert fleet.host(HostName("cp1")).commands == []


async def test_a_run_is_recorded_with_its_inventory_and_without_its_secrets(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    events = [
        event async for event in one.start(Plan("bootstrap", "lab", (step("echo hunter22; echo done"),))).events()
    ]
    assert isinstance(events[-1], RunDone)
    assert events[-1].outcome is Outcome.DONE
    (path,) = run_paths(tmp_path / "runs")
    read = read_run(path)
    assert (read.header.run, read.header.inventory) == (events[-1].run, "/lab.yaml")
    assert read.header.inventory_sha256 == "ab" * 32
    assert read.step(StepId("s")).output == "***\ndone"
    assert "hunter22" not in path.read_text()


async def test_closing_a_run_waits_for_the_step_under_way(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    run = one.start(Plan("bootstrap", "lab", (step(f"echo done >{tmp_path}/made"),))).events()
    async for event in run:
        if isinstance(event, StepStarted):
            break
    assert isinstance(run, AsyncGenerator)
    await run.aclose()
    assert (tmp_path / "made").read_text() == "done\n"
    (path,) = run_paths(tmp_path / "runs")
    assert read_run(path).outcome is Outcome.DONE


async def test_hosts_that_are_off_permanently_have_no_vote_about_the_lock(tmp_path: Path) -> None:
    hosts = tuple(Host(name=f"cp{n}", address=f"10.0.0.{n}", roles=(Role.ETCD,)) for n in (1, 2, 3))
    fleet = LocalFleet("cp1", "cp2", "cp3")
    fleet.hosts[HostName("cp2")].unreachable = fleet.hosts[HostName("cp3")].unreachable = True
    inventory = msgspec.structs.replace(INVENTORY, hosts=hosts)
    one = LiveSession(inventory, fleet, source="/lab.yaml", digest="ab" * 32, runs=tmp_path / "runs")
    plan = Plan("restore", "lab", (step("true"),))
    with pytest.raises(NoMajorityError, match="the lock needs 2 of 3 hosts"):
        await anext(one.start(plan).events())
    events = [event async for event in one.start(replace(plan, absent_hosts=("cp2", "cp3"))).events()]
    assert isinstance(events[-1], RunDone)
    assert events[-1].outcome is Outcome.DONE


async def test_one_run_at_a_time(tmp_path: Path) -> None:
    one, _ = session(tmp_path)
    plan = Plan("bootstrap", "lab", (step("true"),))
    first = one.start(plan)
    with pytest.raises(HaconsoleError, match="another run is running"):
        one.start(plan)
    assert isinstance([event async for event in first.events()][-1], RunDone)
    assert [event async for event in one.start(plan).events()]


async def test_of_two_consoles_one_runs_and_the_other_leaves_no_record_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first, _ = session(tmp_path / "a")
    second, _ = session(tmp_path / "b")
    plan = Plan("bootstrap", "lab", (step("true"),))
    run = first.start(plan).events()
    await anext(run)
    with pytest.raises(LockedError, match=r"lab is locked: .+ has been running bootstrap for"):
        await anext(second.start(plan).events())
    assert run_paths(tmp_path / "b" / "runs") == ()
    assert [event async for event in run][-1].outcome is Outcome.DONE  # type: ignore[union-attr]
    assert [event async for event in second.start(plan).events()][-1].outcome is Outcome.DONE  # type: ignore[union-attr]


async def test_a_lock_left_by_a_step_without_a_result_is_taken_over_where_a_person_agrees(tmp_path: Path) -> None:
    answers = ScriptedAnswers()
    one, _ = session(tmp_path, answers=answers)
    run = one.start(Plan("bootstrap", "lab", (step(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"),)))
    events = []
    async for event in run.events():
        events.append(event)
        if isinstance(event, StepStarted):
            await eventually(lambda: any((tmp_path / "run").rglob("pid")))
            run.stop(at_once=True)
    (tmp_path / "go").touch()
    await eventually(lambda: any((tmp_path / "run").rglob("status")))
    assert events[-1].outcome is Outcome.UNKNOWN  # type: ignore[union-attr]
    second = Plan("bootstrap", "lab", (step("true"),))
    with pytest.raises(LockedError):
        await anext(one.start(second).events())
    answers.takes_over = True
    assert [event async for event in one.start(second).events()][-1].outcome is Outcome.DONE  # type: ignore[union-attr]
    assert answers.requests == [("lock", events[-1].run)] * 2
    assert not (tmp_path / "lock" / "holder").exists()


@pytest.mark.parametrize(("second", "kind"), [("fine", Plan), ("late", Refusal)])
async def test_what_is_refused_for_a_late_answer_is_looked_at_once_more_with_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, kind: type
) -> None:
    looks = {"fine": healthy(), "late": changed(healthy(), 2, late)}
    requests: list[float] = []

    async def once(self: Collector, *, certificates: bool = False, platform: bool = False) -> ClusterSnapshot:
        requests.append(self._context.timings.etcd_s)
        return looks["late" if len(requests) == 1 else second]

    monkeypatch.setattr(Collector, "once", once)
    one = LiveSession(THREE, LocalFleet("cp1"), source="/lab.yaml", digest="ab" * 32, runs=tmp_path)
    assert isinstance(await one.planner.plan("defrag", {}), kind)
    assert requests == [2.0, 6.0]


async def test_a_run_with_an_undo_action_is_undone_by_a_new_plan_of_that_action(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what the hosts have by then, not from the steps that were recorded."""
    snapshots = iter((certified(bundle=(OLD, NEW), with_successor=True, signed_by=NEW), certified()))

    async def once(self: Collector, *, certificates: bool = False, platform: bool = False) -> ClusterSnapshot:
        assert certificates
        return next(snapshots)

    monkeypatch.setattr(Collector, "once", once)
    one = LiveSession(
        THREE, LocalFleet("cp1", "cp2", "cp3"), source="/lab.yaml", digest="ab" * 32, runs=tmp_path / "runs"
    )
    back = ActionCall("rotate-certs", (("ca", "yes"), ("back", "yes")))
    events = [event async for event in one.start(Plan("rotate-certs", "lab", (step("true"),), undone_by=back)).events()]
    run = events[-1].run
    planned = await one.history.plan_undo(run)
    assert isinstance(planned, Plan)
    assert (planned.undoes, planned.undone_by) == (run, None)
    assert any(step.id.startswith("pki.service-account-back@") for step in planned.steps)
    refused = await one.history.plan_undo(run)
    assert isinstance(refused, Refusal)
    assert "there is nothing to undo" in refused.reasons[0]


def test_patience_leaves_room_for_the_rest_of_an_answer() -> None:
    """A member without a quorum answers only after its time-out; that answer must still arrive."""
    assert PATIENT.etcd_s < PATIENT.fact_s < PATIENT.overall_s


def late(facts: HostFacts) -> HostFacts:
    return replace(facts, etcd=Failed("cp2: etcd, status: no answer within 2 s", NOW, Cause.TIMED_OUT))
