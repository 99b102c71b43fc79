"""Which certificate files to look at on a host: those of the layout, and those that running processes were given."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haconsole.configs.certificate_files import CertificateFile
from haconsole.probes.certificate_script import HostCertificates


@dataclass(frozen=True, slots=True)
class _Flags:
    """The flags by which a process is given one certificate, and the use it makes of it."""

    process: str
    role: str
    cert: str
    key: str | None = None
    ca: str | None = None


_ETCD, _API, _MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"
_KNOWN = (
    _Flags(_ETCD, "etcd-ca", "trusted-ca-file"),
    _Flags(_ETCD, "etcd-ca", "peer-trusted-ca-file"),
    _Flags(_ETCD, "etcd-server", "cert-file", "key-file", "trusted-ca-file"),
    _Flags(_ETCD, "etcd-peer", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file"),
    _Flags(_API, "kubernetes-ca", "client-ca-file"),
    _Flags(_API, "apiserver", "tls-cert-file", "tls-private-key-file", "client-ca-file"),
    _Flags(_API, "apiserver-etcd-client", "etcd-certfile", "etcd-keyfile", "etcd-cafile"),
    _Flags(_API, "apiserver-kubelet-client", "kubelet-client-certificate", "kubelet-client-key", "client-ca-file"),
    _Flags(_API, "front-proxy-ca", "requestheader-client-ca-file"),
    _Flags(
        _API, "front-proxy-client", "proxy-client-cert-file", "proxy-client-key-file", "requestheader-client-ca-file"
    ),
    _Flags(_MANAGER, "kubernetes-ca", "root-ca-file"),
    _Flags(_MANAGER, "controller-manager-server", "tls-cert-file", "tls-private-key-file"),
    _Flags("kube-scheduler", "scheduler-server", "tls-cert-file", "tls-private-key-file"),
    _Flags("kubelet", "kubelet-server", "tls-cert-file", "tls-private-key-file"),
)
_KUBECONFIGS = {_MANAGER: "controller-manager", "kube-scheduler": "scheduler", "kubelet": "kubelet"}


def files_to_read(layout: tuple[CertificateFile, ...], told: HostCertificates) -> tuple[CertificateFile, ...]:
    """One entry for each certificate: the layout's first, then what processes use beyond them.

    A file that a process serves instead of the layout's one takes over its port.
    """
    layout = tuple(_named(file, told) for file in layout)
    known = {file.cert for file in layout}
    ca = next((file.cert for file in layout if file.role == "kubernetes-ca"), None)
    found = [file for file in _discovered(told, ca) if file.cert not in known]
    found = list({file.cert: file for file in reversed(found)}.values())[::-1]
    served = {file.role: file.port for file in layout if file.port and file.cert not in told.certs}
    return (*layout, *(replace(file, port=served.get(file.role)) for file in found))


def _named(file: CertificateFile, told: HostCertificates) -> CertificateFile:
    """The file as its kubeconfig names it, where that says another."""
    seen = told.kubeconfigs.get(file.named_in or "")
    if seen is None or file.named_in is None:
        return file
    if seen.cert_pem:
        return CertificateFile(file.role, file.named_in, None, file.ca, kubeconfig=True)
    return replace(file, cert=seen.cert_path, key=seen.key_path or None) if seen.cert_path else file


def _discovered(told: HostCertificates, ca: str | None) -> list[CertificateFile]:
    """What processes were given; `ca` is the Kubernetes CA of the layout, where no API server tells another.

    A kubelet that renews its certificate by itself uses what it made, whatever pair its kubeconfig holds or names.
    """
    given = {(process, flag): path for process, flag, path in told.flags}
    found = [
        CertificateFile(
            each.role,
            given[each.process, each.cert],
            given.get((each.process, each.key)) if each.key else None,
            given.get((each.process, each.ca)) if each.ca else None,
        )
        for each in _KNOWN
        if (each.process, each.cert) in given
    ]
    ca = given.get((_API, "client-ca-file"), ca)
    for process, role in _KUBECONFIGS.items():
        path = given.get((process, "kubeconfig"))
        seen = told.kubeconfigs.get(path) if path else None
        own = given.get((process, "own-cert"))
        if seen and own:
            seen = replace(seen, cert_pem="", cert_path=own, key_path=own)
        if path and seen and seen.cert_pem:
            found.append(CertificateFile(role, path, None, ca, kubeconfig=True))
        elif seen and seen.cert_path:
            found.append(CertificateFile(role, seen.cert_path, seen.key_path or None, seen.ca_path or ca))
            if path and seen.ca_pem:
                found.append(CertificateFile(role, path, None, ca, kubeconfig=True))
        if seen and seen.ca_path:
            found.append(CertificateFile(f"{role}-ca", seen.ca_path, None, ca))
    return found
