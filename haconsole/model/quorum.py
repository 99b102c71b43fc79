"""Quorum arithmetic: the votes that a raft cluster needs, and the failures that it tolerates."""

from __future__ import annotations

from dataclasses import dataclass


def needed_for(voters: int) -> int:
    """The number of voters that must agree: a majority of `voters`."""
    return voters // 2 + 1


@dataclass(frozen=True, slots=True)
class Quorum:
    """Voters listed and voters that answer. A member that never started votes too: it counts in `voters`."""

    voters: int
    healthy: int

    @property
    def needed(self) -> int:
        return needed_for(self.voters)

    @property
    def holds(self) -> bool:
        return self.voters > 0 and self.healthy >= self.needed

    @property
    def can_lose(self) -> int:
        """The number of further healthy voters that may fail before writes stop; 0 also when the quorum is lost."""
        return max(0, self.healthy - self.needed)

    def without(self, *, healthy: bool) -> Quorum:
        """The quorum after one voter is removed from the list, a healthy or a failed one."""
        return Quorum(self.voters - 1, self.healthy - (1 if healthy else 0))

    def with_unstarted(self) -> Quorum:
        """The quorum right after a voter is added and before it answers: the moment of least tolerance."""
        return Quorum(self.voters + 1, self.healthy)

    def sentence(self) -> str:
        """The vote count as text, e.g. ``3 voters, 2 needed, 3 healthy: can lose 1``."""
        tail = f"can lose {self.can_lose}" if self.holds else f"{self.needed - self.healthy} short of quorum"
        return f"{self.voters} voters, {self.needed} needed, {self.healthy} healthy: {tail}"
