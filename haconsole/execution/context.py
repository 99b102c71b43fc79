"""What performers and checks work with."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.execution.clock import Clock
from haconsole.execution.host.host_state import HostStateReader
from haconsole.execution.pki.ca_keys import OperatorKeys
from haconsole.inventory.schema import Inventory
from haconsole.transport.base import Fleet


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The cluster as it should be, the ways to reach and ask its hosts, the time, and where hosts keep what runs."""

    inventory: Inventory
    fleet: Fleet
    host_state: HostStateReader
    clock: Clock
    run_dir: str
    ca_keys: OperatorKeys | None = None
