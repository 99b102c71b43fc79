"""The way to a host's etcd: a forward into its client port, and the client certificate the host itself uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from haconsole.inventory.effective import split_url
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.credentials import etcd_credentials
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.etcd_errors import EtcdError

_LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def etcd_on(context: ClusterContext, host: Host, via: Host | None = None) -> AsyncIterator[EtcdApi]:
    """A client of the etcd on `host`, used from the host `via` with that host's certificate (None: from `host`).

    Raises TransportError or ProbeError if there is no connection to it.
    """
    via, etcd = via or host, context.layout.etcd
    address = _LOOPBACK if etcd.loopback_only and via == host else host.address
    async with _client(context, HostName(host.name), (address, etcd.client_port), via) as api:
        yield api


@asynccontextmanager
async def etcd_at(context: ClusterContext, url: str, via: Host) -> AsyncIterator[EtcdApi]:
    """A client of the etcd at `url`, used from the control plane `via` with the pair of its API server."""
    async with _client(context, HostName(url), split_url(url), via) as api:
        yield api


@asynccontextmanager
async def _client(context: ClusterContext, name: HostName, at: tuple[str, int], via: Host) -> AsyncIterator[EtcdApi]:
    transport = context.transport(via)
    async with transport.forward(*at) as socket:
        files = await context.credentials.read(context.layout, via, transport, deadline_s=context.timings.fact_s)
        credentials = etcd_credentials(context.layout, via, files)
        async with await EtcdApi.open(name, socket, credentials, server_name=at[0] if credentials else None) as api:
            api.refusal = partial(transport.refusal, socket)
            try:
                yield api
            except EtcdError as error:
                raise error.for_refusal(transport.refusal(socket)) from None
