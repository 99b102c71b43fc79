"""Paths of both kinds of cluster."""

from __future__ import annotations

from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.layout import layout
from haconsole.inventory.schema import (
    Deployment,
    Etcd,
    EtcdPlacement,
    EtcdTls,
    Haproxy,
    Host,
    Inventory,
    Kubernetes,
    VirtualIp,
)
from haconsole.model.hosts import Role

CP1 = Host(name="cp1", address="10.99.0.11", roles=(Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER))


def inventory(kubernetes: Kubernetes | None = None, etcd: Etcd | None = None) -> Inventory:
    return Inventory(
        cluster="lab",
        hosts=(CP1,),
        etcd=etcd or Etcd(),
        kubernetes=kubernetes,
        vips=(VirtualIp(address="10.99.0.100"),),
        haproxy=Haproxy(),
    )


def test_systemd_cluster_has_units_and_keys_in_files() -> None:
    paths = layout(inventory(Kubernetes()))
    assert paths.units(CP1) == (
        "etcd.service",
        "haproxy.service",
        "keepalived.service",
        "kube-apiserver.service",
        "kube-controller-manager.service",
        "kube-scheduler.service",
    )
    assert paths.etcd.pki is not None
    assert paths.etcd.pki.client.cert == "/etc/etcd/pki/client.crt"
    assert paths.kubernetes is not None
    assert paths.kubernetes.admin.files is not None
    assert paths.kubernetes.etcd_ca == "/etc/etcd/pki/ca.crt"
    assert paths.haproxy is not None
    assert paths.haproxy.backend == "k8s_server_6443"


def test_stacked_kubeadm_uses_kubeadms_own_paths() -> None:
    paths = layout(inventory(Kubernetes(deployment=Deployment.KUBEADM), Etcd(placement=EtcdPlacement.STATIC_POD)))
    assert paths.etcd.unit is None
    assert paths.etcd.manifest == "/etc/kubernetes/manifests/etcd.yaml"
    assert paths.etcd.pki is not None
    assert paths.etcd.pki.client.cert == "/etc/kubernetes/pki/etcd/healthcheck-client.crt"
    assert paths.units(CP1) == ("haproxy.service", "keepalived.service", "kubelet.service")
    assert paths.kubernetes is not None
    assert paths.kubernetes.components[0].manifest == "/etc/kubernetes/manifests/kube-apiserver.yaml"
    assert {file.cert for file in certificate_files(paths, CP1) if file.kubeconfig} == {
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/controller-manager.conf",
        "/etc/kubernetes/scheduler.conf",
        "/etc/kubernetes/super-admin.conf",
    }


def test_kubeadm_with_external_etcd_keeps_the_etcd_unit() -> None:
    paths = layout(inventory(Kubernetes(deployment=Deployment.KUBEADM)))
    assert paths.etcd.unit == "etcd.service"
    assert paths.etcd.pki is not None
    assert paths.etcd.pki.ca.cert == "/etc/etcd/pki/ca.crt"


def test_etcd_without_certificates_has_no_pki() -> None:
    paths = layout(inventory(Kubernetes(), Etcd(tls=EtcdTls.OFF)))
    assert paths.etcd.pki is None
    assert paths.etcd.scheme == "http"
    assert "etcd-server" not in {file.role for file in certificate_files(paths, CP1)}
    assert "apiserver-etcd-client" not in {file.role for file in certificate_files(paths, CP1)}


def test_served_certificates_name_their_port() -> None:
    served = {file.role: file.port for file in certificate_files(layout(inventory(Kubernetes())), CP1) if file.port}
    assert served == {"etcd-server": 2379, "etcd-peer": 2380, "apiserver": 6443}
