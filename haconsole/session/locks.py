"""What a session keeps in mind about the cluster's lock between its runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from haconsole.actions.step import Plan
from haconsole.execution.process import gone
from haconsole.model.lock_view import LockView


@dataclass
class Locks:
    """`left` are the tokens of locks that this session left standing, because something went on unheard.

    `planned` is the newest plan, with the lock of another console that was at work while it was planned.
    """

    left: set[str] = field(default_factory=set)
    planned: tuple[Plan, LockView | None] | None = None

    def in_the_way(self, plan: Plan, take_over: frozenset[str]) -> LockView | None:
        """Who was changing the cluster while `plan` was planned, so that it may be of a cluster half changed."""
        if self.planned is None or self.planned[0] is not plan:
            return None
        view = self.planned[1]
        if view is None or view.stale or view.claim.token in self.left or view.claim.run in take_over:
            return None
        return None if gone(view.claim.process) else view
