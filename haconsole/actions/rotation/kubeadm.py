"""The leaf certificates of a kubeadm cluster, with the names and paths that they have on the hosts.

kubeadm embeds the pairs of its kubeconfigs, and its own commands expect them there. They stay embedded. kubelet renews
its pair while it can; a rotation replaces that pair only if it is due, which means that kubelet failed to renew it.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.leaves import (
    ADMIN_WHY,
    CLIENT,
    KUBERNETES_CA,
    MANAGER_WHY,
    SCHEDULER_WHY,
    DesiredLeaf,
)
from haconsole.actions.operations import PairForm
from haconsole.actions.plan_context import PlanContext
from haconsole.configs.layout import KeyPairFiles, KubernetesLayout
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.pki.leaf import due_at

SUPER_ADMIN_WHY = (
    "The credential of the administrator of last resort on this host. Its group bypasses RBAC, so it works "
    "while RBAC is broken."
)
KUBECONFIGS = {
    "admin": ADMIN_WHY,
    "super-admin": SUPER_ADMIN_WHY,
    "controller-manager": MANAGER_WHY,
    "scheduler": SCHEDULER_WHY,
}
KUBELET_WHY = (
    "kubelet did not renew its client certificate in time. Without a valid one the cluster loses the node, and kubelet "
    "does not start."
)
KUBELET_CA_WHY = "kubelet's identity in the API. kubelet renews its certificate later with the CA that is in use then."
DEFAULT_NAMES = {"etcd-client": ("kube-etcd-healthcheck-client", ("system:masters",))}
"""Names by role, as kubeadm makes them, for a certificate that is missing."""


def kubeconfig_leaves(kubernetes: KubernetesLayout, certificates: tuple[Certificate, ...]) -> tuple[DesiredLeaf, ...]:
    """The clients of the control plane that were observed, each in the place where its user reads it."""
    return tuple(
        leaf
        for role, why in KUBECONFIGS.items()
        for one in certificates
        if one.role == role and not one.is_ca and (leaf := _client(one, kubernetes, why)) is not None
    )


def _client(one: Certificate, kubernetes: KubernetesLayout, why: str) -> DesiredLeaf | None:
    if one.in_kubeconfig:
        files, form = KeyPairFiles(one.path, one.path), PairForm.KUBECONFIG
    elif one.key_path == one.path:
        files, form = KeyPairFiles(one.path, one.path), PairForm.COMBINED
    elif one.key_path:
        files, form = KeyPairFiles(one.path, one.key_path), PairForm.FILES
    else:
        return None
    leaf = DesiredLeaf(one.role, files, KUBERNETES_CA, kubernetes.ca, "", CLIENT, why, form=form)
    return named_as(leaf, one)


def kubelet_pair(ctx: PlanContext, one: Certificate, kubernetes: KubernetesLayout) -> DesiredLeaf | None:
    """The pair that kubelet keeps and should have renewed; None unless it is due, or its CA is replaced."""
    leaf = _client(one, kubernetes, KUBELET_WHY if is_overdue(ctx, one) else KUBELET_CA_WHY)
    return leaf if leaf is not None and (ctx.replaces_ca or is_overdue(ctx, one)) else None


def is_overdue(ctx: PlanContext, one: Certificate) -> bool:
    return ctx.snapshot.observed_at >= due_at(one.not_before, one.not_after)


def named_as(leaf: DesiredLeaf, one: Certificate | None) -> DesiredLeaf:
    """The leaf with the names of the existing certificate, and those that clients use and it lacks."""
    if one is None:
        name, organizations = DEFAULT_NAMES.get(leaf.name, (leaf.common_name, leaf.organizations))
        return replace(leaf, common_name=name, organizations=organizations)
    parts = [part.partition("=") for part in one.subject.split(",")]
    return replace(
        leaf,
        common_name=next((value for key, _, value in parts if key == "CN"), leaf.common_name),
        organizations=tuple(value for key, _, value in parts if key == "O"),
        sans=tuple(dict.fromkeys((*one.sans, *one.missing_names))),
    )


def with_ca_in_use(leaf: DesiredLeaf, certificates: tuple[Certificate, ...]) -> DesiredLeaf:
    """The leaf with the CA files that the manifests name, where the layout's were not read."""
    read = [one for one in certificates if one.is_ca and one.role == leaf.authority]
    if not read or any(one.path == leaf.ca.cert for one in read):
        return leaf
    other = read[0]
    return replace(leaf, ca=KeyPairFiles(other.path, other.key_path or f"{other.path.rpartition('.')[0]}.key"))


def etcd_ports(ctx: PlanContext, host: Host) -> dict[str, int]:
    """The ports of etcd's server and peer certificates, by their role, as its manifest names them."""
    etcd = ctx.layout.etcd
    client = _port_of_urls(_flag(ctx, host, "etcd", "listen-client-urls"), host.address)
    peer = _port_of_urls(_flag(ctx, host, "etcd", "listen-peer-urls"), host.address)
    return {"etcd-server": client or etcd.client_port, "etcd-peer": peer or etcd.peer_port}


def api_port(ctx: PlanContext, host: Host) -> int:
    """The API server's port, as its manifest names it, else the layout's."""
    port = _flag(ctx, host, "kube-apiserver", "secure-port")
    assert ctx.layout.kubernetes is not None
    return int(port) if port.isdecimal() else ctx.layout.kubernetes.api_port


def _flag(ctx: PlanContext, host: Host, pod: str, flag: str) -> str:
    facts = ctx.snapshot.host(HostName(host.name))
    kubelet = value_of(facts.kubelet) if facts else None
    state = kubelet.pod(pod) if kubelet else None
    return (state.flag(flag) if state else None) or ""


def _port_of_urls(urls: str, address: str) -> int | None:
    """The port of the URL at `address`, else of the first one."""
    ports = {host: int(port) for url in urls.split(",") for host, _, port in (_place(url),) if port.isdecimal()}
    return ports.get(address, next(iter(ports.values()), None))


def _place(url: str) -> tuple[str, str, str]:
    host, colon, port = url.rpartition("://")[2].rstrip("/").rpartition(":")
    return host.strip("[]"), colon, port
