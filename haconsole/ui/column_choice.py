"""The columns of each pane that a person hid, in a file of the user's state folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from haconsole.model.state_folder import state_folder

Hidden = dict[str, frozenset[str]]
"""Titles of hidden columns by pane."""


def choice_file(environment: Mapping[str, str]) -> Path:
    """``$XDG_STATE_HOME/haconsole/columns.json``, by default under ``~/.local/state``."""
    return state_folder(environment) / "columns.json"


def read_choice(path: Path) -> Hidden:
    """The hidden columns; none if there is no such file. Raises OSError and ValueError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    import json  # most people hide no column: loading it would delay each first screen

    entries = json.loads(text)
    if not isinstance(entries, dict):
        raise ValueError("it is not a JSON object")
    return {str(pane): frozenset(map(str, titles)) for pane, titles in entries.items() if isinstance(titles, list)}


def write_choice(path: Path, titles_by_pane: Hidden) -> None:
    """Replace the file; raises OSError."""
    import json

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(
        json.dumps({pane: sorted(titles) for pane, titles in titles_by_pane.items() if titles}, indent=1) + "\n"
    )
    part.replace(path)
