"""Clusters of other products, recognised by process lists as the products' own sources start them."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.actions.catalogue import catalogue
from haconsole.actions.step import Refusal
from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.layout import layout
from haconsole.errors import RefusedError
from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Deployment, EtcdPlacement, Inventory
from haconsole.model.hosts import Role
from haconsole.probes.discovery.ask import config_flags, programs_of
from haconsole.probes.discovery.draft import draft_of, own_address
from haconsole.probes.discovery.host_report import ETCD, HostReport, Others
from haconsole.probes.discovery.product import Product, product_of
from haconsole.probes.hosts.services import units_of
from haconsole.probes.hosts.static_pods import pods_of
from haconsole.session.live import LiveSession
from tests.fakes.product_processes import K0S, KUBEASZ, KUBESPRAY, PODS, RKE2
from tests.fakes.transport import FakeFleet

REPORTS = {
    Product.K0S: (K0S, frozenset[str](), ""),
    Product.RKE2: (RKE2, PODS | {ETCD}, ""),
    Product.KUBEASZ: (KUBEASZ, frozenset[str](), ""),
    Product.KUBESPRAY: (KUBESPRAY, PODS, "/etc/etcd.env"),
}


def report_of(product: Product) -> HostReport:
    processes, pods, etcd_file = REPORTS[product]
    return HostReport(
        "a",
        ("10.5.0.1/24",),
        programs_of(processes),
        static_pods=pods,
        etcd_file=etcd_file,
        server="https://127.0.0.1:6443",
        authority="3f9a61c0" * 8,
    )


def draft_text(product: Product) -> str:
    report = report_of(product)
    return write(draft_of(report, Others(), source="a host", ssh={}, jump=None, reached_by=own_address(report)))


def inventory_of(product: Product) -> Inventory:
    inventory = parse(draft_text(product), "found", Path("/"))
    assert isinstance(inventory, Inventory)
    return inventory


@pytest.mark.parametrize("product", REPORTS)
def test_the_product_is_recognised_and_named(product: Product) -> None:
    assert product_of(report_of(product)) is product
    assert f"# - {product} " in draft_text(product)
    (host,) = inventory_of(product).hosts
    assert (host.address, host.roles) == ("10.5.0.1", (Role.ETCD, Role.CONTROL_PLANE))


@pytest.mark.parametrize(
    ("product", "deployment", "cluster"),
    [
        (Product.K0S, Deployment.K0S, "k0s-3f9a61c0"),
        (Product.RKE2, Deployment.RKE2, "rke2-3f9a61c0"),
        (Product.KUBEASZ, Deployment.KUBEASZ, "kubeasz-3f9a61c0"),
        (Product.KUBESPRAY, Deployment.KUBEADM, "kubespray-3f9a61c0"),
    ],
)
def test_the_deployment_and_the_name_are_the_same_from_every_host(
    product: Product, deployment: Deployment, cluster: str
) -> None:
    inventory = inventory_of(product)
    assert inventory.kubernetes is not None
    assert (inventory.kubernetes.deployment, inventory.cluster) == (deployment, cluster)


@pytest.mark.parametrize(
    ("product", "client", "kubeconfig"),
    [
        (Product.K0S, "/srv/k0s/pki/apiserver-etcd-client.crt", "/srv/k0s/pki/admin.conf"),
        (
            Product.RKE2,
            "/var/lib/rancher/rke2/server/tls/etcd/client.crt",
            "/var/lib/rancher/rke2/server/cred/admin.kubeconfig",
        ),
        (Product.KUBEASZ, "/etc/kubernetes/ssl/etcd.pem", "/etc/kubernetes/kube-controller-manager.kubeconfig"),
        (Product.KUBESPRAY, "/etc/ssl/etcd/ssl/admin-a.pem", "/etc/kubernetes/admin.conf"),
    ],
)
def test_etcd_and_the_api_are_queried_with_the_products_own_certificates(
    product: Product, client: str, kubeconfig: str
) -> None:
    inventory = inventory_of(product)
    places = layout(inventory)
    assert places.etcd.pki is not None
    assert places.kubernetes is not None
    assert places.etcd.pki.on(inventory.hosts[0]).client.cert == client
    assert places.kubernetes.admin.kubeconfig == kubeconfig
    assert places.etcd.loopback_only is (product is Product.K0S)


def test_rke2_has_a_ca_for_servers_clients_members_and_etcds_clients() -> None:
    inventory = inventory_of(Product.RKE2)
    folder = "/var/lib/rancher/rke2/server/tls"
    cas = {file.role: file.ca for file in certificate_files(layout(inventory), inventory.hosts[0]) if file.ca}
    assert {role: ca.removeprefix(folder) for role, ca in cas.items()} == {
        "etcd-server": "/etcd/server-ca.crt",
        "etcd-peer": "/etcd/peer-ca.crt",
        "etcd-client": "/etcd/server-ca.crt",
        "apiserver": "/server-ca.crt",
        "apiserver-etcd-client": "/etcd/server-ca.crt",
        "apiserver-kubelet-client": "/client-ca.crt",
        "front-proxy-client": "/request-header-ca.crt",
        "admin": "/client-ca.crt",
        "controller-manager": "/client-ca.crt",
        "scheduler": "/client-ca.crt",
    }


@pytest.mark.parametrize(
    ("product", "units", "manifests"),
    [
        (Product.K0S, ("k0scontroller.service",), ()),
        (Product.RKE2, ("rke2-server.service",), ("etcd", *sorted(PODS))),
        (
            Product.KUBEASZ,
            ("etcd.service", *(f"{name}.service" for name in sorted(PODS)), "kubelet.service", "containerd.service"),
            (),
        ),
        (
            Product.KUBESPRAY,
            ("etcd.service", "kubelet.service", "containerd.service"),
            tuple(sorted(PODS)),
        ),
    ],
)
def test_services_are_watched_by_the_products_own_supervisor(
    product: Product, units: tuple[str, ...], manifests: tuple[str, ...]
) -> None:
    inventory = inventory_of(product)
    places, host = layout(inventory), inventory.hosts[0]
    pods = pods_of(places, host)
    assert units_of(places, host) == units
    assert tuple(pod.name for pod in pods) == manifests
    folder = "/var/lib/rancher/rke2/agent/pod-manifests" if product is Product.RKE2 else "/etc/kubernetes/manifests"
    assert {pod.manifest.rpartition("/")[0] for pod in pods} <= {folder}


@pytest.mark.parametrize("product", [Product.K0S, Product.RKE2, Product.KUBEASZ])
async def test_every_action_is_refused_with_the_products_name(product: Product) -> None:
    inventory = inventory_of(product)
    async with LiveSession(inventory, FakeFleet(), source="found", digest="x") as session:
        assert session.read_only
        with pytest.raises(RefusedError, match=f"{product} runs this cluster"):
            session.check_startable()
        for action in catalogue():
            request = {
                each.name: each.choices[0] if each.choices else "a" for each in action.arguments if each.required
            }
            refusal = await session.planner.plan(action.name, request)
            assert isinstance(refusal, Refusal)
            assert refusal.reasons[0].startswith(f"{product} runs this cluster")


@pytest.mark.parametrize(
    "flag", ["--pod-manifest-path=/var/lib/rancher/rke2/agent/pod-manifests", "--config-dir=/x/rke2/agent"]
)
def test_rke2_is_recognised_by_its_kubelet(flag: str) -> None:
    report = HostReport("a", ("10.5.0.1/24",), programs_of(f"@ kubelet /usr/bin/kubelet\n- kubelet\n- {flag}\n"))
    assert product_of(report) is Product.RKE2


def test_a_configuration_file_of_etcd_counts_in_place_of_its_flags() -> None:
    (etcd,) = programs_of(
        "@ etcd /usr/bin/etcd\n- etcd\n- --name=x\n- --config-file=/e\n+ ETCD_NAME=y\n= name: z\n"
    ).values()
    assert dict(etcd.flags) == {"name": "z"}
    assert config_flags("- no\n- mapping") == {}
    assert config_flags("a: [") == {}
    inventory = inventory_of(Product.RKE2)
    assert (inventory.etcd.placement, inventory.etcd.heartbeat_ms) == (EtcdPlacement.STATIC_POD, 500)
    assert (inventory.etcd.data_dir, inventory.etcd.metrics_port) == ("/var/lib/rancher/rke2/server/db/etcd", 2381)


BY_HAND = """\
@ etcd /usr/bin/etcd
- /usr/bin/etcd
- --name=e1
- --cert-file=/etc/etcd/tls/e1.pem
- --key-file=/etc/etcd/tls/e1-key.pem
- --trusted-ca-file=/etc/etcd/tls/ca.pem
- --peer-cert-file=/etc/etcd/tls/peer.crt
- --peer-key-file=/etc/etcd/tls/peer.key
- --peer-trusted-ca-file=/etc/etcd/tls/ca.pem
- --advertise-client-urls=https://10.5.0.31:2379
- --initial-advertise-peer-urls=https://10.5.0.31:2380
"""


@pytest.mark.parametrize(
    ("names", "client"),
    [
        ((), "peer.crt"),
        (("healthcheck-client.crt", "healthcheck-client.key"), "healthcheck-client.crt"),
        (("client.crt", "client.key", "healthcheck-client.crt", "healthcheck-client.key"), "client.crt"),
        (("client.crt",), "peer.crt"),
    ],
)
def test_an_etcd_set_up_by_hand_is_queried_with_a_pair_that_it_has(names: tuple[str, ...], client: str) -> None:
    report = HostReport("e1", ("10.5.0.31/24",), programs_of(BY_HAND), etcd_folder=frozenset(names))
    draft = draft_of(report, Others(), source="a host", ssh={}, jump=None, reached_by="10.5.0.31")
    inventory = parse(write(draft), "found", Path("/"))
    assert isinstance(inventory, Inventory)
    pki = layout(inventory).etcd.pki
    assert pki is not None
    pki = pki.on(inventory.hosts[0])
    assert inventory.etcd.files.server_cert == "{host}.pem"
    results = (pki.ca.cert, pki.server.cert, pki.server.key, pki.client.cert, pki.peer_ca)
    folder = "/etc/etcd/tls"
    expected = (f"{folder}/ca.pem", f"{folder}/e1.pem", f"{folder}/e1-key.pem", f"{folder}/{client}", None)
    assert results == expected
