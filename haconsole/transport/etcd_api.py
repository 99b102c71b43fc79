"""etcd's v3 API over one channel to one member (api/etcdserverpb/rpc.proto): queries, membership, maintenance.

Every call takes a deadline in seconds and raises EtcdError with a `kind`. Queries go through the JSON gateway where the
member has one; changes, and queries of other members, go over gRPC.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import TracebackType

from haconsole.model.etcd import EtcdAlarm, EtcdMember
from haconsole.model.names import HostName
from haconsole.transport.etcd_answers import (
    EtcdStatus,
    KeyValue,
    alarms_of,
    members_from_json,
    members_of,
    status_from_json,
    status_of,
    values_from_json,
    values_of,
)
from haconsole.transport.etcd_channel import EtcdCredentials, LazyChannel, Target
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_gateway import EtcdGateway
from haconsole.transport.etcd_maintenance import EtcdMaintenance
from haconsole.transport.etcd_membership import EtcdMembership
from haconsole.transport.etcd_query import EtcdQuery, ask

__all__ = ["EtcdApi", "EtcdCredentials", "EtcdError", "EtcdErrorKind", "EtcdStatus", "KeyValue"]

_STATUS = EtcdQuery(
    "status",
    "/v3/maintenance/status",
    {},
    status_from_json,
    lambda channel: (channel.client.maintenancestub.Status, channel.rpc.StatusRequest()),
    status_of,
)
_MEMBERS = EtcdQuery(
    "list members",
    "/v3/cluster/member/list",
    {},
    members_from_json,
    lambda channel: (channel.client.clusterstub.MemberList, channel.rpc.MemberListRequest()),
    members_of,
)
HEALTH_KEY = b"health"
"""The key that a health check reads; it need not exist (etcdctl reads the same)."""


class EtcdApi:
    """One member. `membership` changes the member list, `maintenance` tends the store; made by `open`."""

    def __init__(self, channel: LazyChannel, gateway: EtcdGateway) -> None:
        self._channel = channel
        self._gateway = gateway
        self.refusal: Callable[[], str | None] = lambda: None
        """Why the way to the member is closed now, where that is known."""
        self.membership = EtcdMembership(channel)
        self.maintenance = EtcdMaintenance(channel, gateway)

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
        return cls(
            LazyChannel(host, target, credentials, server_name),
            EtcdGateway(host, target, credentials, server_name),
        )

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
        self._gateway.close()
        self._channel.close()

    async def status(self, *, deadline_s: float = 2.0) -> EtcdStatus:
        """The member's own state; needs no quorum."""
        return await ask(self._gateway, self._channel, _STATUS, deadline_s)

    async def members(self, *, deadline_s: float = 2.0) -> tuple[EtcdMember, ...]:
        """The member list as this member knows it; needs no quorum; a learner refuses (IS_LEARNER)."""
        return await ask(self._gateway, self._channel, _MEMBERS, deadline_s)

    async def alarms(self, *, deadline_s: float = 2.0) -> tuple[EtcdAlarm, ...]:
        """Active alarms of all members. Needs a quorum, and each call adds an entry to the raft log.

        To look often, read `EtcdStatus.alarms` instead.
        """
        channel = await self._channel.opened()
        request, stub = channel.rpc.AlarmRequest(action="GET"), channel.client.maintenancestub
        answer = await channel.ask("list alarms", stub.Alarm, request, deadline_s, leader_needed=True)
        return alarms_of(answer, channel.rpc.AlarmType)

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
        values = await self._range(f"read {key!r}", key, b"", serializable, deadline_s)
        return values[0] if values else None

    async def get_prefix(
        self, prefix: bytes, *, serializable: bool = False, deadline_s: float = 5.0
    ) -> tuple[KeyValue, ...]:
        """All keys that start with `prefix` (not empty), in their order."""
        end = prefix[:-1] + bytes((prefix[-1] + 1,))
        return await self._range(f"read keys under {prefix!r}", prefix, end, serializable, deadline_s)

    async def put(self, key: bytes, value: bytes, *, deadline_s: float = 5.0) -> int:
        """Write one key; returns the store's revision after it."""
        channel = await self._channel.opened()
        request, stub = channel.rpc.PutRequest(key=key, value=value), channel.client.kvstub
        answer = await channel.ask(f"write {key!r}", stub.Put, request, deadline_s, leader_needed=True)
        return int(answer.header.revision)

    async def _range(
        self, tried: str, key: bytes, end: bytes, serializable: bool, deadline_s: float
    ) -> tuple[KeyValue, ...]:
        request = {"key": _base64(key), "range_end": _base64(end), "serializable": serializable}
        query = EtcdQuery(
            tried,
            "/v3/kv/range",
            request,
            values_from_json,
            lambda channel: (
                channel.client.kvstub.Range,
                channel.rpc.RangeRequest(key=key, range_end=end, serializable=serializable),
            ),
            values_of,
            leader_needed=not serializable,
        )
        return await ask(self._gateway, self._channel, query, deadline_s)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
