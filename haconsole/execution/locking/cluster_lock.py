"""One writer per cluster: a majority of its hosts grants the lock, and a heartbeat keeps it.

The hosts are those of the control plane. Each keeps the record of one claim; a claim on a majority of them holds the
lock, so no two can. Claims are written host by host in one order, so of several consoles that start at once the one
that gets furthest wins, and the others release their claims; no console waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from haconsole.errors import ExitCode, RefusedError
from haconsole.execution.locking.lock_host import LockAnswer, LockHost, LockPaths, NoLockAnswer
from haconsole.execution.process import has_ended, this_process
from haconsole.model.lock import STALE_S, LockClaim
from haconsole.model.lock_view import LockView, lock_sentence, lock_views
from haconsole.model.names import HostName
from haconsole.model.quorum import needed_for
from haconsole.transport.base import Fleet

LOOK_S = 15.0
LAG_S = 3.0
"""The time limit for the other hosts, once a majority has answered."""
ASK_S = 8.0
RELEASE_S = 5.0

LockAnswers = dict[HostName, LockAnswer | NoLockAnswer]


class LockedError(RefusedError):
    """Another console has the lock. `can_take_over` when that console is gone, or cut off, so that its lock can be
    taken over.
    """

    exit_code = ExitCode.LOCKED

    def __init__(self, cluster: str, view: LockView, *, can_take_over: bool) -> None:
        where = ", ".join(view.hosts)
        run, process = view.claim.run, this_process()
        if view.held_by(process):
            hint = "wait for that run's end, or press R to show the run"
        elif can_take_over:
            hint = (
                f"make sure that the haconsole process that took the lock has ended, then resume {run} on the "
                f"machine that started it, or take over with --take-over-lock {run}"
            )
        else:
            hint = "wait for that run's end (--wait SECONDS); `status` shows the run"
        super().__init__(f"{cluster} is locked: {lock_sentence(view, process)} (on {where})", hint=hint)
        self.view = view
        self.can_take_over = can_take_over


class NoMajorityError(RefusedError):
    """Too few hosts granted the lock: nothing may be started from here."""


class Takeover(msgspec.Struct, frozen=True):
    """Locks for an explicit take-over: those of the named runs whose console is gone or cut off.

    `unreleased` are tokens of locks that this console itself did not release, and that no process renews.
    """

    runs: frozenset[str] = frozenset()
    unreleased: frozenset[str] = frozenset()


class ClusterLock:
    """The lock of `cluster` on `hosts`, for one claim of one console."""

    def __init__(
        self, cluster: str, fleet: Fleet, hosts: tuple[HostName, ...], claim: LockClaim, places: LockPaths
    ) -> None:
        self._cluster = cluster
        self.claim = claim
        self.hosts = tuple(LockHost(fleet, host, claim, places) for host in hosts)

    @property
    def needed(self) -> int:
        return needed_for(len(self.hosts))

    async def take(self, takeover: Takeover) -> frozenset[HostName]:
        """Take the lock; returns the hosts that granted it, a majority.

        Raises LockedError when another has it, NoMajorityError when too few hosts can be reached or can keep it; the
        claim is then released wherever possible.
        """
        answers = await self._query_all()
        over = self._replaceable(answers, takeover)
        granted: set[HostName] = set()
        try:
            for one in self.hosts:
                if isinstance(answers[one.host], LockAnswer):
                    answers[one.host] = answer = await one.claim(ASK_S, over)
                    if one.has(answer):
                        granted.add(one.host)
                    elif isinstance(answer, LockAnswer):
                        raise self._outrun(answers, one.host)
            self._check_sum(answers, len(granted), "granted it")
        except BaseException:
            await asyncio.shield(self.release())
            raise
        return frozenset(granted)

    async def see_free(self, takeover: Takeover) -> None:
        """Raises the errors of `take` by the hosts' current state, and takes nothing."""
        self._replaceable(await self._query_all(), takeover)

    async def release(self) -> tuple[str, ...]:
        """Release the claim everywhere; returns the hosts where that failed, with reasons."""
        answers = await asyncio.gather(*(one.release(RELEASE_S) for one in self.hosts))
        return tuple(answer.why for answer in answers if isinstance(answer, NoLockAnswer))

    async def _query_all(self) -> LockAnswers:
        """Every host's record; a late host is not awaited once a majority has answered."""
        looks = {one.host: asyncio.create_task(one.read(LOOK_S)) for one in self.hosts}
        try:
            waiting = set(looks.values())
            while waiting:
                enough = sum(isinstance(_answer(look), LockAnswer) for look in looks.values()) >= self.needed
                complete, waiting = await asyncio.wait(
                    waiting, timeout=LAG_S if enough else None, return_when=asyncio.FIRST_COMPLETED
                )
                if enough and not complete:
                    break
        finally:
            for look in looks.values():
                look.cancel()
            await asyncio.gather(*looks.values(), return_exceptions=True)
        late = f"no answer within {LAG_S:g} s after the other hosts answered"
        answers: LockAnswers = {host: _answer(look) or NoLockAnswer(f"{host}: {late}") for host, look in looks.items()}
        self._check_sum(answers, sum(isinstance(answer, LockAnswer) for answer in answers.values()), "could be reached")
        return answers

    def _check_sum(self, answers: LockAnswers, count: int, what: str) -> None:
        if count >= self.needed:
            return
        why = "; ".join(answer.why for answer in answers.values() if isinstance(answer, NoLockAnswer))
        raise NoMajorityError(
            f"{self._cluster}: nothing is started, because the lock needs {self.needed} of {len(self.hosts)} "
            f"hosts, but {count} {what}" + (f": {why}" if why else ""),
            hint=(
                "make the hosts reachable again; remove hosts that are off permanently from the inventory, or give "
                "them as the argument gone of restore"
            ),
        )

    def _replaceable(self, answers: LockAnswers, takeover: Takeover) -> Mapping[str, int]:
        """The tokens that this claim may replace, and the necessary age of their heartbeats; raises LockedError.

        A record on too few hosts to hold the lock is a leftover, and replaced in any case, once it is stale or its
        process is known to be gone.
        """
        over: dict[str, int] = {}
        free = sum(isinstance(answer, LockAnswer) and answer.record is None for answer in answers.values())
        for view in _others(answers, self.claim):
            ended = has_ended(view.claim.process) or view.claim.token in takeover.unreleased
            agreed = (view.stale or ended) and view.claim.run in takeover.runs
            leftover = (view.stale or ended) and free >= self.needed
            if not agreed and not leftover:
                raise LockedError(self._cluster, view, can_take_over=view.stale or ended)
            over[view.claim.token] = 0 if ended else int(STALE_S)
        return over

    def _outrun(self, answers: LockAnswers, host: HostName) -> LockedError:
        """Another console was quicker on this host."""
        view = next(view for view in _others(answers, self.claim) if host in view.hosts)
        return LockedError(self._cluster, view, can_take_over=False)


def _others(answers: LockAnswers, mine: LockClaim) -> tuple[LockView, ...]:
    records = ((host, answer.record) for host, answer in answers.items() if isinstance(answer, LockAnswer))
    views = lock_views(tuple((host, record) for host, record in records if record is not None))
    return tuple(view for view in views if view.claim.token != mine.token)


def _answer(look: asyncio.Task[LockAnswer | NoLockAnswer]) -> LockAnswer | NoLockAnswer | None:
    return look.result() if look.done() and not look.cancelled() else None
