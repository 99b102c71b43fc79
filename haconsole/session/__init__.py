"""The one object by which screen and command line reach a cluster, in parts: observer, planner, run history, runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from haconsole.errors import ExitCode, HaconsoleError, RefusedError

if TYPE_CHECKING:
    from haconsole.actions.forecast import Forecasts
    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.actions.step import Plan, Refusal
    from haconsole.execution.events import Event
    from haconsole.execution.log.run_record import RunRecord, UnreadableRun
    from haconsole.inventory.schema import Inventory
    from haconsole.model.command import HostCommand
    from haconsole.model.journal import JournalLine
    from haconsole.model.names import HostName, StepId
    from haconsole.model.past import HostPast
    from haconsole.model.series import Measurements
    from haconsole.model.status import ClusterStatus
    from haconsole.session.host_texts import HostText


class NotStartedError(HaconsoleError):
    """A run was stopped before its first step."""

    exit_code = ExitCode.INTERRUPTED


class GuardrailError(RefusedError):
    """Guardrails of the inventory stop the action now."""

    def __init__(self, stops: tuple[GuardrailStop, ...]) -> None:
        hint = "wait, or override the guardrail with a reason, which the run log records"
        super().__init__("; ".join(f"guardrail: {stop}" for stop in stops), hint=hint)
        self.stops = stops


class RunState(StrEnum):
    """STARTING until the cluster's lock is held; STOPPING once no further step starts; ENDED after the last event."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    ENDED = "ended"


class Run(Protocol):
    """One run of a plan. A control that can have no effect raises HaconsoleError."""

    @property
    def plan(self) -> Plan: ...

    @property
    def state(self) -> RunState: ...

    def events(self) -> AsyncIterator[Event]:
        """The run's events up to its end; to be read once. Closing the iterator stops after the current steps.

        Before the first event it takes the cluster's lock; a stale one is taken over where a person agrees. Raises
        LockedError, NoMajorityError, or NotStartedError where it was stopped before.
        """
        ...

    def pause(self) -> None:
        """Start no step until it is released or the pause ends; running steps finish."""
        ...

    def unpause(self) -> None:
        """Start every step again that can start."""
        ...

    def release(self, step: StepId) -> None:
        """Start one step that waits at the pause, and those that must start together with it."""
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """Start no further step; the events continue to the run's end.

        Running steps finish; with `at_once` they are left to their hosts, their results unknown.
        """
        ...


class ClusterObserver(Protocol):
    """Reads the cluster and changes nothing."""

    async def status(self) -> ClusterStatus:
        """Read every host once; a host that fails or hangs has failed facts and raises nothing."""
        ...

    async def measure(self) -> tuple[ClusterStatus, Measurements]:
        """Like `status`, with figures, for which hosts are read twice within a second or two."""
        ...

    def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        """Read every host once and thoroughly: what is known after some seconds, then the rest if there was more."""
        ...

    def watch(self) -> AsyncIterator[ClusterStatus]:
        """A status whenever facts change, the first as soon as anything is known, until the iterator is closed."""
        ...

    def refresh(self) -> None:
        """Have `watch` read every fact again now; nothing where nobody watches."""
        ...

    def quicken(self, *, faster: bool) -> None:
        """Have `watch` take the readings for figures more often, or at their usual interval again."""
        ...

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200, part: str = "") -> AsyncIterator[JournalLine]:
        """The logs of these hosts' units and static pods as they are written, after `last` older entries of each.

        `part` limits it to one component, such as ``etcd``. It ends when it is closed.
        """
        ...

    async def texts(self, host: HostName, *, journal: bool = False) -> tuple[HostText, ...]:
        """The units and configurations of the host as text, with `journal` its journal too; secrets are masked."""
        ...

    async def journal_around(
        self, hosts: tuple[HostName, ...], at: datetime, offsets_ms: Mapping[HostName, float], part: str = ""
    ) -> tuple[JournalLine, ...]:
        """The entries of a minute before and after a moment of this machine's clock, by the hosts' clocks.

        `offsets_ms` are how far these are ahead; `part` limits it to one component. A host that cannot be read has an
        entry about that.
        """
        ...

    async def past_events(self, seconds: int, offsets_ms: Mapping[HostName, float]) -> tuple[HostPast, ...]:
        """Events of the last seconds from the journals of all hosts but bastions, by this machine's clock.

        `offsets_ms` are how far the hosts' clocks are ahead. A host that cannot be read has a problem instead.
        """
        ...


class Planner(Protocol):
    async def plan(self, action: str, request: Mapping[str, str]) -> Plan | Refusal:
        """Plan an action from fresh facts; changes nothing."""
        ...

    async def forecast(self, plan: Plan) -> Forecasts:
        """Whether each step will change something, by what the hosts show now; changes nothing."""
        ...


class RunHistory(Protocol):
    """The runs of this cluster that are logged here."""

    async def runs(self) -> tuple[RunRecord | UnreadableRun, ...]:
        """All of them, newest first, and records that cannot be read."""
        ...

    async def record(self, run: str) -> RunRecord:
        """The log of the run of that name, step by step; raises HaconsoleError if there is none to read."""
        ...

    def running(self) -> int:
        """The number of runs of this account that are running now, on any cluster."""
        ...

    async def plan_undo(self, run: str) -> Plan | Refusal:
        """A plan, to be shown and started, that undoes the run's changes."""
        ...


class Player(Protocol):
    """The position in a recording. Places are its moments, counted from 0."""

    @property
    def place(self) -> int: ...

    @property
    def last(self) -> int: ...

    @property
    def speed(self) -> float: ...

    @property
    def paused(self) -> bool: ...

    @property
    def times(self) -> tuple[datetime, ...]:
        """The time of each place."""
        ...

    def now(self) -> datetime:
        """The time in the recording."""
        ...

    def status(self, place: int) -> ClusterStatus:
        """The cluster at that place, with the findings of that time."""
        ...

    def pause(self) -> None: ...

    def unpause(self) -> None: ...

    def set_speed(self, speed: float) -> None:
        """Play that many times as fast as it was recorded."""
        ...

    def seek(self, place: int) -> None:
        """Be at that place, which counts as shown."""
        ...

    async def moved(self) -> None:
        """Return when the position, the speed or the pause has changed."""
        ...


class Session(Protocol):
    """All that screens and verbs use of a cluster; a recording has the same parts as a live cluster."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def read_only(self) -> bool: ...

    @property
    def player(self) -> Player | None:
        """The position in a recording; None of a live cluster."""
        ...

    @property
    def observer(self) -> ClusterObserver: ...

    @property
    def planner(self) -> Planner: ...

    @property
    def history(self) -> RunHistory: ...

    @property
    def commands(self) -> tuple[HostCommand, ...]:
        """The commands that this session ran on hosts, newest first."""
        ...

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        """A run of the plan, which starts as its events are read; refused in a read-only session.

        `step_by_step` starts the run paused, so that each step that changes something waits for its release. A
        guardrail that stops the action raises GuardrailError, unless `override` is a reason to override it.
        """
        ...

    def guardrail_stops(self, plan: Plan) -> tuple[GuardrailStop, ...]:
        """The guardrails of the inventory that stop a run of the plan now."""
        ...

    async def check_resumable(self, run: str) -> RunRecord:
        """The record of a run that can be resumed; raises RefusedError with the reasons against it."""
        ...

    async def resume(self, run: str, *, step_by_step: bool = False, override: str = "") -> Run:
        """Resume a run at the first step whose effect is missing on its host.

        Raises what `check_resumable` raises. Otherwise like `start`.
        """
        ...

    async def close(self) -> None: ...
