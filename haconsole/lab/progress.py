"""Reports the progress of long work on a lab, such as a build."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """The interface of a display; calls may come from several threads."""

    def stage(self, title: str) -> None:
        """New work begins, named in a few words."""
        ...

    def advance(self, fraction: float) -> None:
        """The piece of work at hand is this far, from 0 to 1; never called where that is not known."""
        ...

    def finish(self) -> None:
        """All stages are done."""
        ...


class Silent:
    """Shows nothing."""

    def stage(self, title: str) -> None:
        return

    def advance(self, fraction: float) -> None:
        return

    def finish(self) -> None:
        return
