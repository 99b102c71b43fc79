"""Events that the hosts' journals have from before the console was opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from haconsole.model.names import HostName

MANAGER, KERNEL = "systemd", "kernel"
"""Sources of events that are the host's."""


class PastKind(StrEnum):
    """The kind of an event; the values are their names in JSON."""

    LEADER = "leader"
    """An etcd member saw that another member, or it, is the leader; `detail` is the leader's ID."""
    LEADER_LOST = "leader-lost"
    VRRP = "vrrp"
    """keepalived entered a state; `detail` is the instance and the state."""
    CHECK = "check"
    """A check script of keepalived changed its result."""
    STARTED = "started"
    STOPPED = "stopped"
    ENDED = "ended"
    """A main process ended on its own or by a signal; `detail` is the exit status or the signal."""
    OUT_OF_MEMORY = "out-of-memory"
    RESTART = "restart"
    """systemd restarts a unit automatically; `detail` is its counter."""
    BOOT = "boot"
    SHUTDOWN = "shutdown"
    SLOW_DISK = "slow-disk"
    TIME_OUT = "time-out"
    CLOCK = "clock"
    """The clock was set; `detail` is by how much, if that is known."""


class PastEvent(msgspec.Struct, frozen=True):
    """One event. `at` is the host's clock until it is corrected; `source` is the unit, ``systemd`` or ``kernel``."""

    at: datetime
    host: HostName
    kind: PastKind
    source: str
    text: str
    detail: str = ""
    times: int = 1
    """The number of equal events that this one counts for; `at` is the first time."""

    def named(self, members: Mapping[str, str]) -> PastEvent:
        """The event with the name of an etcd member instead of its ID, by the names of the IDs."""
        if self.kind not in (PastKind.LEADER, PastKind.LEADER_LOST) or self.detail not in members:
            return self
        name = members[self.detail]
        return replace(self, text=self.text.replace(self.detail, name), detail=name)


class HostPast(msgspec.Struct, frozen=True):
    """The events of one host, oldest first; `problem` is the reason why there are none."""

    host: HostName
    events: tuple[PastEvent, ...] = ()
    problem: str = ""
    complete: bool = True
    """False if a limit was reached, so that only the newest events are there."""
