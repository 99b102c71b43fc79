"""What performers and checks work with."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.execution.clock import Clock
from haconsole.inventory.schema import Inventory
from haconsole.transport.base import Fleet


@dataclass(frozen=True, slots=True)
class Site:
    """The cluster as it should be, the way to its hosts, the time, and the folder on hosts that holds what runs."""

    inventory: Inventory
    fleet: Fleet
    clock: Clock
    run_dir: str = "/run/haconsole"
