"""Refusals before anything is planned, with their messages."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import DiscoveryKind, EtcdTls, Haproxy, Inventory, Kubernetes, Pki, VirtualIp
from haconsole.model.etcd import EtcdMember
from haconsole.model.hosts import HostFacts
from haconsole.model.names import MemberId
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.secret import Secret
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, bare, endpoint, healthy
from tests.unit.configs import samples


def reasons(snapshot: ClusterSnapshot, inventory: Inventory, only: BootstrapPart | None = None) -> str:
    refusal = plan_bootstrap(snapshot, inventory, only)
    assert isinstance(refusal, Refusal)
    return "\n".join(refusal.reasons)


def with_host(snapshot: ClusterSnapshot, index: int, facts: HostFacts) -> ClusterSnapshot:
    return replace(snapshot, hosts=(*snapshot.hosts[:index], facts, *snapshot.hosts[index + 1 :]))


def test_a_healthy_cluster_is_planned_again() -> None:
    assert isinstance(plan_bootstrap(healthy(), INVENTORY), Plan)


def test_a_host_that_cannot_be_reached_is_named_with_the_reason() -> None:
    inventory = samples.lab()
    snapshot = bare(inventory)
    missing = replace(snapshot.hosts[1], reach=Failed("connection refused on port 22", NOW, Cause.REFUSED))
    assert "cp2 cannot be reached: connection refused on port 22" in reasons(with_host(snapshot, 1, missing), inventory)


def test_an_unreachable_worker_hinders_nothing() -> None:
    inventory = msgspec.structs.replace(samples.spread(), pki=Pki())
    snapshot = bare(inventory)
    worker = replace(snapshot.hosts[-1], reach=Failed("no route", NOW, Cause.NO_ROUTE))
    assert isinstance(plan_bootstrap(with_host(snapshot, len(snapshot.hosts) - 1, worker), inventory), Plan)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0.0, 900.0, 100.0), "the clocks of cp1 and cp2 are 900 ms apart"),
        ((0.0, -90_000.0, 0.0), "cp2's clock is -90.0 s off from this machine"),
    ],
)
def test_clocks_that_differ_are_refused(offsets: tuple[float, ...], message: str) -> None:
    inventory = samples.lab()
    snapshot = bare(inventory)
    hosts = zip(snapshot.hosts, offsets, strict=True)
    skewed = replace(snapshot, hosts=tuple(replace(host, clock_offset_ms=Known(ms, NOW)) for host, ms in hosts))
    assert message in reasons(skewed, inventory)


def test_clocks_that_differ_from_here_alike_are_no_reason() -> None:
    inventory = samples.lab()
    snapshot = bare(inventory)
    late = replace(snapshot, hosts=tuple(replace(host, clock_offset_ms=Known(3000.0, NOW)) for host in snapshot.hosts))
    assert isinstance(plan_bootstrap(late, inventory), Plan)


def test_members_of_another_cluster_are_refused_by_name() -> None:
    snapshot = healthy()
    stranger = EtcdMember(MemberId("f0"), "old9", ("https://192.0.2.9:2380",), (), learner=False)
    hosts = tuple(
        replace(host, etcd=Known(replace(endpoint(n), members=(*endpoint(n).members, stranger)), NOW))
        for n, host in enumerate(snapshot.hosts, 1)
    )
    assert "etcd cluster c1 also has the members old9" in reasons(replace(snapshot, hosts=hosts), INVENTORY)


def test_two_clusters_are_refused() -> None:
    snapshot = healthy()
    stray = replace(snapshot.hosts[2], etcd=Known(replace(endpoint(3), cluster_id="c9"), NOW))
    assert "different etcd clusters (c1, c9)" in reasons(with_host(snapshot, 2, stray), INVENTORY)


def test_a_host_beside_a_running_cluster_is_sent_to_join() -> None:
    snapshot = healthy()
    two = tuple(member for member in endpoint(1).members if member.name != "cp3")
    hosts = tuple(
        replace(host, etcd=Known(replace(endpoint(n), members=two), NOW)) if n < 3
        else replace(host, etcd=Failed("not running", NOW, Cause.NOT_RUNNING))
        for n, host in enumerate(snapshot.hosts, 1)
    )  # fmt: skip
    assert "run join cp3" in reasons(replace(snapshot, hosts=hosts), INVENTORY)


def test_a_member_that_ran_and_is_silent_must_still_have_its_data() -> None:
    snapshot = healthy()
    silent = replace(snapshot.hosts[2], etcd=Failed("not running", NOW, Cause.NOT_RUNNING))
    plan = plan_bootstrap(with_host(snapshot, 2, silent), INVENTORY)
    assert isinstance(plan, Plan)
    looks = {str(step.id): str(step.verification) for step in plan.steps if step.id.startswith("preflight.leftovers")}
    assert "data is lost; run rejoin cp3" in looks["preflight.leftovers@cp3"]
    assert "data is lost" not in looks["preflight.leftovers@cp1"]


def inventory_with(**changes: object) -> Inventory:
    return msgspec.structs.replace(samples.lab(), **changes)


@pytest.mark.parametrize(
    ("inventory", "only", "message"),
    [
        (samples.kubeadm(), None, "kubernetes.version must name a release"),
        (inventory_with(vips=()), BootstrapPart.KEEPALIVED, "the inventory has no vips"),
        (samples.etcd_only(DiscoveryKind.STATIC, EtcdTls.OFF), BootstrapPart.KUBERNETES, "no kubernetes section"),
        (
            samples.etcd_only(DiscoveryKind.STATIC, EtcdTls.OFF),
            BootstrapPart.HAPROXY,
            "haproxy runs on: load-balancer",
        ),
        (
            inventory_with(vips=(VirtualIp(address="10.99.0.100", advert_int_s=0.5, auth_pass=Secret("x")),)),
            None,
            "VRRP version 3",
        ),
        (
            msgspec.structs.replace(samples.lab(), etcd=samples.etcd_only(DiscoveryKind.STATIC, EtcdTls.AUTO).etcd),
            None,
            "etcd.tls is auto",
        ),
    ],
)
def test_what_the_inventory_cannot_mean(inventory: Inventory, only: BootstrapPart | None, message: str) -> None:
    assert message in reasons(bare(inventory), inventory, only)


def test_an_unknown_interface_is_refused() -> None:
    hosts = tuple(msgspec.structs.replace(host, interface=None) for host in samples.lab().hosts)
    inventory = inventory_with(hosts=hosts, kubernetes=Kubernetes(), haproxy=Haproxy())
    unseen = replace(bare(inventory), hosts=())
    assert "cp2: the interface of the VIP 10.99.0.100 is unknown" in reasons(unseen, inventory)


@pytest.mark.parametrize("part", [BootstrapPart.ETCD, BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED])
def test_components_beside_a_kubeadm_control_plane_are_planned(part: BootstrapPart) -> None:
    inventory = samples.kubeadm()
    assert isinstance(plan_bootstrap(bare(inventory), inventory, part), Plan)
