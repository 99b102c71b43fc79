"""The way to a host's etcd: a forward into its client port, and the client certificate the host itself uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import EtcdTls, Host
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.probes.errors import ProbeError
from haconsole.probes.files import read_files
from haconsole.probes.site import Site
from haconsole.transport.base import HostTransport
from haconsole.transport.etcd_api import EtcdApi, EtcdCredentials

_AUTO_TLS_CERTIFICATE = "fixtures/client/cert.pem"
"""Where etcd keeps, under its data folder, the certificate it made itself with --auto-tls."""


@asynccontextmanager
async def etcd_on(site: Site, host: Host) -> AsyncIterator[EtcdApi]:
    """A client of the etcd on `host`; raises TransportError or ProbeError where there is no way to it."""
    transport = site.transport(host)
    async with transport.forward(host.address, site.layout.etcd.client_port) as socket:
        credentials = await etcd_credentials(site.layout, transport, deadline_s=site.pace.fact_s)
        async with await EtcdApi.open(
            HostName(host.name), socket, credentials, server_name=host.address if credentials else None
        ) as api:
            yield api


async def etcd_credentials(layout: Layout, transport: HostTransport, *, deadline_s: float) -> EtcdCredentials | None:
    """What etcd asks of its clients, by the layout, read from the host into memory; None where it speaks plain."""
    etcd = layout.etcd
    if etcd.tls is EtcdTls.OFF:
        return None
    if etcd.pki is None:
        path = f"{etcd.data_dir}/{_AUTO_TLS_CERTIFICATE}"
        files = await read_files(transport, (path,), deadline_s=deadline_s)
        return EtcdCredentials(ca=_present(files, path))
    pki = etcd.pki
    paths = (pki.ca.cert, pki.client.cert, pki.client.key)
    files = await read_files(transport, paths, deadline_s=deadline_s)
    ca, cert, key = (_present(files, path) for path in paths)
    return EtcdCredentials(ca=ca, cert=cert, key=Secret(key.decode()))


def _present(files: dict[str, str | None], path: str) -> bytes:
    text = files[path]
    if text is None:
        mend = "bootstrap etcd, or name etcd.pki_dir in the inventory"
        raise ProbeError(f"etcd: {path} does not exist", Cause.NOT_CONFIGURED, mend=mend)
    return text.encode()
