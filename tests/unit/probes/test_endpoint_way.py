"""Requests through the API's endpoint: a failure is the endpoint's only if a request was sent there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from haconsole.configs.layout import layout
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes import readings
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.fact_store import FactStore
from haconsole.probes.readings import EndpointWay
from haconsole.transport.base import TransportError
from haconsole.transport.kube_errors import KubeError, KubeErrorKind
from tests.fakes.cluster import INVENTORY, NOW
from tests.fakes.transport import FakeFleet


class Api:
    """Refuses every request."""

    async def get(self, path: str, *, deadline_s: float) -> None:
        raise KubeError(HostName("cp1"), KubeErrorKind.REFUSED, path, "connection refused")


def endpoint_way() -> EndpointWay:
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings())
    return EndpointWay(context, FactStore(INVENTORY, lambda: NOW), INVENTORY.hosts)


async def failure(way: EndpointWay) -> Exception:
    with pytest.raises(TransportError) as excinfo:
        async with way.open():
            pass
    return excinfo.value


async def test_a_refused_request_names_the_host_that_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def connected(*_: object) -> AsyncGenerator[Api, None]:
        yield Api()

    monkeypatch.setattr(readings, "kube_at", connected)
    way = endpoint_way()
    assert [way.failed(await failure(way)).asked_from for _ in range(3)] == [("cp1",), ("cp2",), ("cp3",)]


async def test_a_failed_connection_to_the_host_is_no_failure_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object) -> None:
        raise TransportError(HostName("cp1"), Cause.CONNECTION_LOST, "connection lost")

    monkeypatch.setattr(readings, "kube_at", cut_off)
    way = endpoint_way()
    assert way.failed(await failure(way)).asked_from == ()
