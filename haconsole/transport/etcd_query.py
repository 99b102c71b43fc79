"""A query of etcd in both of its protocols: through the JSON gateway, or over gRPC if the gateway has no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from haconsole.transport.etcd_channel import EtcdChannel, LazyChannel, Message
from haconsole.transport.etcd_gateway import EtcdGateway

T = TypeVar("T")


class EtcdQuery(msgspec.Struct, Generic[T], frozen=True):
    """A query that changes nothing, and how each protocol puts it."""

    tried: str
    """Its description for an error."""
    path: str
    """The gateway's path."""
    request: Mapping[str, object]
    """The gateway's request."""
    from_json: Callable[[Mapping[str, Any]], T]
    call: Callable[[EtcdChannel], tuple[Any, Message]]
    """The gRPC method and its message."""
    from_message: Callable[[Message], T]
    leader_needed: bool = False
    """Whether etcd refuses at once while it knows no leader."""


async def ask(gateway: EtcdGateway, channel: LazyChannel, query: EtcdQuery[T], deadline_s: float) -> T:
    """The answer of one member; raises EtcdError."""
    answer = await gateway.query(
        query.tried, query.path, query.request, deadline_s, query.from_json, leader_needed=query.leader_needed
    )
    if answer is not None:
        return answer
    grpc = await channel.opened()
    method, message = query.call(grpc)
    return query.from_message(
        await grpc.ask(query.tried, method, message, deadline_s, leader_needed=query.leader_needed)
    )
