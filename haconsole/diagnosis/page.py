"""The type of a finding code's page: why the finding matters, and the check by hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """`why` is the effect on the cluster, `check` the commands that show the same without this console."""

    why: str
    check: str
