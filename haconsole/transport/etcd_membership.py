"""Changes of etcd's member list (etcdserverpb.Cluster); every one needs a quorum."""

from __future__ import annotations

from typing import Any

from haconsole.model.etcd import EtcdMember
from haconsole.model.names import MemberId
from haconsole.transport.etcd_answers import member_of, members_of
from haconsole.transport.etcd_channel import LazyChannel
from haconsole.transport.etcd_fields import ADD_AS_LEARNER


class EtcdMembership:
    """Each change returns what the list then holds and raises EtcdError when it is refused."""

    def __init__(self, channel: LazyChannel) -> None:
        self._channel = channel

    async def add(self, peer_urls: tuple[str, ...], *, learner: bool = True, deadline_s: float = 10.0) -> EtcdMember:
        """Add a member to the list, by default as a learner, which does not vote (3.4 and newer; EXISTS if known).

        A server that is too old for learners ignores that and adds a voter: the answer's `learner` shows it. Right
        after a start, or with a member not connected, etcd refuses with UNHEALTHY_CLUSTER.
        """
        channel = await self._channel.opened()
        rpc = channel.rpc
        extra = ADD_AS_LEARNER if learner else b""
        method = channel.unary(
            "/etcdserverpb.Cluster/MemberAdd",
            lambda request: bytes(request.SerializeToString()) + extra,
            rpc.MemberAddResponse.FromString,
        )
        tried = f"add a member at {', '.join(peer_urls)}"
        answer = await self._ask(tried, method, rpc.MemberAddRequest(peerURLs=peer_urls), deadline_s)
        return member_of(answer.member)

    async def promote(self, member: MemberId, *, deadline_s: float = 10.0) -> tuple[EtcdMember, ...]:
        """Let a learner vote; LEARNER_NOT_READY while it lags behind the leader."""
        channel = await self._channel.opened()
        rpc = channel.rpc  # promotion's messages have the shape of removal's
        method = channel.unary(
            "/etcdserverpb.Cluster/MemberPromote",
            rpc.MemberRemoveRequest.SerializeToString,
            rpc.MemberRemoveResponse.FromString,
        )
        request = rpc.MemberRemoveRequest(ID=int(member, 16))
        return members_of(await self._ask(f"promote learner {member}", method, request, deadline_s))

    async def remove(self, member: MemberId, *, deadline_s: float = 10.0) -> tuple[EtcdMember, ...]:
        """Remove a member from the list; it exits when it learns of that."""
        channel = await self._channel.opened()
        request = channel.rpc.MemberRemoveRequest(ID=int(member, 16))
        method = channel.client.clusterstub.MemberRemove
        return members_of(await self._ask(f"remove member {member}", method, request, deadline_s))

    async def update(
        self, member: MemberId, peer_urls: tuple[str, ...], *, deadline_s: float = 10.0
    ) -> tuple[EtcdMember, ...]:
        """Give a member other peer URLs."""
        channel = await self._channel.opened()
        request = channel.rpc.MemberUpdateRequest(ID=int(member, 16), peerURLs=peer_urls)
        method = channel.client.clusterstub.MemberUpdate
        return members_of(await self._ask(f"update member {member}", method, request, deadline_s))

    async def move_leader(self, to: MemberId, *, deadline_s: float = 10.0) -> None:
        """Hand leadership over; must be sent to the leader (NOT_LEADER otherwise). `to` must be a voter."""
        channel = await self._channel.opened()
        request = channel.rpc.MoveLeaderRequest(targetID=int(to, 16))
        method = channel.client.maintenancestub.MoveLeader
        await self._ask(f"move leadership to {to}", method, request, deadline_s)

    async def _ask(self, tried: str, method: Any, request: Any, deadline_s: float) -> Any:
        channel = await self._channel.opened()
        return await channel.ask(tried, method, request, deadline_s, leader_needed=True)
