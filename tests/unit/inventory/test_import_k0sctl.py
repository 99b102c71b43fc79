"""k0sctl's files: every setting is used, or named in a note."""

from __future__ import annotations

import pytest

from haconsole.configs.layout import layout
from haconsole.errors import ExitCode
from haconsole.inventory.schema import Inventory, Sudo
from haconsole.model.hosts import Role
from tests.unit.inventory.conftest import Importer

HEAD = "apiVersion: k0sctl.k0sproject.io/v1beta1\nkind: Cluster\nmetadata: {name: blue}\nspec:\n"
CONTROLLER = "role: controller, hostname: a"


def cluster(*hosts: str, config: str = "", k0s: str = "") -> str:
    entries = "".join(f"    - {{{host}}}\n" for host in hosts)
    spec = f"config: {{spec: {{{config}}}}}" if config else ""
    return f"{HEAD}  hosts:\n{entries}  k0s: {{{', '.join(filter(None, (k0s, spec)))}}}\n"


def read(imported: Importer, *hosts: str, config: str = "", k0s: str = "") -> Inventory:
    return imported(cluster(*hosts, config=config, k0s=k0s), "k0sctl", "k0sctl.yaml")


def printed(imported: Importer, *hosts: str, config: str = "", k0s: str = "") -> str:
    return imported.print(cluster(*hosts, config=config, k0s=k0s), "k0sctl", "k0sctl.yaml")


PLAIN = f"{CONTROLLER}, ssh: {{address: 10.5.0.1}}"
BALANCING = "keepalived: {vrrpInstances: [{virtualIPs: [10.5.0.100/24, 10.5.0.101/24]}]}"


@pytest.mark.parametrize(
    ("enabled", "endpoint", "note"),
    [
        ("enabled: false, ", "10.5.0.1:6443", "VIP 10.5.0.100 is not used"),
        ("", "10.5.0.1:6443", "VIP 10.5.0.100 is not used"),
        ("enabled: true, ", "10.5.0.100:6443", "the first of several VIPs; not copied: 10.5.0.101"),
    ],
)
def test_the_vip_counts_where_balancing_is_enabled(imported: Importer, enabled: str, endpoint: str, note: str) -> None:
    config = f"network: {{controlPlaneLoadBalancing: {{{enabled}{BALANCING}}}}}"
    result = read(imported, PLAIN, config=config)
    assert (result.kubernetes.endpoint, note in imported.text) == (endpoint, True)  # type: ignore[union-attr]


@pytest.mark.parametrize("user", ["${SSH_USER}", "$SSH_USER"])
def test_a_login_that_is_not_set_is_left_out_with_a_note(
    imported: Importer, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    monkeypatch.delenv("SSH_USER", raising=False)
    host = f'{CONTROLLER}, ssh: {{address: 10.5.0.1, user: "{user}"}}'
    result = read(imported, host)
    assert (result.ssh.user, result.ssh.sudo) == (None, None)
    assert (
        "spec.hosts[0].ssh.user is not read, because the environment variable SSH_USER is not set here" in imported.text
    )
    monkeypatch.setenv("SSH_USER", "ops")
    assert read(imported, host).ssh.user == "ops"
    assert "spec.hosts[0].ssh.user was filled in from environment variables (SSH_USER)" in imported.text


def test_a_default_of_a_variable_counts(imported: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_PORT", raising=False)
    host = f'{CONTROLLER}, ssh: {{address: 10.5.0.1, port: "${{SSH_PORT:-2222}}"}}'
    assert read(imported, host).ssh.port == 2222


@pytest.mark.parametrize(
    ("flags", "roles", "data_dir"),
    [
        ("--enable-worker, --data-dir=/srv/k0s", (Role.ETCD, Role.CONTROL_PLANE, Role.WORKER), "/srv/k0s/etcd"),
        ('--enable-worker=false, "--data-dir /srv/k0s"', (Role.ETCD, Role.CONTROL_PLANE), "/srv/k0s/etcd"),
        ("--single", (Role.ETCD, Role.CONTROL_PLANE, Role.WORKER), "/var/lib/k0s/etcd"),
        ("", (Role.ETCD, Role.CONTROL_PLANE), "/var/lib/k0s/etcd"),
    ],
)
def test_install_flags_are_read(imported: Importer, flags: str, roles: tuple[Role, ...], data_dir: str) -> None:
    result = read(imported, f"{CONTROLLER}, installFlags: [{flags}], ssh: {{address: 10.5.0.1}}")
    assert (result.hosts[0].roles, result.etcd.data_dir) == (roles, data_dir)
    assert "not read" not in imported.text


def test_other_install_flags_are_in_a_note(imported: Importer) -> None:
    printed(imported, f"{CONTROLLER}, installFlags: [--debug, --profile=x], ssh: {{address: 10.5.0.1}}")
    assert "installFlags of a: these flags are not read: --debug, --profile" in imported.text


def test_a_single_host_has_no_etcd(imported: Importer) -> None:
    host = "role: single, hostname: a, ssh: {address: 10.5.0.1}"
    assert "does not keep its state in etcd" in printed(imported, host)
    assert "does not keep its state" not in printed(imported, host, config="storage: {type: etcd}")


def test_the_address_on_a_private_interface_is_not_in_the_file(imported: Importer) -> None:
    printed(imported, f"{CONTROLLER}, privateInterface: wg0, ssh: {{address: 203.0.113.1}}")
    assert imported.status == ExitCode.INVALID_INVENTORY
    assert "the imported file has no address for a on wg0: add it to this inventory" in imported.text
    assert "ssh_address: 203.0.113.1" in imported.text


def test_a_private_address_is_the_clusters(imported: Importer) -> None:
    host = read(
        imported, f"{CONTROLLER}, privateInterface: wg0, privateAddress: 10.5.0.1, ssh: {{address: 203.0.113.1}}"
    ).hosts[0]
    assert (host.address, host.ssh_address) == ("10.5.0.1", "203.0.113.1")


def test_the_key_of_a_bastion_is_in_a_note(imported: Importer) -> None:
    way = "address: gate.example.org, user: jump, keyPath: ~/.ssh/gate"
    result = read(imported, f"{CONTROLLER}, ssh: {{address: 10.5.0.1, bastion: {{{way}}}}}")
    assert result.ssh.jump == "jump@gate.example.org"
    assert "the SSH key ~/.ssh/gate of gate.example.org is not copied" in imported.text
    inside = read(imported, f"{CONTROLLER}, ssh: {{address: 10.5.0.1, bastion: {{address: 10.5.0.9, keyPath: ~/k}}}}")
    assert inside.hosts[0].ssh.identity_file is not None


def test_the_second_family_is_in_a_note(imported: Importer) -> None:
    dual = 'dualStack: {enabled: true, IPv6podCIDR: "fd00::/108", IPv6serviceCIDR: "fd01::/108"}'
    printed(imported, PLAIN, config=f"network: {{podCIDR: 10.244.0.0/16, {dual}}}")
    assert "dual-stack cluster are not copied: fd00::/108, fd01::/108" in imported.text
    printed(imported, PLAIN, config="network: {dualStack: {enabled: false}}")
    assert "dual-stack" not in imported.text


def test_nodes_of_an_ipv6_cluster_get_k0s_own_share(imported: Importer) -> None:
    result = read(
        imported,
        f'{CONTROLLER}, ssh: {{address: "fd10::1"}}',
        config='network: {podCIDR: "fd00::/108", serviceCIDR: "fd01::/108"}',
    )
    assert result.kubernetes.node_prefix == 117  # type: ignore[union-attr]


def test_the_cluster_is_watched_by_the_paths_of_k0s(imported: Importer) -> None:
    places = layout(read(imported, PLAIN))
    assert places.etcd.pki is not None
    assert places.kubernetes is not None
    assert (places.etcd.loopback_only, places.etcd.unit) == (True, None)
    assert places.etcd.pki.client.cert == "/var/lib/k0s/pki/apiserver-etcd-client.crt"
    assert places.kubernetes.admin.kubeconfig == "/var/lib/k0s/pki/admin.conf"
    assert "k0s runs this cluster, which is only watched" in imported.text


def test_every_other_setting_is_in_a_note(imported: Importer) -> None:
    text = printed(
        imported,
        f"{CONTROLLER}, environment: {{A: b}}, hooks: {{}}, ssh: {{address: 10.5.0.1, hostKey: x}}",
        "role: worker, hostname: w, winRM: {address: 10.5.0.4}",
        "role: watcher, hostname: z, openSSH: {address: box, configPath: ssh_config, options: {A: b}}",
        config="telemetry: {}, api: {extraArgs: {a: b}}, storage: {type: etcd, etcd: {peerAddress: 10.5.0.1}}",
        k0s="version: v1.30.1+k0s.0, dynamicConfig: true",
    )
    for note in (
        "spec.hosts[0]: not read: environment, hooks",
        "spec.hosts[0].ssh: not read: hostKey",
        "spec.hosts[2].openSSH: not read: options",
        "the role watcher of z is not known: the host is a worker here",
        "hosts that k0sctl connects to without SSH have no SSH settings in this inventory",
        "spec.k0s: not read: dynamicConfig",
        "spec.k0s.config.spec: not read: telemetry",
        "spec.k0s.config.spec.api: not read: extraArgs",
        "spec.k0s.config.spec.storage.etcd is not read",
    ):
        assert note in text
    assert "version: 1.30.1" in text


def test_an_openssh_host_takes_its_login_from_ssh_config(imported: Importer) -> None:
    result = read(imported, f"{CONTROLLER}, privateAddress: 10.5.0.1, openSSH: {{address: box, port: 2222, user: ops}}")
    host = result.hosts[0]
    assert (host.ssh_address, result.ssh.user, result.ssh.port, result.ssh.sudo) == ("box", "ops", 2222, None)
    assert read(imported, PLAIN).ssh.sudo is Sudo.NONE


CONFIG = """\
---
apiVersion: k0s.k0sproject.io/v1beta1
kind: ClusterConfig
spec: {api: {externalAddress: 10.5.0.100, port: 7443}}
"""


def test_a_config_in_a_document_of_its_own_is_merged(imported: Importer) -> None:
    text = cluster(PLAIN, config="network: {podCIDR: 10.9.0.0/16}, api: {port: 6443, sans: [a.example.org]}")
    kubernetes = imported(text + CONFIG, "k0sctl", "k0sctl.yaml").kubernetes
    assert kubernetes is not None
    assert (kubernetes.endpoint, kubernetes.pod_cidr) == ("10.5.0.100:7443", "10.9.0.0/16")
    assert kubernetes.extra_sans == ("a.example.org",)


def test_empty_documents_count_for_nothing(imported: Importer) -> None:
    assert imported(f"---\n{cluster(PLAIN)}---\n", "k0sctl", "k0sctl.yaml").hosts[0].name == "a"


def test_documents_of_other_kinds_are_in_a_note(imported: Importer) -> None:
    imported(f"{cluster(PLAIN)}---\napiVersion: v1\nkind: Namespace\n", "k0sctl", "k0sctl.yaml")
    assert "other documents of the file are not read: Namespace" in imported.text


def test_two_clusters_in_a_file_are_refused(imported: Importer) -> None:
    text = f"{cluster(PLAIN)}---\n{cluster(PLAIN)}"
    assert "more than one cluster" in imported.print(text, "k0sctl", "k0sctl.yaml")
    assert imported.status == ExitCode.INVALID_INVENTORY


def test_an_etcd_outside_gives_no_host_its_role(imported: Importer) -> None:
    outside = "storage: {type: etcd, etcd: {externalCluster: {endpoints: ['https://10.9.0.1:2379'], etcdPrefix: b}}}"
    text = printed(imported, PLAIN, config=outside)
    assert "etcd is external (https://10.9.0.1:2379): add its hosts to this inventory, with the role etcd" in text
    assert "roles: [control-plane]" in text
    assert "data_dir" not in text


def test_a_host_to_be_reset_is_left_out_with_a_note(imported: Importer) -> None:
    other = "role: worker, hostname: w, reset: true, ssh: {address: 10.5.0.2}"
    assert [host.name for host in read(imported, PLAIN, other).hosts] == ["a"]
    assert "spec.hosts[1] is left out, as `reset: true` removes it from the cluster" in imported.text


@pytest.mark.parametrize("way", ["winRM", "winrm"])
def test_a_windows_host_has_the_address_of_its_connection(imported: Importer, way: str) -> None:
    other = f"role: worker, hostname: w, {way}: {{address: 10.5.0.2, user: Administrator, useHTTPS: true}}"
    assert read(imported, PLAIN, other).hosts[1].address == "10.5.0.2"
    assert f"spec.hosts[1].{way}: not read: user, useHTTPS" in imported.text


def test_a_version_of_k0s_itself_is_in_a_note(imported: Importer) -> None:
    assert read(imported, PLAIN, k0s="version: 0.13.1").kubernetes.version is None  # type: ignore[union-attr]
    assert "version 0.13.1 of k0s is not a Kubernetes version, and is not imported" in imported.text
