"""kubeadm's own records of a cluster: its ConfigMaps."""

from __future__ import annotations

import msgspec


class ClusterInfo(msgspec.Struct, frozen=True):
    """The server and the CAs that a joining host trusts: the ConfigMap kube-public/cluster-info."""

    server: str
    """URL of the API."""
    authorities: tuple[str, ...]
    """SHA-256 of each embedded CA, in lower-case hexadecimal."""


class KubeletConfiguration(msgspec.Struct, frozen=True):
    """kubelet's configuration as kubeadm writes it at a join or an upgrade; None and empty are kubelet's defaults."""

    name: str
    """Of the ConfigMap: ``kubelet-config``, up to 1.23 with the minor version behind it."""
    cgroup_driver: str = ""
    rotates_certificates: bool | None = None
    fail_swap_on: bool | None = None


class ClusterConfiguration(msgspec.Struct, frozen=True):
    """kubeadm's settings of the cluster (kubeadm-config API, v1beta2 to v1beta4); empty where there are none."""

    version: str = ""
    endpoint: str = ""
    """``controlPlaneEndpoint``, an address or name with an optional port."""
    pod_cidr: str = ""
    service_cidr: str = ""
    certificates_dir: str = ""
    external_etcd: tuple[str, ...] = ()
    """Client URLs of an etcd that kubeadm does not run."""
    control_planes: tuple[str, ...] = ()
    """Names of the control planes in ClusterStatus, which kubeadm up to 1.21 keeps beside it."""
    cluster_info: ClusterInfo | None = None
    """None where the cluster has none, or it was not read."""
    kubelet: KubeletConfiguration | None = None
    """None where the cluster has none, or it was not read."""
