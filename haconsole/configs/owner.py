"""The line by which a later run knows a file on a host as this cluster's own."""

from __future__ import annotations

from haconsole.inventory.schema import Inventory


def owner_line(inventory: Inventory) -> str:
    """A comment, the first line of every file rendered for a host (second after a script's ``#!``)."""
    return f"# haconsole: cluster {inventory.cluster}"
