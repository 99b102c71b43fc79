"""Saves a snapshot of etcd on its host without etcdctl there: received by the API, verified, and sent to the host."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from haconsole.actions.operations import SaveSnapshot, SendFile
from haconsole.execution.etcd.member_list import host_of
from haconsole.execution.host.transfer import Tell, transfer
from haconsole.execution.outcome import OperationResult, success
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_on

SNAPSHOT_S = 600.0


async def save_snapshot(
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
