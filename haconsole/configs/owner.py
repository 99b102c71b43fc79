"""The line by which a later run knows a file on a host as this cluster's own."""

from __future__ import annotations

import re

from haconsole.inventory.schema import Inventory

_LINE = re.compile(r"^# haconsole: cluster (\S+)$", re.MULTILINE)


def owner_line(inventory: Inventory) -> str:
    """A comment, the first line of every file rendered for a host (second after a script's ``#!``)."""
    return f"# haconsole: cluster {inventory.cluster}"


def owner_of(text: str) -> str | None:
    """The cluster that a rendered file is of; None for a file of another origin."""
    found = _LINE.search(text)
    return found[1] if found else None
