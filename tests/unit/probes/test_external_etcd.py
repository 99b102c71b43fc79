"""An etcd outside the inventory is queried from a control plane, with the pair that its API server has."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.external_etcd import ExternalEtcd
from haconsole.inventory.schema import Deployment, Etcd, Host, Inventory, Kubernetes
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.etcd.external import ExternalEtcdProbe
from haconsole.probes.fact_store import FactStore
from haconsole.transport.base import Argv, Completed
from tests.fakes.transport import FakeFleet, completed
from tests.fakes.waiting import eventually
from tests.programs.etcd import Member, make_tls, new_member, running
from tests.programs.pump import forward

AT = "https://127.0.0.1:2379"


def now() -> datetime:
    return datetime.now(UTC)


def by_shell(argv: Argv, stdin: bytes) -> Completed:
    """The output of the script on this machine, whose files are those of the test."""
    return completed(subprocess.run(argv, input=stdin, capture_output=True, check=True).stdout.decode())


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    folder = tmp_path_factory.mktemp("etcd")
    one = new_member("m1", folder, make_tls(folder / "tls"))
    with running(one):
        yield one


def inventory_of(pki: Path, *urls: str) -> Inventory:
    external = ExternalEtcd(endpoints=urls, ca_cert="/here/ca", client_cert="/here/crt", client_key="/here/key")
    return Inventory(
        cluster="external",
        hosts=tuple(
            Host(name=f"cp{number}", address=f"10.99.0.1{number}", roles=(Role.CONTROL_PLANE,)) for number in (1, 2)
        ),
        etcd=Etcd(external=external),
        kubernetes=Kubernetes(deployment=Deployment.KUBEADM, pki_dir=str(pki), endpoint="api.example.org:6443"),
    )


class Planes:
    """Two control planes that have the pair in `pki`."""

    def __init__(self, member: Member, pki: Path, socket: Path, *urls: str) -> None:
        assert member.tls is not None
        (pki / "etcd").mkdir(parents=True)
        for source, name in (
            (member.tls.ca, "etcd/ca.crt"),
            (member.tls.cert, "apiserver-etcd-client.crt"),
            (member.tls.key, "apiserver-etcd-client.key"),
        ):
            shutil.copy(source, pki / name)
        inventory = inventory_of(pki, *urls)
        self.fleet = FakeFleet()
        for name in ("cp1", "cp2"):
            host = self.fleet.host(HostName(name))
            host.when_forwarded("127.0.0.1", 2379, socket)
            host.when_forwarded("127.0.0.1", 2381, pki / "nothing-listens.sock")
            host.when("sh", say=by_shell)
        timings = ProbeTimings(calm_round_s=0.05, reopen_s=0.05)
        context = ClusterContext(inventory, layout(inventory), self.fleet, now, b"", timings)
        self.store = FactStore(inventory, now)
        self.probe = ExternalEtcdProbe(context, self.store)

    @property
    def endpoint(self) -> Observed[EtcdEndpoint]:
        """The report of the first endpoint."""
        return self.store.snapshot().external_etcd[0].etcd


@pytest.fixture
def socket(member: Member, tmp_path: Path) -> Iterator[Path]:
    with forward(tmp_path, member.client_port) as path:
        yield path


async def test_members_are_those_that_the_endpoints_report(member: Member, tmp_path: Path, socket: Path) -> None:
    planes = Planes(member, tmp_path / "pki", socket, AT)
    await planes.probe.once()
    (endpoint,) = planes.store.snapshot().external_etcd
    assert isinstance(endpoint.etcd, Known), endpoint.etcd
    assert endpoint.etcd.via == "cp1"
    view = etcd_view(planes.store.snapshot())
    assert view.external
    assert [(row.member.name, row.host, row.healthy, row.leader) for row in view.members] == [("m1", None, True, True)]
    assert view.quorum is not None
    assert view.quorum.holds


async def test_the_other_control_plane_queries_where_the_first_is_down(
    member: Member, tmp_path: Path, socket: Path
) -> None:
    planes = Planes(member, tmp_path / "pki", socket, AT)
    planes.fleet.host(HostName("cp1")).cut()
    await planes.probe.once()
    (endpoint,) = planes.store.snapshot().external_etcd
    assert isinstance(endpoint.etcd, Known)
    assert endpoint.etcd.via == "cp2"


async def test_an_endpoint_without_an_answer_is_unknown_not_absent(
    member: Member, tmp_path: Path, socket: Path
) -> None:
    planes = Planes(member, tmp_path / "pki", socket, AT, "https://127.0.0.1:2381")
    await planes.probe.once()
    first, second = planes.store.snapshot().external_etcd
    assert isinstance(first.etcd, Known)
    assert isinstance(second.etcd, Failed)
    late = Planes(member, tmp_path / "late", socket, AT)
    late.probe.give_up(15)
    (never,) = late.store.snapshot().external_etcd
    assert isinstance(never.etcd, Failed)
    assert never.etcd.cause is Cause.TIMED_OUT


async def test_a_followed_endpoint_that_is_lost_keeps_its_last_report(member: Member, tmp_path: Path) -> None:
    with forward(tmp_path, member.client_port) as way:
        planes = Planes(member, tmp_path / "pki", way, AT)
        following = asyncio.create_task(planes.probe.follow())
        await eventually(lambda: isinstance(planes.endpoint, Known), within_s=20)
    try:
        await eventually(lambda: isinstance(planes.endpoint, Failed), within_s=30)
        missing = planes.endpoint
        assert isinstance(missing, Failed)
        assert missing.last is not None
        assert not etcd_view(planes.store.snapshot()).current
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
