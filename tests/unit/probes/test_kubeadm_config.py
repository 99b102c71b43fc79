"""kubeadm's own record of a cluster, as its versions store it."""

from __future__ import annotations

import pytest

from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.probes.kubernetes.kubeadm_config import parse

V1BETA2 = """\
apiServer:
  extraArgs:
    authorization-mode: Node,RBAC
  timeoutForControlPlane: 4m0s
apiVersion: kubeadm.k8s.io/v1beta2
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controlPlaneEndpoint: 10.99.1.100:8443
controllerManager: {}
dns:
  type: CoreDNS
etcd:
  local:
    dataDir: /var/lib/etcd
imageRepository: k8s.gcr.io
kind: ClusterConfiguration
kubernetesVersion: v1.20.2
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.112.0.0/16
scheduler: {}
"""
V1BETA4 = """\
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificateValidityPeriod: 8760h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controlPlaneEndpoint: api.example.org
etcd:
  external:
    caFile: /etc/etcd/ca.crt
    certFile: /etc/etcd/client.crt
    endpoints:
    - https://10.0.0.1:2379
    - https://10.0.0.2:2379
    keyFile: /etc/etcd/client.key
kind: ClusterConfiguration
kubernetesVersion: v1.33.1
networking:
  dnsDomain: cluster.local
  serviceSubnet: 10.96.0.0/12
"""


def test_what_older_and_newer_versions_store() -> None:
    old = ClusterConfiguration("v1.20.2", "10.99.1.100:8443", "10.244.0.0/16", "10.112.0.0/16", "/etc/kubernetes/pki")
    new = ClusterConfiguration(
        version="v1.33.1",
        endpoint="api.example.org",
        service_cidr="10.96.0.0/12",
        certificates_dir="/etc/kubernetes/pki",
        external_etcd=("https://10.0.0.1:2379", "https://10.0.0.2:2379"),
    )
    assert (parse(V1BETA2), parse(V1BETA4)) == (old, new)


def test_the_control_planes_beside_an_old_configuration() -> None:
    status = (
        "apiEndpoints:\n  cp1:\n    advertiseAddress: 10.99.1.11\n    bindPort: 6443\n  cp2: {}\nkind: ClusterStatus\n"
    )
    read = parse(V1BETA2, status)
    assert read is not None
    assert read.control_planes == ("cp1", "cp2")


@pytest.mark.parametrize("status", ["[", "- 1", "apiEndpoints: 3"])
def test_a_damaged_list_of_control_planes_is_none(status: str) -> None:
    assert parse(V1BETA2, status) == parse(V1BETA2)


@pytest.mark.parametrize("text", ["", "[", "kind: Other", "- 1", "kind: ClusterConfiguration\netcd: 3"])
def test_what_is_no_record_raises_nothing(text: str) -> None:
    assert parse(text) in (None, ClusterConfiguration())
