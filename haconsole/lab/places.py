"""Where labs and what they are made from live on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Places(msgspec.Struct, frozen=True):
    """`state` holds a folder for each lab; `cache` holds root file systems and binaries that labs share."""

    state: Path
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Places:
        """The usual places, or those of HACONSOLE_LAB_DIR and HACONSOLE_CACHE_DIR."""
        return cls(
            state=Path(environment.get("HACONSOLE_LAB_DIR", "/var/lib/haconsole/labs")).absolute(),
            cache=Path(environment.get("HACONSOLE_CACHE_DIR", "/var/cache/haconsole")).absolute(),
        )

    def lab(self, name: str) -> Path:
        return self.state / name
