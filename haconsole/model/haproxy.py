"""haproxy's backends as its runtime API reports them (management guide, section 9.1, CSV format)."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AdminState(StrEnum):
    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"
    UNRESOLVED = "unresolved"
    """haproxy itself keeps the server out: its name has no address, or it is a template's spare slot."""


class HaproxyServer(msgspec.Struct, frozen=True):
    """One server. `address` is empty while haproxy knows none.

    `status` is haproxy's word (UP, DOWN, MAINT, "UP 1/3", "no check"), `check` its last check's code.

    `last_change_s` is seconds since the status last changed; `sessions` the current ones.
    """

    name: str
    address: str
    status: str
    admin_state: AdminState
    check: str
    check_detail: str
    sessions: int
    last_change_s: int
    rate: int = 0
    """New sessions in the last second."""
    queue: int = 0
    """Requests that wait for a free connection to it."""
    fqdn: str = ""
    """The name that haproxy resolves; empty where the configuration names an address. Slots of a template share one."""

    @property
    def up(self) -> bool:
        return self.status.startswith(("UP", "no check"))


class HaproxyBackend(msgspec.Struct, frozen=True):
    name: str
    servers: tuple[HaproxyServer, ...]


class ConnectionLimit(msgspec.Struct, frozen=True):
    """A limit of connections that is used up or nearly so; `name` is ``global``, a frontend or a server."""

    name: str
    used: int
    most: int


NEARLY_USED = 0.9
"""The share of a limit from which it is reported."""


class HaproxyFacts(msgspec.Struct, frozen=True):
    """haproxy on one host: backends that have servers, in the order of the configuration."""

    version: str
    uptime_s: int
    backends: tuple[HaproxyBackend, ...]
    limits: tuple[ConnectionLimit, ...] = ()
