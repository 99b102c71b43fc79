"""The parts of a layout: what a cluster has on its hosts, for every kind of cluster."""

from __future__ import annotations

import msgspec

from haconsole.inventory.schema import Deployment, EtcdPlacement, EtcdTls, Host
from haconsole.model.hosts import Role


class KeyPairFiles(msgspec.Struct, frozen=True):
    """A certificate (or public key) and the private key that belongs to it, both PEM."""

    cert: str
    key: str

    def on(self, host: Host) -> KeyPairFiles:
        """The files on `host`, whose name may be part of theirs."""
        return KeyPairFiles(self.cert.replace("{host}", host.name), self.key.replace("{host}", host.name))


class EtcdPki(msgspec.Struct, frozen=True):
    """etcd's CA and the leaves on each member; `client` is what the console and health checks authenticate with.

    Names of leaf files may contain ``{host}``; `on` gives those of one host.
    """

    ca: KeyPairFiles
    server: KeyPairFiles
    peer: KeyPairFiles
    client: KeyPairFiles
    peer_ca: str | None = None
    """The CA of peer connections, where that is not `ca`."""

    def on(self, host: Host) -> EtcdPki:
        """The files on `host`."""
        return EtcdPki(
            self.ca.on(host), self.server.on(host), self.peer.on(host), self.client.on(host), peer_ca=self.peer_ca
        )


class EtcdLayout(msgspec.Struct, frozen=True):
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
    loopback_only: bool = False
    """Whether clients reach it on the loopback address only, as with k0s."""

    @property
    def scheme(self) -> str:
        return "http" if self.tls is EtcdTls.OFF else "https"

    @property
    def member_dir(self) -> str:
        """The folder whose existence means that a member has run here."""
        return f"{self.data_dir}/member"


class ComponentLayout(msgspec.Struct, frozen=True):
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


class KubeClientFiles(msgspec.Struct, frozen=True):
    """A kubeconfig and the client key pair it names; `files` is None where kubeadm embeds both in the kubeconfig."""

    kubeconfig: str
    files: KeyPairFiles | None


class KubernetesLayout(msgspec.Struct, frozen=True):
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
    worker_unit: str | None = None
    """The unit of hosts that are only workers, where that is not `kubelet_unit`."""

    server_ca: str | None = None
    """The CA of the API server's certificate, where that is not the CA of clients."""

    @property
    def api_port(self) -> int:
        return self.components[0].port


class HaproxyLayout(msgspec.Struct, frozen=True):
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
    manifest: str | None = None
    """The static pod that runs haproxy in place of the unit."""


class KeepalivedLayout(msgspec.Struct, frozen=True):
    """keepalived on a balancer; while `down_file` exists `check_script` fails and the host releases its VIPs."""

    unit: str
    drop_in: str
    config_file: str
    check_script: str
    down_file: str
    manifest: str | None = None
    """The static pod that runs keepalived in place of the unit."""


class Layout(msgspec.Struct, frozen=True):
    """All of it; a part is None when the inventory does not have it."""

    etcd: EtcdLayout
    kubernetes: KubernetesLayout | None
    haproxy: HaproxyLayout | None
    keepalived: KeepalivedLayout | None
    kube_vip: str | None = None
    """The manifest of kube-vip on control planes."""

    def units(self, host: Host) -> tuple[str, ...]:
        """The systemd units that should run on `host`, by its roles."""
        roles = set(host.roles)
        units: list[str | None] = []
        if Role.ETCD in roles:
            units.append(self.etcd.unit)
        if Role.LOAD_BALANCER in roles:
            units += [part.unit for part in (self.haproxy, self.keepalived) if part and part.manifest is None]
        if self.kubernetes and Role.CONTROL_PLANE in roles:
            units += [component.unit for component in self.kubernetes.components]
        if self.kubernetes and roles & {Role.CONTROL_PLANE, Role.WORKER}:
            worker_unit = self.kubernetes.worker_unit or self.kubernetes.kubelet_unit
            units.append(self.kubernetes.kubelet_unit if Role.CONTROL_PLANE in roles else worker_unit)
        return tuple(unit for unit in units if unit)

    def static_pods(self, host: Host) -> tuple[str, ...]:
        """The names of the static pods that should run on `host`, by its roles, without that of the node."""
        roles = set(host.roles)
        manifests: list[tuple[str, str | None]] = []
        if Role.ETCD in roles:
            manifests.append(("etcd", self.etcd.manifest))
        if Role.LOAD_BALANCER in roles:
            manifests.append(("haproxy", self.haproxy.manifest if self.haproxy else None))
            manifests.append(("keepalived", self.keepalived.manifest if self.keepalived else None))
        if Role.CONTROL_PLANE in roles:
            manifests += (
                (part.name, part.manifest) for part in (self.kubernetes.components if self.kubernetes else ())
            )
            manifests.append(("kube-vip", self.kube_vip))
        return tuple(name for name, manifest in manifests if manifest)
