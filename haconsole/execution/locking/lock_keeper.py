"""Keeps a lock that was taken: a heartbeat on every host, and no further step once the lock is uncertain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from haconsole.actions.step import Step
from haconsole.execution.locking.cluster_lock import ASK_S, ClusterLock, Takeover
from haconsole.execution.locking.lock_host import LockAnswer, LockHost, NoLockAnswer
from haconsole.execution.steps.gate import StoppedError
from haconsole.model.lock import HEARTBEAT_S, STALE_S
from haconsole.model.lock_view import lock_sentence, lock_views
from haconsole.model.names import HostName

CERTAIN_S = STALE_S / 2
"""A lock confirmed by a majority within this time is certain: nobody may take it over before twice this age."""
AGAIN_S = 2.0
NEVER = float("-inf")


def seconds() -> float:
    """A clock that continues while this machine sleeps: a lock ages meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LockKeeper:
    """The gate that allows steps to start while the lock is held."""

    def __init__(self, lock: ClusterLock, granted: frozenset[HostName], now: Callable[[], float] = seconds) -> None:
        self._lock = lock
        self._now = now
        now_s = now()
        self._confirmed_at = {one.host: now_s if one.host in granted else NEVER for one in lock.hosts}
        self._trouble: dict[HostName, str] = {}
        self._loss: str | None = None
        self._news = asyncio.Event()
        self._hurry = {one.host: asyncio.Event() for one in lock.hosts}
        self.stands = False

    @property
    def loss(self) -> str | None:
        """The reason why the lock is lost; None while it is held."""
        if self._loss is None and self._age() > STALE_S:
            self._loss = self._why()
        return self._loss

    def leave_standing(self) -> None:
        """Do not release the lock at the end: something is still running on the hosts without anyone waiting for it."""
        self.stands = True

    async def before(self, step: Step) -> None:
        """Return once a majority confirmed the lock recently; StoppedError when it is lost."""
        while self.loss is None:
            if self._age() <= CERTAIN_S:
                return
            self._news.clear()
            for hurry in self._hurry.values():
                hurry.set()
            try:
                async with asyncio.timeout(1.0):
                    await self._news.wait()
            except TimeoutError:
                continue
        raise StoppedError(
            f"the lock is lost: {self._loss}", hint="check the output of `status` before you do anything else"
        )

    async def keep(self) -> None:
        """Renew the lock on every host until cancelled or lost."""
        async with asyncio.TaskGroup() as group:
            for one in self._lock.hosts:
                group.create_task(self._keep_on(one))

    async def _keep_on(self, one: LockHost) -> None:
        await self._pause(one, HEARTBEAT_S if self._confirmed_at[one.host] > NEVER else AGAIN_S)
        while self.loss is None:
            start = self._now()
            answer = await one.renew(ASK_S)
            if isinstance(answer, LockAnswer) and answer.record is None and self._age() <= CERTAIN_S:
                answer = await one.claim(ASK_S, {})
            self._take_in(one, start, answer)
            await self._pause(one, HEARTBEAT_S if one.has(answer) else AGAIN_S)

    def _take_in(self, one: LockHost, start: float, answer: LockAnswer | NoLockAnswer) -> None:
        if one.has(answer):
            self._confirmed_at[one.host] = start
            self._trouble.pop(one.host, None)
        elif isinstance(answer, LockAnswer):
            self._confirmed_at[one.host] = NEVER
            self._trouble[one.host] = _loss_text(one.host, answer)
        else:
            self._trouble[one.host] = answer.why
        self._news.set()

    async def _pause(self, one: LockHost, at_most: float) -> None:
        hurry = self._hurry[one.host]
        hurry.clear()
        try:
            async with asyncio.timeout(at_most):
                await hurry.wait()
        except TimeoutError:
            return

    def _age(self) -> float:
        """The age of the last majority that surely had the claim (infinite: it no longer has it)."""
        newest_first = sorted(self._confirmed_at.values(), reverse=True)
        return self._now() - newest_first[self._lock.needed - 1]

    def _why(self) -> str:
        confirmed = sum(self._now() - at <= STALE_S for at in self._confirmed_at.values())
        sum_of_it = f"{confirmed} of {len(self._confirmed_at)} hosts confirm the lock, {self._lock.needed} needed"
        return "; ".join((sum_of_it, *self._trouble.values()))


def _loss_text(host: HostName, answer: LockAnswer) -> str:
    if answer.record is None:
        return f"{host}: the lock's record no longer exists"
    (view,) = lock_views(((host, answer.record),))
    return f"{host}: {lock_sentence(view)}"


@asynccontextmanager
async def locked(lock: ClusterLock, takeover: Takeover) -> AsyncIterator[LockKeeper]:
    """Hold the lock during the block; it is released at its end unless it is kept deliberately.

    Raises LockedError or NoMajorityError before the block begins.
    """
    keeper = LockKeeper(lock, await lock.take(takeover))
    keeping = asyncio.create_task(keeper.keep())
    try:
        yield keeper
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if not keeper.stands:
            await asyncio.shield(lock.release())
