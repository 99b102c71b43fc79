"""Every rendered file against the one kept in ``golden``; HACONSOLE_WRITE_GOLDEN=1 keeps what is rendered now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.etcd import ClusterState, etcd_env, etcd_unit
from haconsole.configs.haproxy import haproxy_cfg, haproxy_drop_in
from haconsole.configs.keepalived import keepalived_check, keepalived_conf, keepalived_drop_in
from haconsole.configs.kubeconfig import endpoint_server, kubeconfig, local_server
from haconsole.configs.kubernetes import apiserver_unit, controller_manager_unit, scheduler_unit
from haconsole.configs.layout import layout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import DiscoveryKind, EtcdTls, Inventory
from tests.unit.configs import samples

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1"


def etcd_files(inventory: Inventory) -> dict[str, str]:
    return {"etcd.service": etcd_unit(inventory), "etcd.env": etcd_env(inventory, inventory.hosts[0])}


def discovering_files(inventory: Inventory) -> dict[str, str]:
    """The settings of the first start, and those after it."""
    return {**etcd_files(inventory), "etcd-first-start.env": etcd_env(inventory, inventory.hosts[0], discover=True)}


def balancer_files(inventory: Inventory) -> dict[str, str]:
    interfaces = dict.fromkeys(vip_addresses(inventory), "eth0")
    return {
        "haproxy.cfg": haproxy_cfg(inventory),
        "haproxy.drop-in": haproxy_drop_in(inventory),
        "keepalived.conf": keepalived_conf(inventory, inventory.hosts[0], interfaces),
        "check-apiserver": keepalived_check(inventory),
        "keepalived.drop-in": keepalived_drop_in(inventory),
    }


def kube_files(inventory: Inventory) -> dict[str, str]:
    paths = layout(inventory).kubernetes
    assert paths is not None
    assert paths.admin.files is not None
    assert paths.scheduler.files is not None
    host = inventory.hosts[2]
    admin, scheduler = "kubernetes-admin", "system:kube-scheduler"
    remote, local = endpoint_server(inventory, host), local_server(inventory, host)
    return {
        "kube-apiserver.service": apiserver_unit(inventory, host),
        "kube-controller-manager.service": controller_manager_unit(inventory),
        "kube-scheduler.service": scheduler_unit(inventory),
        "admin.conf": kubeconfig(inventory, user=admin, files=paths.admin.files, server=remote),
        "scheduler.conf": kubeconfig(inventory, user=scheduler, files=paths.scheduler.files, server=local),
    }


def joining(inventory: Inventory) -> dict[str, str]:
    members = (("e1", "http://192.0.2.31:2380"), ("e2", "http://192.0.2.32:2380"))
    joined = etcd_env(inventory, inventory.hosts[1], state=ClusterState.EXISTING, members=members)
    return {"etcd.env": joined}


def everything(inventory: Inventory) -> dict[str, str]:
    return etcd_files(inventory) | balancer_files(inventory) | kube_files(inventory)


CASES: dict[str, tuple[Inventory, Callable[[Inventory], dict[str, str]]]] = {
    "lab": (samples.lab(), everything),
    "spread": (samples.spread(), lambda result: balancer_files(result) | kube_files(result)),
    "spread-etcd": (samples.spread(), lambda result: {"etcd.env": etcd_env(result, result.hosts[4])}),
    "ipv6": (samples.ipv6(), everything),
    "kubeadm": (samples.kubeadm(), balancer_files),
    "etcd-url": (samples.etcd_only(DiscoveryKind.URL, EtcdTls.CERTIFICATES), discovering_files),
    "etcd-srv-auto-tls": (samples.etcd_only(DiscoveryKind.SRV, EtcdTls.AUTO), discovering_files),
    "etcd-http": (samples.etcd_only(DiscoveryKind.STATIC, EtcdTls.OFF), etcd_files),
    "etcd-joining": (samples.etcd_only(DiscoveryKind.URL, EtcdTls.OFF), joining),
}


@pytest.mark.parametrize("case", CASES)
def test_rendered_files_are_the_ones_kept(case: str) -> None:
    inventory, render = CASES[case]
    rendered, folder = render(inventory), GOLDEN / case
    if WRITE:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in rendered.items():
            (folder / name).write_text(text)
    content = {path.name: path.read_text() for path in folder.iterdir()}
    assert rendered == content


def test_every_folder_kept_is_a_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)


def test_no_password_is_rendered() -> None:
    text = "".join(balancer_files(samples.lab()).values())
    assert samples.PASSWORD not in text
    assert "auth_pass @secret:vrrp-auth/10.99.0.100@" in text


def test_a_balancer_without_peers_has_no_unicast_settings() -> None:
    lab = samples.lab()
    alone = msgspec.structs.replace(lab, hosts=lab.hosts[:1])
    interfaces = dict.fromkeys(vip_addresses(alone), "eth0")
    output = keepalived_conf(alone, alone.hosts[0], interfaces)
    assert "unicast" not in output
    assert "unicast_peer" in keepalived_conf(lab, lab.hosts[0], interfaces)
