"""What the record of a run says of where the run came from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunProvenance:
    """The inventory's file, its SHA-256, and the folder that runs are recorded in (None: the operator's own)."""

    source: str
    digest: str
    runs: Path | None

    @property
    def folder(self) -> Path:
        """Where runs are recorded."""
        from haconsole.execution.log.run_log import runs_folder

        return self.runs or runs_folder(dict(os.environ))
