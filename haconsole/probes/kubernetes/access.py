"""The connection to a host's API server: a forward into its port, and the administrator's kubeconfig on the host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from haconsole.configs.layout import KubernetesLayout
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.context import ClusterContext
from haconsole.probes.credentials import kube_credentials
from haconsole.probes.errors import ProbeError
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kube_errors import KubeError


@asynccontextmanager
async def kube_on(context: ClusterContext, host: Host, via: Host | None = None) -> AsyncIterator[KubeApi]:
    """A client of the apiserver on `host`, used from the host `via` with that host's kubeconfig (None: from `host`).

    Raises TransportError or ProbeError if there is no connection to it.
    """
    async with kube_at(context, via or host, host.address, _kubernetes(context).api_port) as api:
        yield api


@asynccontextmanager
async def kube_at(context: ClusterContext, host: Host, address: str, port: int) -> AsyncIterator[KubeApi]:
    """A client of the apiserver at `address` as `host` reaches it, such as the VIP, with the host's credentials."""
    transport, deadline_s = context.transport(host), context.timings.fact_s
    _kubernetes(context)
    async with transport.forward(address, port) as socket:
        files = await context.credentials.read(context.layout, host, transport, deadline_s=deadline_s)
        credentials = await kube_credentials(context.layout, files, transport, deadline_s=deadline_s)
        async with await KubeApi.open(HostName(host.name), socket, credentials) as api:
            api.refusal = partial(transport.refusal, socket)
            try:
                yield api
            except KubeError as error:
                raise error.for_refusal(transport.refusal(socket)) from None


def _kubernetes(context: ClusterContext) -> KubernetesLayout:
    if context.layout.kubernetes is None:
        raise ProbeError("the inventory has no kubernetes", Cause.NOT_CONFIGURED)
    return context.layout.kubernetes
