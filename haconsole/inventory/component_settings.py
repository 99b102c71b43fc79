"""Settings of single components in the inventory: names of etcd's files, leader election, kubeadm and kube-vip."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from haconsole.inventory.values import (
    Address,
    CertificateName,
    FileName,
    ImageRepository,
    LocalPath,
    Name,
    Part,
    Path,
    PreflightCheck,
)


class EtcdFiles(Part, frozen=True, kw_only=True):
    """Names of the certificate and key files in `etcd.pki_dir`; ``{host}`` is replaced by the host's name."""

    ca_cert: Annotated[FileName, Meta(description="CA certificate.")] = "ca.crt"
    ca_key: Annotated[FileName, Meta(description="Private key of the CA.")] = "ca.key"
    server_cert: Annotated[CertificateName, Meta(description="Certificate for clients.")] = "server.crt"
    server_key: Annotated[CertificateName, Meta(description="Private key of server_cert.")] = "server.key"
    peer_cert: Annotated[CertificateName, Meta(description="Certificate between members.")] = "peer.crt"
    peer_key: Annotated[CertificateName, Meta(description="Private key of peer_cert.")] = "peer.key"
    peer_ca_cert: Annotated[
        FileName | None, Meta(description="CA certificate of peer connections, between members; default: ca_cert.")
    ] = None
    client_cert: Annotated[
        CertificateName | None, Meta(description="Client certificate of the console; default: client.crt.")
    ] = None
    client_key: Annotated[
        CertificateName | None, Meta(description="Private key of client_cert; default: client.key.")
    ] = None


class LeaderElection(Part, frozen=True, kw_only=True):
    """Timing of controller-manager's and scheduler's leader locks, in seconds."""

    lease_duration_s: Annotated[
        int, Meta(ge=2, le=600, title="seconds", description="Time before a standby takes over.")
    ] = 15
    renew_deadline_s: Annotated[
        int,
        Meta(ge=1, le=600, title="seconds", description="Time in which a leader tries to renew before it gives up."),
    ] = 10
    retry_period_s: Annotated[int, Meta(ge=1, le=600, title="seconds", description="Pause between tries.")] = 2


Settings = Annotated[
    dict[str, Any], Meta(title="keys with values, as in kubeadm's configuration", extra={"kind": "settings"})
]
"""Settings of a program, passed on as they are."""


class CgroupDriver(StrEnum):
    """The cgroup driver of kubelet; the container runtime needs the same one."""

    SYSTEMD = "systemd"
    CGROUPFS = "cgroupfs"


class Kubeadm(Part, frozen=True, kw_only=True):
    """Settings of the clusters that kubeadm makes; used by bootstrap and join."""

    cri_socket: Annotated[
        Path | None, Meta(description="Socket of the container runtime; default: the one that kubeadm finds.")
    ] = None
    cgroup_driver: Annotated[CgroupDriver, Meta(description="cgroup driver of every kubelet.")] = CgroupDriver.SYSTEMD
    image_repository: Annotated[
        ImageRepository | None, Meta(description="Registry of the control plane's images; default: that of kubeadm.")
    ] = None
    cni: Annotated[
        LocalPath | None,
        Meta(
            description=(
                "Manifest of the CNI, applied after the first control plane; default: none, as hosts already have "
                "a CNI."
            )
        ),
    ] = None
    ignore_preflight_errors: Annotated[
        tuple[PreflightCheck, ...],
        Meta(
            title="a list of kubeadm's preflight checks",
            examples=[["NumCPU"]],
            description="Preflight checks of kubeadm whose errors are treated as warnings.",
        ),
    ] = ()
    cluster: Annotated[
        Settings | None, Meta(description="Further keys of kubeadm's ClusterConfiguration, e.g. apiServer.")
    ] = None
    kubelet: Annotated[Settings | None, Meta(description="Further keys of the KubeletConfiguration.")] = None
    kube_proxy: Annotated[Settings | None, Meta(description="Further keys of the KubeProxyConfiguration.")] = None


class KubeVip(Part, frozen=True, kw_only=True):
    """kube-vip as a static pod of the control planes; the holder of its lease has the address. It is only watched."""

    address: Annotated[Address, Meta(description="The address that kube-vip moves between the control planes.")]
    lease: Annotated[Name, Meta(description="Name of kube-vip's lease in the namespace kube-system.")] = "plndr-cp-lock"
