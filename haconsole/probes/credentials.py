"""The client certificates a host itself uses for etcd and the API, read into memory and kept no longer than needed."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import EtcdTls, Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.probes.errors import ProbeError
from haconsole.probes.files import read_files
from haconsole.transport.base import HostTransport
from haconsole.transport.etcd_api import EtcdCredentials
from haconsole.transport.kubeconfig import KubeCredentials, credentials_of, files_named

Files = dict[str, str | None]

_AUTO_TLS_CERTIFICATE = "fixtures/client/cert.pem"
"""Where etcd keeps, under its data folder, the certificate it made itself with --auto-tls."""


class CredentialFiles:
    """Reads all a host's client certificates by one root command, shared by simultaneous callers."""

    def __init__(self) -> None:
        self._reading: SingleFlight[HostName, Files] = SingleFlight()

    async def read(self, layout: Layout, host: Host, transport: HostTransport, *, deadline_s: float) -> Files:
        """The files' texts by path, None for those that are not there."""
        paths = tuple(dict.fromkeys((*_etcd_paths(layout, host), *_kube_paths(layout, host))))
        return await self._reading.get(
            HostName(host.name), partial(read_files, transport, paths, deadline_s=deadline_s)
        )


def etcd_credentials(layout: Layout, host: Host, files: Files) -> EtcdCredentials | None:
    """The client certificate that etcd requires by the layout; None if it speaks plain text."""
    etcd, hint = layout.etcd, "set etcd.pki_dir and etcd.files in the inventory to the files that etcd uses"
    if etcd.tls is EtcdTls.OFF:
        return None
    if etcd.pki is None:
        return EtcdCredentials(ca=_present(files, f"{etcd.data_dir}/{_AUTO_TLS_CERTIFICATE}", "etcd", hint))
    pki = etcd.pki.on(host)
    ca, cert, key = (_present(files, path, "etcd", hint) for path in (pki.ca.cert, pki.client.cert, pki.client.key))
    return EtcdCredentials(ca=ca, cert=cert, key=Secret(key.decode()))


async def kube_credentials(
    layout: Layout, files: Files, transport: HostTransport, *, deadline_s: float
) -> KubeCredentials:
    """The administrator's of the host, by the kubeconfig of the layout and the files it names."""
    hint = "set kubernetes.config_dir in the inventory to the folder of admin.conf"
    if layout.kubernetes is None:
        raise ProbeError("the inventory has no Kubernetes", Cause.NOT_CONFIGURED)
    own_path = layout.kubernetes.admin.kubeconfig
    kubeconfig, folder = _present(files, own_path, "kube-apiserver", hint), posixpath.dirname(own_path)
    paths = files_named(kubeconfig, folder)
    missing = tuple(path for path in paths if path not in files)
    texts = {**files, **(await read_files(transport, missing, deadline_s=deadline_s) if missing else {})}
    present = {path: _present(texts, path, "kube-apiserver", hint) for path in paths}
    return credentials_of(kubeconfig, present, folder)


def _etcd_paths(layout: Layout, host: Host) -> tuple[str, ...]:
    etcd = layout.etcd
    if not has_etcd_client(layout, host) or etcd.tls is EtcdTls.OFF:
        return ()
    if etcd.pki is None:
        return (f"{etcd.data_dir}/{_AUTO_TLS_CERTIFICATE}",)
    pki = etcd.pki.on(host)
    return pki.ca.cert, pki.client.cert, pki.client.key


def has_etcd_client(layout: Layout, host: Host) -> bool:
    """Hosts of members, and with an etcd outside the inventory the control planes."""
    kubernetes, pki = layout.kubernetes, layout.etcd.pki
    external = kubernetes is not None and pki is not None and pki.client == kubernetes.apiserver_etcd_client
    return Role.ETCD in host.roles or (external and Role.CONTROL_PLANE in host.roles)


def _kube_paths(layout: Layout, host: Host) -> tuple[str, ...]:
    """The kubeconfig, and what it names where bootstrap made it."""
    if layout.kubernetes is None or Role.CONTROL_PLANE not in host.roles:
        return ()
    admin = layout.kubernetes.admin
    paths = (layout.kubernetes.ca.cert, admin.files.cert, admin.files.key) if admin.files else ()
    return (admin.kubeconfig, *paths)


def _present(files: Files, path: str, whose: str, hint: str) -> bytes:
    text = files.get(path)
    if text is None:
        raise ProbeError(f"{whose}: {path} does not exist", Cause.NOT_CONFIGURED, hint=hint)
    return text.encode()


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(msgspec.Struct, Generic[V]):
    task: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Remembers nothing: a caller after the answer queries again. Cancels the query when no caller waits any more."""

    def __init__(self) -> None:
        self._asking: dict[K, _Flight[V]] = {}

    async def get(self, key: K, ask: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The answer to `ask`, or to the one that is under way for `key`."""
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = _Flight(asyncio.create_task(ask()))
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if asking.task.done() or not asking.waiting:
                self._asking.pop(key, None)
            if not asking.waiting:
                asking.task.cancel()
                await asyncio.wait((asking.task,))
