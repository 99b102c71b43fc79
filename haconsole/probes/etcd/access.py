"""The way to a host's etcd: a forward into its client port, and the client certificate the host itself uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.credentials import etcd_credentials
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.etcd_errors import EtcdError


@asynccontextmanager
async def etcd_on(context: ClusterContext, host: Host) -> AsyncIterator[EtcdApi]:
    """A client of the etcd on `host`; raises TransportError or ProbeError where there is no way to it."""
    transport = context.transport(host)
    async with transport.forward(host.address, context.layout.etcd.client_port) as socket:
        files = await context.credentials.read(context.layout, host, transport, deadline_s=context.timings.fact_s)
        credentials = etcd_credentials(context.layout, host, files)
        async with await EtcdApi.open(
            HostName(host.name), socket, credentials, server_name=host.address if credentials else None
        ) as api:
            try:
                yield api
            except EtcdError as error:
                raise error.for_refusal(transport.refusal(socket)) from None
