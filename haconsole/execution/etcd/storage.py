"""Maintains etcd's storage: defragments, compacts, disarms alarms, saves snapshots, and reports its size."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_never

from haconsole.actions.checks import EtcdStoreCheck, HasRoom, NoAlarm
from haconsole.actions.operations import (
    CompactHistory,
    Defragment,
    DisarmAlarm,
    EtcdStorageOperation,
    SaveSnapshot,
    SendFile,
)
from haconsole.execution.etcd.member_list import any_member, host_of
from haconsole.execution.host.transfer import Tell, transfer
from haconsole.execution.outcome import OperationResult, success
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind

MIB = 1 << 20
DEFRAGMENT_S = 600.0
"""Some seconds per GiB on a fast disk, and minutes on a slow one."""
SNAPSHOT_S = 600.0


async def tend_etcd(
    context: ClusterContext, operation: EtcdStorageOperation, host: HostName, tell: Tell
) -> OperationResult:
    """Perform the operation; raises TransportError or ProbeError if no member could be queried, or one refused."""
    match operation:
        case Defragment():
            async with etcd_on(context, host_of(context, host)) as api:
                return await _defragment(api)
        case CompactHistory(ask=ask):
            async with any_member(context, ask) as api:
                return await _compact(api)
        case DisarmAlarm(kind=kind, ask=ask):
            async with any_member(context, ask) as api:
                return await _disarm(api, kind)
        case SaveSnapshot():
            return await _save_snapshot(context, operation, host, tell)
        case _:
            assert_never(operation)


async def _save_snapshot(
    context: ClusterContext, operation: SaveSnapshot, host: HostName, tell: Tell
) -> OperationResult:
    """Complete on the host or absent; nothing stays on this machine. Raises TransportError or ProbeError."""
    member = host_of(context, host)
    with TemporaryDirectory(prefix="haconsole-snapshot-") as folder:
        here = Path(folder) / "snapshot.db"
        async with etcd_on(context, member) as api:
            saved = await api.maintenance.snapshot_to(here, deadline_s=SNAPSHOT_S)
        await tell(f"received {saved.size_bytes >> 20} MiB, and the checksum is correct")
        await transfer(context.fleet, host, SendFile(str(here), operation.path), tell)
    return success(f"{operation.path}: {saved.size_bytes} bytes, SHA-256 {saved.sha256}")


async def _defragment(api: EtcdApi) -> OperationResult:
    before = await api.status()
    await api.maintenance.defragment(deadline_s=DEFRAGMENT_S)
    after = await api.status(deadline_s=10.0)
    return success(f"{api.host}: {_size(before)} before, {_size(after)} after")


async def _compact(api: EtcdApi) -> OperationResult:
    revision = (await api.status()).revision
    try:
        await api.maintenance.compact(revision)
    except EtcdError as error:
        if error.kind is not EtcdErrorKind.COMPACTED:
            raise
    return success(f"history before revision {revision} is compacted")


async def _disarm(api: EtcdApi, kind: str) -> OperationResult:
    raised = [alarm for alarm in await api.alarms() if alarm.kind == kind]
    for alarm in raised:
        await api.maintenance.disarm(alarm)
    return success(f"disarmed the alarm {kind} of {', '.join(alarm.member for alarm in raised) or 'no member'}")


def store_problems(host: str, status: EtcdStatus, check: EtcdStoreCheck) -> tuple[str, ...]:
    """The reason why the check fails, by the report of the member on `host`."""
    size = status.db_size_bytes
    match check:
        case HasRoom(quota_bytes=quota):
            if size < quota * 9 // 10:
                return ()
            way_out = "raise etcd.quota_bytes and run bootstrap with only = etcd, or delete keys that are not needed"
            return (f"{host}: its database still takes {_size(status)} of {quota / MIB:.1f} MiB: {way_out}",)
        case NoAlarm(kind=kind):
            raised = [alarm.member for alarm in status.alarms if alarm.kind == kind]
            return (f"{host}: the alarm {kind} is raised by {', '.join(raised)}",) if raised else ()
        case _:
            assert_never(check)


def _size(status: EtcdStatus) -> str:
    """The database's size as text, in MiB."""
    in_use = status.db_in_use_bytes
    text = f"{status.db_size_bytes / MIB:.1f} MiB"
    return text if in_use is None else f"{text} ({in_use / MIB:.1f} MiB in use)"
