"""Leader locks from the first source that answers: an API server, or a real etcd with an API server's data."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from haconsole.inventory.schema import Etcd, EtcdTls, Host, Inventory, Kubernetes
from haconsole.model.hosts import Role
from haconsole.model.lease import LeaseSource
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, NotAsked, Observed
from haconsole.probes.any_source import first_known
from haconsole.probes.collect import Collector
from haconsole.probes.context import ProbeTimings
from haconsole.probes.kubernetes.lease_watch import Leases
from haconsole.transport.etcd_api import EtcdApi
from tests.fakes.cluster import NOW
from tests.fakes.transport import FakeFleet, FakeHost, completed
from tests.programs.etcd import Member, new_member, running
from tests.programs.pump import forward

CASES = Path(__file__).parent / "cases" / "leases"
KNOWN: Observed[Leases] = Known((), NOW)


def failed(reason: str, cause: Cause = Cause.REFUSED) -> Observed[Leases]:
    return Failed(reason, NOW, cause)


def question(
    answer: Observed[Leases], after_s: float = 0.0, requests: list[str] | None = None, name: str = ""
) -> Callable[[], Coroutine[Any, Any, Observed[Leases]]]:
    async def ask() -> Observed[Leases]:
        if requests is not None:
            requests.append(name)
        await asyncio.sleep(after_s)
        return answer

    return ask


async def test_the_first_known_answer_counts() -> None:
    output = await first_known(((0.0, question(failed("one"))), (9.0, question(KNOWN))))
    assert output is KNOWN


async def test_the_next_is_queried_when_one_takes_long_and_the_slow_one_is_left() -> None:
    assert await first_known(((0.0, question(failed("slow"), after_s=60)), (0.01, question(KNOWN)))) is KNOWN
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_source_is_queried_needlessly() -> None:
    requests: list[str] = []
    await first_known(
        ((0.0, question(KNOWN, requests=requests, name="a")), (9.0, question(KNOWN, requests=requests, name="b")))
    )
    assert requests == ["a"]


async def test_without_an_answer_the_first_failure_is_the_reason() -> None:
    output = await first_known(((0.0, question(failed("one"))), (0.0, question(failed("two")))))
    assert output == failed("one")
    assert await first_known(()) == NotAsked()


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    one = new_member("m1", tmp_path_factory.mktemp("etcd"))
    with running(one):
        yield one


@pytest.fixture
def inventory(member: Member) -> Inventory:
    return Inventory(
        cluster="c",
        hosts=(
            Host(name="vm", address="10.0.0.1", roles=(Role.CONTROL_PLANE,)),
            Host(name="db", address="10.0.0.2", roles=(Role.ETCD,)),
        ),
        etcd=Etcd(tls=EtcdTls.OFF),
        kubernetes=Kubernetes(),
    )


@pytest.fixture
def fleet(member: Member, tmp_path: Path) -> Iterator[FakeFleet]:
    """The API server's host is lost; etcd's host answers only through a forward."""
    with forward(tmp_path, member.client_port) as socket:
        etcd = FakeHost("db")
        etcd.when_forwarded("10.0.0.2", 2379, socket)
        etcd.when("sh", say=completed(status=1))
        etcd.when("date", say="1.0")
        etcd.when_followed("sh", "-s", lines=())
        missing = FakeHost("vm")
        missing.cut(Cause.NO_ROUTE)
        yield FakeFleet({"vm": missing, "db": etcd})


async def store_leases(member: Member) -> None:
    stored = json.loads((CASES / "etcd.json").read_text())["protobuf"]
    async with await EtcdApi.open(HostName("db"), member.target, None) as api:
        for key, value in stored.items():
            await api.put(key.encode(), b64decode(value))


async def test_leases_come_from_etcd_where_no_api_server_answers(
    member: Member, inventory: Inventory, fleet: FakeFleet
) -> None:
    await store_leases(member)
    leases = (await Collector(inventory, fleet).once()).leases
    assert isinstance(leases, Known)
    output = {lease.name: (lease.host, lease.source) for lease in leases.value}
    assert output["kube-scheduler"] == ("vm", LeaseSource.ETCD)


async def test_leases_come_from_etcd_in_live_views_too(member: Member, inventory: Inventory, fleet: FakeFleet) -> None:
    await store_leases(member)
    timings = ProbeTimings(api_silence_s=0.1, round_s=0.1, retry_first_s=0.1)
    async with asyncio.timeout(10), aclosing(Collector(inventory, fleet, timings=timings).live()) as snapshots:
        async for snapshot in snapshots:
            if isinstance(snapshot.leases, Known):
                assert {lease.source for lease in snapshot.leases.value} == {LeaseSource.ETCD}
                break


async def test_neither_answers(inventory: Inventory, fleet: FakeFleet) -> None:
    fleet.hosts["db"].cut(Cause.NO_ROUTE)
    leases = (await Collector(inventory, fleet).once()).leases
    assert isinstance(leases, Failed)
    assert (leases.cause, "vm" in leases.reason) == (Cause.NO_ROUTE, True)
