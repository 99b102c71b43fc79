"""Maintenance of an etcd store (etcdserverpb.Maintenance, KV.Compact): space, alarms, snapshots, hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from haconsole.model.etcd import EtcdAlarm, EtcdHash
from haconsole.transport.etcd_answers import Snapshot, alarms_of, hexadecimal
from haconsole.transport.etcd_channel import LazyChannel
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_gateway import EtcdGateway
from haconsole.transport.etcd_query import EtcdQuery, ask

_CHECKSUM = 32
_PAGE = 512


class EtcdMaintenance:
    """Calls of one member; each raises EtcdError when it is refused."""

    def __init__(self, channel: LazyChannel, gateway: EtcdGateway) -> None:
        self._channel = channel
        self._gateway = gateway

    async def disarm(self, alarm: EtcdAlarm, *, deadline_s: float = 10.0) -> tuple[EtcdAlarm, ...]:
        """Lower one alarm; answers the alarms that were lowered, none when it was not raised. Needs a quorum."""
        channel = await self._channel.opened()
        rpc = channel.rpc
        request = rpc.AlarmRequest(action="DEACTIVATE", memberID=int(alarm.member, 16), alarm=alarm.kind)
        method = channel.client.maintenancestub.Alarm
        tried = f"disarm {alarm.kind} of {alarm.member}"
        answer = await channel.ask(tried, method, request, deadline_s, leader_needed=True)
        return alarms_of(answer, rpc.AlarmType)

    async def compact(self, revision: int, *, physical: bool = True, deadline_s: float = 60.0) -> None:
        """Forget history before `revision`, on all members; `physical` waits until it is off the disk here."""
        channel = await self._channel.opened()
        request = channel.rpc.CompactionRequest(revision=revision, physical=physical)
        method = channel.client.kvstub.Compact
        await channel.ask(f"compact to revision {revision}", method, request, deadline_s, leader_needed=True)

    async def defragment(self, *, deadline_s: float = 120.0) -> None:
        """Give free pages back to the file system. This member serves nothing meanwhile: one member at a time."""
        channel = await self._channel.opened()
        request = channel.rpc.DefragmentRequest()
        await channel.ask("defragment", channel.client.maintenancestub.Defragment, request, deadline_s)

    async def hash_kv(self, revision: int = 0, *, deadline_s: float = 30.0) -> EtcdHash:
        """This member's hash of all keys up to `revision` (0: its newest), to compare with the others'.

        The gateway has it from etcd 3.6 on.
        """

        def from_json(answer: Mapping[str, Any]) -> EtcdHash:
            header, compacted = answer["header"], int(answer.get("compact_revision", 0))
            member = hexadecimal(int(header["member_id"]))
            return EtcdHash(member, revision or int(header["revision"]), compacted, int(answer["hash"]))

        def from_message(answer: Any) -> EtcdHash:
            member = hexadecimal(answer.header.member_id)
            return EtcdHash(member, revision or answer.header.revision, answer.compact_revision, answer.hash)

        query = EtcdQuery(
            "hash keys",
            "/v3/maintenance/hashkv",
            {"revision": str(revision)},
            from_json,
            lambda channel: (channel.client.maintenancestub.HashKV, channel.rpc.HashKVRequest(revision=revision)),
            from_message,
        )
        return await ask(self._gateway, self._channel, query, deadline_s)

    async def snapshot_to(self, path: Path, *, deadline_s: float = 600.0) -> Snapshot:
        """Write this member's database to `path` (mode 0600), complete and verified or not at all.

        The file ends with the SHA-256 that ``etcdctl snapshot restore`` checks. Needs no quorum.
        """
        partial = path.with_name(path.name + ".part")
        saved: list[Snapshot] = []
        channel = await self._channel.opened()
        method = channel.client.maintenancestub.Snapshot
        try:
            await channel.consume(
                "take a snapshot",
                method,
                channel.rpc.SnapshotRequest(),
                deadline_s,
                lambda stream: saved.append(_write(partial, stream)),
            )
            if not saved or not saved[0].sha256:
                raise EtcdError(channel.host, EtcdErrorKind.CORRUPT, "take a snapshot", _DAMAGED)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return saved[0]


_DAMAGED = "the snapshot does not match the checksum etcd sent with it"


def _write(path: Path, stream: Iterable[Any]) -> Snapshot:
    """All blobs into a new file on disk; `sha256` is empty when the last 32 bytes are not the digest of the rest."""
    digest, tail, size = hashlib.sha256(), b"", 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        for part in stream:
            file.write(part.blob)
            size += len(part.blob)
            tail += part.blob
            digest.update(tail[:-_CHECKSUM])
            tail = tail[-_CHECKSUM:]
        file.flush()
        os.fsync(file.fileno())
    whole = size % _PAGE == _CHECKSUM and tail == digest.digest()
    return Snapshot(size, digest.hexdigest() if whole else "")
