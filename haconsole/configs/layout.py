"""The paths of a cluster on its hosts: units, files, keys and ports, for both kinds of cluster.

The same paths hold on every host; a host's roles decide which of them it has. kubeadm's own names are used for the
Kubernetes PKI in both kinds, so that its documents and tools apply (kubernetes.io: PKI certificates and requirements).
"""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.inventory import effective
from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, EtcdTls, Host, Inventory, Kubernetes
from haconsole.model.hosts import Role

SYSTEMD_DIR = "/etc/systemd/system"
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
_DEFAULT_ETCD_PKI_DIR = Etcd().pki_dir


@dataclass(frozen=True, slots=True)
class KeyPairFiles:
    """A certificate (or public key) and the private key that belongs to it, both PEM."""

    cert: str
    key: str

    def on(self, host: Host) -> KeyPairFiles:
        """The files on `host`, whose name may be part of theirs."""
        return KeyPairFiles(self.cert.replace("{host}", host.name), self.key.replace("{host}", host.name))


@dataclass(frozen=True, slots=True)
class EtcdPki:
    """etcd's CA and the leaves on each member; `client` is what the console and health checks authenticate with.

    Names of leaf files may contain ``{host}``; `on` gives those of one host.
    """

    ca: KeyPairFiles
    server: KeyPairFiles
    peer: KeyPairFiles
    client: KeyPairFiles

    def on(self, host: Host) -> EtcdPki:
        """The files on `host`."""
        return EtcdPki(self.ca.on(host), self.server.on(host), self.peer.on(host), self.client.on(host))


@dataclass(frozen=True, slots=True)
class EtcdLayout:
    """etcd on a host. `unit` is None if kubelet runs it from `manifest`, and vice versa.

    `pki` is None unless the inventory sets certificates; `user` owns data and keys. `scheme` is http or https.
    """

    placement: EtcdPlacement
    tls: EtcdTls
    unit: str | None
    unit_file: str | None
    env_file: str | None
    manifest: str | None
    binary: str
    user: str
    data_dir: str
    pki: EtcdPki | None
    client_port: int
    peer_port: int
    metrics_port: int | None

    @property
    def scheme(self) -> str:
        return "http" if self.tls is EtcdTls.OFF else "https"

    @property
    def member_dir(self) -> str:
        """The folder whose existence means that a member has run here."""
        return f"{self.data_dir}/member"


@dataclass(frozen=True, slots=True)
class ComponentLayout:
    """A control-plane process: run by `unit` (file `unit_file`), or by kubelet from the static pod in `manifest`.

    `port` is its secure port; `kubeconfig` what it reaches the API with, None for the apiserver.
    """

    name: str
    unit: str | None
    unit_file: str | None
    manifest: str | None
    binary: str
    port: int
    kubeconfig: str | None


@dataclass(frozen=True, slots=True)
class KubeClientFiles:
    """A kubeconfig and the client key pair it names; `files` is None where kubeadm embeds both in the kubeconfig."""

    kubeconfig: str
    files: KeyPairFiles | None


@dataclass(frozen=True, slots=True)
class KubernetesLayout:
    """A control plane on a host. `etcd_ca` is the CA file the apiserver trusts for etcd (None without TLS).

    `signing_ca` holds only the first certificate of `ca`: kube-controller-manager signs with no bundle.
    """

    deployment: Deployment
    pki_dir: str
    config_dir: str
    ca: KeyPairFiles
    front_proxy_ca: KeyPairFiles
    service_account: KeyPairFiles
    signing_ca: str
    apiserver: KeyPairFiles
    apiserver_etcd_client: KeyPairFiles
    apiserver_kubelet_client: KeyPairFiles
    front_proxy_client: KeyPairFiles
    etcd_ca: str | None
    admin: KubeClientFiles
    controller_manager: KubeClientFiles
    scheduler: KubeClientFiles
    components: tuple[ComponentLayout, ComponentLayout, ComponentLayout]
    manifest_dir: str | None
    kubelet_unit: str | None

    @property
    def api_port(self) -> int:
        return self.components[0].port


@dataclass(frozen=True, slots=True)
class HaproxyLayout:
    """haproxy on a balancer. `backend` is the name of the backend and of the frontend in front of it.

    `drop_in` adds to the unit that the distribution ships.
    """

    unit: str
    drop_in: str
    config_file: str
    stats_socket: str
    bind_port: int
    health_port: int
    backend: str


@dataclass(frozen=True, slots=True)
class KeepalivedLayout:
    """keepalived on a balancer; while `down_file` exists `check_script` fails and the host releases its VIPs."""

    unit: str
    drop_in: str
    config_file: str
    check_script: str
    down_file: str


@dataclass(frozen=True, slots=True)
class Layout:
    """All of it; a part is None when the inventory does not have it."""

    etcd: EtcdLayout
    kubernetes: KubernetesLayout | None
    haproxy: HaproxyLayout | None
    keepalived: KeepalivedLayout | None

    def units(self, host: Host) -> tuple[str, ...]:
        """The systemd units that should run on `host`, by its roles."""
        roles = set(host.roles)
        units: list[str | None] = []
        if Role.ETCD in roles:
            units.append(self.etcd.unit)
        if Role.LOAD_BALANCER in roles:
            units += [part.unit for part in (self.haproxy, self.keepalived) if part]
        if self.kubernetes and Role.CONTROL_PLANE in roles:
            units += [component.unit for component in self.kubernetes.components]
        if self.kubernetes and roles & {Role.CONTROL_PLANE, Role.WORKER}:
            units.append(self.kubernetes.kubelet_unit)
        return tuple(unit for unit in units if unit)


def layout(inventory: Inventory) -> Layout:
    """The paths, units and ports of the cluster that `inventory` describes."""
    kubernetes = _kubernetes(inventory, inventory.kubernetes) if inventory.kubernetes else None
    return Layout(
        etcd=_etcd(inventory),
        kubernetes=kubernetes,
        haproxy=_haproxy(inventory),
        keepalived=_keepalived(inventory),
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


def _stacked(inventory: Inventory) -> bool:
    return is_kubeadm(inventory) and inventory.etcd.placement is EtcdPlacement.STATIC_POD


def _manifest_dir(inventory: Inventory) -> str:
    return f"{inventory.kubernetes.config_dir if inventory.kubernetes else '/etc/kubernetes'}/manifests"


def _etcd(inventory: Inventory) -> EtcdLayout:
    etcd = inventory.etcd
    systemd = etcd.placement is EtcdPlacement.SYSTEMD
    return EtcdLayout(
        placement=etcd.placement,
        tls=etcd.tls,
        unit="etcd.service" if systemd else None,
        unit_file=f"{SYSTEMD_DIR}/etcd.service" if systemd else None,
        env_file=etcd.config_file if systemd else None,
        manifest=None if systemd else f"{_manifest_dir(inventory)}/etcd.yaml",
        binary=etcd.binary,
        user="etcd" if systemd else "root",
        data_dir=etcd.data_dir,
        pki=_etcd_pki(inventory) if etcd.tls is EtcdTls.CERTIFICATES else None,
        client_port=etcd.client_port,
        peer_port=etcd.peer_port,
        metrics_port=etcd.metrics_port,
    )


def _etcd_pki(inventory: Inventory) -> EtcdPki:
    folder = inventory.etcd.pki_dir
    if _stacked(inventory) and inventory.kubernetes and folder == _DEFAULT_ETCD_PKI_DIR:
        folder = f"{inventory.kubernetes.pki_dir}/etcd"
    client = "healthcheck-client" if _stacked(inventory) else "client"
    files = inventory.etcd.files

    def pair(cert: str, key: str) -> KeyPairFiles:
        return KeyPairFiles(f"{folder}/{cert}", f"{folder}/{key}")

    return EtcdPki(
        ca=pair(files.ca_cert, files.ca_key),
        server=pair(files.server_cert, files.server_key),
        peer=pair(files.peer_cert, files.peer_key),
        client=pair(files.client_cert or f"{client}.crt", files.client_key or f"{client}.key"),
    )


def _kubernetes(inventory: Inventory, kube: Kubernetes) -> KubernetesLayout:
    pki, config = kube.pki_dir, kube.config_dir
    etcd_pki = _etcd_pki(inventory) if inventory.etcd.tls is EtcdTls.CERTIFICATES else None
    manager, scheduler = _client(kube, "controller-manager"), _client(kube, "scheduler")
    kubelet_runs = is_kubeadm(inventory) or inventory.etcd.placement is EtcdPlacement.STATIC_POD
    return KubernetesLayout(
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
    )


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
    )
