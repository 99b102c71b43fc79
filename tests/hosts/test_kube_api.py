"""The API client against a real API server, with etcd and without, and against one that is killed."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from haconsole.inventory.schema import Host
from haconsole.lab import kubernetes_binaries
from haconsole.lab.places import Places
from haconsole.lab.progress import Silent
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import HostName
from haconsole.probes.kubernetes.apiserver import probe_apiserver
from haconsole.probes.kubernetes.leases import finder, from_api, from_etcd
from haconsole.probes.kubernetes.stored_lease import PREFIX
from haconsole.transport.base import TransportError
from haconsole.transport.etcd_api import EtcdApi
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind
from tests.programs.kubernetes import ControlPlane, running
from tests.programs.pump import forward

T = TypeVar("T")

HOST = HostName("cp1")


@pytest.fixture
def plane(places: Places, tmp_path: Path) -> Iterator[ControlPlane]:
    (layer,) = kubernetes_binaries.layers(places.cache, None, Silent())
    with running(layer / "usr/local/bin", tmp_path) as started:
        yield started


@pytest.fixture
async def api(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[KubeApi]:
    with forward(tmp_path, plane.api_port) as path:
        async with await KubeApi.open(HOST, path, plane.credentials) as opened:
            yield opened


async def until(ask: Callable[[], Awaitable[T]], true: Callable[[T], bool], within_s: float = 60) -> T:
    """The first answer for which it is true; errors are retried."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                answer = await ask()
            except TransportError:
                await asyncio.sleep(0.2)
                continue
            if true(answer):
                return answer
            await asyncio.sleep(0.2)


async def locks(api: KubeApi) -> tuple[Lease, ...]:
    here = Host(name=socket.gethostname().lower(), address="127.0.0.1", roles=())
    return from_api(await api.leases(), finder((here,)))


async def test_a_control_plane_from_start_over_loss_of_etcd_to_end(api: KubeApi, plane: ControlPlane) -> None:
    ready = await until(lambda: probe_apiserver(api), lambda facts: facts.ready)
    assert (ready.failing, ready.version) == ((), kubernetes_binaries.VERSION)
    (lock,) = await until(lambda: locks(api), lambda result: bool(result))
    assert (lock.name, lock.host) == ("kube-scheduler", socket.gethostname().lower())
    assert lock.state(datetime.now(UTC)) is LeaseState.HELD
    assert any(each.metadata.name.startswith("kube-apiserver-") for each in await api.leases())
    await assert_etcd_tells_the_same(api, plane)
    await assert_renewals_come_by_themselves(api)
    await assert_without_etcd(api, plane)
    await assert_killed(api, plane)


async def assert_etcd_tells_the_same(api: KubeApi, plane: ControlPlane) -> None:
    async with await EtcdApi.open(HOST, plane.member.target, None) as etcd:
        stored = await etcd.get_prefix(PREFIX + b"kube-system/", serializable=True)
    output = from_etcd(stored, lambda _: None)
    request = await locks(api)
    assert [replace(each, renewed_at=None) for each in output] == [
        replace(each, renewed_at=None, host=None, source=output[0].source) for each in request
    ]


async def assert_renewals_come_by_themselves(api: KubeApi) -> None:
    """Each renewal arrives within a second of its own time."""
    readings: list[datetime] = []
    async with aclosing(api.watch_leases()) as watch, asyncio.timeout(20):
        async for objects in watch:
            (lock,) = from_api(objects, lambda _: None)
            assert lock.renewed_at is not None
            if readings and lock.renewed_at > readings[-1]:
                assert (datetime.now(UTC) - lock.renewed_at).total_seconds() < 1
            readings.append(lock.renewed_at)
            if len(set(readings)) == 4:
                return


async def assert_without_etcd(api: KubeApi, plane: ControlPlane) -> None:
    """The API server reports in time that etcd fails; a read ends at the caller's deadline."""
    plane.etcd.freeze()
    facts = await until(lambda: probe_apiserver(api), lambda output: not output.ready)
    assert "etcd" in facts.failing
    began = time.monotonic()
    with pytest.raises(KubeError) as late:
        await api.leases(deadline_s=1)
    assert late.value.kind is KubeErrorKind.DEADLINE
    assert time.monotonic() - began < 2
    plane.etcd.thaw()
    await until(lambda: probe_apiserver(api), lambda output: output.ready)


async def to_its_end(watch: AsyncIterator[object]) -> None:
    async for _ in watch:
        pass


async def assert_killed(api: KubeApi, plane: ControlPlane) -> None:
    """A watch ends as an error when the server is gone, and so does every question."""
    async with aclosing(api.watch_leases()) as watch, asyncio.timeout(20):
        await anext(watch)
        plane.apiserver.kill()
        await asyncio.to_thread(os.waitid, os.P_PID, plane.apiserver.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(KubeError):
            await to_its_end(watch)
    with pytest.raises(KubeError) as absent:
        await probe_apiserver(api)
    assert absent.value.kind in (KubeErrorKind.UNAVAILABLE, KubeErrorKind.REFUSED)
