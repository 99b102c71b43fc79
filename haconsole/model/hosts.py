"""Facts of one host, each observed separately so that one that fails hides no other."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

import msgspec

from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.component_flags import ComponentFlags
from haconsole.model.etcd import EtcdEndpoint, EtcdHash
from haconsole.model.events import RecentEvents
from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.lock import HostLock
from haconsole.model.metrics import ApiserverMetrics, DiskWrites, EtcdMetrics, HostUsage
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Observed, reason_of, value_of
from haconsole.model.platform import PlatformFacts
from haconsole.model.provenance import ManagedFile
from haconsole.model.roles import Role as Role  # noqa: PLC0414 (hosts and roles go together)
from haconsole.model.system import ConfigCheck, Exposure, Listener, OldFile, PeerPort, SystemFacts
from haconsole.model.unit_setup import UnitSetup
from haconsole.model.vip import KeepalivedFacts

FactName: TypeAlias = Literal[
    "reach",
    "clock_offset_ms",
    "addresses",
    "services",
    "disks",
    "system",
    "configs",
    "peer_ports",
    "unit_setup",
    "events",
    "old_files",
    "exposures",
    "component_flags",
    "etcd",
    "etcd_hash",
    "keepalived",
    "haproxy",
    "balancer_files",
    "apiserver",
    "kubelet",
    "certificates",
    "lock",
    "platform",
    "usage",
    "etcd_metrics",
    "apiserver_metrics",
    "apiserver_ms",
]
"""A fact of a host: the name of its field in HostFacts."""
ADVERTISE_FLAG = "--advertise-address"
"""The address of an API server that it enters into the endpoints of the service ``kubernetes``."""

READINGS: tuple[FactName, ...] = ("usage", "etcd_metrics", "apiserver_metrics", "apiserver_ms")
"""Facts for figures only: no rule judges a cluster by them."""
FACTS: tuple[FactName, ...] = tuple(name for name in get_args(FactName) if name not in READINGS)
"""Every other fact, in the order in which a person reads them."""
CLOCK_SKEW_MS = 500.0
"""A clock that is further off is a warning."""
DISK_FULL = 0.02
"""A file system with a smaller share free is critical."""
DISK_LOW = 0.10
"""A file system with a smaller share free is a warning."""
WRITTEN_TO = ("/", "/var/log", "/run")
"""Folders that programs write to on every host; those of one file system make one finding."""


class Reach(msgspec.Struct, frozen=True):
    """The host answers over SSH. The values are of the connection in use, which may have been opened long ago."""

    connect_ms: float
    """Milliseconds to connect and authenticate."""
    sessions_refused: int = 0
    """Sessions that sshd refused at first, so that one query had to wait for another."""
    connected_at: datetime | None = None
    """When the connection was opened (aware, UTC); None where it is not known."""


class InterfaceAddress(msgspec.Struct, frozen=True):
    """One address of an interface, e.g. ``InterfaceAddress("eth0", "10.99.0.11", 24)``."""

    interface: str
    address: str
    prefix: int


class ServiceKind(StrEnum):
    """The supervisor of a component: systemd, or kubelet with a manifest."""

    UNIT = "unit"
    STATIC_POD = "static-pod"


class ServiceState(msgspec.Struct, frozen=True):
    """A component as its supervisor sees it: a systemd unit, or a static pod in systemd's terms."""

    name: str
    exists: bool
    """False when there is no such unit."""
    active: str
    """systemd's ActiveState: active, activating, failed, inactive …"""
    sub: str
    """systemd's SubState."""
    since: datetime | None = None
    """When it entered `active`."""
    pid: int | None = None
    restarts: int = 0
    enabled: bool | None = None
    """None where the supervisor does not know."""
    ending: str = ""
    """Exit status or signal of its last main process (``exit 0``, ``signal 9``), empty without one or while it runs."""
    process: str = ""
    """The main process's state letter of proc(5), empty where unknown."""
    result: str = ""
    """systemd's name of the last failure (``exit-code``, ``oom-kill``, ``start-limit-hit`` …), empty without one."""
    masked: bool = False
    """True when systemd refuses to start it."""
    started: datetime | None = None
    """When its main process was started."""
    lines: tuple[str, ...] = ()
    """The last significant lines of the program's own log, read only of units that fail or restart."""
    kind: ServiceKind = ServiceKind.UNIT
    listeners: tuple[Listener, ...] = ()
    """The host's listening ports, read only of units whose log has a port that is in use."""

    @property
    def running(self) -> bool:
        return self.active in ("active", "reloading")

    @property
    def alive(self) -> bool:
        """It has a process, which may still be starting; one that waits for its next restart has none."""
        return self.running or (self.active in ("activating", "deactivating") and self.pid is not None)


class ApiserverFacts(msgspec.Struct, frozen=True):
    """The kube-apiserver's own answer to /readyz; `failing` are the checks that did not pass."""

    ready: bool
    failing: tuple[str, ...]
    version: str | None
    etcd_servers: tuple[str, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    """The flags that must be equal on all API servers, and the advertised address; empty where unknown."""
    lines: tuple[str, ...] = ()
    """The severest lines of its log; read only while it is not ready."""


class DiskSpace(msgspec.Struct, frozen=True):
    """Space of the file system that holds `path`, in bytes."""

    path: str
    size_bytes: int
    free_bytes: int
    inodes: int = 0
    """All inodes; 0 where the file system has no fixed number."""
    free_inodes: int = 0
    read_only: bool = False
    mount: str = ""
    """The mount point that holds `path`, empty where unknown."""

    @property
    def is_short(self) -> bool:
        return self.free_bytes < DISK_LOW * self.size_bytes


class EndpointAnswers(msgspec.Struct, frozen=True):
    """Some TLS connections of a host to the API's endpoint, whose balancer is outside of the inventory."""

    address: str
    """``address:port``."""
    fingerprints: tuple[str, ...] = ()
    """SHA-256 of each different certificate that was presented; empty where no connection succeeded."""


class HostFacts(msgspec.Struct, frozen=True):
    """Everything observed of one host. Facts of roles the host does not have stay NotAsked.

    `notes`, `token_keys` and `endpoint_answers` were read with its certificates.
    """

    host: HostName
    address: str
    roles: tuple[Role, ...]
    reach: Observed[Reach] = NOT_ASKED
    clock_offset_ms: Observed[float] = NOT_ASKED
    addresses: Observed[tuple[InterfaceAddress, ...]] = NOT_ASKED
    services: Observed[tuple[ServiceState, ...]] = NOT_ASKED
    disks: Observed[tuple[DiskSpace, ...]] = NOT_ASKED
    system: Observed[SystemFacts] = NOT_ASKED
    configs: Observed[tuple[ConfigCheck, ...]] = NOT_ASKED
    peer_ports: Observed[tuple[PeerPort, ...]] = NOT_ASKED
    unit_setup: Observed[tuple[UnitSetup, ...]] = NOT_ASKED
    events: Observed[tuple[RecentEvents, ...]] = NOT_ASKED
    old_files: Observed[tuple[OldFile, ...]] = NOT_ASKED
    """Files that may be deleted where a file system is short of space."""
    exposures: Observed[tuple[Exposure, ...]] = NOT_ASKED
    """Addresses at which etcd and haproxy serve everybody."""
    component_flags: Observed[tuple[ComponentFlags, ...]] = NOT_ASKED
    etcd: Observed[EtcdEndpoint] = NOT_ASKED
    etcd_hash: Observed[EtcdHash] = NOT_ASKED
    keepalived: Observed[KeepalivedFacts] = NOT_ASKED
    haproxy: Observed[HaproxyFacts] = NOT_ASKED
    balancer_files: Observed[tuple[ManagedFile, ...]] = NOT_ASKED
    apiserver: Observed[ApiserverFacts] = NOT_ASKED
    kubelet: Observed[KubeletFacts] = NOT_ASKED
    certificates: Observed[tuple[Certificate, ...]] = NOT_ASKED
    lock: Observed[HostLock | None] = NOT_ASKED
    platform: Observed[PlatformFacts] = NOT_ASKED
    """Read only for actions that prepare hosts."""
    usage: Observed[HostUsage] = NOT_ASKED
    etcd_metrics: Observed[EtcdMetrics] = NOT_ASKED
    apiserver_metrics: Observed[ApiserverMetrics] = NOT_ASKED
    apiserver_ms: Observed[float] = NOT_ASKED
    """Milliseconds of a small request to its API server over an open connection, the way by SSH included."""
    notes: tuple[str, ...] = msgspec.field(default=())
    token_keys: tuple[TokenKeys, ...] = msgspec.field(default=())
    endpoint_answers: EndpointAnswers | None = None
    """None where the endpoint is a VIP or host of the inventory, or was not read."""
    disk_writes: DiskWrites | None = None
    """etcd's writes to disk between its last readings; None where there are no two of one process."""
    addresses_since: datetime | None = None
    """The time of the last change of its addresses that was observed."""
    addresses_held_since: datetime | None = None
    """The first of the successive observations that reported the same addresses; None where no history is kept."""

    def has(self, role: Role) -> bool:
        return role in self.roles

    def service(self, name: str) -> ServiceState | None:
        """The component `name` (with or without ``.service``) as last reported; None if it was not reported."""
        return next(
            (unit for unit in value_of(self.services) or () if unit.name.removesuffix(".service") == name), None
        )

    def says(self, text: str) -> str:
        """`text` with the host's name in front, unless it already begins with it."""
        return text if text.startswith(f"{self.host}:") else f"{self.host}: {text}"

    def facts(self) -> tuple[tuple[FactName, Observed[object]], ...]:
        """Every fact with its name, in the order of FACTS."""
        return tuple((name, getattr(self, name)) for name in FACTS)

    def readings(self) -> tuple[tuple[FactName, Observed[object]], ...]:
        """The facts for figures, in the order of READINGS."""
        return tuple((name, getattr(self, name)) for name in READINGS)


def reach_problem(facts: HostFacts | None) -> str:
    """The reason why the host is not reached, for a sentence that names the host: without its name in front."""
    reason = reason_of(facts.reach) if facts else None
    return reason.removeprefix(f"{facts.host}: ") if facts and reason else "it was not queried"
