"""etcd's v3 API over one channel to one member (api/etcdserverpb/rpc.proto): queries, membership, maintenance.

Every call takes a deadline in seconds and raises EtcdError with a `kind`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from haconsole.model.etcd import EtcdAlarm, EtcdMember
from haconsole.model.names import HostName
from haconsole.transport.etcd_answers import EtcdStatus, KeyValue, alarms_of, members_of, status_of
from haconsole.transport.etcd_channel import EtcdChannel, EtcdCredentials, Target, open_channel
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_maintenance import EtcdMaintenance
from haconsole.transport.etcd_membership import EtcdMembership

__all__ = ["EtcdApi", "EtcdCredentials", "EtcdError", "EtcdErrorKind", "EtcdStatus", "KeyValue"]

HEALTH_KEY = b"health"
"""The key that a health check reads; it need not exist (etcdctl reads the same)."""


class EtcdApi:
    """One member. `membership` changes the member list, `maintenance` tends the store; made by `open`."""

    def __init__(self, channel: EtcdChannel) -> None:
        self._channel = channel
        self.refusal: Callable[[], str | None] = lambda: None
        """Why the way to the member is closed now, where that is known."""
        self.membership = EtcdMembership(channel)
        self.maintenance = EtcdMaintenance(channel)

    @classmethod
    async def open(
        cls,
        host: HostName,
        target: Target,
        credentials: EtcdCredentials | None,
        *,
        server_name: str | None = None,
    ) -> EtcdApi:
        """A client of the etcd on `host`, which connects at its first call and again after a loss.

        `target` is a Unix socket (a forward) or ``address:port``; `credentials` None speaks plain text; over a socket
        the certificate must name `server_name` (an address will do), else ``localhost``.
        """
        return cls(await open_channel(host, target, credentials, server_name))

    async def __aenter__(self) -> EtcdApi:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def host(self) -> HostName:
        return self._channel.host

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        self._channel.close()

    async def status(self, *, deadline_s: float = 2.0) -> EtcdStatus:
        """The member's own state; needs no quorum."""
        request = self._channel.rpc.StatusRequest()
        return status_of(await self._ask("status", self._channel.client.maintenancestub.Status, request, deadline_s))

    async def members(self, *, deadline_s: float = 2.0) -> tuple[EtcdMember, ...]:
        """The member list as this member knows it; needs no quorum; a learner refuses (IS_LEARNER)."""
        request = self._channel.rpc.MemberListRequest()
        stub = self._channel.client.clusterstub
        return members_of(await self._ask("list members", stub.MemberList, request, deadline_s))

    async def alarms(self, *, deadline_s: float = 2.0) -> tuple[EtcdAlarm, ...]:
        """Active alarms of all members. Needs a quorum, and each call adds an entry to the raft log.

        To look often, read `EtcdStatus.alarms` instead.
        """
        request = self._channel.rpc.AlarmRequest(action="GET")
        stub = self._channel.client.maintenancestub
        answer = await self._ask("list alarms", stub.Alarm, request, deadline_s, leader_needed=True)
        return alarms_of(answer, self._channel.rpc.AlarmType)

    async def check_health(self, *, deadline_s: float = 2.0) -> None:
        """Return when a linearizable read succeeds, which takes a quorum; raise EtcdError when it does not.

        A user who may not read that key still proves the quorum, so DENIED counts as healthy.
        """
        try:
            await self.get(HEALTH_KEY, deadline_s=deadline_s)
        except EtcdError as error:
            if error.kind is not EtcdErrorKind.DENIED:
                raise

    async def get(self, key: bytes, *, serializable: bool = False, deadline_s: float = 5.0) -> KeyValue | None:
        """The value of `key`; `serializable` reads this member's copy, which needs no quorum and may be old."""
        request = self._channel.rpc.RangeRequest(key=key, serializable=serializable)
        values = await self._range(f"read {key!r}", request, deadline_s)
        return values[0] if values else None

    async def get_prefix(
        self, prefix: bytes, *, serializable: bool = False, deadline_s: float = 5.0
    ) -> tuple[KeyValue, ...]:
        """All keys that start with `prefix` (not empty), in their order."""
        end = prefix[:-1] + bytes((prefix[-1] + 1,))
        request = self._channel.rpc.RangeRequest(key=prefix, range_end=end, serializable=serializable)
        return await self._range(f"read keys under {prefix!r}", request, deadline_s)

    async def put(self, key: bytes, value: bytes, *, deadline_s: float = 5.0) -> int:
        """Write one key; returns the store's revision after it."""
        request = self._channel.rpc.PutRequest(key=key, value=value)
        answer = await self._ask(
            f"write {key!r}", self._channel.client.kvstub.Put, request, deadline_s, leader_needed=True
        )
        return int(answer.header.revision)

    async def _range(self, tried: str, request: Any, deadline_s: float) -> tuple[KeyValue, ...]:
        stub = self._channel.client.kvstub
        answer = await self._ask(tried, stub.Range, request, deadline_s, leader_needed=not request.serializable)
        return tuple(KeyValue(entry.key, entry.value, entry.mod_revision) for entry in answer.kvs)

    async def _ask(
        self, tried: str, method: Any, request: Any, deadline_s: float, *, leader_needed: bool = False
    ) -> Any:
        return await self._channel.ask(tried, method, request, deadline_s, leader_needed=leader_needed)
