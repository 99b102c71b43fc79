"""Quorum arithmetic: the votes that a raft cluster needs, and the failures that it tolerates."""

from __future__ import annotations

import msgspec


def needed_for(voters: int) -> int:
    """The number of voters that must agree: a majority of `voters`."""
    return voters // 2 + 1


class Quorum(msgspec.Struct, frozen=True):
    """Voters listed, and voters that read through the quorum. A member that never started votes too.

    `answering`: voters that answered at all, where that was observed; without a quorum they are more than `healthy`.
    """

    voters: int
    healthy: int
    answering: int | None = None

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
        counts = f"{self.voters} voters, {self.needed} needed"
        if self.holds:
            return f"{counts}, {self.healthy} healthy: can lose {self.can_lose}"
        if self.answering is None:
            return f"{counts}, {self.healthy} healthy: {self.needed - self.healthy} short of quorum"
        missing = self.needed - self.answering
        tail = f"{missing} short of quorum" if missing > 0 else "they form no quorum"
        return f"{counts}, {self.answering} answering: {tail}"
