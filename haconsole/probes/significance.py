"""The significant part of a fact, and the changes of facts after which others are read again.

Counters and ages that move all the time may wait a second.
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec.structs import replace

from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import DiskSpace, Reach, ServiceState
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.lease import Lease
from haconsole.model.lock import HostLock
from haconsole.model.node import NodeState
from haconsole.model.observed import Failed, Known, NotAsked, Observed
from haconsole.model.system import Pressure, SystemFacts

T = TypeVar("T")


def insignificantly_different(one: Observed[Any], other: Observed[Any]) -> bool:
    """Whether nobody would miss the newer of two observations for a second."""
    match one, other:
        case Known(value=before), Known(value=after):
            return bool(before == after or significant_part(before) == significant_part(after))
        case Failed(), Failed():
            return (one.reason, one.cause) == (other.reason, other.cause)
        case NotAsked(), NotAsked():
            return True
        case _:
            return False


def significant_part(value: Any) -> Any:
    """The value without what moves all the time."""
    match value:
        case EtcdEndpoint():
            sizes = replace(value, db_size_bytes=0, db_in_use_bytes=None)
            return replace(sizes, raft_index=0, raft_applied_index=0, revision=0)
        case HaproxyFacts():
            return replace(value, uptime_s=0, backends=tuple(_still(backend) for backend in value.backends))
        case Lease():
            return replace(value, renewed_at=None)
        case NodeState():
            conditions = tuple(replace(each, message="") for each in value.conditions)
            return replace(value, renewed_at=None, clock_ahead_s=0.0, conditions=conditions)
        case HostLock():
            return value.claim
        case KubeletFacts():
            return replace(value, errors=()), tuple(error.text for error in value.errors)
        case DiskSpace() | SystemFacts():
            return _of_host(value)
        case float() | Reach():
            return None
        case tuple():
            return tuple(significant_part(each) for each in value)
        case _:
            return value


def _of_host(value: DiskSpace | SystemFacts) -> DiskSpace | SystemFacts:
    if isinstance(value, DiskSpace):
        return replace(value, free_bytes=0, free_inodes=0)
    neighbours = tuple(replace(each, state="") for each in value.neighbours)
    return replace(value, load=None, pressure=Pressure(), neighbours=neighbours)


def _still(backend: HaproxyBackend) -> HaproxyBackend:
    servers = (
        replace(server, sessions=0, rate=0, queue=0, last_change_s=0, check_detail="") for server in backend.servers
    )
    return replace(backend, servers=tuple(servers))


def runs_otherwise(before: Observed[tuple[ServiceState, ...]], after: tuple[ServiceState, ...]) -> bool:
    """A unit started, ended or was restarted since the last report."""
    known = {unit.name: (unit.pid, unit.active) for unit in before.value} if isinstance(before, Known) else {}
    return any(known.get(unit.name, (unit.pid, unit.active)) != (unit.pid, unit.active) for unit in after)


def unit_files_differ(before: Observed[SystemFacts], after: Observed[Any]) -> bool:
    """A unit's file was written, added or removed since the last report."""
    match before, after:
        case Known(value=SystemFacts() as earlier), Known(value=SystemFacts() as later):
            return earlier.unit_files_written != later.unit_files_written
        case _:
            return False


def is_filled(before: Observed[tuple[DiskSpace, ...]], after: Observed[tuple[DiskSpace, ...]]) -> bool:
    """A file system has become short of space since the last report."""
    if not isinstance(before, Known) or not isinstance(after, Known):
        return False
    short = {disk.path for disk in before.value if disk.is_short}
    return any(disk.is_short and disk.path not in short for disk in after.value)
