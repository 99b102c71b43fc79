"""The leaf certificates that each host should have: their names, uses, owners and CAs."""

from __future__ import annotations

import ipaddress

import msgspec

from haconsole.actions.operations import IssueCertificate, PairForm
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.configs.layout import EtcdLayout, EtcdPki, KeyPairFiles, KubeClientFiles, KubernetesLayout
from haconsole.inventory.effective import endpoint, etcd_name, service_ip, watched_vips
from haconsole.inventory.schema import DiscoveryKind, Host, Inventory, Kubernetes

ETCD_CA, KUBERNETES_CA, FRONT_PROXY_CA = "etcd-ca", "kubernetes-ca", "front-proxy-ca"
CLIENT, SERVER, BOTH = ("client",), ("server",), ("server", "client")


class DesiredLeaf(msgspec.Struct, frozen=True):
    """One leaf on one host. `name` is its role as in `model.certificate`."""

    name: str
    files: KeyPairFiles
    authority: str
    ca: KeyPairFiles
    common_name: str
    usages: tuple[str, ...]
    why: str
    sans: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    owner: str = "root:root"
    form: PairForm = PairForm.FILES

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that hold it, each once."""
        return tuple(dict.fromkeys((self.files.cert, self.files.key)))

    def issue(self, replaces: str = "") -> IssueCertificate:
        """Issue the leaf; `replaces` is the SHA-256 of the certificate to replace, empty for none."""
        return IssueCertificate(
            authority=self.authority,
            authority_cert_path=self.ca.cert,
            authority_key_path=self.ca.key,
            cert_path=self.files.cert,
            key_path=self.files.key,
            common_name=self.common_name,
            organizations=self.organizations,
            sans=self.sans,
            usages=self.usages,
            owner=self.owner,
            replaces=replaces,
            form=self.form,
        )


def san(name: str) -> str:
    """``IP:…`` for an address, ``DNS:…`` for anything else."""
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def etcd_sans(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Names of a member's server and peer certificates; with SRV discovery peers verify those in DNS."""
    names = (host.name, "localhost", *_names_in_dns(inventory, host), host.address, "127.0.0.1", "::1")
    return tuple(dict.fromkeys(map(san, names)))


def _names_in_dns(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The domain of SRV records, and the names of the host that a record may have."""
    discovery = inventory.etcd.discovery
    if discovery.kind is not DiscoveryKind.SRV or not discovery.value:
        return ()
    domain = discovery.value
    names = [f"{name}.{domain}" for name in (host.name, etcd_name(host)) if not name.endswith(f".{domain}")]
    reached = (host.ssh_address or "").rstrip(".")
    return (domain, *names, *((reached,) if reached.endswith(f".{domain}") else ()))


def apiserver_sans(inventory: Inventory, kubernetes: Kubernetes, host: Host) -> tuple[str, ...]:
    """Every name in the API server's certificate: in the cluster, through the endpoint and VIPs, and direct."""
    inside = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{kubernetes.cluster_domain}",
    )
    balanced = endpoint(inventory)
    service = service_ip(inventory)
    names = (
        *inside,
        host.name,
        "localhost",
        *((balanced[0],) if balanced else ()),
        *watched_vips(inventory),
        *((service,) if service else ()),
        host.address,
        "127.0.0.1",
        "::1",
        *kubernetes.extra_sans,
    )
    return tuple(dict.fromkeys(map(san, names)))


def leaves_on(ctx: PlanContext, host: Host) -> tuple[DesiredLeaf, ...]:
    """The leaves that `host` needs for the requested parts."""
    parts, etcd, kubernetes = ctx.parts_on(host), ctx.layout.etcd, ctx.layout.kubernetes
    leaves: list[DesiredLeaf] = []
    if BootstrapPart.ETCD in parts and etcd.pki:
        leaves += _member(ctx.inventory, host, etcd, etcd.pki.on(host))
    if BootstrapPart.KUBERNETES in parts and kubernetes and ctx.inventory.kubernetes:
        if etcd.pki and ctx.inventory.etcd.external is None:
            leaves.append(apiserver_etcd_client(kubernetes, etcd.pki))
        leaves.append(_apiserver(ctx.inventory, ctx.inventory.kubernetes, kubernetes, host))
        leaves += _apiserver_clients(kubernetes)
        leaves += _kubeconfig_clients(kubernetes)
    return tuple(leaves)


def _member(inventory: Inventory, host: Host, etcd: EtcdLayout, pki: EtcdPki) -> tuple[DesiredLeaf, ...]:
    names, owner = etcd_sans(inventory, host), f"{etcd.user}:{etcd.user}"

    def leaf(name: str, files: KeyPairFiles, usages: tuple[str, ...], why: str, sans: tuple[str, ...]) -> DesiredLeaf:
        return DesiredLeaf(name, files, ETCD_CA, pki.ca, host.name, usages, why, sans, owner=owner)

    server = (
        "The member's server certificate. etcd also presents this certificate when it connects to itself, so the "
        "certificate is valid for servers and clients."
    )
    peer = "Members authenticate to each other with this certificate, as server and as client."
    console = "The console and health checks query the member with this certificate."
    return (
        leaf("etcd-server", pki.server, BOTH, server, names),
        leaf("etcd-peer", pki.peer, BOTH, peer, names),
        DesiredLeaf("etcd-client", pki.client, ETCD_CA, pki.ca, "haconsole", CLIENT, console),
    )


def apiserver_etcd_client(kubernetes: KubernetesLayout, pki: EtcdPki) -> DesiredLeaf:
    """The client pair of an API server for etcd."""
    why = "The API server authenticates to etcd with this certificate."
    files = kubernetes.apiserver_etcd_client
    return DesiredLeaf("apiserver-etcd-client", files, ETCD_CA, pki.ca, "kube-apiserver-etcd-client", CLIENT, why)


def _apiserver(inventory: Inventory, settings: Kubernetes, paths: KubernetesLayout, host: Host) -> DesiredLeaf:
    why = (
        "The certificate has all names that clients use, including the VIP: a missing name breaks clients only "
        "after a failover."
    )
    names = apiserver_sans(inventory, settings, host)
    return DesiredLeaf("apiserver", paths.apiserver, KUBERNETES_CA, paths.ca, "kube-apiserver", SERVER, why, names)


def _apiserver_clients(paths: KubernetesLayout) -> tuple[DesiredLeaf, ...]:
    kubelet = DesiredLeaf(
        "apiserver-kubelet-client", paths.apiserver_kubelet_client, KUBERNETES_CA, paths.ca,
        "kube-apiserver-kubelet-client", CLIENT,
        "The API server authenticates to kubelets with this certificate, to fetch logs or open a shell.",
        organizations=("system:masters",),
    )  # fmt: skip
    proxy = DesiredLeaf(
        "front-proxy-client", paths.front_proxy_client, FRONT_PROXY_CA, paths.front_proxy_ca, "front-proxy-client",
        CLIENT, "The API server authenticates to extension API servers with this certificate.",
    )  # fmt: skip
    return kubelet, proxy


def _kubeconfig_clients(paths: KubernetesLayout) -> tuple[DesiredLeaf, ...]:
    def leaf(
        name: str, client: KubeClientFiles, common_name: str, why: str, organizations: tuple[str, ...] = ()
    ) -> DesiredLeaf | None:
        if client.files is None:
            return None
        return DesiredLeaf(
            name, client.files, KUBERNETES_CA, paths.ca, common_name, CLIENT, why, organizations=organizations
        )

    leaves = (
        leaf("admin", paths.admin, "kubernetes-admin", ADMIN_WHY, ("system:masters",)),
        leaf("controller-manager", paths.controller_manager, "system:kube-controller-manager", MANAGER_WHY),
        leaf("scheduler", paths.scheduler, "system:kube-scheduler", SCHEDULER_WHY),
    )
    return tuple(one for one in leaves if one)


ADMIN_WHY = "An administrator on this host, and the console, have full access to the API with this certificate."
MANAGER_WHY = "The controller manager's identity in the API; its permissions are bound to this name."
SCHEDULER_WHY = "The scheduler's identity in the API; its permissions are bound to this name."
