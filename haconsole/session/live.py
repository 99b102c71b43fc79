"""The session of a live cluster: inventory, SSH, collector and executor wired together.

What plans and performs is loaded when something is planned or performed: a look at a cluster needs none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from haconsole.actions.step import Plan, Refusal
from haconsole.configs.layout import layout
from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.errors import HaconsoleError, RefusedError
from haconsole.execution.clock import SystemClock
from haconsole.inventory.load import load, read
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Health
from haconsole.model.journal import JournalLine
from haconsole.model.lock_view import lock_view
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.session import Run, RunState
from haconsole.session.doubt import may_be_late
from haconsole.session.journal import follow
from haconsole.session.locks import Locks
from haconsole.session.record import Record
from haconsole.transport.answers import Answers, NoAnswers
from haconsole.transport.base import Fleet
from haconsole.transport.ssh import SshFleet

if TYPE_CHECKING:
    from haconsole.execution.records import RunRecord, Unreadable

LOOK_AGAIN_S = 2.0
PATIENT = ProbeTimings(overall_s=20.0, fact_s=10.0, etcd_s=6.0)
"""For a second look at what made a plan impossible: a busy etcd answers late, and is no reason to refuse."""


class LiveSession:
    """Session of the cluster that `inventory` describes, over `fleet`, which it closes.

    `source` names the inventory's file and `digest` its SHA-256, for the record of runs in the folder `runs`
    (None: the operator's own). `answers` are asked for what a run needs of a person.
    """

    def __init__(
        self,
        inventory: Inventory,
        fleet: Fleet,
        *,
        source: str,
        digest: str,
        runs: Path | None = None,
        read_only: bool = False,
        answers: Answers | None = None,
    ) -> None:
        self._answers = answers
        self._inventory = inventory
        self._fleet = fleet
        self._record = Record(source, digest, runs)
        self._read_only = read_only or inventory.read_only
        self._clock = SystemClock()
        self._collector = Collector(inventory, fleet)
        self._patient = Collector(inventory, fleet, timings=PATIENT)
        self._run: Run | None = None
        self._locks = Locks()

    @property
    def inventory(self) -> Inventory:
        return self._inventory

    @property
    def read_only(self) -> bool:
        return self._read_only

    async def snapshot(self) -> ClusterSnapshot:
        """One full look at every host, certificates included."""
        return await self._collector.once(certificates=True)

    def watch(self) -> AsyncIterator[ClusterSnapshot]:
        """Snapshots as facts change, until the iterator is closed."""
        return self._collector.live()

    def findings(self, snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
        return diagnose(snapshot, self._inventory, self._clock.now())

    def health(self, snapshot: ClusterSnapshot, findings: tuple[Finding, ...]) -> Health:
        return health(snapshot, findings)

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        """Plan from a fresh look; raises UsageError before any host is asked when the request does not fit.

        What is refused is looked at once more, with patience, where an answer of etcd may only have come late.
        """
        return await self._plan(action, request)

    async def _plan(self, action: str, request: Mapping[str, str], *, undoes: str = "") -> Plan | Refusal:
        from haconsole.actions.catalogue import check_request, find_action
        from haconsole.session.request import with_files

        found = find_action(action)
        check_request(found, request)
        request = with_files(found, request)
        snapshot = await self._collector.once(certificates=found.certificates)
        planned = found.planner(snapshot, self._inventory, request)
        if isinstance(planned, Refusal) and may_be_late(snapshot):
            snapshot = await self._patient.once(certificates=found.certificates)
            planned = found.planner(snapshot, self._inventory, request)
        if isinstance(planned, Plan):
            planned = replace(planned, undoes=undoes)
            self._locks.planned = planned, lock_view(snapshot)
        return planned

    async def unlocked(self, within_s: float, adopt: frozenset[str] = frozenset()) -> None:
        """Wait until a run could take the cluster's lock, that of the runs `adopt` over others' heads if it is stale.

        Raises LockedError when another console has it longer, or has left it.
        """
        from haconsole.execution.lock import Adoption, LockedError
        from haconsole.session.performing import cluster_lock

        lock = cluster_lock(self._inventory, self._fleet)
        adoption = Adoption(adopt, frozenset(self._locks.left))
        until = self._clock.monotonic() + within_s
        while True:
            try:
                return await lock.see_free(adoption)
            except LockedError as locked:
                if locked.adoptable or self._clock.monotonic() >= until:
                    raise
            await self._clock.sleep(min(LOOK_AGAIN_S, max(0.1, until - self._clock.monotonic())))

    def start(self, plan: Plan, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()) -> Run:
        """A run of the plan, one at a time; refused in a read-only session, and while another console has the lock."""
        from haconsole.execution.lock import LockedError

        self.may_change()
        adopt |= {plan.undoes} if plan.undoes else set()
        if (view := self._locks.in_the_way(plan, adopt)) is not None:
            raise LockedError(self._inventory.cluster, view, adoptable=view.stale)
        return self._start(plan, None, step_by_step, adopt)

    async def runs(self) -> tuple[RunRecord | Unreadable, ...]:
        """This cluster's runs as recorded here, newest first, and records that nobody can read."""
        from haconsole.execution.records import Unreadable, read_runs

        found = await asyncio.to_thread(read_runs, self._record.folder)
        cluster = self._inventory.cluster
        return tuple(one for one in found if isinstance(one, Unreadable) or one.plan.cluster == cluster)

    async def read_run(self, run: str) -> RunRecord:
        """The record of a run."""
        from haconsole.execution.records import find_run, read_run

        return await asyncio.to_thread(lambda: read_run(find_run(self._record.folder, run)))

    async def may_resume(self, run: str) -> RunRecord:
        """The record of a run that may be carried on; raises RefusedError with the reasons where it may not."""
        from haconsole.execution.resume import why_not_resume
        from haconsole.inventory.parts import parts_of

        self.may_change()
        record = await self.read_run(run)
        reasons = why_not_resume(record, await self.runs(), self._inventory.cluster, parts_of(self._inventory))
        if reasons:
            raise RefusedError("; ".join(reasons))
        return record

    async def resume(self, run: str, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()) -> Run:
        """Resume a run by the state of its hosts; its own lock may be taken over once its console is gone."""
        record = await self.may_resume(run)
        return self._start(record.plan, record, step_by_step, adopt | {record.heading.run})

    async def plan_undo(self, run: str) -> Plan | Refusal:
        """What takes a run back: its steps, newest first, or the action that takes all of it back, planned anew."""
        from haconsole.execution.undo import plan_undo, why_not_undo
        from haconsole.session.performing import RUN_DIR

        record, runs = await self.read_run(run), await self.runs()
        call = record.plan.undone_by
        if call is None or why_not_undo(record, runs):
            return plan_undo(record, runs, RUN_DIR)
        return await self._plan(call.action, call.request, undoes=record.heading.run)

    def may_change(self) -> None:
        """Raise RefusedError in a read-only session, HaconsoleError while a run is under way."""
        if self._read_only:
            raise RefusedError("this session is read-only", mend="leave --read-only away, or mend the inventory")
        if self._run is not None and self._run.state is not RunState.ENDED:
            raise HaconsoleError("another run is under way in this session", mend="wait for its end")

    def _start(self, plan: Plan, earlier: RunRecord | None, step_by_step: bool, adopt: frozenset[str]) -> Run:
        from haconsole.session.performing import performing
        from haconsole.session.run import LiveRun

        cluster = (self._inventory, self._fleet, self._clock, self._record, self._locks)
        begin = partial(performing, plan, *cluster, earlier=earlier, adopt=adopt, answers=self._answers)
        self._run = LiveRun(plan, begin, step_by_step=step_by_step)
        return self._run

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200) -> AsyncIterator[JournalLine]:
        """The journals of the units that should run on these hosts."""
        known = layout(self._inventory)
        units = {HostName(host.name): known.units(host) for host in self._inventory.hosts if host.name in hosts}
        return follow(self._fleet, units, last=last)

    async def close(self) -> None:
        """End every connection."""
        await self._fleet.close()

    async def __aenter__(self) -> LiveSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def open_session(inventory: Path, answers: Answers | None = None, *, read_only: bool = False) -> LiveSession:
    """A session of the inventory in a file; raises InventoryError for a file that is not right.

    Hosts are reached at the first question. To be made, used and closed within one event loop.
    """
    loaded = load(inventory)
    return LiveSession(
        loaded,
        SshFleet(loaded, answers or NoAnswers()),
        source=str(inventory.resolve()),
        digest=sha256(read(inventory)).hexdigest(),
        read_only=read_only,
        answers=answers,
    )
