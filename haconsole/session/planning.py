"""Plans actions on a live cluster from fresh facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.effective import why_watched_only
from haconsole.inventory.schema import Inventory
from haconsole.model.lock_view import lock_view
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.session.locks import Locks
from haconsole.session.possibly_stale import may_be_late
from haconsole.transport.base import Fleet

PATIENT = ProbeTimings(overall_s=20.0, fact_s=10.0, etcd_s=6.0)
"""The time-outs for a second read of facts that made a plan impossible: a busy etcd answers late, which is no reason to
refuse.
"""


class LivePlanner:
    """Reads facts by `collector` and remembers in `locks` which console had the cluster's lock meanwhile."""

    def __init__(self, inventory: Inventory, fleet: Fleet, collector: Collector, locks: Locks) -> None:
        self._inventory = inventory
        self._collector = collector
        self._patient = Collector(inventory, fleet, timings=PATIENT)
        self._locks = locks

    async def plan(self, action: str, request: Mapping[str, str], *, undoes: str = "") -> Plan | Refusal:
        """Plan an action; raises UsageError for a wrong request before any host is read. Clusters that are
        only watched have no plans.

        Facts behind a refusal are read once more, with longer time-outs, if an answer of etcd may have been late.
        `undoes` names the run that the plan undoes.
        """
        from haconsole.actions.catalogue import check_request, find_action
        from haconsole.session.request import with_files

        kind = find_action(action)
        check_request(kind, request)
        if reason := why_watched_only(self._inventory):
            return Refusal(action, self._inventory.cluster, (reason,))
        request = with_files(kind, request)
        snapshot = await self._collector.once(certificates=kind.certificates)
        planned = kind.planner(snapshot, self._inventory, request)
        if isinstance(planned, Refusal) and may_be_late(snapshot):
            snapshot = await self._patient.once(certificates=kind.certificates)
            planned = kind.planner(snapshot, self._inventory, request)
        if isinstance(planned, Plan):
            planned = replace(planned, undoes=undoes)
            self._locks.planned = planned, lock_view(snapshot)
        return planned
