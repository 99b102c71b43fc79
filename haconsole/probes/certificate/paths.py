"""Which certificate files to look at on a host: those of the layout, and those that running processes were given."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from haconsole.configs.certificate_files import CertificateFile
from haconsole.probes.certificate.reader_script import HostCertificates
from haconsole.probes.shown_kubeconfig import ShownKubeconfig


class _Flags(msgspec.Struct, frozen=True):
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
    _Flags(_API, "etcd-ca", "etcd-cafile"),
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


def files_to_read(layout: tuple[CertificateFile, ...], report: HostCertificates) -> tuple[CertificateFile, ...]:
    """One entry for each certificate: the layout's first, then what processes and manifests name beyond them.

    A file that a process serves instead of the layout's one takes over its port, and its place where that is missing.
    """
    layout = tuple(_as_kubeconfig_names_it(file, report) for file in layout)
    known = {file.cert for file in layout}
    ca = next((file.cert for file in layout if file.role == "kubernetes-ca"), None)
    used = _files_of_processes(report, ca)
    layout = tuple(_with_ca_of_process(file, used, report) for file in layout)
    others = [file for file in used if file.cert not in known]
    others = list({file.cert: file for file in reversed(others)}.values())[::-1]
    ports = {file.role: file.port for file in layout if file.port and file.cert not in report.certs}
    named = {file.role for file in others}
    layout = tuple(file for file in layout if file.role not in named or _was_read(file, report))
    return _with_other_roles((*layout, *(replace(file, port=ports.get(file.role)) for file in others)), used)


def _with_ca_of_process(
    file: CertificateFile, used: list[CertificateFile], report: HostCertificates
) -> CertificateFile:
    """The file with the CA that its process is given with it, where the layout's CA is not on this host.

    A control plane has the CA of an external etcd in another folder than the hosts of etcd.
    """
    if file.ca is None or file.ca in report.certs:
        return file
    cas = (one.ca for one in used if (one.role, one.cert) == (file.role, file.cert) and one.ca)
    return replace(file, ca=next(cas, file.ca))


def _with_other_roles(files: tuple[CertificateFile, ...], used: list[CertificateFile]) -> tuple[CertificateFile, ...]:
    """The files, the first entry of each with the uses that no entry of it has."""
    roles: dict[str, dict[str, None]] = {}
    for file in used:
        roles.setdefault(file.cert, {})[file.role] = None
    for file in files:
        roles.get(file.cert, {}).pop(file.role, None)
    return tuple(replace(file, other_roles=tuple(roles.pop(file.cert, ()))) for file in files)


def _was_read(file: CertificateFile, report: HostCertificates) -> bool:
    return file.cert in report.certs or file.cert in report.kubeconfigs


def _as_kubeconfig_names_it(file: CertificateFile, report: HostCertificates) -> CertificateFile:
    """The file as its kubeconfig names it, if that is another."""
    kubeconfig = report.kubeconfigs.get(file.named_in or "")
    if kubeconfig is None or file.named_in is None:
        return file
    parts = kubeconfig.parts
    if parts.cert_pem:
        return CertificateFile(file.role, file.named_in, None, file.ca, kubeconfig=True)
    return replace(file, cert=parts.cert_path, key=parts.key_path or None) if parts.cert_path else file


def _files_of_processes(report: HostCertificates, ca: str | None) -> list[CertificateFile]:
    """The files in processes' arguments; `ca` is the Kubernetes CA of the layout, unless an API server has another.

    A kubelet that renews its certificate automatically uses that one, whatever pair its kubeconfig holds or names.
    """
    flags = {(process, flag): path for process, flag, path in report.flags}
    files = [
        CertificateFile(
            each.role,
            flags[each.process, each.cert],
            flags.get((each.process, each.key)) if each.key else None,
            flags.get((each.process, each.ca)) if each.ca else None,
        )
        for each in _KNOWN
        if (each.process, each.cert) in flags
    ]
    serving_ca = flags.get((_MANAGER, "root-ca-file"))
    if serving_ca:
        files = [replace(file, ca=serving_ca) if file.role == "apiserver" else file for file in files]
    ca = flags.get((_API, "client-ca-file"), ca)
    for process, role in _KUBECONFIGS.items():
        path = flags.get((process, "kubeconfig"))
        kubeconfig = report.kubeconfigs.get(path) if path else None
        if path and kubeconfig:
            files += _files_of_kubeconfig(role, path, kubeconfig.parts, flags.get((process, "own-cert")), ca)
    return files


def _files_of_kubeconfig(
    role: str, path: str, parts: ShownKubeconfig, own: str | None, ca: str | None
) -> Iterator[CertificateFile]:
    """The client certificate of a process by its kubeconfig; `own` is the pair that it renews automatically.

    `ca` signs clients; the kubeconfig's own CA, that of servers, counts only where no other is known.
    """
    if own:
        parts = replace(parts, cert_pem="", cert_path=own, key_path=own)
    if parts.cert_pem:
        yield CertificateFile(role, path, None, ca, kubeconfig=True)
    elif parts.cert_path:
        yield CertificateFile(role, parts.cert_path, parts.key_path or None, ca or parts.ca_path)
        if parts.ca_pem:
            yield CertificateFile(role, path, None, ca, kubeconfig=True)
    if parts.ca_path:
        yield CertificateFile(f"{role}-ca", parts.ca_path, None, ca)
