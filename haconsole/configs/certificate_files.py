"""The certificate and key files that each host should have, by its roles."""

from __future__ import annotations

import msgspec

from haconsole.configs.layout import EtcdLayout, KeyPairFiles, KubeClientFiles, KubernetesLayout, Layout, successor
from haconsole.configs.watched_layouts import rke2_agent_dir
from haconsole.inventory.schema import Deployment, Host
from haconsole.model.hosts import Role


class CertificateFile(msgspec.Struct, frozen=True):
    """A certificate to check on a host: its use as in `model.certificate`, its key, the CA it should verify with.

    `port` is where a process of this host presents it, None if none does. `kubeconfig` files embed both; `named_in` is
    the kubeconfig that should name the two. `optional` ones exist only at times.
    """

    role: str
    cert: str
    key: str | None
    ca: str | None
    port: int | None = None
    kubeconfig: bool = False
    named_in: str | None = None
    optional: bool = False
    other_roles: tuple[str, ...] = ()
    """Further uses that running processes make of the same file."""


def certificate_files(layout: Layout, host: Host) -> tuple[CertificateFile, ...]:
    """The certificate files `host` should have, by its roles."""
    etcd = _etcd_certificates(layout.etcd, host) if Role.ETCD in host.roles else ()
    kube = _kube_certificates(layout.kubernetes) if layout.kubernetes and Role.CONTROL_PLANE in host.roles else ()
    kubelet = _kubelet_certificates(layout.kubernetes, host) if layout.kubernetes else ()
    return (*etcd, *kube, *kubelet, *_trusted_files(layout, host, {file.cert for file in etcd + kube + kubelet}))


KUBELET_PAIR = "/var/lib/kubelet/pki/kubelet-client-current.pem"
"""Link to the certificate and key that kubelet renewed last; kubelet's --cert-dir can name another folder."""


def _kubelet_certificates(kube: KubernetesLayout, host: Host) -> tuple[CertificateFile, ...]:
    """kubelet's client pair, as kubeadm sets it up, and a worker's copy of the CA."""
    if kube.deployment is Deployment.RKE2 and Role.CONTROL_PLANE not in host.roles:
        return (CertificateFile("kubernetes-ca", f"{rke2_agent_dir(kube.pki_dir)}/client-ca.crt", None, None),)
    if kube.deployment is not Deployment.KUBEADM or not {Role.CONTROL_PLANE, Role.WORKER} & set(host.roles):
        return ()
    pair = CertificateFile(
        "kubelet", KUBELET_PAIR, KUBELET_PAIR, kube.ca.cert, named_in=f"{kube.config_dir}/kubelet.conf"
    )
    plane = Role.CONTROL_PLANE in host.roles
    return (pair,) if plane else (pair, *_authority_files("kubernetes-ca", kube.ca, keys=False))


def token_key_files(layout: Layout, host: Host) -> tuple[str, ...]:
    """The files of service-account keys `host` should have, by its roles."""
    if layout.kubernetes is None or Role.CONTROL_PLANE not in host.roles:
        return ()
    pair = layout.kubernetes.service_account
    return pair.cert, pair.key, successor(pair).cert, successor(pair).key


def _trusted_files(layout: Layout, host: Host, known: set[str]) -> tuple[CertificateFile, ...]:
    """CAs that the host verifies with and has no key of."""
    kube = layout.kubernetes
    if kube is None:
        return ()
    if Role.CONTROL_PLANE in host.roles and layout.etcd.pki and layout.etcd.pki.ca.cert not in known:
        return _authority_files("etcd-ca", layout.etcd.pki.ca, keys=False)
    if Role.LOAD_BALANCER in host.roles and kube.ca.cert not in known and kube.deployment is Deployment.SYSTEMD:
        return _authority_files("kubernetes-ca", kube.ca, keys=False)
    return ()


def _authority_files(role: str, ca: KeyPairFiles, *, keys: bool = True) -> tuple[CertificateFile, ...]:
    """A CA, and the new one during a rotation."""
    after = successor(ca)
    return (
        CertificateFile(role, ca.cert, ca.key if keys else None, None),
        CertificateFile(f"{role}-next", after.cert, after.key if keys else None, None, optional=True),
    )


def _etcd_certificates(etcd: EtcdLayout, host: Host) -> tuple[CertificateFile, ...]:
    if etcd.pki is None:
        return ()
    pki = etcd.pki.on(host)
    return (
        *_authority_files("etcd-ca", pki.ca),
        CertificateFile("etcd-server", pki.server.cert, pki.server.key, pki.ca.cert, etcd.client_port),
        CertificateFile("etcd-peer", pki.peer.cert, pki.peer.key, pki.peer_ca or pki.ca.cert, etcd.peer_port),
        CertificateFile("etcd-client", pki.client.cert, pki.client.key, pki.ca.cert),
    )


def _kube_certificates(kube: KubernetesLayout) -> tuple[CertificateFile, ...]:
    def leaf(role: str, files: KeyPairFiles, ca: str | None, port: int | None = None) -> CertificateFile:
        return CertificateFile(role, files.cert, files.key, ca, port)

    # kubeadm 1.29 and newer has one more, on the first control plane
    super_admin = CertificateFile(
        "super-admin", f"{kube.config_dir}/super-admin.conf", None, kube.ca.cert, kubeconfig=True, optional=True
    )
    etcd_client = (leaf("apiserver-etcd-client", kube.apiserver_etcd_client, kube.etcd_ca),) if kube.etcd_ca else ()
    return (
        *_authority_files("kubernetes-ca", kube.ca),
        *_authority_files("front-proxy-ca", kube.front_proxy_ca),
        leaf("apiserver", kube.apiserver, kube.server_ca or kube.ca.cert, kube.api_port),
        *etcd_client,
        leaf("apiserver-kubelet-client", kube.apiserver_kubelet_client, kube.ca.cert),
        leaf("front-proxy-client", kube.front_proxy_client, kube.front_proxy_ca.cert),
        _client_certificate("admin", kube.admin, kube.ca.cert),
        *((super_admin,) if kube.deployment is Deployment.KUBEADM else ()),
        _client_certificate("controller-manager", kube.controller_manager, kube.ca.cert),
        _client_certificate("scheduler", kube.scheduler, kube.ca.cert),
    )


def _client_certificate(role: str, client: KubeClientFiles, ca: str) -> CertificateFile:
    if client.files is None:
        return CertificateFile(role, client.kubeconfig, None, ca, kubeconfig=True)
    return CertificateFile(role, client.files.cert, client.files.key, ca, named_in=client.kubeconfig)
