"""Reports of hosts as real clusters have them: ``discovered`` holds their processes and configurations."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import decoded, examine
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import Role
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import single_file
from haconsole.probes.discovery.ask import SECTIONS, programs_of
from haconsole.probes.discovery.balancer import balanced_api
from haconsole.probes.discovery.draft import draft_of, own_address
from haconsole.probes.discovery.host_report import HAPROXY, HostReport, Others, Program

FOLDER = Path(__file__).parent / "discovered"


def report_of(case: str) -> HostReport:
    def text(name: str) -> str:
        path = FOLDER / case / name
        return path.read_text() if path.exists() else ""

    return HostReport(
        "a",
        addresses=("10.5.0.1/24",),
        programs=programs_of(text("processes.txt")),
        static_pods=frozenset(text("pods.txt").split()),
        haproxy=HaproxyFiles((text("haproxy.cfg"),), ("/etc/haproxy/haproxy.cfg",)),
        keepalived=single_file(text("keepalived.conf")),
    )


def text_of(report: HostReport, others: Others | None = None) -> str:
    own = own_address(report)
    return write(draft_of(report, others or Others(), source="", ssh={"user": "root"}, jump=None, reached_by=own))


def usable(text: str) -> Inventory:
    examined = examine(text, "<found>", Path("/"))
    assert examined.inventory is not None, examined.errors
    return examined.inventory


def test_a_folder_of_configurations_is_not_the_configuration() -> None:
    text = text_of(report_of("folder-of-configurations"))
    assert usable(text).vips
    assert "config_file" not in text


@pytest.mark.parametrize("balance", ["static-rr", "random", "random(2)", "uri depth 3", "hash src", "rdp-cookie"])
def test_a_balance_that_no_inventory_can_hold_is_left_out_with_a_note(balance: str) -> None:
    report = report_of("unknown-balance")
    text = report.haproxy.texts[0].replace("static-rr", f"{balance}\n  mode http")
    files = HaproxyFiles((text,), report.haproxy.paths)
    text = text_of(replace(report, haproxy=files))
    assert usable(text).haproxy is None
    assert f"# left out: haproxy.balance is '{balance}'" in text


def test_a_priority_that_no_inventory_can_hold_is_left_out_with_a_note() -> None:
    text = text_of(report_of("priority-255"))
    assert [host.vrrp_priority for host in usable(text).hosts] == [None, None, None]
    assert "    # left out: vrrp_priority of host a is 255" in text


def test_everything_else_about_a_vip_is_kept_where_one_setting_is_left_out() -> None:
    report = report_of("priority-255")
    keepalived = report.keepalived.texts[report.keepalived.main].replace("priority 255", "advert_int 200")
    text = text_of(replace(report, keepalived=single_file(keepalived)))
    (vip,) = usable(text).vips
    assert (vip.address, vip.router_id, vip.interface) == ("10.5.0.100/24", 61, "eth0")
    assert "# left out: advert_int_s" in text


def test_haproxy_whose_servers_are_names_makes_a_load_balancer_with_a_note() -> None:
    report = report_of("backend-not-understood")
    text = text_of(report)
    assert "roles: [load-balancer]" in text
    assert "# - haproxy's backend api has the names api.example.org instead of addresses" in text
    result = balanced_api(report)
    assert result is not None
    assert (result.name, result.bind_port, result.servers) == ("api", 8443, ())


def test_haproxy_without_servers_of_the_api_makes_a_load_balancer_with_a_note() -> None:
    report = report_of("backend-not-understood")
    files = HaproxyFiles(("listen web\n bind :80\n server w 10.5.0.9:8080\n",), ())
    text = text_of(replace(report, haproxy=files))
    assert "roles: [load-balancer]" in text
    assert "# - haproxy runs, but no backend of it has servers on the API's port" in text


def test_a_balancer_names_the_control_planes() -> None:
    text = text_of(report_of("balancer-only"))
    for address in ("10.5.0.2", "10.5.0.3", "10.5.0.11"):
        assert f"address: {address}\n    roles: [control-plane]" in text


def test_a_frontend_with_use_backend_leads_to_its_backend() -> None:
    files = HaproxyFiles((Path(__file__).parent.joinpath("haproxy_cfg", "use-backend.cfg").read_text(),))
    result = balanced_api(HostReport("h", haproxy=files))
    assert result is not None
    assert (result.name, result.bind_port, result.servers) == ("api", 9443, (("a", "10.5.0.1"),))


def test_roles_of_balancers_are_those_of_running_programs() -> None:
    report = report_of("folder-of-configurations")
    assert [host.name for host in usable(text_of(report)).with_role(Role.LOAD_BALANCER)] == ["a"]


def test_an_etcd_of_something_else_on_the_host_is_not_the_clusters() -> None:
    """The endpoint is still missing, which is no reason to query no host."""
    inventory = decoded(text_of(report_of("etcd-of-a-pod")))
    assert [host.address for host in inventory.with_role(Role.ETCD)] == ["10.5.0.1", "10.5.0.2", "10.5.0.3"]
    assert inventory.etcd.data_dir == "/var/lib/etcd"


def test_etcd_on_hosts_of_its_own_is_described_by_them() -> None:
    flags = {"advertise-address": "10.5.0.1", "etcd-servers": "https://10.5.0.31:2379"}
    plane = HostReport(
        "a", ("10.5.0.1/24",), {"kube-apiserver": Program("/usr/bin/api", flags)}, frozenset({"kube-apiserver"})
    )
    settings = {
        "name": "e1",
        "advertise-client-urls": "https://10.5.0.31:2379",
        "data-dir": "/srv/etcd",
        "trusted-ca-file": "/etc/etcd/ssl/ca.crt",
        "heartbeat-interval": "250",
        "election-timeout": "2500",
    }
    etcd = HostReport("e1", ("10.5.0.31/24",), {"etcd": Program("/opt/etcd/etcd", settings)}, etcd_file="/etc/etcd.env")
    text = text_of(plane, Others(hosts={"10.5.0.31": etcd}))
    result = usable(text).etcd
    assert (result.data_dir, result.pki_dir, result.config_file) == ("/srv/etcd", "/etc/etcd/ssl", "/etc/etcd.env")
    assert (result.binary, result.heartbeat_ms, result.election_ms) == ("/opt/etcd/etcd", 250, 2500)


@pytest.mark.parametrize("ending", [".yaml", ".yml", ".json", ".manifest"])
def test_static_pods_are_listed_whatever_the_ending_of_their_manifests(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"kube-apiserver{ending}").touch()
    (tmp_path / ".hidden.yaml").touch()
    pods = next(section for section in SECTIONS if section.name == "pods").body
    script = pods.replace('"$(static_pod_folder)"', f"'{tmp_path}'")
    result = subprocess.run(("sh", "-c", script), capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["kube-apiserver"]


INSTANCE = """\
vrrp_instance A {
  interface eth0
  virtual_router_id 51
  priority 150
  virtual_ipaddress {
    fe80::1
    2001:db8::100/64
    2001:db8::101/64
  }
  virtual_ipaddress_excluded {
    10.5.0.100/24
  }
}
"""


def balancer_with(keepalived: str) -> HostReport:
    report = report_of("priority-255")
    return replace(report, keepalived=single_file(keepalived))


def test_further_vips_of_an_instance_are_left_out_with_a_note() -> None:
    text = text_of(balancer_with(INSTANCE))
    (vip,) = usable(text).vips
    assert (vip.address, vip.router_id) == ("2001:db8::100/64", 51)
    for address in ("fe80::1", "2001:db8::101"):
        assert f"# left out: VIPs 2001:db8::100 and {address} are both in VRRP instance A" in text


def test_addresses_outside_of_the_adverts_are_in_a_note() -> None:
    assert "addresses of virtual_ipaddress_excluded are left out: 10.5.0.100" in text_of(balancer_with(INSTANCE))


def test_several_priorities_of_a_host_are_in_a_note() -> None:
    other = INSTANCE.replace("instance A", "instance B").replace("51", "52").replace("150", "90").replace("::1", "::2")
    text = text_of(balancer_with(INSTANCE + other))
    assert len(usable(text).vips) == 2
    assert "VRRP instances of a have several priorities, 150, 90: vrrp_priority is left out" in text


def test_a_router_id_may_be_on_two_interfaces() -> None:
    other = INSTANCE.replace("instance A", "instance B").replace("eth0", "eth1").replace("::1", "::2")
    assert [vip.router_id for vip in usable(text_of(balancer_with(INSTANCE + other))).vips] == [51, 51]


@pytest.mark.parametrize("server", ["https://[2001:db8::200]:6443", "https://[2001:db8::200]"])
def test_an_endpoint_of_ipv6_has_brackets(server: str) -> None:
    kubernetes = usable(text_of(replace(balancer_with(INSTANCE), server=server))).kubernetes
    assert kubernetes is not None
    assert kubernetes.endpoint == f"[2001:db8::200]:{'6443' if server.endswith('3') else '443'}"


def test_an_endpoint_that_is_the_vip_is_the_default_with_ipv6_too() -> None:
    report = replace(balancer_with(INSTANCE), server="https://[2001:db8::100]:8443")
    assert "endpoint" not in text_of(report)


UNICAST = """\
vrrp_instance B {
  interface eth0
  virtual_router_id 52
  unicast_src_ip 10.5.0.1
  unicast_peer {
    10.5.0.2
  }
  virtual_ipaddress {
    10.5.0.100/24
  }
}
vrrp_instance C {
  interface eth0
  virtual_router_id 53
  unicast_src_ip 2001:db8::1
  unicast_peer {
    2001:db8::2
  }
  virtual_ipaddress {
    2001:db8::100/64
  }
}
"""


def test_a_vip_of_the_other_family_is_left_out_with_a_note() -> None:
    text = text_of(balancer_with(UNICAST))
    inventory = usable(text)
    assert [vip.address for vip in inventory.vips] == ["10.5.0.100/24"]
    assert [host.address for host in inventory.hosts] == ["10.5.0.1", "10.5.0.2", "10.5.0.3"]
    assert "# left out: VIP 2001:db8::100/64 is IPv6, but hosts a and b cannot send unicast adverts for it" in text


@pytest.mark.parametrize("server", ["https://10.5.0.100:6443", "https://127.0.0.1:6443", ""])
def test_keepalived_without_haproxy_gives_the_endpoint_only(server: str) -> None:
    report = balancer_with(UNICAST.partition("vrrp_instance C")[0])
    programs = {name: one for name, one in report.programs.items() if name != HAPROXY}
    text = text_of(replace(report, programs=programs, haproxy=HaproxyFiles(()), server=server))
    inventory = usable(text)
    assert inventory.kubernetes is not None
    assert (inventory.kubernetes.endpoint, inventory.vips) == ("10.5.0.100:6443", ())
    assert not inventory.with_role(Role.LOAD_BALANCER)
    assert "# left out: VIP 10.5.0.100 is used without haproxy" in text
    assert "keepalived moves a VIP but there is no haproxy: VIPs are not watched" in text


def with_balancer(bind: str, endpoint: str) -> HostReport:
    """A control plane whose haproxy listens at `bind`, and whose administrator uses `endpoint`."""
    flags = {"advertise-address": "10.5.0.1", "bind-address": "10.5.0.1", "etcd-servers": "https://10.5.0.1:2379"}
    haproxy = (
        f"frontend api\n  bind {bind}\n  mode tcp\n  default_backend api\n"
        "backend api\n  mode tcp\n  server a 10.5.0.1:6443 check\n"
    )
    keepalived = (
        "vrrp_instance V {\n  interface eth0\n  virtual_router_id 7\n  priority 100\n"
        "  virtual_ipaddress {\n    10.5.0.100/24\n  }\n}\n"
    )
    return HostReport(
        "a",
        addresses=("10.5.0.1/24", "10.5.0.100/32"),
        programs={
            "kube-apiserver": Program("/usr/local/bin/kube-apiserver", flags),
            "etcd": Program("/usr/bin/etcd", {"name": "a", "advertise-client-urls": "https://10.5.0.1:2379"}),
            HAPROXY: Program("/usr/sbin/haproxy", {}),
            "keepalived": Program("/usr/sbin/keepalived", {}),
        },
        server=f"https://{endpoint}",
        haproxy=HaproxyFiles((haproxy,), ("/etc/haproxy/haproxy.cfg",)),
        keepalived=single_file(keepalived),
    )


@pytest.mark.parametrize(("bind", "endpoint"), [("10.5.0.100:6443", "10.5.0.100:6443"), ("*:8443", "10.5.0.100:9443")])
def test_balancers_that_no_inventory_can_hold_are_left_out_with_the_reason(bind: str, endpoint: str) -> None:
    text = text_of(with_balancer(bind, endpoint))
    inventory = usable(text)
    assert [host.name for host in inventory.hosts] == ["a"]
    assert Role.LOAD_BALANCER not in inventory.hosts[0].roles
    assert "the balancers on a and their VIPs are left out: " in " ".join(text.replace("#", " ").split())


def test_balancers_that_an_inventory_can_hold_stay() -> None:
    inventory = usable(text_of(with_balancer("*:8443", "10.5.0.100:8443")))
    assert Role.LOAD_BALANCER in inventory.hosts[0].roles
    assert [vip.address for vip in inventory.vips] == ["10.5.0.100/24"]
