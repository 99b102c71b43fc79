"""The type of a finding code's page: why the finding matters, and the check by hand."""

from __future__ import annotations

import msgspec


class Page(msgspec.Struct, frozen=True):
    """`why` is the effect on the cluster, `check` the commands that show the same without this console."""

    why: str
    check: str
