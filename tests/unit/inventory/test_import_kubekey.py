"""kubekey's cluster files: every setting is used, or named in a note."""

from __future__ import annotations

import pytest

from haconsole.errors import ExitCode
from haconsole.inventory import effective
from haconsole.inventory.schema import EtcdPlacement, Inventory, Sudo
from haconsole.model.hosts import Role
from tests.unit.inventory.conftest import Importer

FILE = """\
apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata: {name: sample}
spec:
  hosts:
    - name: node1
      address: 203.0.113.1
      internalAddress: "10.5.0.1,fd00::1"
      port: 8022
      user: ubuntu
      password: hunter2
    - {name: node2, address: 10.5.0.2, privateKeyPath: ~/.ssh/id_rsa, arch: arm64}
    - {name: node3, internalAddress: 10.5.0.3}
    - {name: node4, address: 10.5.0.4}
    - {name: spare, address: 10.5.0.9}
  roleGroups:
    etcd: ["node[1:3]"]
    MASTER: [node1, "node[2:3]"]
    worker: [node4]
    registry: [spare]
  controlPlaneEndpoint: {domain: lb.blue.local, address: 10.5.0.100, port: 7443, kubevip: {mode: BGP}}
  system: {timezone: Asia/Shanghai}
  kubernetes:
    version: v1.21.5
    clusterName: blue.local
    nodeCidrMaskSize: 26
    apiserverCertExtraSans: [192.168.8.8, api.example.org]
    maxPods: 110
  etcd: {dataDir: /srv/etcd, heartbeatInterval: 300, electionTimeout: 4000, snapshotCount: 5,
    quotaBackendBytes: 4294967296}
  network: {plugin: calico, kubePodsCIDR: "10.233.64.0/18,fc00::/48", kubeServiceCIDR: 10.233.0.0/18}
"""


def read(imported: Importer, *changes: tuple[str, str], group: str = "master") -> Inventory:
    text = FILE.replace("MASTER", group)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return imported(text, "kubekey", "config.yaml")


@pytest.mark.parametrize("group", ["master", "control-plane"])
def test_hosts_have_their_roles_addresses_and_logins(imported: Importer, group: str) -> None:
    result = read(imported, group=group)
    assert [(host.name, host.address, host.ssh_address) for host in result.hosts] == [
        ("node1", "10.5.0.1", "203.0.113.1"),
        ("node2", "10.5.0.2", None),
        ("node3", "10.5.0.3", None),
        ("node4", "10.5.0.4", None),
    ]
    stacked = (Role.ETCD, Role.CONTROL_PLANE)
    assert [host.roles for host in result.hosts] == [stacked, stacked, stacked, (Role.WORKER,)]
    ways = [effective.ssh_for(result, host) for host in result.hosts]
    assert [(way.user, way.port, way.sudo) for way in ways[:2]] == [
        ("ubuntu", 8022, Sudo.PASSWORD),
        ("root", 22, Sudo.NONE),
    ]
    assert "hunter2" not in imported.text
    assert [effective.etcd_name(host) for host in result.hosts[:3]] == ["etcd-node1", "etcd-node2", "etcd-node3"]


def test_etcd_and_kubernetes_are_those_of_the_file(imported: Importer) -> None:
    result = read(imported)
    etcd, kubernetes = result.etcd, result.kubernetes
    assert kubernetes is not None
    assert (etcd.data_dir, etcd.heartbeat_ms, etcd.election_ms) == ("/srv/etcd", 300, 4000)
    assert (etcd.token, etcd.quota_bytes, etcd.config_file) == ("k8s_etcd", 4 << 30, "/etc/etcd.env")
    assert etcd.files.client_cert == "admin-{host}.pem"
    assert (kubernetes.endpoint, kubernetes.version) == ("10.5.0.100:7443", "1.21.5")
    assert (kubernetes.cluster_name, kubernetes.cluster_domain) == ("blue.local", "cluster.local")
    assert (kubernetes.pod_cidr, kubernetes.service_cidr) == ("10.233.64.0/18", "10.233.0.0/18")
    assert kubernetes.node_prefix == 26
    assert kubernetes.extra_sans == ("lb.blue.local", "192.168.8.8", "api.example.org")


def test_every_other_setting_is_in_a_note(imported: Importer) -> None:
    read(imported)
    for note in (
        "spec: not read: system",
        "spec.hosts[1]: not read: arch",
        "spec.roleGroups: not read: registry",
        "spec.controlPlaneEndpoint: not read: kubevip",
        "spec.kubernetes: not read: maxPods",
        "spec.etcd: not read: snapshotCount",
        "spec.network: not read: plugin",
        "hosts without a role in etcd, control-plane or worker are left out: spare",
        "dual-stack cluster are not copied: fc00::/48",
        "second addresses of the dual-stack hosts are not copied",
        "passwords are not copied",
        "the API servers use node-HOST.pem",
    ):
        assert note in imported.text


ENDPOINT = "domain: lb.blue.local, address: 10.5.0.100, port: 7443, kubevip: {mode: BGP}"


@pytest.mark.parametrize(
    ("point", "endpoint", "note"),
    [
        ("", "10.5.0.1:6443", "the file has no balancer; the endpoint is only node1"),
        ('address: "", internalLoadbalancer: haproxy', "10.5.0.1:6443", "kubekey runs a balancer on each worker"),
        ("address: 127.0.0.1", "10.5.0.1:6443", ""),
        ("externalDNS: true, domain: api.example.org", "api.example.org:6443", ""),
        ("internalLoadbalancer: kube-vip, address: 10.5.0.99", "10.5.0.99:6443", ""),
    ],
)
def test_the_endpoint_is_the_one_kubekey_takes(imported: Importer, point: str, endpoint: str, note: str) -> None:
    result = read(imported, (ENDPOINT, point))
    assert result.kubernetes is not None
    assert (result.kubernetes.endpoint, note in imported.text) == (endpoint, True)


def test_a_stacked_etcd_is_kubeadms(imported: Importer) -> None:
    result = read(imported, ("etcd: {dataDir", "etcd: {type: kubeadm, dataDir"))
    assert result.etcd.placement is EtcdPlacement.STATIC_POD
    assert effective.etcd_name(result.hosts[0]) == "node1"
    assert (result.etcd.data_dir, result.etcd.heartbeat_ms) == ("/var/lib/etcd", 100)
    assert "have no effect on an etcd that kubeadm runs: dataDir, heartbeatInterval" in imported.text
    assert "node-HOST.pem" not in imported.text
    k3s = read(imported, ("etcd: {dataDir", "etcd: {type: kubeadm, dataDir"), ("v1.21.5", "v1.21.5-k3s"))
    assert k3s.etcd.placement is EtcdPlacement.SYSTEMD
    assert "k3s runs the control plane" in imported.text


def test_an_outside_etcd_is_in_a_note(imported: Importer) -> None:
    outside = "etcd: {type: external, external: {endpoints: ['https://192.0.2.6:2379']}, dataDir"
    read(imported, ("etcd: {dataDir", outside))
    assert "kubekey's file does not describe the etcd hosts (https://192.0.2.6:2379)" in imported.text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: Cluster\n", "this is not a cluster file of kubekey"),
        (FILE.replace("kind: Cluster", "kind: MultiCluster"), "this is not a cluster file of kubekey"),
        (FILE.replace("MASTER", "master").replace("[node4]", "[node5]"), "roleGroups.worker names host 'node5'"),
        ("apiVersion: kubekey.kubesphere.io/v1alpha2\nkind: Cluster\nspec: {}\n", "spec.hosts has 0 hosts"),
    ],
)
def test_other_files_are_refused_at_their_place(imported: Importer, text: str, problem: str) -> None:
    assert f"config.yaml:1:1: {problem}" in imported.print(text, "kubekey", "config.yaml")
    assert imported.status == ExitCode.INVALID_INVENTORY


KUBESPHERE = """\
apiVersion: installer.kubesphere.io/v1alpha1
kind: ClusterConfiguration
metadata: {name: ks-installer, labels: {version: v3.3.2}}
"""


@pytest.mark.parametrize("order", ["{cluster}---\n{other}", "---\n{other}---\n{cluster}", "{other}---\n{cluster}---\n"])
def test_kubespheres_own_document_is_in_a_note(imported: Importer, order: str) -> None:
    text = order.format(cluster=FILE.replace("MASTER", "master"), other=KUBESPHERE)
    assert imported(text, "kubekey", "config.yaml").cluster == "sample"
    assert "other documents of the file are not read: ClusterConfiguration" in imported.text


@pytest.mark.parametrize("kind", ["Inventory", "Config"])
def test_files_of_version_4_are_refused_by_name(imported: Importer, kind: str) -> None:
    text = f"apiVersion: kubekey.kubesphere.io/v1\nkind: {kind}\nspec: {{hosts: {{}}}}\n"
    assert f"kind {kind} belongs to kubekey 4, whose files are not supported" in imported.print(
        text, "kubekey", "inventory.yaml"
    )
    assert imported.status == ExitCode.INVALID_INVENTORY


@pytest.mark.parametrize(("version", "name"), [("v1.23.10-k8e", "k8e"), ("v1.21.5-k3s", "k3s")])
def test_another_distribution_is_in_a_note(imported: Importer, version: str, name: str) -> None:
    read(imported, ("version: v1.21.5", f"version: {version}"))
    assert f"{name} runs the control plane in that cluster" in imported.text


def test_a_release_candidate_is_no_distribution(imported: Importer) -> None:
    read(imported, ("version: v1.21.5", "version: v1.31.0-rc.1"))
    assert "runs the control plane" not in imported.text


def test_the_earlier_names_of_members_are_in_a_note(imported: Importer) -> None:
    read(imported, ("v1alpha2", "v1alpha1"))
    assert "earlier versions named them etcd1, etcd2, etcd3" in imported.text


def test_a_host_that_is_listed_twice_is_in_a_note(imported: Importer) -> None:
    result = read(imported, ("{name: spare,", "{name: node4,"), ("registry: [spare]", "registry: [node1]"))
    assert {host.name: host.address for host in result.hosts}["node4"] == "10.5.0.9"
    assert "spec.hosts has node4 2 times: the last entry is used" in imported.text
