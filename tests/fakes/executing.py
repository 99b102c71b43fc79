"""A session whose runs are real: the executor works on folders in place of hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from haconsole.actions.checks import CommandSucceeds
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.execution.events import RunId
from haconsole.execution.log.run_log import Operator, RunHeader, RunLog
from haconsole.execution.log.run_record import RunRecord, UnreadableRun, read_run, read_runs
from haconsole.execution.log.undo import plan_undo
from haconsole.execution.perform import Performer
from haconsole.execution.steps.executor import Executor
from haconsole.execution.steps.gate import Pause
from haconsole.execution.verify.checks import Checks
from haconsole.model.names import HostName, StepId
from haconsole.session import Run
from haconsole.session.run import LiveRun
from tests.fakes.cluster import INVENTORY
from tests.fakes.session import FakeSession
from tests.unit.execution.local import FastClock, LocalFleet, NoCluster, local_context


def has_worked(folder: Path, name: str) -> bool:
    """Whether the step of that name did its work."""
    return (folder / name).exists()


def making(folder: Path, name: str, *, needs: tuple[str, ...] = (), first: str = "true") -> Step:
    """A step on cp1 that makes a file of its name once the script `first` has ended well."""
    path = folder / name
    return Step(
        id=StepId(name),
        title=f"Make {name}",
        why=f"etcd cannot start without {name}.",
        host=HostName("cp1"),
        operation=RunCommand(("sh", "-c", f"{first} && echo made {name} && touch {path}")),
        verification=(CommandSucceeds(("test", "-e", str(path)), f"{name} is there"),),
        undo=RunCommand(("rm", "-f", str(path))),
        needs=tuple(StepId(need) for need in needs),
    )


class ExecutingSession(FakeSession):
    """Plans what it was given; carries it out, on and back in `folder`."""

    def __init__(self, folder: Path, *steps: Step) -> None:
        plan = Plan("bootstrap", INVENTORY.cluster, steps)
        super().__init__(plans={"bootstrap": plan})
        self.fleet = LocalFleet("cp1", "cp2", "cp3")
        self._folder = folder

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        return LiveRun(plan, partial(self._executor, plan, None), step_by_step=step_by_step)

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        return read_runs(self._folder / "runs")

    async def record(self, run: str) -> RunRecord:
        return read_run(self._folder / "runs" / f"{run}.jsonl")

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        record = await self.record(run)
        return LiveRun(record.plan, partial(self._executor, record.plan, record), step_by_step=step_by_step)

    async def plan_undo(self, run: str) -> Plan | Refusal:
        return plan_undo(await self.record(run), await self.runs(), str(self._folder / "run"))

    @asynccontextmanager
    async def _executor(self, plan: Plan, earlier: RunRecord | None, pause: Pause) -> AsyncIterator[Executor]:
        clock, run = FastClock(), RunId(f"20260301T030000Z-{plan.action}-ab12")
        context = local_context(self.inventory, self.fleet, clock, self._folder / "run")
        yield Executor(
            plan,
            RunHeader(run, clock.now(), Operator("root", "laptop", 1), "/lab.yaml", "ab" * 32),
            checks=Checks(context, plan, NoCluster()),
            performer=Performer(context, plan, run),
            run_log=RunLog(self._folder / "runs" / f"{run}.jsonl", clock, str),
            clock=clock,
            redact=str,
            so_far=earlier.steps if earlier else None,
            pause=pause,
        )
