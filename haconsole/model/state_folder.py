"""The folder of what this program keeps for an account on this machine: run logs, hidden columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_folder(environment: Mapping[str, str]) -> Path:
    """``$XDG_STATE_HOME/haconsole``, by default under ``~/.local/state``; without HOME, of the account's own folder."""
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else _home(environment) / ".local" / "state") / "haconsole"


def _home(environment: Mapping[str, str]) -> Path:
    named = environment.get("HOME")
    try:
        return Path(named) if named else Path.home()
    except RuntimeError:
        return Path("/")  # an account without a record, as in some containers
