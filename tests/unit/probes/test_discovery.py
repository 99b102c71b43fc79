"""Clusters discovered from one host: made by haconsole, by kubeadm, or by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.cli.discover import from_here
from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory
from haconsole.model.etcd import EtcdMember
from haconsole.model.hosts import Role
from haconsole.model.kubeadm import ClusterConfiguration, KubeletConfiguration
from haconsole.model.names import HostName, MemberId
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import single_file
from haconsole.probes.discovery.ask import inventory_of as draft_inventory
from haconsole.probes.discovery.ask import programs_of, read_host
from haconsole.probes.discovery.balancer import balanced_api, priority, vips
from haconsole.probes.discovery.control_plane import find_control_plane
from haconsole.probes.discovery.draft import draft_of, own_address
from haconsole.probes.discovery.host_report import HostReport, Others, Program
from haconsole.probes.errors import ProbeError
from tests.fakes.host_reports import (
    HAND_MADE,
    HAPROXY,
    HAPROXY_FILES,
    KEEPALIVED,
    KUBEADM,
    NOBODY,
    PROCESSES,
    framed,
    inventory_of,
    node,
    text_of,
)
from tests.fakes.transport import FakeHost


def test_flags_are_read_from_the_command_line_and_etcds_environment() -> None:
    programs = programs_of(PROCESSES)
    assert list(programs) == ["etcd", "kube-controller-manager", "haproxy"]
    assert programs["etcd"] == Program(
        "/usr/bin/etcd",
        {"name": "m1", "data-dir": "/srv/etcd", "quota-backend-bytes": "4294967296", "debug": "true"},
    )
    assert programs["kube-controller-manager"].flags == {"cluster-name": "blue"}
    assert programs["haproxy"].flags == {"Ws": "true", "f": "/etc/haproxy/haproxy.cfg"}


def test_what_somebody_made_by_hand() -> None:
    text = text_of(HAND_MADE, reached_by="a.example")
    inventory = inventory_of(text)
    assert inventory.cluster == "blue"
    names = [(host.name, host.address, host.etcd_name, host.vrrp_priority) for host in inventory.hosts]
    assert names == [
        ("a.example", "10.0.0.11", "one", 150),
        ("b", "10.0.0.12", None, None),
        ("c", "10.0.0.13", None, None),
    ]
    assert [set(host.roles) for host in inventory.hosts] == [
        {Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER},
        {Role.ETCD, Role.CONTROL_PLANE},
        {Role.ETCD, Role.CONTROL_PLANE},
    ]
    assert inventory.hosts[0].ssh_address == "a.example"
    etcd, kubernetes, (vip,) = inventory.etcd, inventory.kubernetes, inventory.vips
    assert kubernetes is not None
    assert (etcd.pki_dir, etcd.metrics_port, etcd.heartbeat_ms, etcd.binary) == (
        *("/etc/ssl/etcd", 2381, 150, "/opt/etcd/etcd"),
    )
    assert etcd.config_file == "/etc/default/etcd"
    assert (kubernetes.pki_dir, kubernetes.config_dir, kubernetes.binary_dir) == ("/srv/pki", "/srv/kube", "/opt/bin")
    assert (kubernetes.endpoint, kubernetes.leader_election.lease_duration_s) == ("api.example:443", 90)
    assert (vip.address, vip.interface, vip.router_id, vip.mode, vip.advert_int_s, vip.preempt) == (
        *("10.0.0.100/24", "bond0", 77, "multicast", 2.0, False),
    )
    assert inventory.haproxy is not None
    assert (inventory.haproxy.bind_port, inventory.haproxy.balance) == (9443, "leastconn")
    assert inventory.haproxy.stats_socket == "/run/haproxy/own.sock"


def test_settings_to_check_are_named_and_no_password_is_shown() -> None:
    text = text_of(HAND_MADE)
    notes = [line.removeprefix("# - ") for line in text.splitlines() if line.startswith("# - ")]
    assert "hunter2" not in text
    assert "hunter2" not in repr(HAND_MADE)
    assert notes == [
        "b, c: could not log in, so check the name, roles and SSH settings",
        "VRRP's password is not copied: set auth_pass in the inventory before keepalived is bootstrapped",
        "b, c: vrrp_priority is unknown; by default the order of the hosts in the inventory decides",
        "keepalived uses multicast, so keepalived.conf names no peers: give the other balancers the role load-balancer",
        "the cluster's nodes could not be read: if it has workers, add them to the inventory",
        (
            "etcd has cert-file /etc/ssl/etcd/one.pem: the certs command shows this file, but rotate-certs looks for "
            "server.crt"
        ),
        (
            "etcd has trusted-ca-file /etc/ssl/etcd/root.pem: the certs command shows this file, but rotate-certs "
            "looks for ca.crt"
        ),
    ]


def test_what_kubeadm_made_with_its_nodes() -> None:
    members = tuple(
        EtcdMember(MemberId(f"{n}"), f"k{n}", (f"https://10.98.0.1{n}:2380",), (), learner=False) for n in (1, 2, 3)
    )
    nodes = (*(node(f"k{n}", f"10.98.0.1{n}", control_plane="") for n in (1, 2, 3)), node("w1", "10.98.0.21"))
    text = text_of(KUBEADM, Others(members, nodes, "v1.20.2"))
    inventory = inventory_of(text)
    assert [(host.name, host.roles) for host in inventory.hosts] == [
        *((f"k{n}", (Role.ETCD, Role.CONTROL_PLANE)) for n in (1, 2, 3)),
        ("w1", (Role.WORKER,)),
    ]
    assert inventory.kubernetes is not None
    assert (inventory.kubernetes.deployment, inventory.kubernetes.endpoint) == ("kubeadm", "10.98.0.100:6443")
    assert (inventory.kubernetes.version, inventory.etcd.placement) == ("v1.20.2", "static-pod")
    assert "pki_dir" not in text
    assert "# - k2, k3, w1: could not log in" in text


def test_a_cluster_of_kubeadms_is_named_after_its_endpoint_and_ca_on_every_host() -> None:
    """kubeadm calls each of its clusters kubernetes, and newer versions have kubelet use its own API server."""
    named = ClusterConfiguration(endpoint="api.example", pod_cidr="10.112.0.0/16")
    names = set()
    for n in (1, 2, 3):
        server = f"https://10.98.0.1{n}:6443"
        report = replace(KUBEADM, name=f"k{n}", addresses=(f"10.98.0.1{n}/24",), server=server, authority="3f9a61c0ab")
        inventory = inventory_of(text_of(report, Others(kubeadm=named)))
        names.add(inventory.cluster)
        assert inventory.kubernetes is not None
        assert (inventory.kubernetes.endpoint, inventory.kubernetes.pod_cidr) == ("api.example:6443", "10.112.0.0/16")
    assert names == {"api.example-3f9a61c0"}
    without_record = replace(KUBEADM, authority="3f9a61c0ab")
    assert inventory_of(text_of(without_record)).cluster == "10.98.0.100-3f9a61c0"


@pytest.mark.parametrize(
    ("recorded", "line"),
    [("cgroupfs", "  kubeadm: {cgroup_driver: cgroupfs}\n"), ("systemd", ""), ("", ""), ("other", "")],
)
def test_the_cgroup_driver_is_that_of_kubelet_config(recorded: str, line: str) -> None:
    record = ClusterConfiguration(kubelet=KubeletConfiguration("kubelet-config", recorded))
    text = text_of(KUBEADM, Others(kubeadm=record))
    assert "".join(re.findall(r".*(?:kubeadm:|cgroup_driver).*\n", text)) == line
    kubernetes = inventory_of(text).kubernetes
    assert kubernetes is not None
    assert kubernetes.kubeadm.cgroup_driver == (recorded if recorded == "cgroupfs" else "systemd")


def test_the_host_given_keeps_the_name_it_was_reached_by() -> None:
    worker = HostReport("w1", ("10.244.3.1/24", "10.98.0.21/24"), {"kubelet": Program("/usr/bin/kubelet", {})})
    others = Others(nodes=(node("k1", "10.98.0.11", master=""), node("w1", "10.98.0.21")))
    text = write(draft_of(KUBEADM, others, source="", ssh={}, jump=None, reached_by="w1.example", named=worker))
    hosts = inventory_of(text).hosts
    assert [(host.name, host.ssh_address) for host in hosts] == [("k1", None), ("w1", "w1.example")]


def test_hosts_are_queried_by_an_inventory_with_errors() -> None:
    """Hosts inside a service network are an error for the user of the inventory, and no reason to query no host."""
    flags = {"advertise-address": "10.98.0.11", "service-cluster-ip-range": "10.96.0.0/12"}
    report = replace(KUBEADM, programs={**KUBEADM.programs, "kube-apiserver": Program("/usr/bin/apiserver", flags)})
    text = text_of(report)
    assert not isinstance(parse(text, "<test>", Path("/")), Inventory)
    draft = draft_of(report, NOBODY, source="", ssh={}, jump=None, reached_by="10.98.0.11")
    assert [host.address for host in draft_inventory(draft).hosts] == ["10.98.0.11"]


KUBEADM_ANSWER = framed(
    name="k1",
    addresses="10.0.0.11/24",
    programs="@ kube-apiserver /usr/local/bin/kube-apiserver\n- kube-apiserver\n- --advertise-address=10.0.0.11",
    pods="etcd\nkube-apiserver",
)


async def test_a_balancer_leads_to_a_control_plane() -> None:
    lb = HostReport("lb", ("10.0.0.41/24",), {"haproxy": HAND_MADE.programs["haproxy"]}, haproxy=HAPROXY_FILES)
    hosts = {address: FakeHost(address) for address in ("10.0.0.11", "10.0.0.12", "10.0.0.13")}
    hosts["10.0.0.11"].cut()
    hosts["10.0.0.12"].when("sh", say=KUBEADM_ANSWER)
    search = await find_control_plane(lb, FakeHost("lb"), hosts.get)
    assert search.report is not None
    assert search.report.name == "k1"
    hosts["10.0.0.12"].cut()
    hosts["10.0.0.13"].cut()
    search = await find_control_plane(lb, FakeHost("lb"), hosts.get)
    assert (search.report, len(search.notes)) == (None, 3)


async def test_an_etcd_host_leads_to_the_api_servers_that_use_it() -> None:
    etcd = HostReport("e1", ("10.0.0.31/24",), {"etcd": Program("/usr/bin/etcd", {})})
    plane = FakeHost("10.0.0.11")
    plane.when("sh", say=KUBEADM_ANSWER)
    hosts = {"10.0.0.11": plane}
    search = await find_control_plane(etcd, FakeHost("e1"), hosts.get, ("10.0.0.11",))
    assert search.report is not None
    assert search.report.name == "k1"
    assert (await find_control_plane(etcd, FakeHost("e1"), hosts.get)).report is None


def test_a_balancer_adds_the_vips_of_its_control_planes() -> None:
    lb = HostReport(
        "lb",
        ("10.0.0.41/24",),
        {"keepalived": Program("", {})},
        haproxy=HAPROXY_FILES,
        keepalived=single_file(KEEPALIVED),
    )
    others = Others(hosts={"10.0.0.41": lb})
    programs = {name: one for name, one in HAND_MADE.programs.items() if name not in ("haproxy", "keepalived")}
    plane = replace(HAND_MADE, programs=programs, haproxy=HaproxyFiles(()), keepalived=single_file(""))
    inventory = inventory_of(text_of(plane, others))
    assert [vip.address for vip in inventory.vips] == ["10.0.0.100/24"]
    assert [host.name for host in inventory.with_role(Role.LOAD_BALANCER)] == ["lb"]


def test_hosts_with_a_login_report_their_names_and_priorities() -> None:
    other = HostReport(
        "b-long-name", ("10.0.0.12/24",), HAND_MADE.programs, keepalived=single_file(KEEPALIVED.replace("150", "140"))
    )
    text = text_of(HAND_MADE, Others(hosts={"10.0.0.12": other}))
    second = inventory_of(text).hosts[1]
    assert (second.name, second.etcd_name, second.vrrp_priority) == ("b-long-name", "b", 140)
    assert Role.LOAD_BALANCER in second.roles


def test_the_cluster_is_called_what_it_was_bootstrapped_as() -> None:
    files = HaproxyFiles((f"# haconsole: cluster prod\n{HAPROXY}",))
    output = HostReport("cp1", ("10.0.0.11/24",), HAND_MADE.programs, haproxy=files)
    assert inventory_of(text_of(output)).cluster == "prod"


def test_a_worker_and_a_host_with_only_a_balancer_get_no_other_roles() -> None:
    worker = HostReport("w1", ("10.0.0.31/24",), {"kubelet": Program("/usr/bin/kubelet", {})})
    assert "roles: [worker]" in text_of(worker)
    balancer = HostReport("lb", ("10.0.0.41/24",), {"haproxy": HAND_MADE.programs["haproxy"]}, haproxy=HAPROXY_FILES)
    assert "name: lb\n    address: 10.0.0.41\n    roles: [load-balancer]" in text_of(balancer)


def test_what_etcd_has_in_a_file_of_its_own_is_left_open() -> None:
    etcd = {"etcd": Program("/usr/bin/etcd", {"config-file": "/etc/etcd/etcd.yml"})}
    text = text_of(HostReport("e1", ("10.0.0.11/24",), etcd))
    assert "etcd has its settings in /etc/etcd/etcd.yml, which could not be read" in text
    assert "tls" not in text


@pytest.mark.parametrize("addresses", [(), ("10.0.0.100/24",)])
def test_a_host_with_no_address_of_its_own_is_the_loopback_one(addresses: tuple[str, ...]) -> None:
    output = HostReport("x", addresses, {}, keepalived=single_file(KEEPALIVED))
    assert own_address(output) == "127.0.0.1"


async def test_a_host_of_no_cluster_is_an_error() -> None:
    host = FakeHost(HostName("bare"))
    host.when("sh", say="")
    with pytest.raises(ProbeError, match="nothing of a cluster runs here") as raised:
        await read_host(host)
    assert "give the name of a control plane" in str(raised.value)


def test_an_invalid_name_is_refused_before_any_host_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "root@no name"]) == ExitCode.USAGE
    assert "'no name', not an address or a DNS name" in capsys.readouterr().err


def test_files_that_were_named_here_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    named = [from_here(path) for path in ("key", "/root/key", "~/.ssh/key", None)]
    assert named == [str(tmp_path / "key"), "/root/key", "~/.ssh/key", None]


WORDS = st.lists(
    st.sampled_from((*HAPROXY.split(), *KEEPALIVED.split(), "\n", "server", "bind", "-1", "1e9", "é"))
).map(" ".join)


@given(WORDS | st.text(), WORDS | st.text())
def test_nothing_in_a_configuration_raises(haproxy: str, keepalived: str) -> None:
    output = HostReport("x", ("10.0.0.1/24",), {}, haproxy=HaproxyFiles((haproxy,)), keepalived=single_file(keepalived))
    balanced_api(output)
    vips(output)
    priority(output)
    text_of(output)
