"""Readings for figures that clients of etcd and the API take over connections that stay open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from msgspec.structs import replace

from haconsole.inventory.effective import endpoint
from haconsole.inventory.schema import EtcdPlacement, Host
from haconsole.model.hosts import FactName, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known
from haconsole.probes.api_probe import closed_by_sshd
from haconsole.probes.context import ClusterContext
from haconsole.probes.credentials import etcd_credentials
from haconsole.probes.etcd import metrics as etcd_metrics
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes import metrics as apiserver_metrics
from haconsole.probes.kubernetes.access import kube_at
from haconsole.probes.reading_pace import ReadingPace
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_http import EtcdPages
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.service_error import ServiceError
from haconsole.transport.threads import in_thread

_LOOPBACK = "127.0.0.1"
_KUBEADM_METRICS_PORT = 2381
"""Where kubeadm has etcd expose its metrics without TLS, on the loopback address."""
_REQUEST = "/api/v1/namespaces/kube-system"
"""A small object that an API server reads from etcd."""
HEAVY, HEAVY_FAST = 8, 3
"""Turns for each reading of the metrics of an API server: over a megabyte, which it takes some 50 ms to write. The
second number counts while a graph shows them."""

Take = Callable[[], Awaitable[None]]
"""Takes one reading and puts it into the store; raises for one that failed."""
Open = Callable[[], AbstractAsyncContextManager[Take]]
Fail = Callable[[Exception], None]


class ReadingProbe:
    """Takes readings of one kind over the connection that `open_` makes; `fail` puts a failure into the store.

    One that is heavy takes a reading at every `turns`-th turn only, or at every `fast_turns`-th while the pace is fast.
    """

    def __init__(self, open_: Open, fail: Fail, turns: int = 1, fast_turns: int = 1) -> None:
        self._open = open_
        self._fail = fail
        self._turns = turns
        self._fast_turns = fast_turns

    async def twice(self, between_s: float) -> None:
        """Two readings over one connection, the second one `between_s` after the first."""
        try:
            async with self._open() as take:
                await take()
                await asyncio.sleep(between_s)
                await take()
        except Exception as error:
            self._fail(error)

    async def follow(self, pace: ReadingPace) -> None:
        """A reading at every turn of `pace`; after a failure over a new connection.

        The second reading of a connection follows early: there is no rate before it.
        """
        while True:
            try:
                async with self._open() as take:
                    await take()
                    await self._pause(pace, self._fast_turns)
                    while True:
                        await take()
                        await self._pause(pace, self._turns)
            except Exception as error:
                self._fail(error)
            await self._pause(pace, self._fast_turns)

    async def _pause(self, pace: ReadingPace, turns: int) -> None:
        turn = 0
        while turn < (self._fast_turns if pace.is_fast else turns):
            await pace.pause()
            turn += 1


class Readings:
    """The probes of one cluster that take readings."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        inventory = context.inventory
        planes = inventory.with_role(Role.CONTROL_PLANE) if context.layout.kubernetes else ()
        self._probes = (
            *(_etcd_probe(context, store, host) for host in inventory.with_role(Role.ETCD)),
            *(_request_probe(context, store, host) for host in planes),
            *(_apiserver_probe(context, store, host) for host in planes),
            *((_endpoint_probe(context, store, planes),) if planes and endpoint(inventory) else ()),
        )

    async def twice(self, between_s: float) -> None:
        """Two readings of each kind, for rates over `between_s`."""
        async with asyncio.TaskGroup() as group:
            for probe in self._probes:
                group.create_task(probe.twice(between_s))

    async def follow(self, pace: ReadingPace) -> None:
        """Readings for as long as nobody cancels it."""
        async with asyncio.TaskGroup() as group:
            for probe in self._probes:
                group.create_task(probe.follow(pace))


def _etcd_probe(context: ClusterContext, store: FactStore, host: Host) -> ReadingProbe:
    return ReadingProbe(EtcdWay(context, store, host).open, _fail(context, store, host, "etcd_metrics"))


def _request_probe(context: ClusterContext, store: FactStore, host: Host) -> ReadingProbe:
    return ReadingProbe(partial(_apiserver_request, context, store, host), _fail(context, store, host, "apiserver_ms"))


def _apiserver_probe(context: ClusterContext, store: FactStore, host: Host) -> ReadingProbe:
    fail = _fail(context, store, host, "apiserver_metrics")
    return ReadingProbe(partial(_apiserver_metrics, context, store, host), fail, HEAVY, HEAVY_FAST)


def _endpoint_probe(context: ClusterContext, store: FactStore, planes: tuple[Host, ...]) -> ReadingProbe:
    way = EndpointWay(context, store, planes)
    return ReadingProbe(way.open, lambda error: store.shared.put_endpoint_ms(way.failed(error)))


def _fail(context: ClusterContext, store: FactStore, host: Host, *facts: FactName) -> Fail:
    return lambda error: store.fail(HostName(host.name), facts, _failed(context, host, error))


def _failed(context: ClusterContext, host: Host, error: Exception) -> Failed[Any]:
    if isinstance(error, TimeoutError):
        return context.late(host, "metrics", context.timings.fact_s)
    return context.failed(host, "metrics", error)


class EtcdWay:
    """The way to the metrics of a host's member: its client port, or the port for metrics if that has no such page."""

    def __init__(self, context: ClusterContext, store: FactStore, host: Host) -> None:
        self._context, self._store, self._host = context, store, host
        self._at_client_port = True

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Take, None]:
        async with self._pages() as pages:
            yield partial(self._take, pages)

    async def _take(self, pages: EtcdPages) -> None:
        try:
            text = await pages.metrics(deadline_s=self._context.timings.fact_s)
        except EtcdError as error:
            if error.kind is EtcdErrorKind.UNSUPPORTED and self._metrics_port:
                self._at_client_port = not self._at_client_port
            raise
        reading = self._context.known(etcd_metrics.metrics_of(text, time.monotonic()))
        self._store.put(HostName(self._host.name), "etcd_metrics", reading)

    @property
    def _metrics_port(self) -> int | None:
        etcd = self._context.layout.etcd
        return etcd.metrics_port or (_KUBEADM_METRICS_PORT if etcd.placement is EtcdPlacement.STATIC_POD else None)

    @asynccontextmanager
    async def _pages(self) -> AsyncGenerator[EtcdPages, None]:
        context, host, etcd = self._context, self._host, self._context.layout.etcd
        transport, name = context.transport(host), HostName(host.name)
        if not self._at_client_port and self._metrics_port:
            async with (
                transport.forward(_LOOPBACK, self._metrics_port) as socket,
                _closing(EtcdPages(name, socket, None, _LOOPBACK)) as pages,
            ):
                yield pages
            return
        address = _LOOPBACK if etcd.loopback_only else host.address
        async with transport.forward(address, etcd.client_port) as socket:
            files = await context.credentials.read(context.layout, host, transport, deadline_s=context.timings.fact_s)
            credentials = etcd_credentials(context.layout, host, files)
            async with _closing(EtcdPages(name, socket, credentials, address)) as pages:
                yield pages


@asynccontextmanager
async def _closing(pages: EtcdPages) -> AsyncGenerator[EtcdPages, None]:
    try:
        yield pages
    finally:
        pages.close()


@asynccontextmanager
async def _apiserver_request(context: ClusterContext, store: FactStore, host: Host) -> AsyncGenerator[Take, None]:
    """The way to one API server, for requests to time."""
    assert context.layout.kubernetes is not None

    async def take(api: KubeApi) -> None:
        elapsed_ms = await _request_ms(api, context.timings.fact_s)
        store.put(HostName(host.name), "apiserver_ms", context.known(elapsed_ms))

    async with kube_at(context, host, host.address, context.layout.kubernetes.api_port) as api:
        await _request_ms(api, context.timings.fact_s)
        yield partial(take, api)


@asynccontextmanager
async def _apiserver_metrics(context: ClusterContext, store: FactStore, host: Host) -> AsyncGenerator[Take, None]:
    """The way to the metrics of one API server, on a connection of its own: the page takes long."""
    assert context.layout.kubernetes is not None

    async def take(api: KubeApi) -> None:
        body = await api.get("/metrics", accept="text/plain", packed=True, deadline_s=context.timings.fact_s)
        page = body.decode(errors="replace")
        clock_s = time.monotonic()
        reading = await in_thread(lambda: apiserver_metrics.metrics_of(page, clock_s), "parse-metrics")
        store.put(HostName(host.name), "apiserver_metrics", context.known(reading))

    async with kube_at(context, host, host.address, context.layout.kubernetes.api_port) as api:
        yield partial(take, api)


class EndpointWay:
    """The way to the API's endpoint from one of the control planes; after a failure from the next one."""

    def __init__(self, context: ClusterContext, store: FactStore, planes: tuple[Host, ...]) -> None:
        self._context, self._store, self._planes = context, store, planes
        self._turn = 0
        self._host = planes[0]
        """The host from which the endpoint was queried last."""
        self._asking = False
        """The way to the endpoint is open, so that a failure is the endpoint's."""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Take, None]:
        where = endpoint(self._context.inventory)
        assert where is not None
        self._host = host = self._planes[self._turn % len(self._planes)]
        self._asking = False
        try:
            async with kube_at(self._context, host, *where) as api:
                self._asking = True
                await _request_ms(api, self._context.timings.fact_s)
                yield partial(self._take, api, host)
        except Exception:
            self._turn += 1
            raise

    def failed(self, error: Exception) -> Failed[Any]:
        """The failure as a fact, which names the host if the endpoint itself was queried."""
        was_queried = self._asking and isinstance(error, (ServiceError, TimeoutError)) and not closed_by_sshd(error)
        asked_from = (self._host.name,) if was_queried else ()
        return replace(_failed(self._context, self._host, error), asked_from=asked_from)

    async def _take(self, api: KubeApi, host: Host) -> None:
        elapsed_ms = await _request_ms(api, self._context.timings.fact_s)
        self._store.shared.put_endpoint_ms(Known(elapsed_ms, self._context.now(), via=host.name))


async def _request_ms(api: KubeApi, deadline_s: float) -> float:
    """Milliseconds of the small request; the first one of a connection includes the handshake."""
    began = time.monotonic()
    await api.get(_REQUEST, deadline_s=deadline_s)
    return (time.monotonic() - began) * 1000
