"""How a long piece of work says where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a display must take; calls may come from several threads."""

    def stage(self, title: str) -> None:
        """A new piece of work begins, told in a few words."""
        ...

    def advance(self, fraction: float) -> None:
        """The piece of work at hand is this far, from 0 to 1; never called where that is not known."""
        ...

    def done(self) -> None:
        """All of it is done."""
        ...


class Silent:
    """Shows nothing."""

    def stage(self, title: str) -> None:
        return

    def advance(self, fraction: float) -> None:
        return

    def done(self) -> None:
        return
