"""One endpoint from what a member answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from haconsole.model.etcd import EtcdAlarm, EtcdMember
from haconsole.model.names import HostName, MemberId
from haconsole.probes.etcd.endpoint import endpoint_of, probe_etcd
from haconsole.transport.etcd_answers import EtcdStatus
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from tests.programs.etcd import Member, new_member, running

MEMBERS = (EtcdMember(MemberId("2f66eee6c421e30b"), "m1", ("http://127.0.0.1:2380",), (), False),)
STATUS = EtcdStatus(
    member_id=MemberId("2f66eee6c421e30b"),
    cluster_id="51baa07c729838aa",
    leader_id=MemberId("2f66eee6c421e30b"),
    version="3.4.23",
    db_size_bytes=20480,
    db_in_use_bytes=16384,
    raft_term=2,
    raft_index=5,
    raft_applied_index=5,
    revision=1,
    learner=False,
    errors=(),
)


def test_a_read_that_succeeds_makes_it_healthy() -> None:
    endpoint = endpoint_of(STATUS, MEMBERS, None)
    assert (endpoint.healthy, endpoint.health_error, endpoint.members) == (True, None, MEMBERS)


def test_a_read_that_fails_makes_it_unhealthy_with_the_reason() -> None:
    endpoint = endpoint_of(replace(STATUS, leader_id=None), MEMBERS, "etcdserver: no leader")
    assert (endpoint.healthy, endpoint.health_error) == (False, "etcdserver: no leader")


@pytest.mark.parametrize(("leader", "healthy"), [(MemberId("1"), True), (None, False)])
def test_a_learner_is_judged_by_its_leader(leader: MemberId | None, healthy: bool) -> None:
    learner = replace(STATUS, learner=True, leader_id=leader)
    assert endpoint_of(learner, (), "etcdserver: rpc not supported for learner").healthy is healthy


def test_alarms_are_read_from_what_the_status_lists() -> None:
    listed = replace(STATUS, errors=("etcdserver: no leader", "memberID:3415680042307543819 alarm:NOSPACE "))
    assert endpoint_of(listed, MEMBERS, None).alarms == (EtcdAlarm(MemberId("2f66eee6c421e30b"), "NOSPACE"),)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    one = new_member("m1", tmp_path_factory.mktemp("etcd"))
    with running(one):
        yield one


async def test_a_live_member_is_probed_without_a_trace_in_the_raft_log(member: Member) -> None:
    async with await EtcdApi.open(HostName("cp1"), member.target, None) as api:
        before = await probe_etcd(api)
        for _ in range(20):  # a member that has just started writes its name and the cluster's version
            after = await probe_etcd(api)
            if after == before:
                break
            before = after
            await asyncio.sleep(0.5)
    assert (before.healthy, [one.name for one in before.members]) == (True, ["m1"])
    assert after == before


class LateReads(EtcdApi):
    """A member whose first linearizable reads take too long."""

    late = 1

    async def check_health(self, *, deadline_s: float = 2.0) -> None:
        if self.late:
            self.late -= 1
            raise EtcdError(HostName("cp1"), EtcdErrorKind.DEADLINE, "read", "no answer within 2 s")
        await super().check_health(deadline_s=deadline_s)


@pytest.mark.parametrize(("late", "healthy"), [(1, True), (2, False)])
async def test_one_late_read_may_be_chance_and_two_are_reported(member: Member, late: int, healthy: bool) -> None:
    async with await LateReads.open(HostName("cp1"), member.target, None) as api:
        assert isinstance(api, LateReads)
        api.late = late
        endpoint = await probe_etcd(api)
    assert (endpoint.healthy, endpoint.health_error) == (healthy, None if healthy else "no answer within 2 s")
