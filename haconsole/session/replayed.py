"""The session of a recording: its snapshots at their pace, by the clock of the recording. Changes are refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TYPE_CHECKING, NoReturn

from haconsole.errors import RefusedError
from haconsole.execution.clock import Clock, SystemClock
from haconsole.model.series import Measurements
from haconsole.session.player import RecordingPlayer

if TYPE_CHECKING:
    from datetime import datetime

    from haconsole.actions.forecast import Forecasts
    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.actions.step import Plan, Refusal
    from haconsole.execution.log.run_record import RunRecord, UnreadableRun
    from haconsole.model.command import HostCommand
    from haconsole.model.journal import JournalLine
    from haconsole.model.names import HostName
    from haconsole.model.past import HostPast
    from haconsole.model.status import ClusterStatus
    from haconsole.recording.file import Recording
    from haconsole.session import Run
    from haconsole.session.host_texts import HostText

AT_THE_END_S = 5.0
"""The time for which the last snapshot is shown before a recording that repeats starts again."""


class ReplayedObserver:
    """Shows a recording as its player plays it; with `repeats` it starts again after its end."""

    def __init__(self, player: RecordingPlayer, hosts: int, repeats: bool, clock: Clock) -> None:
        self._player = player
        self._hosts = hosts
        self._repeats = repeats
        self._clock = clock

    async def status(self) -> ClusterStatus:
        """The moment that is shown."""
        return self._player.status(self._player.place)

    async def measure(self) -> tuple[ClusterStatus, Measurements]:
        """The moment that is shown, with the figures of its readings."""
        measurements, status = Measurements(self._hosts), await self.status()
        measurements.add(status.snapshot)
        return status, measurements

    async def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        """The moment that is shown."""
        yield await self.status()

    async def watch(self) -> AsyncIterator[ClusterStatus]:
        """The recording from its current place on, at its pace. Ends after the last moment, unless it repeats."""
        player = self._player
        yield await self.status()
        while True:
            while (place := await player.next_place()) is not None:
                yield player.status(place)
            if not self._repeats:
                return
            await self._clock.sleep(AT_THE_END_S / player.speed)
            if player.place == player.last and not player.paused:
                player.seek(0)
                yield await self.status()

    def refresh(self) -> None:
        """Nothing: a recording has no newer facts."""

    def quicken(self, *, faster: bool) -> None:
        """Nothing: a recording has no more readings."""

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200, part: str = "") -> AsyncIterator[JournalLine]:
        raise RefusedError(
            "a recording contains no journals",
            hint="start the console with the cluster's inventory instead",
        )

    async def texts(self, host: HostName, *, journal: bool = False) -> tuple[HostText, ...]:
        raise RefusedError(
            "a recording contains no files", hint="start the console with the cluster's inventory instead"
        )

    async def journal_around(
        self, hosts: tuple[HostName, ...], at: datetime, offsets_ms: Mapping[HostName, float], part: str = ""
    ) -> tuple[JournalLine, ...]:
        raise RefusedError(
            "a recording contains no journals",
            hint="start the console with the cluster's inventory instead",
        )

    async def past_events(self, seconds: int, offsets_ms: Mapping[HostName, float]) -> tuple[HostPast, ...]:
        raise RefusedError(
            "a recording contains no journals",
            hint="start the console with the cluster's inventory instead",
        )


class NoChanges:
    """The planner and the run history of a recording: there are no runs, and nothing can be planned."""

    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        refuse()

    async def forecast(self, plan: Plan) -> Forecasts:
        return {}

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        return ()

    async def record(self, run: str) -> RunRecord:
        refuse()

    def running(self) -> int:
        return 0

    async def plan_undo(self, run: str) -> Plan | Refusal:
        refuse()


class ReplayedSession:
    """Session of a recording."""

    read_only = True
    commands: tuple[HostCommand, ...] = ()

    def __init__(
        self, recording: Recording, *, speed: float = 1.0, repeats: bool = False, clock: Clock | None = None
    ) -> None:
        self.inventory = recording.inventory
        clock = clock or SystemClock()
        self.player = RecordingPlayer(recording, speed, clock)
        self.observer = ReplayedObserver(self.player, len(recording.inventory.hosts), repeats, clock)
        self.planner = self.history = NoChanges()

    def guardrail_stops(self, plan: Plan) -> tuple[GuardrailStop, ...]:
        return ()

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        refuse()

    async def check_resumable(self, run: str) -> RunRecord:
        refuse()

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        refuse()

    async def close(self) -> None:
        """Nothing to do: no connection is open."""


def refuse() -> NoReturn:
    raise RefusedError("this is a recording and changes nothing", hint="open the cluster's inventory to change it")
