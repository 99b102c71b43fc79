"""Another console's lock: shown on the bar, respected while it lives, taken over explicitly when it is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from haconsole.actions.step import Plan
from haconsole.execution.events import Event
from haconsole.execution.locking.cluster_lock import LockedError, Takeover
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.lock_view import LockView
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Run
from haconsole.session.locks import Locks
from haconsole.ui.app import ConsoleApp
from haconsole.ui.controllers.prompts import Prompter
from tests.fakes.cluster import NAMES, NOW, healthy
from tests.fakes.plans import PLAN, ended, running_events
from tests.fakes.session import FakeRun, FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import begin, shows

CLAIM = LockClaim("ab12", "ops@desk", 4711, "20260301T025900Z-join-77aa", "join")


def locked(heartbeat_s: int) -> ClusterSnapshot:
    snapshot = healthy()
    record: Known[HostLock | None] = Known(HostLock(CLAIM, 60, heartbeat_s), NOW)
    return replace(snapshot, hosts=tuple(replace(facts, lock=record) for facts in snapshot.hosts))


@dataclass
class LockedSession(FakeSession):
    """Another console has the lock; its run is `asker`'s question where its lock is stale."""

    can_take_over: bool = True
    asker: Prompter = field(default_factory=Prompter)

    def start(self, plan: Plan, *, step_by_step: bool = False, override: str = "") -> Run:
        return LockedRun(plan, self)


class LockedRun(FakeRun):
    session: LockedSession

    async def events(self) -> AsyncIterator[Event]:
        await Locks(self.session.asker).take(self._attempt)
        async for event in super().events():
            yield event

    async def _attempt(self, over: Takeover) -> None:
        if CLAIM.run not in over.runs:
            raise LockedError("lab", LockView(CLAIM, NAMES, 60, 45), can_take_over=self.session.can_take_over)


def locked_console(*, can_take_over: bool) -> ConsoleApp:
    events = (*running_events(), *ended())
    session = LockedSession(healthy(), plans={"bootstrap": PLAN}, events=events, can_take_over=can_take_over)
    return console(session, asker=session.asker)


async def test_the_bar_names_the_holder() -> None:
    async with running(console(FakeSession(locked(3)))) as pilot:
        assert "LOCKED ops@desk: join " in screen_text(pilot.app)


async def test_a_stale_lock_is_shown_as_stale() -> None:
    async with running(console(FakeSession(locked(45)))) as pilot:
        assert "LOCKED ops@desk: join, stale" in screen_text(pilot.app)


async def test_no_lock_is_not_shown() -> None:
    async with running(console(FakeSession(healthy()))) as pilot:
        assert "LOCKED" not in screen_text(pilot.app)


async def test_a_living_consoles_lock_refuses_a_run() -> None:
    async with running(locked_console(can_take_over=False), (160, 45)) as pilot:
        await begin(pilot)
        await shows(pilot, "lab is locked: ops@desk")
        await pilot.press("escape", "v")
        await shows(pilot, "– not started")


async def test_the_lock_of_a_console_that_is_gone_is_taken_over_by_a_yes() -> None:
    async with running(locked_console(can_take_over=True)) as pilot:
        await begin(pilot)
        await shows(pilot, "take over the lock of another console?")
        await pilot.press("y")
        await shows(pilot, "● done after")


async def test_without_a_yes_it_stays_locked() -> None:
    async with running(locked_console(can_take_over=True), (160, 45)) as pilot:
        await begin(pilot)
        await shows(pilot, "take over the lock of another console?")
        await pilot.press("n")
        await shows(pilot, "lab is locked: ops@desk")
