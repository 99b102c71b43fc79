"""The balancer of a cluster whose own hosts run none is found at the endpoint of the cluster."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from haconsole.model.hosts import Role
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import single_file
from haconsole.probes.discovery.endpoint import with_balancer
from haconsole.probes.discovery.host_report import HostReport, Others
from haconsole.probes.discovery.kube_vip import KubeVipSettings
from tests.fakes.host_reports import (
    HAND_MADE,
    HAPROXY,
    KEEPALIVED,
    KUBEADM,
    framed,
    inventory_of,
    node,
    text_of,
)
from tests.fakes.transport import FakeHost

VIP = "10.98.0.100"
SERVERS = HAPROXY.replace("10.0.0.", "10.98.0.").replace("9443", "8443")
UNICAST = KEEPALIVED.replace("10.0.0.", "10.98.0.").replace("nopreempt", "unicast_peer { 10.98.0.42 }")
PLANES = tuple(node(f"k{n}", f"10.98.0.1{n}", control_plane="") for n in (1, 2, 3))
PLANE_REPORTS = {f"10.98.0.1{n}": replace(KUBEADM, name=f"k{n}", addresses=(f"10.98.0.1{n}/24",)) for n in (2, 3)}
KNOWN = tuple(f"10.98.0.1{n}" for n in (1, 2, 3))
OTHERS = Others((), PLANES, "v1.20.2", ClusterConfiguration(endpoint=f"{VIP}:8443"))


def balancer_host(haproxy: str = SERVERS) -> FakeHost:
    host = FakeHost(VIP)
    programs = "@ haproxy /usr/sbin/haproxy\n- haproxy\n@ keepalived /usr/sbin/keepalived\n- keepalived"
    files = {
        "haproxy": f"=part= files\n=file= /etc/haproxy/haproxy.cfg\n{haproxy}",
        "keepalived": f"=part= files\n=file= /etc/keepalived/keepalived.conf\n{UNICAST if haproxy == SERVERS else ''}",
    }
    host.when("sh", say=framed(name="lb1", addresses=f"{VIP}/32\n10.98.0.41/24", programs=programs, **files))
    return host


async def discovered_draft(others: Others, reach: Callable[[str], FakeHost], report: HostReport = KUBEADM) -> Others:
    return await with_balancer(report, others, KNOWN, reach)


def never(address: str) -> FakeHost:
    raise AssertionError(address)


async def test_the_balancer_at_the_endpoint_is_found_from_a_control_plane() -> None:
    requests: list[str] = []

    def reach(address: str) -> FakeHost:
        requests.append(address)
        return balancer_host()

    others = await discovered_draft(OTHERS, reach)
    assert requests == [VIP]
    assert list(others.hosts) == ["10.98.0.41"]
    hosts = inventory_of(text_of(KUBEADM, others)).with_role(Role.LOAD_BALANCER)
    assert [(host.name, host.address) for host in hosts] == [
        ("lb1", "10.98.0.41"), ("host-10-98-0-42", "10.98.0.42"),
    ]  # fmt: skip


async def test_an_endpoint_on_a_known_host_is_not_logged_in_to() -> None:
    holder = replace(HAND_MADE, name="k2", addresses=("10.98.0.12/24", f"{VIP}/32"))
    for others in (
        replace(OTHERS, hosts={"10.98.0.12": holder}),
        replace(OTHERS, kubeadm=ClusterConfiguration(endpoint="10.98.0.13:6443")),
        replace(OTHERS, kubeadm=ClusterConfiguration(endpoint="localhost:6443")),
    ):
        assert await discovered_draft(others, never) == others


async def test_a_name_without_a_record_of_kubeadms_is_the_endpoint_of_the_kubeconfig() -> None:
    report = replace(KUBEADM, server="https://api.example:443")
    hosts = {"api.example": balancer_host()}
    others = await discovered_draft(replace(OTHERS, kubeadm=None), hosts.__getitem__, report)
    assert list(others.hosts) == ["10.98.0.41"]


async def test_an_endpoint_without_a_login_or_of_another_cluster_is_a_note() -> None:
    closed = FakeHost(VIP)
    closed.cut()
    for host in (closed, balancer_host(HAPROXY)):
        others = await discovered_draft(OTHERS, lambda _, host=host: host)  # type: ignore[misc]
        assert others.hosts == {}
        assert [note for note in others.notes if "its balancer is left out" in note] == list(others.notes)
        assert f"# - {VIP}: this endpoint is on no known host" in text_of(KUBEADM, others)


async def test_a_vip_that_nobody_has_is_no_note_where_balancers_are_known() -> None:
    closed = FakeHost(VIP)
    closed.cut()
    known = replace(HAND_MADE, name="k2", addresses=("10.98.0.12/24",))
    leased = replace(KUBEADM, name="k2", addresses=("10.98.0.12/24",), kube_vip=KubeVipSettings(VIP))
    for report in (known, leased):
        others = replace(OTHERS, hosts={"10.98.0.12": report})
        assert await discovered_draft(others, lambda _: closed) == others


def test_peers_of_the_balancer_at_the_endpoint_are_balancers() -> None:
    lb = HostReport("lb1", ("10.98.0.41/24",), HAND_MADE.programs, keepalived=single_file(UNICAST))
    lb = replace(lb, programs={name: lb.programs[name] for name in ("haproxy", "keepalived")})
    hosts = inventory_of(text_of(KUBEADM, replace(OTHERS, hosts={"10.98.0.41": lb})))
    assert [host.address for host in hosts.with_role(Role.LOAD_BALANCER)] == ["10.98.0.41", "10.98.0.42"]


def test_one_balancer_with_multicast_may_have_others_that_nothing_names() -> None:
    text = KEEPALIVED.replace("10.0.0.", "10.98.0.")
    lb = HostReport("lb1", ("10.98.0.41/24",), {"keepalived": HAND_MADE.programs["keepalived"]})
    lb = replace(lb, haproxy=HaproxyFiles((SERVERS,)), keepalived=single_file(text))
    note = "# - keepalived uses multicast, so keepalived.conf names no peers"
    one = replace(OTHERS, hosts={"10.98.0.41": lb, **PLANE_REPORTS})
    assert note in text_of(KUBEADM, one)
    second = replace(lb, name="lb2", addresses=("10.98.0.42/24",))
    assert note not in text_of(KUBEADM, replace(one, hosts={**one.hosts, "10.98.0.42": second}))
