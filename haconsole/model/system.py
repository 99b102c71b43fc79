"""Facts about a host's operating system that components depend on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Neighbour(msgspec.Struct, frozen=True):
    """An entry of the host's neighbour table: the hardware address that it sends frames for `address` to."""

    address: str
    hardware: str
    state: str
    """``REACHABLE``, ``STALE``, ``PERMANENT`` …, as ip-neighbour(8) shows it."""


class Pressure(msgspec.Struct, frozen=True):
    """The share of the last ten seconds, in percent, in which some task waited for a resource (PSI)."""

    cpu: float | None = None
    io: float | None = None
    memory: float | None = None


class SystemFacts(msgspec.Struct, frozen=True):
    """One host's name, load and network tables, and the times of the files that its balancers load.

    `load` is the one-minute average; `hardware` maps each interface to its hardware address; `files_written`
    maps a configuration file to its modification time, `unit_files_written` a unit's file or folder of drop-ins.
    """

    hostname: str
    machine_id: str
    load: float | None = None
    cpus: int = 0
    pressure: Pressure = Pressure()
    clocksource: str = ""
    hardware: tuple[tuple[str, str], ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    files_written: tuple[tuple[str, datetime], ...] = ()
    mtu: tuple[tuple[str, int], ...] = ()
    """The largest packet of each interface, in bytes."""
    links_down: tuple[tuple[str, str], ...] = ()
    """Interfaces that carry no traffic: ``down`` if switched off, ``no-carrier`` without a signal."""
    unit_files_written: tuple[tuple[str, datetime], ...] = ()


class TimeoutKind(StrEnum):
    """`IDLE` closes a connection without traffic, `CONNECT` gives up the attempt to open one."""

    IDLE = "idle"
    CONNECT = "connect"


class ProxyTimeout(msgspec.Struct, frozen=True):
    """The time after which a proxy of haproxy closes connections, and the line of its configuration."""

    kind: TimeoutKind
    proxy: str
    seconds: float
    setting: str


class ConfigCheck(msgspec.Struct, frozen=True):
    """A program's own verdict on its configuration file; `message` is its first complaint, empty where it has none."""

    program: str
    path: str
    valid: bool
    message: str = ""
    timeouts: tuple[ProxyTimeout, ...] = ()
    """Of haproxy's connections to the API servers."""
    binds: tuple[str, ...] = ()
    """Addresses at which haproxy accepts connections to the API servers, as its file has them."""


class OldFile(msgspec.Struct, frozen=True):
    """An archived journal, or a snapshot that is not the newest: nothing needs it any more.

    With a `count` it is a folder's temporary files: `written_at` is the time of the newest one.
    """

    path: str
    size_bytes: int
    written_at: datetime
    count: int = 0

    @property
    def name(self) -> str:
        return self.path if self.count else self.path.rpartition("/")[2]

    def __str__(self) -> str:
        if self.count:
            return f"{self.path}, {self.count} temporary files, the newest of {self.written_at:%Y-%m-%d %H:%M}Z"
        return f"{self.name}, {self.size_bytes / 1_048_576:.1f} MiB, of {self.written_at:%Y-%m-%d %H:%M}Z"


class Listener(msgspec.Struct, frozen=True):
    """A TCP port of the host that a process listens on."""

    port: int
    address: str = ""
    """``*``, ``0.0.0.0`` and ``[::]`` are all addresses."""
    process: str = ""
    """The name of its program; empty where the login may not read it."""
    pid: int | None = None

    def __str__(self) -> str:
        return f"{self.process} (PID {self.pid})" if self.process else "another process"


class ExposureKind(StrEnum):
    """The service that an address offers to everybody who reaches it; or to its own host only."""

    CLIENT = "client"
    """etcd, to clients without a certificate."""
    PEER = "peer"
    """etcd, to members without a certificate."""
    LOCAL_CLIENT = "local-client"
    """etcd, to clients on its own host only."""
    LOCAL_PEER = "local-peer"
    """etcd, to members on its own host only."""
    PAGE_OPEN = "open"
    """haproxy's statistics page without a password."""
    PAGE_DEFAULT = "default"
    """haproxy's statistics page with a name and password from published examples."""


class Exposure(msgspec.Struct, frozen=True):
    """An address that other hosts reach; `detail` is the proxy's name in haproxy's configuration."""

    kind: ExposureKind
    address: str
    detail: str = ""


class PortState(StrEnum):
    """The result of an attempt to connect to a port; `SILENT` is no answer in time.

    `REJECTED`: refused although a process of this host listens there, so by its firewall.
    """

    OPEN = "open"
    REFUSED = "refused"
    REJECTED = "rejected"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no-route"
    """A route of the host that connects drops all packets to the address."""
    NO_PORT = "no-port"
    """The host that connects has no local port left for a connection to the address."""


class PeerPort(msgspec.Struct, frozen=True):
    """A port of another host as this host reaches it."""

    address: str
    port: int
    state: PortState
    process_since: datetime | None = None
    """Of a refused port: the start of the process behind it, by this machine's clock, read after the attempt.

    None where no process runs there, or its host did not report it.
    """
