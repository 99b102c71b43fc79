"""The one object that screen and command line talk to: it wires inventory, hosts, collector and executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Protocol

from haconsole.actions.step import Plan, Refusal
from haconsole.execution.events import Event
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Health
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot

if TYPE_CHECKING:
    from haconsole.execution.records import RunRecord, Unreadable


class Session(Protocol):
    """What screens and verbs may ask; a recording replayed answers the same questions as a live cluster."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def read_only(self) -> bool: ...

    async def snapshot(self) -> ClusterSnapshot:
        """One full look at every host; a host that fails or hangs shows as failed facts, never as an exception."""
        ...

    def watch(self) -> AsyncIterator[ClusterSnapshot]:
        """Snapshots as facts change, the first as soon as anything is known. Ends when the iterator is closed."""
        ...

    def findings(self, snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
        """What is wrong, most severe first, one finding a cause."""
        ...

    def health(self, snapshot: ClusterSnapshot, findings: tuple[Finding, ...]) -> Health:
        """The cluster in one word."""
        ...

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        """Plan an action from fresh facts; changes nothing."""
        ...

    def run(
        self, plan: Plan, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()
    ) -> AsyncIterator[Event]:
        """Carry the plan out. Closing the iterator stops after the current step.

        Raises LockedError while another console has the cluster's lock, unless that is stale and its run is in `adopt`.

        `step_by_step` has the run begin paused, so that each step that would change something waits to be let through.
        """
        ...

    async def runs(self) -> tuple[RunRecord | Unreadable, ...]:
        """This cluster's runs as they are recorded here, newest first, and records that cannot be read."""
        ...

    async def read_run(self, run: str) -> RunRecord:
        """The record of the run of that name, step by step; raises HaconsoleError where there is none to read."""
        ...

    async def may_resume(self, run: str) -> RunRecord:
        """The record of a run that may be carried on; raises RefusedError with the reasons where it may not."""
        ...

    def resume(
        self, run: str, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()
    ) -> AsyncIterator[Event]:
        """Carry a run on: hosts are asked what is true, and the first step whose effect is missing comes next.

        Raises what `may_resume` raises before the first event. Otherwise like `run`.
        """
        ...

    async def plan_undo(self, run: str) -> Plan | Refusal:
        """What takes a run back, to be shown and given to `run`: what it really did, newest first; asks no host."""
        ...

    def pause(self) -> None:
        """Hold every step that has not begun; those under way go on to their end."""
        ...

    def let_through(self, *, all_steps: bool = False) -> None:
        """Let the step that was held first begin; `all_steps` ends the pause. Nothing where nothing is held."""
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """Have the run start no further step; its events go on until it ends.

        The steps under way go on to their end; `at_once` leaves them to their hosts, their ends unknown.
        """
        ...

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200) -> AsyncIterator[JournalLine]:
        """The journals of these hosts' units as they are written, from `last` entries back on, until it is closed."""
        ...

    async def close(self) -> None: ...
