"""The software that a host needs for its roles, with its packages; kernel modules, kernel settings and ports."""

from __future__ import annotations

import msgspec

from haconsole.configs.etcd_pods import has_separate_pods
from haconsole.configs.layout import Layout, is_kubeadm, is_stacked
from haconsole.inventory.schema import EtcdPlacement, Host, Inventory
from haconsole.model.hosts import Role

MODULES = ("overlay", "br_netfilter")
"""Kernel modules that the runtime and kube-proxy need (kubernetes.io, Container Runtimes)."""
SYSCTLS = (
    ("net.ipv4.ip_forward", "1"),
    ("net.bridge.bridge-nf-call-iptables", "1"),
    ("net.bridge.bridge-nf-call-ip6tables", "1"),
)
TIME_SERVICE = "chrony"


class Software(msgspec.Struct, frozen=True):
    """One product: it is installed if all of `programs` are. `apt` and `rpm` are its packages, empty without one."""

    name: str
    programs: tuple[str, ...]
    apt: str = ""
    rpm: str = ""
    version: str = ""
    """The version that the inventory requires, up to its last known part; empty for any."""
    hold: bool = False
    """Excluded from unattended upgrades."""
    release: str = ""
    """The key of `preparation.releases` that can provide it."""


NETWORK_TOOLS = Software("iproute2", ("ip", "ss"), "iproute2", "iproute")
"""They report addresses and connections: haconsole needs them on every host."""


def software_of(inventory: Inventory, layout: Layout, host: Host) -> tuple[Software, ...]:
    """All products for the roles of `host`, in the order of their installation."""
    if set(host.roles) <= {Role.BASTION}:
        return ()
    return (
        *_etcd(inventory, layout, host),
        *_balancers(inventory, layout, host),
        *_units(inventory, layout, host),
        *_node(inventory, host),
        NETWORK_TOOLS,
        Software("openssl", ("openssl",), "openssl", "openssl"),
        Software(TIME_SERVICE, ("chronyd",), "chrony", "chrony"),
    )


def runs_node(inventory: Inventory, host: Host) -> bool:
    """Whether kubelet will run on the host."""
    roles = {Role.CONTROL_PLANE, Role.WORKER, *((Role.ETCD,) if has_separate_pods(inventory) else ())}
    return is_kubeadm(inventory) and bool(roles & set(host.roles))


def _version(text: str | None) -> str:
    return text.removeprefix("v") if text else ""


def _etcd(inventory: Inventory, layout: Layout, host: Host) -> tuple[Software, ...]:
    if Role.ETCD not in host.roles or inventory.etcd.placement is EtcdPlacement.STATIC_POD or is_stacked(inventory):
        return ()
    version = _version(inventory.etcd.version)
    return (Software("etcd", (layout.etcd.binary,), "etcd-server", "etcd", version, hold=True, release="etcd"),)


def _balancers(inventory: Inventory, layout: Layout, host: Host) -> tuple[Software, ...]:
    if Role.LOAD_BALANCER not in host.roles or inventory.kubernetes is None:
        return ()
    products = [Software("haproxy", ("haproxy",), "haproxy", "haproxy", hold=True)] if layout.haproxy else []
    if layout.keepalived and inventory.vips:
        products.append(Software("keepalived", ("keepalived",), "keepalived", "keepalived", hold=True))
    return tuple(products)


def _units(inventory: Inventory, layout: Layout, host: Host) -> tuple[Software, ...]:
    """The components that run as units; distributions have no packages of them."""
    kubernetes = inventory.kubernetes
    if kubernetes is None or layout.kubernetes is None or is_kubeadm(inventory) or Role.CONTROL_PLANE not in host.roles:
        return ()
    version = _version(kubernetes.version)
    return tuple(
        Software(component.name, (component.binary,), version=version, release="kubernetes")
        for component in layout.kubernetes.components
    )


def _node(inventory: Inventory, host: Host) -> tuple[Software, ...]:
    kubernetes = inventory.kubernetes
    if kubernetes is None or not runs_node(inventory, host):
        return ()
    version, socket = _version(kubernetes.version), kubernetes.kubeadm.cri_socket or ""
    tools = tuple(
        Software(name, (name,), name, name, version, hold=True, release="kubernetes") for name in ("kubelet", "kubeadm")
    )
    runtime = Software("containerd", ("containerd",), "containerd", "containerd.io", hold=True)
    return (
        *((runtime,) if not socket or socket.endswith("/containerd.sock") else ()),
        Software("conntrack", ("conntrack",), "conntrack", "conntrack-tools"),
        Software("iptables", ("iptables",), "iptables", "iptables"),
        Software("ethtool", ("ethtool",), "ethtool", "ethtool"),
        Software("socat", ("socat",), "socat", "socat"),
        Software("kmod", ("modprobe",), "kmod", "kmod"),
        *tools,
        *((_kubectl(version),) if Role.CONTROL_PLANE in host.roles and kubernetes.kubeadm.cni else ()),
    )


def _kubectl(version: str) -> Software:
    """It applies the manifest of the pod network."""
    return Software("kubectl", ("kubectl",), "kubectl", "kubectl", version, hold=True, release="kubernetes")


_PAUSE = ((34, "3.10.1"), (31, "3.10"), (26, "3.9"), (25, "3.8"), (24, "3.7"), (23, "3.6"), (22, "3.5"), (21, "3.4.1"))
_MOVED = 25
"""The minor version from which images come from registry.k8s.io."""


def sandbox_image(inventory: Inventory) -> str:
    """The image of the pod sandbox: the inventory's, otherwise that of kubeadm's release; empty if neither is known."""
    kubernetes = inventory.kubernetes
    if inventory.preparation.runtime.sandbox_image:
        return inventory.preparation.runtime.sandbox_image
    if kubernetes is None or not kubernetes.version:
        return ""
    minor = int(_version(kubernetes.version).split(".")[1])
    default = "registry.k8s.io" if minor >= _MOVED else "k8s.gcr.io"
    tag = next((tag for least, tag in _PAUSE if minor >= least), "3.2")
    return f"{kubernetes.kubeadm.image_repository or default}/pause:{tag}"


def ports_of(inventory: Inventory, layout: Layout, host: Host) -> tuple[str, ...]:
    """The ports on which other hosts reach `host`, like ``6443/tcp``, and ``vrrp``."""
    roles, ports = set(host.roles), list[str]()
    if Role.ETCD in roles:
        ports += [f"{layout.etcd.client_port}/tcp", f"{layout.etcd.peer_port}/tcp"]
    if Role.LOAD_BALANCER in roles and layout.haproxy:
        ports += [f"{layout.haproxy.bind_port}/tcp", f"{layout.haproxy.health_port}/tcp"]
    if Role.LOAD_BALANCER in roles and layout.keepalived and inventory.vips:
        ports.append("vrrp")
    if Role.CONTROL_PLANE in roles and layout.kubernetes:
        ports.append(f"{layout.kubernetes.api_port}/tcp")
    if runs_node(inventory, host):
        ports += ["10250/tcp", "30000-32767/tcp"]
    return tuple(dict.fromkeys(ports))
