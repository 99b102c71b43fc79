"""The session of a recording: the snapshots of then, at their pace, as if they were heard now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, NoReturn

from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.errors import RefusedError
from haconsole.execution.clock import Clock, SystemClock

if TYPE_CHECKING:
    from haconsole.actions.step import Plan, Refusal
    from haconsole.execution.records import RunRecord, Unreadable
    from haconsole.inventory.schema import Inventory
    from haconsole.model.findings import Finding, Health
    from haconsole.model.journal import JournalLine
    from haconsole.model.names import HostName
    from haconsole.model.snapshot import ClusterSnapshot
    from haconsole.recording.file import Moment, Recording
    from haconsole.session import Run

AT_THE_END_S = 5.0
"""How long the last snapshot stands before a recording that repeats begins anew."""


class ReplayedSession:
    """Session of a recording, `speed` times as fast as it was; with `repeats` it begins anew after its end.

    Every time in it is moved to now, so that ages are those of then. It changes nothing and refuses what would.
    """

    def __init__(
        self, recording: Recording, *, speed: float = 1.0, repeats: bool = False, clock: Clock | None = None
    ) -> None:
        self._recording = recording
        self._speed = speed
        self._repeats = repeats
        self._clock = clock or SystemClock()
        self._moment = recording.moments[0]
        self._revision = 0

    @property
    def inventory(self) -> Inventory:
        return self._recording.inventory

    @property
    def read_only(self) -> bool:
        return True

    async def snapshot(self) -> ClusterSnapshot:
        """The moment that is shown."""
        return self._now(self._moment)

    async def watch(self) -> AsyncIterator[ClusterSnapshot]:
        """The recording's snapshots at their pace. Ends after the last one, unless it repeats."""
        while True:
            began, first = self._clock.monotonic(), self._recording.moments[0].at
            for moment in self._recording.moments:
                due = began + (moment.at - first).total_seconds() / self._speed
                await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
                self._moment = moment
                yield self._now(moment)
            if not self._repeats:
                return
            await self._clock.sleep(AT_THE_END_S / self._speed)

    def findings(self, snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
        return diagnose(snapshot, self.inventory, self._clock.now())

    def health(self, snapshot: ClusterSnapshot, findings: tuple[Finding, ...]) -> Health:
        return health(snapshot, findings)

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        self._refuse()

    def start(self, plan: Plan, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()) -> Run:
        self._refuse()

    async def runs(self) -> tuple[RunRecord | Unreadable, ...]:
        return ()

    async def read_run(self, run: str) -> RunRecord:
        self._refuse()

    async def may_resume(self, run: str) -> RunRecord:
        self._refuse()

    async def resume(self, run: str, *, step_by_step: bool = False, adopt: frozenset[str] = frozenset()) -> Run:
        self._refuse()

    async def plan_undo(self, run: str) -> Plan | Refusal:
        self._refuse()

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200) -> AsyncIterator[JournalLine]:
        raise RefusedError("a recording holds no journals", mend="open the cluster's inventory to read them")

    async def close(self) -> None:
        """Nothing: nothing is open."""

    def _now(self, moment: Moment) -> ClusterSnapshot:
        self._revision += 1
        return self._recording.snapshot(moment, self._revision, self._clock.now() - moment.at)

    def _refuse(self) -> NoReturn:
        raise RefusedError("this is a recording and changes nothing", mend="open the cluster's inventory to change it")
