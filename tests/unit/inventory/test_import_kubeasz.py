"""kubeasz's hosts files: every setting is used, or named in a note."""

from __future__ import annotations

import pytest

from haconsole.errors import ExitCode
from haconsole.inventory import effective
from haconsole.model.hosts import Role
from tests.unit.inventory.conftest import Importer

HOSTS = """\
[etcd]
10.5.0.1
10.5.0.2
10.5.0.3
[kube_master]
10.5.0.1 k8s_nodename='Master_01'
10.5.0.2 k8s_nodename='master-02'
10.5.0.3
[kube_node]
10.5.0.4 k8s_nodename='worker-01'
[harbor]
[ex_lb]
[all:vars]
SECURE_PORT="6443"
CONTAINER_RUNTIME="containerd"
SERVICE_CIDR="10.68.0.0/16"
CLUSTER_CIDR="172.20.0.0/16"
CLUSTER_DNS_DOMAIN="cluster.local."
bin_dir="/opt/kube/bin"
base_dir="/etc/kubeasz"
cluster_dir="{{ base_dir }}/clusters/_cluster_name_"
ca_dir="/etc/kubernetes/ssl"
k8s_nodename=''
"""
CONFIG = """\
CLUSTER_NAME: "green"
K8S_VER: "1.30.1"
ETCD_DATA_DIR: "/srv/etcd"
ETCD_WAL_DIR: "/fast/wal"
NODE_CIDR_LEN: 26
MASTER_CERT_HOSTS: ["10.1.1.1", "k8s.example.org"]
MAX_PODS: 110
"""


def test_names_addresses_and_members_are_kubeasz_own(imported: Importer) -> None:
    result = imported(HOSTS, "kubeasz", "hosts")
    assert [(host.name, host.address, effective.etcd_name(host)) for host in result.hosts] == [
        ("master-01", "10.5.0.1", "etcd-10.5.0.1"),
        ("master-02", "10.5.0.2", "etcd-10.5.0.2"),
        ("10.5.0.3", "10.5.0.3", "etcd-10.5.0.3"),
        ("worker-01", "10.5.0.4", "worker-01"),
    ]
    assert result.hosts[0].roles == (Role.ETCD, Role.CONTROL_PLANE)
    assert result.etcd.files.client_cert == result.etcd.files.peer_cert == "etcd.pem"
    assert (result.etcd.token, result.etcd.quota_bytes) == ("etcd-cluster-0", 8 << 30)
    assert result.etcd.binary == "/opt/kube/bin/etcd"


def test_networks_and_paths_are_those_of_the_file(imported: Importer) -> None:
    kubernetes = imported(HOSTS, "kubeasz", "hosts").kubernetes
    assert kubernetes is not None
    assert (kubernetes.service_cidr, kubernetes.pod_cidr) == ("10.68.0.0/16", "172.20.0.0/16")
    assert (kubernetes.cluster_domain, kubernetes.pki_dir) == ("cluster.local", "/etc/kubernetes/ssl")
    assert kubernetes.endpoint == "10.5.0.1:6443"
    assert "kubeasz runs a load balancer on each node, so the endpoint is only master-01" in imported.text
    assert "hosts:15: not read: CONTAINER_RUNTIME" in imported.text


def test_config_yml_overrides_the_hosts_file(imported: Importer) -> None:
    result = imported(HOSTS, "kubeasz", "hosts", **{"config.yml": CONFIG + "SERVICE_CIDR: 10.70.0.0/16\n"})
    assert result.cluster == "green"
    assert result.etcd.data_dir == "/srv/etcd"
    assert result.kubernetes is not None
    assert (result.kubernetes.service_cidr, result.kubernetes.node_prefix) == ("10.70.0.0/16", 26)
    assert (result.kubernetes.version, result.kubernetes.extra_sans) == ("1.30.1", ("10.1.1.1", "k8s.example.org"))
    assert "config.yml: not read: MAX_PODS" in imported.text
    assert "write-ahead log is in a folder of its own, /fast/wal" in imported.text


def test_a_version_that_is_not_filled_in_is_left_out(imported: Importer) -> None:
    result = imported(HOSTS, "kubeasz", "hosts", **{"config.yml": "K8S_VER: __k8s_ver__\n"})
    assert result.kubernetes is not None
    assert result.kubernetes.version is None
    assert "K8S_VER is not a version, and is not copied" in imported.text


@pytest.mark.parametrize(("group", "masters"), [("ex_lb", "kube_master"), ("ex-lb", "kube-master")])
def test_the_vip_of_outer_balancers_is_the_endpoint(imported: Importer, group: str, masters: str) -> None:
    lines = "".join(
        f"10.5.0.{6 + number} LB_ROLE={role} EX_APISERVER_VIP=10.5.0.250 EX_APISERVER_PORT=9443\n"
        for number, role in enumerate(("backup", "master"))
    )
    text = HOSTS.replace("[ex_lb]\n", f"[{group}]\n{lines}").replace("[kube_master]", f"[{masters}]")
    result = imported(text, "kubeasz", "hosts")
    assert result.kubernetes is not None
    assert result.kubernetes.endpoint == "10.5.0.250:9443"
    assert (
        "the balancers of ex_lb run nginx (before kubeasz 3.1: haproxy) and are left out: 10.5.0.6, 10.5.0.7"
        in imported.text
    )


def test_older_files_name_the_members_themselves(imported: Importer) -> None:
    text = "[etcd]\n10.5.0.1 NODE_NAME=etcd1\n[kube-master]\n10.5.0.1\n[kube-node]\n10.5.0.4\n"
    result = imported(text, "kubeasz", "hosts")
    assert effective.etcd_name(result.hosts[0]) == "etcd1"
    assert result.hosts[1].roles == (Role.WORKER,)


def test_a_file_without_hosts_is_refused_at_its_place(imported: Importer) -> None:
    assert "hosts:1:1: there is no host in the groups" in imported.print("[web]\na\n", "kubeasz", "hosts")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "config.yml:2:1: a value is missing" in imported.print(HOSTS, "kubeasz", "hosts", **{"config.yml": "a: ["})


NODE_NAME = """\
K8S_NODENAME: "{%- if k8s_nodename != '' -%} \\
                    {{ k8s_nodename|replace('_', '-')|lower }} \\
               {%- else -%} \\
                    OTHERWISE \\
               {%- endif -%}"
"""


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("k8s-{{ inventory_hostname|replace('.', '-') }}", "k8s-10-5-0-3"),
        ("{{ inventory_hostname }}", "10.5.0.3"),
    ],
)
def test_a_node_without_a_name_has_that_of_the_config(imported: Importer, template: str, name: str) -> None:
    result = imported(HOSTS, "kubeasz", "hosts", **{"config.yml": NODE_NAME.replace("OTHERWISE", template)})
    assert [host.name for host in result.hosts] == ["master-01", "master-02", name, "worker-01"]
    assert effective.etcd_name(result.hosts[2]) == "etcd-10.5.0.3"


def test_the_url_of_version_1_is_the_endpoint(imported: Importer) -> None:
    url = 'MASTER_IP="10.5.0.100"\nKUBE_APISERVER="https://{{ MASTER_IP }}:8443"\n'
    result = imported(HOSTS.replace("[ex_lb]", "[lb]\n10.5.0.6 LB_ROLE=master") + url, "kubeasz", "hosts")
    assert result.kubernetes is not None
    assert result.kubernetes.endpoint == "10.5.0.100:8443"
    assert "are left out: 10.5.0.6" in imported.text


def test_the_folder_of_older_versions_is_in_a_note(imported: Importer) -> None:
    imported(HOSTS.replace("[etcd]\n10.5.0.1\n", "[etcd]\n10.5.0.1 NODE_NAME=etcd1\n"), "kubeasz", "hosts")
    assert "in /etc/etcd/ssl" in imported.text
