"""Plans actions on a live cluster from fresh facts."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from haconsole.errors import file_hint
from haconsole.inventory.effective import why_watched_only
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts
from haconsole.model.lock_view import lock_view
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.session.locks import Locks
from haconsole.transport.base import Fleet

if TYPE_CHECKING:
    from haconsole.actions.action import Action, Request
    from haconsole.actions.forecast import Forecasts
    from haconsole.actions.step import Plan, Refusal

PATIENT = ProbeTimings(overall_s=20.0, fact_s=10.0, etcd_s=6.0)
"""The time-outs for a second read of facts that made a plan impossible: a busy etcd answers late, which is no reason to
refuse.
"""
LATE = (Cause.TIMED_OUT, Cause.CONNECTION_LOST)
ON_A_HOST = re.compile(r"[^:/]+:/")


class LivePlanner:
    """Reads facts by `collector` and remembers in `locks` which console had the cluster's lock meanwhile."""

    def __init__(self, inventory: Inventory, fleet: Fleet, collector: Collector, locks: Locks) -> None:
        self._inventory = inventory
        self._fleet = fleet
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
        from haconsole.actions.external_etcd import why_external_etcd
        from haconsole.actions.step import Plan, Refusal

        kind = find_action(action)
        check_request(kind, request)
        if reason := why_watched_only(self._inventory):
            return Refusal(action, self._inventory.cluster, (reason,))
        if reason := why_external_etcd(self._inventory, action, request):
            return Refusal(action, self._inventory.cluster, (reason,))
        request = with_files(kind, request)
        if reasons := unusable_files(kind, request):
            return Refusal(action, self._inventory.cluster, reasons)
        snapshot = await self._collector.once(certificates=kind.certificates, platform=kind.platform)
        planned = kind.planner(snapshot, self._inventory, request)
        if isinstance(planned, Refusal) and may_be_late(snapshot):
            snapshot = await self._patient.once(certificates=kind.certificates, platform=kind.platform)
            planned = kind.planner(snapshot, self._inventory, request)
        if isinstance(planned, Plan):
            planned = replace(planned, undoes=undoes)
            self._locks.planned = planned, lock_view(snapshot)
        return planned

    async def forecast(self, plan: Plan) -> Forecasts:
        """Whether each step will change something, by what the hosts show now; changes nothing."""
        from haconsole.session.forecasting import read_forecasts

        return await read_forecasts(plan, self._inventory, self._fleet)


def may_be_late(snapshot: ClusterSnapshot) -> bool:
    """Whether an etcd on a reached host did not answer, or complete a read, in time, or no API server listed nodes."""
    nodes = snapshot.nodes
    if isinstance(nodes, Failed) and nodes.cause in LATE:
        return True
    return any(_may_be_late(facts) for facts in snapshot.hosts if isinstance(facts.reach, Known))


def _may_be_late(facts: HostFacts) -> bool:
    if isinstance(facts.platform, Failed) and facts.platform.cause in LATE:
        return True
    match facts.etcd:
        case Known(value=endpoint):
            return not endpoint.healthy
        case Failed(cause=cause):
            return cause in LATE
        case _:
            return False


def with_files(action: Action, request: Request) -> Request:
    """The request with absolute paths for the operator's files, so that a plan is the same wherever it is resumed."""
    from haconsole.actions.action import ArgumentKind

    files = {argument.name for argument in action.arguments if argument.kind is ArgumentKind.FILE}
    return {name: _whole(value) if name in files else value for name, value in request.items()}


def unusable_files(action: Action, request: Request) -> tuple[str, ...]:
    """Why files on this machine cannot be read (positional arguments) or made (options), with the fix for each."""
    from haconsole.actions.action import ArgumentKind

    files = [argument for argument in action.arguments if argument.kind is ArgumentKind.FILE]
    here = [(one, Path(request[one.name])) for one in files if one.name in request and not _on_host(request[one.name])]
    return tuple(reason for one, path in here if (reason := _unusable(path, to_write=not one.positional)))


def _unusable(path: Path, *, to_write: bool) -> str:
    try:
        if to_write:
            _check_place(path)
        else:
            path.open("rb").close()
    except OSError as error:
        return f"{path} on this machine: {error.strerror}; {file_hint(path, error, to_write=to_write)}"
    return ""


def _check_place(path: Path) -> None:
    """Raises OSError if no file can be made there."""
    number = errno.EISDIR if path.is_dir() else 0 if os.access(path.parent, os.W_OK) else errno.EACCES
    path.parent.stat()
    if number:
        raise OSError(number, os.strerror(number))


def _on_host(value: str) -> bool:
    return ON_A_HOST.match(value) is not None


def _whole(value: str) -> str:
    return value if _on_host(value) else str(Path(value).expanduser().absolute())
