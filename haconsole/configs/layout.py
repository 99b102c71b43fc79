"""The paths of a cluster on its hosts: units, files, keys and ports, for every kind of cluster.

The same paths hold on every host; a host's roles decide which of them it has. kubeadm's own names are used for the
Kubernetes PKI wherever this console makes it, so that its documents and tools apply (kubernetes.io: PKI certificates
and requirements).
"""

from __future__ import annotations

from haconsole.configs.layout_parts import (
    ComponentLayout,
    EtcdLayout,
    EtcdPki,
    HaproxyLayout,
    KeepalivedLayout,
    KeyPairFiles,
    KubeClientFiles,
    KubernetesLayout,
    Layout,
)
from haconsole.configs.watched_layouts import rke2_agent_dir, watched_layout
from haconsole.inventory import effective
from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, EtcdTls, Inventory, Kubernetes
from haconsole.model.roles import Role

__all__ = [
    "CONTROLLER_MANAGER_PORT",
    "SCHEDULER_PORT",
    "SYSTEMD_DIR",
    "ComponentLayout",
    "EtcdLayout",
    "EtcdPki",
    "HaproxyLayout",
    "KeepalivedLayout",
    "KeyPairFiles",
    "KubeClientFiles",
    "KubernetesLayout",
    "Layout",
    "is_kubeadm",
    "is_stacked",
    "layout",
    "successor",
]

SYSTEMD_DIR = "/etc/systemd/system"
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
_DEFAULT_ETCD_PKI_DIR = Etcd().pki_dir


def layout(inventory: Inventory) -> Layout:
    """The paths, units and ports of the cluster that `inventory` describes."""
    kubernetes = _kubernetes(inventory, inventory.kubernetes) if inventory.kubernetes else None
    return Layout(
        etcd=_etcd(inventory),
        kubernetes=kubernetes,
        haproxy=_haproxy(inventory),
        keepalived=_keepalived(inventory),
        kube_vip=f"{_manifest_dir(inventory)}/kube-vip.yaml" if inventory.kube_vip else None,
    )


def successor(files: KeyPairFiles) -> KeyPairFiles:
    """The paths of the replacement of a CA or key pair until it is installed."""

    def following(path: str) -> str:
        stem, dot, ending = path.rpartition(".")
        return f"{stem}-next{dot}{ending}"

    return KeyPairFiles(following(files.cert), following(files.key))


def _pair(folder: str, name: str) -> KeyPairFiles:
    return KeyPairFiles(f"{folder}/{name}.crt", f"{folder}/{name}.key")


def is_kubeadm(inventory: Inventory) -> bool:
    """Whether kubeadm made the cluster, by its inventory."""
    return inventory.kubernetes is not None and inventory.kubernetes.deployment is Deployment.KUBEADM


def is_stacked(inventory: Inventory) -> bool:
    """Whether kubeadm runs etcd too, as a static pod beside each API server."""
    planes = inventory.with_role(Role.CONTROL_PLANE)
    return _has_kubeadm_files(inventory) and all(host in planes for host in inventory.with_role(Role.ETCD))


def _has_kubeadm_files(inventory: Inventory) -> bool:
    """Whether members have the files of kubeadm: stacked ones, and static pods of a kubelet on hosts of etcd's own."""
    return is_kubeadm(inventory) and inventory.etcd.placement is EtcdPlacement.STATIC_POD


def _deployment(inventory: Inventory) -> Deployment | None:
    return inventory.kubernetes.deployment if inventory.kubernetes else None


def _manifest_dir(inventory: Inventory) -> str:
    kube = inventory.kubernetes
    if kube is not None and kube.deployment is Deployment.RKE2:
        return f"{rke2_agent_dir(kube.pki_dir)}/pod-manifests"
    return f"{kube.config_dir if kube else '/etc/kubernetes'}/manifests"


def _etcd(inventory: Inventory) -> EtcdLayout:
    etcd = inventory.etcd
    systemd = etcd.placement is EtcdPlacement.SYSTEMD
    own_unit = systemd and _deployment(inventory) is not Deployment.K0S
    return EtcdLayout(
        placement=etcd.placement,
        tls=etcd.tls,
        unit="etcd.service" if own_unit else None,
        unit_file=f"{SYSTEMD_DIR}/etcd.service" if own_unit else None,
        env_file=etcd.config_file if systemd else None,
        manifest=None if systemd else f"{_manifest_dir(inventory)}/etcd.yaml",
        binary=etcd.binary,
        user="etcd" if systemd else "root",
        data_dir=etcd.data_dir,
        pki=_etcd_pki(inventory) if etcd.tls is EtcdTls.CERTIFICATES else None,
        loopback_only=_deployment(inventory) is Deployment.K0S,
        client_port=etcd.client_port,
        peer_port=etcd.peer_port,
        metrics_port=etcd.metrics_port,
    )


def _external_etcd_pki(kube: Kubernetes) -> EtcdPki:
    """The CA and the client pair on control planes, where kubeadm copies them; there are no members and no CA key."""
    folder = f"{kube.pki_dir}/etcd"
    client = _pair(kube.pki_dir, "apiserver-etcd-client")
    return EtcdPki(ca=_pair(folder, "ca"), server=_pair(folder, "server"), peer=_pair(folder, "peer"), client=client)


def _etcd_pki(inventory: Inventory) -> EtcdPki:
    if inventory.etcd.external is not None and inventory.kubernetes is not None:
        return _external_etcd_pki(inventory.kubernetes)
    folder = inventory.etcd.pki_dir
    if _has_kubeadm_files(inventory) and inventory.kubernetes and folder == _DEFAULT_ETCD_PKI_DIR:
        folder = f"{inventory.kubernetes.pki_dir}/etcd"
    client = "healthcheck-client" if _has_kubeadm_files(inventory) else "client"
    files = inventory.etcd.files

    def pair(cert: str, key: str) -> KeyPairFiles:
        return KeyPairFiles(f"{folder}/{cert}", f"{folder}/{key}")

    return EtcdPki(
        ca=pair(files.ca_cert, files.ca_key),
        server=pair(files.server_cert, files.server_key),
        peer=pair(files.peer_cert, files.peer_key),
        client=_k0s_client(inventory)
        or pair(files.client_cert or f"{client}.crt", files.client_key or f"{client}.key"),
        peer_ca=f"{folder}/{files.peer_ca_cert}" if files.peer_ca_cert else None,
    )


def _k0s_client(inventory: Inventory) -> KeyPairFiles | None:
    """k0s makes no client certificate of etcd's but that of the API server."""
    kube = inventory.kubernetes
    if kube is None or kube.deployment is not Deployment.K0S:
        return None
    return _pair(kube.pki_dir, "apiserver-etcd-client")


def _kubernetes(inventory: Inventory, kube: Kubernetes) -> KubernetesLayout:
    pki, config = kube.pki_dir, kube.config_dir
    etcd_pki = _etcd_pki(inventory) if inventory.etcd.tls is EtcdTls.CERTIFICATES else None
    manager, scheduler = _client(kube, "controller-manager"), _client(kube, "scheduler")
    kubelet_runs = is_kubeadm(inventory) or inventory.etcd.placement is EtcdPlacement.STATIC_POD
    files = KubernetesLayout(
        deployment=kube.deployment,
        pki_dir=pki,
        config_dir=config,
        ca=_pair(pki, "ca"),
        front_proxy_ca=_pair(pki, "front-proxy-ca"),
        service_account=KeyPairFiles(f"{pki}/sa.pub", f"{pki}/sa.key"),
        signing_ca=f"{pki}/ca-signing.crt",
        apiserver=_pair(pki, "apiserver"),
        apiserver_etcd_client=_pair(pki, "apiserver-etcd-client"),
        apiserver_kubelet_client=_pair(pki, "apiserver-kubelet-client"),
        front_proxy_client=_pair(pki, "front-proxy-client"),
        etcd_ca=etcd_pki.ca.cert if etcd_pki else None,
        admin=_client(kube, "admin"),
        controller_manager=manager,
        scheduler=scheduler,
        components=(
            _component(kube, "kube-apiserver", kube.api_port, None),
            _component(kube, "kube-controller-manager", CONTROLLER_MANAGER_PORT, manager.kubeconfig),
            _component(kube, "kube-scheduler", SCHEDULER_PORT, scheduler.kubeconfig),
        ),
        manifest_dir=f"{config}/manifests" if kubelet_runs else None,
        kubelet_unit="kubelet.service" if kubelet_runs else None,
    )
    return watched_layout(kube, files)


def _client(kube: Kubernetes, name: str) -> KubeClientFiles:
    files = None if kube.deployment is Deployment.KUBEADM else _pair(kube.pki_dir, name)
    return KubeClientFiles(f"{kube.config_dir}/{name}.conf", files)


def _component(kube: Kubernetes, name: str, port: int, kubeconfig: str | None) -> ComponentLayout:
    kubeadm = kube.deployment is Deployment.KUBEADM
    return ComponentLayout(
        name=name,
        unit=None if kubeadm else f"{name}.service",
        unit_file=None if kubeadm else f"{SYSTEMD_DIR}/{name}.service",
        manifest=f"{kube.config_dir}/manifests/{name}.yaml" if kubeadm else None,
        binary=f"{kube.binary_dir}/{name}",
        port=port,
        kubeconfig=kubeconfig,
    )


def _haproxy(inventory: Inventory) -> HaproxyLayout | None:
    haproxy = effective.haproxy(inventory)
    if haproxy is None:
        return None
    api_port = inventory.kubernetes.api_port if inventory.kubernetes else Kubernetes().api_port
    return HaproxyLayout(
        unit="haproxy.service",
        drop_in=f"{SYSTEMD_DIR}/haproxy.service.d/haconsole.conf",
        config_file=haproxy.config_file,
        stats_socket=haproxy.stats_socket,
        bind_port=haproxy.bind_port,
        health_port=haproxy.health_port,
        backend=f"k8s_server_{api_port}",
        manifest=_balancer_manifest(inventory, haproxy.placement, "haproxy"),
    )


def _balancer_manifest(inventory: Inventory, placement: EtcdPlacement, name: str) -> str | None:
    return f"{_manifest_dir(inventory)}/{name}.yaml" if placement is EtcdPlacement.STATIC_POD else None


def _keepalived(inventory: Inventory) -> KeepalivedLayout | None:
    if not inventory.vips:
        return None
    folder = inventory.keepalived.config_file.rpartition("/")[0]
    return KeepalivedLayout(
        unit="keepalived.service",
        drop_in=f"{SYSTEMD_DIR}/keepalived.service.d/haconsole.conf",
        config_file=inventory.keepalived.config_file,
        check_script=f"{folder}/check-apiserver",
        down_file=inventory.keepalived.down_file,
        manifest=_balancer_manifest(inventory, inventory.keepalived.placement, "keepalived"),
    )
