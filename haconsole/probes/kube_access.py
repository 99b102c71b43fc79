"""The way to a host's API server: a forward into its port, and the administrator's kubeconfig that lies there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from haconsole.configs.layout import KubernetesLayout
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.files import read_files
from haconsole.probes.site import Site
from haconsole.transport.base import HostTransport
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kubeconfig import KubeCredentials, credentials_of, files_named


@asynccontextmanager
async def kube_on(site: Site, host: Host) -> AsyncIterator[KubeApi]:
    """A client of the apiserver on `host`; raises TransportError or ProbeError where there is no way to it."""
    async with kube_at(site, host, host.address, _kubernetes(site).api_port) as api:
        yield api


@asynccontextmanager
async def kube_at(site: Site, host: Host, address: str, port: int) -> AsyncIterator[KubeApi]:
    """A client of the apiserver at `address` as `host` reaches it, such as the VIP, with the host's credentials."""
    kubernetes, transport = _kubernetes(site), site.transport(host)
    async with transport.forward(address, port) as socket:
        credentials = await kube_credentials(kubernetes, transport, deadline_s=site.pace.fact_s)
        async with await KubeApi.open(HostName(host.name), socket, credentials) as api:
            yield api


def _kubernetes(site: Site) -> KubernetesLayout:
    if site.layout.kubernetes is None:
        raise ProbeError("the inventory has no kubernetes", Cause.NOT_CONFIGURED)
    return site.layout.kubernetes


async def kube_credentials(
    kubernetes: KubernetesLayout, transport: HostTransport, *, deadline_s: float
) -> KubeCredentials:
    """The administrator's credentials, with the files that the kubeconfig names, read from the host into memory."""
    path = kubernetes.admin.kubeconfig
    text = (await read_files(transport, (path,), deadline_s=deadline_s))[path]
    if text is None:
        mend = "bootstrap kubernetes, or name kubernetes.config_dir in the inventory"
        raise ProbeError(f"apiserver: {path} does not exist", Cause.NOT_CONFIGURED, mend=mend)
    kubeconfig = text.encode()
    named = files_named(kubeconfig)
    files = await read_files(transport, named, deadline_s=deadline_s) if named else {}
    return credentials_of(kubeconfig, {name: content.encode() for name, content in files.items() if content})
