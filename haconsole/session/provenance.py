"""The origin of a run for its log: the inventory's path and digest, and the folder of the run logs."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class RunProvenance(msgspec.Struct, frozen=True):
    """The inventory's file, its SHA-256, and the folder of run logs (None: the operator's own)."""

    source: str
    digest: str
    runs: Path | None

    @property
    def folder(self) -> Path:
        """The folder of run logs."""
        from haconsole.execution.log.run_log import runs_folder

        return self.runs or runs_folder(dict(os.environ))
