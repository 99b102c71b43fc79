"""Plans run on folders in place of hosts."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from haconsole.actions.checks import CommandSucceeds
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Step
from haconsole.execution.events import Event, Outcome, RunDone, RunId, StepDone
from haconsole.execution.log.run_log import Operator, RunHeader, RunLog
from haconsole.execution.log.run_record import StepRecord, StepState, read_run
from haconsole.execution.perform import Performer
from haconsole.execution.steps.executor import Executor
from haconsole.execution.steps.gate import Gate
from haconsole.execution.verify.checks import Checks
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName, StepId
from tests.unit.execution.local import FastClock, LocalFleet, NoCluster, local_context


class Bench:
    """A fleet of two and a folder for what steps leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fleet = LocalFleet("cp1", "cp2")
        self.clock = FastClock()
        self.context = local_context(Inventory(cluster="lab", hosts=()), self.fleet, self.clock, folder / "run")
        self.run_log = folder / "journal.jsonl"

    def step(self, name: str, *, needs: tuple[str, ...] = (), host: str = "cp1", script: str = "") -> Step:
        """A step that leaves a file of its name; `script` runs before."""
        path = self.folder / name
        return Step(
            id=StepId(name),
            title=f"make {name}",
            why="it is needed",
            host=HostName(host),
            operation=RunCommand(("sh", "-c", f"{script or 'true'} && echo {name} && echo once >>{path}")),
            verification=(CommandSucceeds(("test", "-e", str(path)), f"{name} is not there"),),
            needs=tuple(StepId(need) for need in needs),
        )

    def executor(
        self,
        *steps: Step,
        plan: Plan | None = None,
        run: str = "r1",
        so_far: tuple[StepRecord, ...] | None = None,
        gates: tuple[Gate, ...] = (),
    ) -> Executor:
        plan = plan or Plan("bootstrap", "lab", steps)
        header = replace(self.header(), run=RunId(run))
        return Executor(
            plan,
            header,
            checks=Checks(self.context, plan, NoCluster()),
            performer=Performer(self.context, plan, header.run),
            run_log=RunLog(self.run_log, self.clock, str),
            clock=self.clock,
            redact=lambda text: text.replace("hunter2", "***"),
            so_far=so_far,
            gates=gates,
        )

    def header(self) -> RunHeader:
        return RunHeader(RunId("r1"), self.clock.now(), Operator("root", "laptop", 1), "/lab.yaml", "ab" * 32)

    async def run(self, *steps: Step) -> list[Event]:
        return [event async for event in self.executor(*steps).events()]

    def lines_of(self, name: str) -> str:
        """The lines that a step wrote, one each time that it ran."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def states(self) -> dict[str, StepState]:
        return {record.step: record.state for record in read_run(self.run_log).steps}


def outcomes(events: list[Event]) -> dict[str, Outcome]:
    return {event.step: event.outcome for event in events if isinstance(event, StepDone)}


def last(events: list[Event]) -> RunDone:
    assert isinstance(events[-1], RunDone)
    return events[-1]
