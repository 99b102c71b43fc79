"""Membership changes of a real etcd: a learner joins and becomes the leader, and the first member leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from haconsole.actions.checks import EtcdCheck, LeaderAmong, MemberGone, MemberIs, MemberStage, NoMemberAt
from haconsole.actions.operations import (
    AddMember,
    EtcdOperation,
    MoveLeader,
    PromoteMember,
    RemoveMember,
    RemoveMemberAt,
)
from haconsole.configs.layout import layout
from haconsole.errors import HaconsoleError
from haconsole.execution.clock import SystemClock
from haconsole.execution.etcd import changes
from haconsole.execution.etcd.changes import EtcdChanges, furthest
from haconsole.execution.etcd.member_list import any_member, etcd_list_problems, member_list, statuses
from haconsole.execution.events import Outcome
from haconsole.execution.outcome import OperationResult
from haconsole.inventory.schema import Etcd, EtcdTls, Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, MemberId
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.transport.base import HostTransport, TransportError
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_membership import EtcdMembership
from tests.programs.etcd import Member, new_member, running
from tests.programs.ports import free_ports
from tests.programs.pump import forward
from tests.unit.execution.local import LocalHost

M1, M2 = HostName("m1"), HostName("m2")
STEADY = ("--heartbeat-interval=50", "--election-timeout=1000")
"""Time-outs long enough that a busy machine causes no election."""


class EtcdHost(LocalHost):
    """A host whose forwards end at its member."""

    def __init__(self, member: Member, folder: Path) -> None:
        super().__init__(member.name)
        self.member = member
        self.folder = folder

    @asynccontextmanager
    async def forward(self, address: str, port: int) -> AsyncIterator[Path]:
        with TemporaryDirectory(dir=self.folder) as own, forward(Path(own), self.member.client_port) as socket:
            yield socket


class EtcdFleet:
    def __init__(self, *hosts: EtcdHost) -> None:
        self.hosts = {host.host: host for host in hosts}

    def host(self, name: HostName) -> HostTransport:
        return self.hosts[name]

    async def close(self) -> None:
        return None


class Bench:
    """Two members' hosts; only the first runs at the beginning."""

    def __init__(self, first: Member, second: Member, folder: Path) -> None:
        self.first, self.second = first, second
        hosts = []
        for member in (first, second):
            own = folder / f"{member.name}-sockets"
            own.mkdir()
            hosts.append(EtcdHost(member, own))
        inventory = Inventory(
            cluster="lab",
            hosts=tuple(Host(name=name, address="127.0.0.1", roles=(Role.ETCD,)) for name in ("m1", "m2")),
            etcd=Etcd(tls=EtcdTls.OFF),
        )
        clock = SystemClock()
        self.context = ClusterContext(inventory, layout(inventory), EtcdFleet(*hosts), clock.now, b"", ProbeTimings())
        self.changes = EtcdChanges(self.context, clock)
        self.messages: list[str] = []

    async def perform(self, operation: EtcdOperation, host: HostName = M1) -> OperationResult:
        async def tell(text: str) -> None:
            self.messages.append(text)

        return await self.changes.perform(operation, host, tell)

    async def problems(self, check: EtcdCheck) -> tuple[str, ...]:
        return await etcd_list_problems(self.context, check)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    first, second = new_member("m1", tmp_path), new_member("m2", tmp_path)
    with running(first, flags=STEADY):
        yield Bench(first, second, tmp_path)


@pytest.mark.thorough
async def test_a_member_comes_and_the_first_one_goes(bench: Bench) -> None:
    url = bench.second.peer_url
    stage = {one: MemberIs(url, one, (M1,)) for one in MemberStage}
    assert await bench.problems(stage[MemberStage.LISTED]) == (f"etcd lists no member at {url}",)

    added = await bench.perform(AddMember(url, (M2, M1)))
    assert added.outcome is Outcome.DONE, added.error
    assert "as learner" in added.output
    second = await bench.perform(AddMember(url, (M1,)))
    assert "is on etcd's member list" in second.output
    assert await bench.problems(stage[MemberStage.LISTED]) == ()
    assert await bench.problems(stage[MemberStage.STARTED]) == (f"etcd's member at {url} has not started",)

    with ExitStack() as stack:
        stack.enter_context(running(bench.second, (bench.first,), state="existing", flags=STEADY))
        assert await bench.problems(stage[MemberStage.STARTED]) == ()
        promoted = await bench.perform(PromoteMember(url, (M1,), 30.0), M2)
        assert promoted.outcome is Outcome.DONE, promoted.error
        assert "the learner on m2 is at index" in promoted.output
        assert await bench.problems(stage[MemberStage.VOTING]) == ()
        assert (await bench.perform(PromoteMember(url, (M1,), 30.0), M2)).output.endswith(" votes")

        moved = await bench.perform(MoveLeader((M2,), (M1,)))
        assert moved.outcome is Outcome.DONE, moved.error
        assert await bench.problems(LeaderAmong((M2,))) == ()
        assert await bench.problems(LeaderAmong((M1,))) == ("etcd's leader is not on m1",)
        assert (await bench.perform(MoveLeader((M2,), (M1,)))).output == "m2 leads"

        (first,) = (one.id for one in await member_list(bench.context, (M2,)) if one.name == "m1")
        removed = await bench.perform(RemoveMember(first, (M2,)))
        assert removed.outcome is Outcome.DONE, removed.error
        assert await bench.problems(MemberGone(first, (M2,))) == ()
        second = await bench.perform(RemoveMember(first, (M2,)))
        assert second.output == f"member {first} is not on etcd's member list"


@pytest.mark.thorough
async def test_a_voter_without_a_node_leaves_the_list_before_its_etcd_stops(bench: Bench) -> None:
    """After an interrupted join of a second control plane: a stop before this would lose the quorum of two."""
    url = bench.second.peer_url
    assert await bench.problems(NoMemberAt(url, (M1,))) == ()
    await bench.perform(AddMember(url, (M1,)))
    with running(bench.second, (bench.first,), state="existing", flags=STEADY):
        await bench.perform(PromoteMember(url, (M1,), 30.0), M2)
        assert await bench.problems(NoMemberAt(url, (M1,))) == (f"etcd lists a member at {url}",)
        removed = await bench.perform(RemoveMemberAt(url, (M1,)))
        assert removed.outcome is Outcome.DONE, removed.error
        assert removed.output.startswith("removed member ")
        assert (await bench.perform(RemoveMemberAt(url, (M1,)))).output == f"etcd lists no member at {url}"
    assert await bench.problems(NoMemberAt(url, (M1,))) == ()  # read with a quorum, after the second etcd stopped
    assert [one.name for one in await member_list(bench.context, (M1,))] == ["m1"]


async def test_a_url_that_is_added_again_at_once_is_waited_for(bench: Bench) -> None:
    url = bench.second.peer_url
    for _ in range(2):
        added = await bench.perform(AddMember(url, (M1,)))
        assert added.outcome is Outcome.DONE, added.error
        (member,) = (one.id for one in await member_list(bench.context, (M1,)) if url in one.peer_urls)
        assert (await bench.perform(RemoveMember(member, (M1,)))).outcome is Outcome.DONE


@pytest.mark.thorough
async def test_a_cluster_that_has_just_started_is_waited_for(bench: Bench) -> None:
    """etcd takes no member for five seconds after its voters have found one another."""
    second, third = bench.second.peer_url, f"http://127.0.0.1:{free_ports(1)[0]}"
    await bench.perform(AddMember(second, (M1,)))
    with running(bench.second, (bench.first,), state="existing", flags=STEADY):
        await bench.perform(PromoteMember(second, (M1,), 30.0), M2)
        bench.messages.clear()
        added = await bench.perform(AddMember(third, (M1,)))
        assert added.outcome is Outcome.DONE, added.error
        assert any("unhealthy cluster" in output for output in bench.messages), bench.messages


@pytest.mark.thorough
async def test_a_learner_behind_is_promoted_once_it_has_caught_up(bench: Bench) -> None:
    url = bench.second.peer_url
    await bench.perform(AddMember(url, (M1,)))
    with running(bench.second, (bench.first,), state="existing", flags=STEADY) as learner:
        learner.freeze()
        async with any_member(bench.context, (M1,)) as api:
            for number in range(300):
                await api.put(b"key", b"%d" % number)

        async def thaw(text: str) -> None:
            bench.messages.append(text)
            learner.thaw()

        promoted = await bench.changes.perform(PromoteMember(url, (M1,), 60.0), M2, thaw)
        assert promoted.outcome is Outcome.DONE, promoted.error
        assert bench.messages, "it was not refused at first"
        assert "the learner on m2" in bench.messages[0]
        assert await bench.problems(MemberIs(url, MemberStage.VOTING, (M1,))) == ()


async def test_a_learner_that_never_starts_is_given_up_with_a_message(bench: Bench) -> None:
    url = bench.second.peer_url
    await bench.perform(AddMember(url, (M1,)))
    given_up = await bench.perform(PromoteMember(url, (M1,), 0.5), M2)
    assert given_up.outcome is Outcome.FAILED
    assert given_up.error is not None
    assert "the learner on m2 does not answer" in given_up.error
    assert len(bench.messages) == 1


async def test_a_learner_that_is_off_the_list_is_not_waited_for(bench: Bench) -> None:
    absent = await bench.perform(PromoteMember("http://127.0.0.1:1", (M1,)), M2)
    assert absent.error == "m2: the member at http://127.0.0.1:1 was removed from etcd's member list; run join again"


async def test_no_member_to_query_is_an_error(bench: Bench) -> None:
    with pytest.raises(TransportError, match="m2: etcd"):
        await bench.problems(MemberGone(MemberId("1"), (M2,)))


def test_leadership_passes_to_the_voter_furthest_in_the_log() -> None:
    def status(applied: int, *, learner: bool = False, leader: str | None = "a") -> EtcdStatus:
        return EtcdStatus(
            MemberId("b"),
            "c",
            MemberId(leader) if leader else None,
            "3.4.23",
            1,
            1,
            2,
            applied,
            applied,
            1,
            learner,
            (),
        )

    hosts = tuple(HostName(name) for name in ("late", "ahead", "learner", "alone", "silent"))
    answers = (status(5), status(9), status(99, learner=True), status(99, leader=None), HaconsoleError("no answer"))
    result = furthest(hosts, dict(zip(hosts, answers, strict=True)))
    assert result is not None
    assert result[0] == "ahead"
    assert furthest((), {}) is None


async def test_vips_pause_once_however_often_leadership_is_handed_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that is not taken for leader tries for 45 s: VIPs that paused each time would be out of reach."""
    paused: list[ClusterContext] = []
    refusals = [EtcdError(M1, EtcdErrorKind.NOT_LEADER, "move leader", "not leader")] * 2

    @asynccontextmanager
    async def pause(context: ClusterContext) -> AsyncIterator[None]:
        paused.append(context)
        yield

    async def move_leader(self: EtcdMembership, member: MemberId) -> None:
        if refusals:
            raise refusals.pop()

    status = (await statuses(bench.context, (M1,)))[M1]
    monkeypatch.setattr(changes, "vips_paused", pause)
    monkeypatch.setattr(changes, "furthest", lambda hosts, output: (M2, status))
    monkeypatch.setattr(EtcdMembership, "move_leader", move_leader)
    moved = await bench.perform(MoveLeader((M2,), (M1,)))
    assert (moved.outcome, len(refusals), len(paused)) == (Outcome.DONE, 0, 1), moved.error
