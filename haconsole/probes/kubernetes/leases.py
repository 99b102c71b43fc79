"""Leases and their hosts, from the source that still reports them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

import msgspec

from haconsole.inventory.effective import is_address
from haconsole.inventory.schema import Host
from haconsole.model.lease import Lease, LeaseSource
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes.stored_lease import decode
from haconsole.transport.etcd_answers import KeyValue
from haconsole.transport.kube_objects import LeaseObject, LeaseSpec, PlainObject

LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
"""Where a lock on an Endpoints or ConfigMap object keeps its record (client-go: tools/leaderelection/resourcelock)."""

HolderHost = Callable[[str], HostName | None]

_IDENTITY_LABELS = ("apiserver.kubernetes.io/identity", "k8s.io/component")
_IDENTITY_NAME = re.compile(r"(kube-)?apiserver-")
_UNIQUE = re.compile(r"^(?P<name>.+)_(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{6,})$")
_ADDRESS_NAME = re.compile(r"^ip-(\d+)-(\d+)-(\d+)-(\d+)$")


class _Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A LeaderElectionRecord, the annotation's JSON."""

    holder_identity: str = ""
    lease_duration_seconds: int = 0
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    leader_transitions: int = 0


def from_api(objects: Iterable[LeaseObject], holder_host: HolderHost) -> tuple[Lease, ...]:
    """The leader locks among Lease objects, by name."""
    return _locks(objects, holder_host, LeaseSource.API)


def from_etcd(entries: Iterable[KeyValue], holder_host: HolderHost) -> tuple[Lease, ...]:
    """The same from etcd's keys under `stored_lease.PREFIX`; ProbeError when one cannot be read."""
    return _locks((decode(entry.value) for entry in entries), holder_host, LeaseSource.ETCD)


def from_endpoints(objects: Iterable[PlainObject], holder_host: HolderHost) -> tuple[Lease, ...]:
    """The leader locks among Endpoints or ConfigMap objects: those that carry the annotation."""
    return tuple(
        _lease(each, _spec(each), holder_host, LeaseSource.ENDPOINTS)
        for each in sorted(objects, key=_key)
        if LEADER_ANNOTATION in (each.metadata.annotations or {})
    )


def without_copies(leases: tuple[Lease, ...], older: tuple[Lease, ...]) -> tuple[Lease, ...]:
    """Leases, and those of `older` kinds of lock that have no Lease of their name beside them."""
    known = {(lease.namespace, lease.name) for lease in leases}
    return (*leases, *(lease for lease in older if (lease.namespace, lease.name) not in known))


def finder(hosts: tuple[Host, ...], hostnames: Mapping[str, HostName] | None = None) -> HolderHost:
    """From the identity of a holder to its host; `hostnames` are what hosts call themselves, where that is known."""
    return partial(host_of, hosts=hosts, hostnames=hostnames or {})


def host_of(holder: str, hosts: tuple[Host, ...], hostnames: Mapping[str, HostName]) -> HostName | None:
    """The inventory's host behind an identity like ``cp1_6ba4b32e-…``; None when none or more than one matches.

    A component takes its host's name, which may have a domain the inventory leaves out, or the other way round.
    """
    unique = _UNIQUE.match(holder)
    for hostname in (holder, unique["name"]) if unique else (holder,):
        name = hostname.lower().rstrip(".")
        if name in hostnames:
            return hostnames[name]
        same = [host for host in hosts if _is_called(host, name)]
        alike = same or [host for host in hosts if _is_called_shortly(host, name)]
        if len(alike) == 1:
            return HostName(alike[0].name)
    return None


def _is_called(host: Host, name: str) -> bool:
    match = _ADDRESS_NAME.match(name.partition(".")[0])
    address = ".".join(match.groups()) if match else name
    return name == host.name or address in (host.address, host.ssh_address)


def _is_called_shortly(host: Host, name: str) -> bool:
    """The same first label, where one of the two names is just that label."""
    if is_address(host.name) or is_address(name):
        return False
    ours, theirs = host.name.split("."), name.split(".")
    return ours[0] == theirs[0] and 1 in (len(ours), len(theirs))


def _locks(objects: Iterable[LeaseObject], holder_host: HolderHost, source: LeaseSource) -> tuple[Lease, ...]:
    return tuple(
        _lease(each, each.spec, holder_host, source) for each in sorted(objects, key=_key) if not _is_identity(each)
    )


def _is_identity(lease: LeaseObject) -> bool:
    """Whether it only shows that an apiserver is alive: such a lease is no lock, and every apiserver has one."""
    labels = lease.metadata.labels or {}
    if any(labels.get(label, "").endswith("apiserver") for label in _IDENTITY_LABELS):
        return True
    holder = lease.spec.holder_identity or ""
    return bool(_IDENTITY_NAME.match(lease.metadata.name)) and holder.startswith(lease.metadata.name)


def _key(each: LeaseObject | PlainObject) -> tuple[str, str]:
    return each.metadata.namespace, each.metadata.name


def _spec(each: PlainObject) -> LeaseSpec:
    text = (each.metadata.annotations or {})[LEADER_ANNOTATION]
    try:
        record = msgspec.json.decode(text, type=_Record)
    except msgspec.DecodeError as error:
        where = f"{each.metadata.namespace}/{each.metadata.name}"
        raise ProbeError(f"leader annotation of {where}: {error}", Cause.UNREADABLE) from None
    return LeaseSpec(
        holder_identity=record.holder_identity,
        lease_duration_seconds=record.lease_duration_seconds,
        acquire_time=record.acquire_time,
        renew_time=record.renew_time,
        lease_transitions=record.leader_transitions,
    )


def _lease(each: LeaseObject | PlainObject, spec: LeaseSpec, holder_host: HolderHost, source: LeaseSource) -> Lease:
    holder = spec.holder_identity or ""
    return Lease(
        namespace=each.metadata.namespace,
        name=each.metadata.name,
        holder=holder,
        host=holder_host(holder) if holder else None,
        acquired_at=spec.acquire_time,
        renewed_at=spec.renew_time,
        duration_s=spec.lease_duration_seconds or 0,
        transitions=spec.lease_transitions or 0,
        source=source,
    )
