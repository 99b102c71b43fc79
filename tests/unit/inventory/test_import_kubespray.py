"""kubespray's inventories: every setting is used, or named in a note."""

from __future__ import annotations

import pytest

from haconsole.errors import ExitCode
from haconsole.inventory import effective
from haconsole.inventory.schema import EtcdPlacement
from tests.unit.inventory.conftest import Importer

HOSTS = """\
[kube_control_plane]
a ansible_host=10.5.0.1
b ansible_host=10.5.0.2
c ansible_host=10.5.0.3
[etcd:children]
kube_control_plane
[kube_node:children]
kube_control_plane
"""


def test_a_stacked_member_is_named_after_its_node(imported: Importer) -> None:
    found = imported(HOSTS, **{"group_vars/all.yml": "etcd_deployment_type: kubeadm\n"})
    assert found.etcd.placement is EtcdPlacement.STATIC_POD
    assert [effective.etcd_name(host) for host in found.hosts] == ["a", "b", "c"]
    assert (found.etcd.heartbeat_ms, found.etcd.election_ms) == (250, 5000)


def test_a_balancer_written_inline_is_the_endpoint(imported: Importer) -> None:
    text = HOSTS + '[all:vars]\nloadbalancer_apiserver={"address": "10.5.0.100", "port": 8383}\n'
    assert imported(text).kubernetes.endpoint == "10.5.0.100:8383"  # type: ignore[union-attr]
    assert "balances on each node" not in imported.text


def test_a_balancer_that_is_not_a_mapping_is_in_a_note(imported: Importer) -> None:
    assert "loadbalancer_apiserver is not a mapping" in imported.print(
        HOSTS + "[all:vars]\nloadbalancer_apiserver=10.5.0.100\n"
    )


def test_a_port_after_the_name_is_the_ssh_port(imported: Importer) -> None:
    found = imported("[kube_control_plane]\na:2222 ansible_host=10.5.0.1\n[etcd]\na:2222\n")
    assert found.hosts[0].name == "a"
    assert effective.ssh_for(found, found.hosts[0]).port == 2222


def test_a_file_of_kubeasz_is_refused(imported: Importer) -> None:
    told = imported.print('[etcd]\n10.5.0.1\n[kube_master]\n10.5.0.1\n[all:vars]\nSERVICE_CIDR="10.68.0.0/16"\n')
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "kubeasz" in told


def test_variables_of_one_host_come_from_its_file(imported: Importer) -> None:
    found = imported(HOSTS, **{"host_vars/a.yml": "ansible_user: deploy\nansible_port: 2222\n"})
    first, second, _ = (effective.ssh_for(found, host) for host in found.hosts)
    assert (first.user, first.port) == ("deploy", 2222)
    assert (second.user, second.port) == (None, 22)


@pytest.mark.parametrize("path", ["group_vars/all/vault.yml", "host_vars/a", "group_vars/etcd.yml"])
def test_an_encrypted_file_is_in_a_note(imported: Importer, path: str) -> None:
    imported(HOSTS, **{path: "$ANSIBLE_VAULT;1.1;AES256\n6162636465\n"})
    assert f"{path}: encrypted (left out)" in imported.text


def test_an_encrypted_inventory_is_refused_with_a_hint(imported: Importer) -> None:
    told = imported.print("$ANSIBLE_VAULT;1.1;AES256\n6162636465\n")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "ansible-vault view" in told


def test_an_encrypted_value_is_in_a_note_with_its_line(imported: Importer) -> None:
    imported(HOSTS, **{"group_vars/all.yml": "ip_x: 1\nsecret: !vault |\n  $ANSIBLE_VAULT;1.1\n  61\n"})
    assert "group_vars/all.yml:2: encrypted value (left out)" in imported.text


@pytest.mark.parametrize("way", ["local", "docker", "winrm"])
def test_a_host_that_ssh_does_not_reach_is_in_a_note(imported: Importer, way: str) -> None:
    imported(HOSTS.replace("10.5.0.1", f"10.5.0.1 ansible_connection={way}"))
    assert f"host a is not reached by SSH (ansible_connection={way})" in imported.text


@pytest.mark.parametrize("way", ["ssh", "smart", "paramiko"])
def test_a_host_that_ssh_reaches_needs_no_note(imported: Importer, way: str) -> None:
    imported(HOSTS.replace("10.5.0.1", f"10.5.0.1 ansible_connection={way}"))
    assert "not reached" not in imported.text


def test_settings_of_etcd_are_kubesprays(imported: Importer) -> None:
    variables = 'etcd_metrics_port: 2381\netcd_quota_backend_bytes: "8589934592"\ncluster_name: blue.local\n'
    found = imported(HOSTS, **{"group_vars/all.yml": variables})
    etcd = found.etcd
    assert (etcd.metrics_port, etcd.quota_bytes, etcd.token) == (2381, 8589934592, "k8s_etcd")
    assert found.kubernetes is not None
    assert (found.kubernetes.cluster_name, found.kubernetes.cluster_domain) == ("blue.local", "blue.local")


def test_a_setting_that_is_not_read_is_named_at_its_place(imported: Importer) -> None:
    imported(HOSTS + "[all:vars]\nodd=1\n", **{"group_vars/etcd.yml": "strange: 2\n"})
    assert "# - inventory.ini:10: not read: odd\n" in imported.text
    assert "# - group_vars/etcd.yml: not read: strange\n" in imported.text


@pytest.mark.parametrize(
    "arguments",
    [
        "-J ops@gate.example.org",
        "-o ProxyJump=ops@gate.example.org",
        '-o ProxyCommand=\\"ssh -W %h:%p -q ops@gate.example.org\\"',
    ],
)
def test_a_jump_host_among_sshs_arguments_is_used(imported: Importer, arguments: str) -> None:
    found = imported(HOSTS, **{"group_vars/all.yml": f'ansible_ssh_common_args: "{arguments}"\n'})
    assert found.ssh.jump == "ops@gate.example.org"


def test_other_arguments_of_ssh_are_in_a_note(imported: Importer) -> None:
    imported(HOSTS, **{"group_vars/all.yml": "ansible_ssh_common_args: -C -o Ciphers=x\n"})
    assert "ansible_ssh_common_args is not copied" in imported.text


def test_the_key_of_an_outside_bastion_is_in_a_note(imported: Importer) -> None:
    key = "ansible_ssh_private_key_file=~/.ssh/gate"
    found = imported(HOSTS + f"[bastion]\ngate ansible_host=gate.example.org ansible_user=jump {key}\n")
    assert found.ssh.jump == "jump@gate.example.org"
    assert "the key ~/.ssh/gate of gate.example.org is not copied" in imported.text


def test_kube_vip_counts_only_where_it_is_switched_on(imported: Importer) -> None:
    off = imported(HOSTS, **{"group_vars/all.yml": "kube_vip_address: 10.5.0.100\n"})
    assert off.kubernetes is not None
    assert off.kubernetes.endpoint == "10.5.0.1:6443"
    on = imported(HOSTS, **{"group_vars/all.yml": "kube_vip_address: 10.5.0.100\nkube_vip_enabled: yes\n"})
    assert on.kubernetes is not None
    assert on.kubernetes.endpoint == "10.5.0.100:6443"


def test_dual_stack_is_in_a_note(imported: Importer) -> None:
    imported(HOSTS, **{"group_vars/all.yml": "ipv6_stack: true\n"})
    assert "IPv6 networks of the dual-stack cluster are not copied" in imported.text


def test_the_prefix_length_of_nodes_is_kubesprays(imported: Importer) -> None:
    found = imported(HOSTS + "[all:vars]\nkube_pods_subnet=10.244.0.0/24\nkube_network_node_prefix=26\n")
    assert found.kubernetes is not None
    assert found.kubernetes.node_prefix == 26


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("cp-[a:c]", ["cp-a", "cp-b", "cp-c"]),
        ("10.5.0.[1:5:2]", ["10.5.0.1", "10.5.0.3", "10.5.0.5"]),
        ("r[1:2]-n[1:2]", ["r1-n1", "r1-n2", "r2-n1", "r2-n2"]),
        ("[2001:db8::1]:2222", ["2001-db8-1"]),
        ("n[08:10]", ["n08", "n09", "n10"]),
    ],
)
def test_ranges_name_the_hosts_they_mean(imported: Importer, pattern: str, names: list[str]) -> None:
    imported.print(f"[kube_control_plane]\n{pattern}\n[etcd:children]\nkube_control_plane\n")
    printed = [line.split("name: ")[1].strip('"') for line in imported.text.splitlines() if "- name: " in line]
    assert printed == names


def test_a_bracketed_address_keeps_its_port(imported: Importer) -> None:
    found = imported("[kube_control_plane]\n[2001:db8::1]:2222\n[etcd:children]\nkube_control_plane\n")
    assert found.hosts[0].address == "2001:db8::1"
    assert effective.ssh_for(found, found.hosts[0]).port == 2222


def test_an_inventory_in_json_is_read(imported: Importer) -> None:
    groups = '"kube_control_plane": {"hosts": {"a": {"ansible_host": "10.5.0.1"}}}, "etcd": {"hosts": {"a": {}}}'
    found = imported(f'{{"all": {{"children": {{{groups}}}}}}}', file="hosts.json")
    assert found.hosts[0].address == "10.5.0.1"


@pytest.mark.parametrize("pattern", ["n[1:", "n[1:x]", "n[c:a]", "n[1:9:0]", "n[:]", "n[1:999999999]", "n[01:100]"])
def test_a_range_that_is_wrong_is_refused_at_its_line(imported: Importer, pattern: str) -> None:
    told = imported.print(f"[etcd]\n{pattern}\n")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "inventory.ini:2:1: range" in told
