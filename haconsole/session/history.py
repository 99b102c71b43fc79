"""The recorded runs of one cluster, and the plans that undo them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from haconsole.actions.step import Plan, Refusal
from haconsole.session.planning import LivePlanner
from haconsole.session.provenance import RunProvenance

if TYPE_CHECKING:
    from haconsole.execution.log.run_record import RunRecord, UnreadableRun


class LiveRunHistory:
    """Runs of `cluster` in the folder of `record`; an undo by another action is planned by `planner`."""

    def __init__(self, cluster: str, record: RunProvenance, planner: LivePlanner) -> None:
        self._cluster = cluster
        self._record = record
        self._planner = planner

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        """This cluster's runs as recorded here, newest first, and records that cannot be read."""
        from haconsole.execution.log.run_record import UnreadableRun, read_runs

        every = await asyncio.to_thread(read_runs, self._record.folder)
        return tuple(one for one in every if isinstance(one, UnreadableRun) or one.plan.cluster == self._cluster)

    async def record(self, run: str) -> RunRecord:
        """The record of a run."""
        from haconsole.execution.log.run_record import find_run, read_run

        return await asyncio.to_thread(lambda: read_run(find_run(self._record.folder, run)))

    async def plan_undo(self, run: str) -> Plan | Refusal:
        """The undo of the run's recorded steps, newest first, or the action that undoes the complete run."""
        from haconsole.execution.log.undo import plan_undo, why_not_undo
        from haconsole.session.executor_factory import RUN_DIR

        record, runs = await self.record(run), await self.runs()
        call = record.plan.undone_by
        if call is None or why_not_undo(record, runs):
            return plan_undo(record, runs, RUN_DIR)
        return await self._planner.plan(call.action, call.request, undoes=record.header.run)
