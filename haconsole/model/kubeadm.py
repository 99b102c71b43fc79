"""kubeadm's own record of a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterConfiguration:
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
