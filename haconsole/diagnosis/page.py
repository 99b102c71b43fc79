"""The text about one finding code, beside its signal and fix."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """`why` is the effect on the cluster, `check` the commands that show the same without this console."""

    why: str
    check: str
