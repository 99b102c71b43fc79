"""kubespray's inventories: every setting is used, or named in a note."""

from __future__ import annotations

import pytest

from haconsole.errors import ExitCode
from haconsole.inventory import effective
from haconsole.inventory.importers.ansible import VariableFiles
from haconsole.inventory.importers.kubespray import from_kubespray
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
    result = imported(HOSTS, **{"group_vars/all.yml": "etcd_deployment_type: kubeadm\n"})
    assert result.etcd.placement is EtcdPlacement.STATIC_POD
    assert [effective.etcd_name(host) for host in result.hosts] == ["a", "b", "c"]
    assert (result.etcd.heartbeat_ms, result.etcd.election_ms) == (250, 5000)


def test_a_balancer_written_inline_is_the_endpoint(imported: Importer) -> None:
    text = HOSTS + '[all:vars]\nloadbalancer_apiserver={"address": "10.5.0.100", "port": 8383}\n'
    assert imported(text).kubernetes.endpoint == "10.5.0.100:8383"  # type: ignore[union-attr]
    assert "balances on each node" not in imported.text


def test_a_balancer_that_is_not_a_mapping_is_in_a_note(imported: Importer) -> None:
    assert "loadbalancer_apiserver is not a mapping" in imported.print(
        HOSTS + "[all:vars]\nloadbalancer_apiserver=10.5.0.100\n"
    )


def test_a_port_after_the_name_is_the_ssh_port(imported: Importer) -> None:
    result = imported("[kube_control_plane]\na:2222 ansible_host=10.5.0.1\n[etcd]\na:2222\n")
    assert result.hosts[0].name == "a"
    assert effective.ssh_for(result, result.hosts[0]).port == 2222


def test_a_file_of_kubeasz_is_refused(imported: Importer) -> None:
    output = imported.print('[etcd]\n10.5.0.1\n[kube_master]\n10.5.0.1\n[all:vars]\nSERVICE_CIDR="10.68.0.0/16"\n')
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "kubeasz" in output


def test_variables_of_one_host_come_from_its_file(imported: Importer) -> None:
    result = imported(HOSTS, **{"host_vars/a.yml": "ansible_user: deploy\nansible_port: 2222\n"})
    first, second, _ = (effective.ssh_for(result, host) for host in result.hosts)
    assert (first.user, first.port) == ("deploy", 2222)
    assert (second.user, second.port) == (None, 22)


@pytest.mark.parametrize("path", ["group_vars/all/vault.yml", "host_vars/a", "group_vars/etcd.yml"])
def test_an_encrypted_file_is_in_a_note(imported: Importer, path: str) -> None:
    imported(HOSTS, **{path: "$ANSIBLE_VAULT;1.1;AES256\n6162636465\n"})
    assert f"{path}: encrypted (left out)" in imported.text


def test_an_encrypted_inventory_is_refused_with_a_hint(imported: Importer) -> None:
    output = imported.print("$ANSIBLE_VAULT;1.1;AES256\n6162636465\n")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "ansible-vault view" in output


def test_an_encrypted_value_is_in_a_note_with_its_line(imported: Importer) -> None:
    imported(HOSTS, **{"group_vars/all.yml": "ip_x: 1\nsecret: !vault |\n  $ANSIBLE_VAULT;1.1\n  61\n"})
    assert "group_vars/all.yml:2: encrypted value (left out)" in imported.text


@pytest.mark.parametrize("way", ["local", "docker", "winrm"])
def test_a_host_that_ssh_does_not_reach_is_in_a_note(imported: Importer, way: str) -> None:
    imported(HOSTS.replace("10.5.0.1", f"10.5.0.1 ansible_connection={way}"))
    assert f"ansible_connection of host a is {way}; haconsole needs SSH" in imported.text


@pytest.mark.parametrize("way", ["ssh", "smart", "paramiko"])
def test_a_host_that_ssh_reaches_needs_no_note(imported: Importer, way: str) -> None:
    imported(HOSTS.replace("10.5.0.1", f"10.5.0.1 ansible_connection={way}"))
    assert "not reached" not in imported.text


def test_settings_of_etcd_are_kubesprays(imported: Importer) -> None:
    variables = 'etcd_metrics_port: 2381\netcd_quota_backend_bytes: "8589934592"\ncluster_name: blue.local\n'
    result = imported(HOSTS, **{"group_vars/all.yml": variables})
    etcd = result.etcd
    assert (etcd.metrics_port, etcd.quota_bytes, etcd.token) == (2381, 8589934592, "k8s_etcd")
    assert result.kubernetes is not None
    assert (result.kubernetes.cluster_name, result.kubernetes.cluster_domain) == ("blue.local", "blue.local")


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
        "-Jops@gate.example.org",
        "-oProxyJump=ops@gate.example.org",
        "-o 'ProxyJump ops@gate.example.org'",
        '-o ProxyJump=\\"ops@gate.example.org\\"',
        "-o StrictHostKeyChecking=no -o ProxyJump=ops@gate.example.org",
        "-o ProxyCommand='ssh -q -l ops -W %h:%p gate.example.org'",
    ],
)
def test_a_jump_host_among_sshs_arguments_is_used(imported: Importer, arguments: str) -> None:
    result = imported(HOSTS, **{"group_vars/all.yml": f'ansible_ssh_common_args: "{arguments}"\n'})
    assert result.ssh.jump == "ops@gate.example.org"


@pytest.mark.parametrize(
    "arguments", ["-o ProxyCommand='ssh -p 2200 -W %h:%p ops@gate.example.org'", "-J ops@gate.example.org:2200"]
)
def test_the_port_of_a_jump_host_is_used(imported: Importer, arguments: str) -> None:
    text = f'ansible_ssh_common_args: "{arguments}"\n'
    assert imported(HOSTS, **{"group_vars/all.yml": text}).ssh.jump == "ops@gate.example.org:2200"
    assert "ansible_ssh_common_args" not in imported.text


def test_arguments_beside_a_jump_host_are_in_a_note(imported: Importer) -> None:
    text = "ansible_ssh_common_args: -J gate -o StrictHostKeyChecking=no\nansible_ssh_extra_args: -C\n"
    assert imported(HOSTS, **{"group_vars/all.yml": text}).ssh.jump == "gate"
    assert "ansible_ssh_common_args is copied only as ssh.jump: write its other options in ssh_config" in imported.text
    assert "ansible_ssh_extra_args is not copied" in imported.text


@pytest.mark.parametrize(
    "arguments",
    [
        "-o ProxyCommand='ssh -i key -W %h:%p gate'",
        "-o ProxyCommand='nc gate %h %p'",
        "-J gate,other",
        "-F ssh-bastion.conf",
        '-o ProxyJump=\\"gate',
        "-o ProxyCommand='ssh -W %h:22 gate'",
        "-o",
    ],
)
def test_arguments_that_no_inventory_can_hold_are_in_a_note(imported: Importer, arguments: str) -> None:
    result = imported(HOSTS, **{"group_vars/all.yml": f'ansible_ssh_common_args: "{arguments}"\n'})
    assert result.ssh.jump is None
    assert "ansible_ssh_common_args is not copied: write a jump host as ssh.jump" in imported.text


def test_a_balancers_name_without_a_balancer_is_in_a_note(imported: Importer) -> None:
    imported(HOSTS + "[all:vars]\napiserver_loadbalancer_domain_name=api.example.org\n")
    assert "apiserver_loadbalancer_domain_name is not used, as loadbalancer_apiserver is not set" in imported.text


def test_other_arguments_of_ssh_are_in_a_note(imported: Importer) -> None:
    imported(HOSTS, **{"group_vars/all.yml": "ansible_ssh_common_args: -C -o Ciphers=x\n"})
    assert "ansible_ssh_common_args is not copied" in imported.text


def test_the_key_of_an_outside_bastion_is_in_a_note(imported: Importer) -> None:
    key = "ansible_ssh_private_key_file=~/.ssh/gate"
    result = imported(HOSTS + f"[bastion]\ngate ansible_host=gate.example.org ansible_user=jump {key}\n")
    assert result.ssh.jump == "jump@gate.example.org"
    assert "the SSH key ~/.ssh/gate of gate.example.org is not copied" in imported.text


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
    result = imported(HOSTS + "[all:vars]\nkube_pods_subnet=10.244.0.0/24\nkube_network_node_prefix=26\n")
    assert result.kubernetes is not None
    assert result.kubernetes.node_prefix == 26


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
    result = imported("[kube_control_plane]\n[2001:db8::1]:2222\n[etcd:children]\nkube_control_plane\n")
    assert result.hosts[0].address == "2001:db8::1"
    assert effective.ssh_for(result, result.hosts[0]).port == 2222


def test_an_inventory_in_json_is_read(imported: Importer) -> None:
    groups = '"kube_control_plane": {"hosts": {"a": {"ansible_host": "10.5.0.1"}}}, "etcd": {"hosts": {"a": {}}}'
    result = imported(f'{{"all": {{"children": {{{groups}}}}}}}', file="hosts.json")
    assert result.hosts[0].address == "10.5.0.1"


@pytest.mark.parametrize("pattern", ["n[1:", "n[1:x]", "n[c:a]", "n[1:9:0]", "n[:]", "n[1:999999999]", "n[01:100]"])
def test_a_range_that_is_wrong_is_refused_at_its_line(imported: Importer, pattern: str) -> None:
    output = imported.print(f"[etcd]\n{pattern}\n")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "inventory.ini:2:1: range" in output


APART = """\
[etcd]
e1 ansible_host=10.5.0.11
e2 ansible_host=10.5.0.12
e3 ansible_host=10.5.0.13
[kube_control_plane]
a ansible_host=10.5.0.1
"""


def test_settings_of_etcd_are_those_of_its_hosts(imported: Importer) -> None:
    files = {
        "group_vars/etcd.yml": "etcd_data_dir: /srv/etcd\netcd_heartbeat_interval: 100\nbin_dir: /opt/bin\n",
        "group_vars/kube_control_plane.yml": "etcd_data_dir: /var/lib/other\netcd_heartbeat_interval: 300\n",
    }
    etcd = imported(APART, **files).etcd
    assert (etcd.data_dir, etcd.heartbeat_ms, etcd.binary) == ("/srv/etcd", 100, "/opt/bin/etcd")


def test_references_among_variables_are_filled_in(imported: Importer) -> None:
    text = """\
kube_config_dir: /srv/kubernetes
kube_cert_dir: "{{ kube_config_dir }}/pki"
cluster_name: blue.local
dns_domain: "{{cluster_name}}"
vip: 10.5.0.100
balancer: {address: "{{ vip }}", port: 8383}
loadbalancer_apiserver: "{{ balancer }}"
ip: "{{ ansible_host }}"
"""
    result = imported(HOSTS, **{"group_vars/all.yml": text})
    assert result.kubernetes is not None
    assert (result.kubernetes.endpoint, result.kubernetes.pki_dir) == ("10.5.0.100:8383", "/srv/kubernetes/pki")
    assert result.kubernetes.cluster_domain == "blue.local"
    assert "template" not in imported.text


def test_references_without_end_are_left(imported: Importer) -> None:
    text = 'dns_domain: "{{ x }}{{ x }}"\n' + "".join(f'x{at}: "{{{{ x }}}}{{{{ x }}}}"\n' for at in range(9))
    imported(HOSTS, **{"group_vars/all.yml": text + 'x: "{{ x }}{{ dns_domain }}"\n'})
    assert "dns_domain of a, b, c is a template ({{ }}) that is not filled in here, and is not copied" in imported.text


@pytest.mark.parametrize("value", ["{{ port | default(2222) }}", "{% if x %}1{% endif %}"])
def test_a_template_of_any_host_is_in_a_note(imported: Importer, value: str) -> None:
    imported(HOSTS, **{"host_vars/b.yml": f'ansible_port: "{value}"\n'})
    assert "ansible_port of b is a template ({{ }}) that is not filled in here, and is not copied" in imported.text


@pytest.mark.parametrize(
    ("setting", "note"),
    [
        ("ansible_become_method: su", "ansible_become_method=su of b is not copied"),
        ("ansible_become_user: admin", "ansible_become_user=admin of b is not copied"),
        ("ansible_port: ssh", "ansible_port is ssh, which is not a number, so it is not copied (b)"),
        (
            "etcd_quota_backend_bytes: 8G",
            "etcd_quota_backend_bytes is 8G, which is not a number, so it is not copied (b)",
        ),
    ],
)
def test_a_value_that_is_not_copied_is_in_a_note(imported: Importer, setting: str, note: str) -> None:
    imported(HOSTS, **{"host_vars/b.yml": f"{setting}\n"})
    assert note in imported.text


@pytest.mark.parametrize("method", ["sudo", "ansible.builtin.sudo"])
def test_sudo_needs_no_note(imported: Importer, method: str) -> None:
    imported(HOSTS + f"[all:vars]\nansible_become_method={method}\nansible_become_user=root\n")
    assert "ansible_become" not in imported.text


def test_a_cluster_of_ipv6_only_has_its_networks(imported: Importer) -> None:
    text = "ipv4_stack: false\nipv6_stack: true\nkube_pods_subnet_ipv6: fd00:1::/56\n"
    hosts = "[kube_control_plane]\na ansible_host=10.5.0.1 ip=10.6.0.1 ip6=2001:db8::1\n[etcd]\na\n"
    result = imported(hosts, **{"group_vars/all.yml": text})
    assert result.kubernetes is not None
    assert (result.hosts[0].address, result.hosts[0].ssh_address) == ("2001:db8::1", "10.5.0.1")
    assert result.kubernetes.service_cidr == "fd85:ee78:d8a6:8607::1000/116"
    assert (result.kubernetes.pod_cidr, result.kubernetes.node_prefix) == ("fd00:1::/56", 120)
    assert "dual-stack" not in imported.text


def test_hosts_of_other_groups_are_in_a_note(imported: Importer) -> None:
    imported("localhost ansible_connection=local\n" + HOSTS + "[haproxy]\nlb1 ansible_connection=winrm\n")
    assert "hosts in none of the groups etcd, control plane and node are left out: lb1" in imported.text
    assert "localhost" not in imported.text
    assert "haconsole needs SSH" not in imported.text


def test_a_public_address_without_ip_is_in_a_note(imported: Importer) -> None:
    imported(HOSTS.replace("10.5.0.1", "8.8.8.8"))
    assert (
        "a: `ip` is not set, so kubespray uses the address of the default interface; check `address`" in imported.text
    )
    imported(HOSTS.replace("10.5.0.1", "8.8.8.8 ip=10.5.0.1"))
    assert "`ip` is not set" not in imported.text


TOML = """\
[all.vars]
ansible_user = "root"
[kube_control_plane.hosts]
"n[1:3]" = { kube_version = "v1.30.1" }
[kube_control_plane.vars]
since = 2024-01-01
[etcd]
children = ["kube_control_plane"]
[kube_node.hosts]
n1 = { ansible_host = "10.5.0.1", ansible_port = 2222 }
n2 = { ansible_host = "10.5.0.2" }
n3 = { ansible_host = "10.5.0.3" }
"""


def test_an_inventory_in_toml_is_read(imported: Importer) -> None:
    result = imported(TOML, file="hosts.toml")
    assert [(host.name, host.address) for host in result.hosts] == [
        ("n1", "10.5.0.1"),
        ("n2", "10.5.0.2"),
        ("n3", "10.5.0.3"),
    ]
    assert [effective.etcd_name(host) for host in result.hosts] == ["etcd1", "etcd2", "etcd3"]
    assert effective.ssh_for(result, result.hosts[0]).port == 2222
    assert result.ssh.user == "root"
    assert "hosts.toml: group kube_control_plane: not read: since" in imported.text


def test_a_fault_in_toml_has_its_line(imported: Importer) -> None:
    assert "hosts.toml:2:1: " in imported.print("[etcd]\nhosts = {\n", file="hosts.toml")
    assert imported.status == ExitCode.INVALID_INVENTORY


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("#!/usr/bin/env python3\nprint()\n", "inventory.py"),
        ("plugin: constructed\nstrict: false\n", "inventory.yml"),
        ('{"_meta": {"hostvars": {}}, "etcd": ["a"]}', "inventory.json"),
    ],
)
def test_an_inventory_that_a_program_makes_is_refused_with_a_hint(imported: Importer, text: str, file: str) -> None:
    assert "import what `ansible-inventory -i FILE --list --yaml` prints" in imported.print(text, file=file)
    assert imported.status == ExitCode.INVALID_INVENTORY


def test_bytes_that_are_not_utf_8_are_read_in_an_ini_file() -> None:
    data = b"# K\xf6ln\n[kube_control_plane]\na ansible_host=10.5.0.1\n[etcd]\na\n"
    assert from_kubespray(data, "hosts", "c", VariableFiles()).hosts[0].address == "10.5.0.1"
