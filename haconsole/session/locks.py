"""The cluster's lock in one session: stale locks that it may take over, locks of other consoles that block a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from haconsole.model.lock_view import LockView
from haconsole.transport.answers import Answers

if TYPE_CHECKING:
    from haconsole.actions.step import Plan
    from haconsole.execution.locking.cluster_lock import Takeover

T = TypeVar("T")


class Locks(msgspec.Struct):
    answers: Answers
    """Decides whether a stale lock of another console is taken over."""
    unreleased: set[str] = msgspec.field(default_factory=set)
    """Tokens of locks that this session did not give back, because a step's result is unknown."""
    agreed: set[str] = msgspec.field(default_factory=set)
    """Runs of other consoles whose stale locks may be taken over."""
    planned: tuple[Plan, LockView | None] | None = None
    """The newest plan, with the lock of another console that was at work while it was planned."""

    async def take(self, attempt: Callable[[Takeover], Awaitable[T]], own: frozenset[str] = frozenset()) -> T:
        """The result of `attempt`, which takes the lock; `own` are runs that may be taken over without a question.

        Where it meets another console's stale lock, a person is prompted once whether to take that over.
        """
        from haconsole.execution.locking.cluster_lock import LockedError, Takeover

        while True:
            try:
                return await attempt(Takeover(own | self.agreed, frozenset(self.unreleased)))
            except LockedError as locked:
                run = locked.view.claim.run
                if not locked.can_take_over or run in self.agreed or not await self.answers.take_over_lock(locked.view):
                    raise
                self.agreed.add(run)

    def check_unblocked(self, plan: Plan, own: frozenset[str]) -> None:
        """Raise LockedError where another console was at work while `plan` was planned: the facts may be outdated."""
        from haconsole.execution.locking.cluster_lock import LockedError
        from haconsole.execution.process import has_ended

        if self.planned is None or self.planned[0] is not plan:
            return
        view = self.planned[1]
        if view is None or view.stale or view.claim.token in self.unreleased or view.claim.run in own | self.agreed:
            return
        if not has_ended(view.claim.process):
            raise LockedError(plan.cluster, view, can_take_over=False)
