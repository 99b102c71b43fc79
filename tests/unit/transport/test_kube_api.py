"""The Kubernetes client against captured answers over real TLS, reached as over SSH: through a Unix socket."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.probes.kubernetes.apiserver import probe_apiserver
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind
from haconsole.transport.kube_objects import LeaseObject
from haconsole.transport.kubeconfig import KubeCredentials
from tests.fakes.kube_server import KubeServer, Stream, serving
from tests.fakes.waiting import eventually
from tests.programs.etcd import Tls, make_tls
from tests.programs.pump import forward

HOST = HostName("cp1")
CAPTURED = Path(__file__).parent / "kube"
"""Answers of kube-apiserver 1.20.2, with etcd and without."""

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
LIST = (CAPTURED.parent.parent / "probes/cases/leases/api.json").read_text()
EVENTS = (CAPTURED / "watch.txt").read_text().splitlines()
VERSION = '{"major": "1", "minor": "20", "gitVersion": "v1.20.2", "platform": "linux/amd64"}'
FORBIDDEN = '{"kind":"Status","status":"Failure","message":"leases is forbidden","reason":"Forbidden","code":403}'


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"), ("DNS:kubernetes", "IP:127.0.0.1"))


@pytest.fixture
def server(tls: Tls) -> Iterator[KubeServer]:
    with serving(tls) as started:
        yield started


@pytest.fixture
def socket(server: KubeServer, tmp_path: Path) -> Iterator[Path]:
    with forward(tmp_path, server.port) as path:
        yield path


@pytest.fixture
async def api(socket: Path, tls: Tls) -> AsyncIterator[KubeApi]:
    async with await KubeApi.open(HOST, socket, credentials(tls)) as opened:
        yield opened


def credentials(tls: Tls) -> KubeCredentials:
    return KubeCredentials(tls.client.ca, tls.client.cert, tls.client.key)


def test_importing_the_client_does_not_load_the_library() -> None:
    code = "import sys, haconsole.transport.kube_api; sys.exit('kubernetes' in sys.modules or 'urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_client_loads_no_models_and_leaves_the_library_complete() -> None:
    code = (
        "import sys, haconsole.transport.kube_client as client\n"
        "client.preload(), client.preload()\n"
        "assert not any(name.startswith(('kubernetes.client.models', 'pydantic')) for name in sys.modules)\n"
        "from kubernetes.client import ApiClient, CoreV1Api\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


async def test_a_ready_server(api: KubeApi, server: KubeServer) -> None:
    server.answers["/readyz?verbose"] = (200, (CAPTURED / "readyz-ok.txt").read_text())
    server.answers["/version"] = (200, VERSION)
    facts = await probe_apiserver(api, etcd_servers=("https://10.99.0.11:2379",))
    assert (facts.ready, facts.failing, facts.version) == (True, (), "v1.20.2")
    assert facts.etcd_servers == ("https://10.99.0.11:2379",)
    assert set(server.clients) == {"client"}


async def test_a_server_without_etcd_reports_the_failing_check(api: KubeApi, server: KubeServer) -> None:
    server.answers["/readyz?verbose"] = (500, (CAPTURED / "readyz-without-etcd.txt").read_text())
    facts = await probe_apiserver(api)
    assert (facts.ready, facts.failing, facts.version) == (False, ("etcd",), None)


async def test_a_server_that_does_not_report_its_readiness_is_an_error(api: KubeApi, server: KubeServer) -> None:
    server.answers["/readyz?verbose"] = (500, "an internal error")
    with pytest.raises(KubeError, match=r"cp1: kube-apiserver, readyz: an internal error \(500\)"):
        await probe_apiserver(api)


async def test_leases_are_listed(api: KubeApi, server: KubeServer) -> None:
    server.answers[LEASES] = (200, LIST)
    leases = await api.leases()
    assert [each.metadata.name for each in leases][2:4] == ["kube-controller-manager", "kube-scheduler"]


async def test_older_locks_come_without_the_objects_data(api: KubeApi, server: KubeServer) -> None:
    server.answers["/api/v1/namespaces/kube-system/configmaps"] = (200, '{"metadata":{},"items":[{"metadata":{}}]}')
    assert len(await api.metadata("configmaps")) == 1
    assert "PartialObjectMetadataList" in server.headers[-1]["Accept"]


async def test_a_large_page_crosses_the_network_compressed(api: KubeApi, server: KubeServer) -> None:
    server.answers["/metrics"] = (200, "a_metric 1\n")
    assert await api.get("/metrics", accept="text/plain", packed=True) == b"a_metric 1\n"
    assert (server.headers[-1]["Accept-Encoding"], server.headers[-1]["Accept"]) == ("gzip", "text/plain")


async def test_nodes_and_one_that_is_not_there(api: KubeApi, server: KubeServer) -> None:
    ready = '{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1.20.2"}}'
    node = f'{{"metadata":{{"name":"w1"}},"spec":{{"unschedulable":true}},"status":{ready}}}'
    server.answers["/api/v1/nodes"] = (200, f'{{"metadata":{{}},"items":[{node},{{"metadata":{{"name":"w2"}}}}]}}')
    server.answers["/api/v1/nodes/w1"] = (200, node)
    first, second = await api.nodes()
    assert (first.ready, first.spec.unschedulable, second.ready) == (True, True, False)
    assert await api.node("w1") == first
    assert await api.node("w3") is None


async def test_a_token_is_shown_where_there_is_no_certificate(socket: Path, tls: Tls, server: KubeServer) -> None:
    server.answers["/version"] = (200, VERSION)
    bearer = KubeCredentials(tls.client.ca, token=Secret("hush"))
    async with await KubeApi.open(HOST, socket, bearer) as api:
        assert await api.version() == "v1.20.2"
    assert (server.headers[0]["Authorization"], server.clients) == ("Bearer hush", [""])
    assert "hush" not in repr(bearer)


async def test_the_client_key_touches_no_disk(socket: Path, tls: Tls, server: KubeServer, tmp_path: Path) -> None:
    server.answers["/version"] = (200, VERSION)
    content = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(tmp_path)
    try:
        async with await KubeApi.open(HOST, socket, credentials(tls)) as api:
            await api.version()
            assert [name for name in os.listdir(tmp_path) if not name.endswith(".sock")] == []  # noqa: PTH208
    finally:
        os.environ.pop("TMPDIR")
        if content:
            os.environ["TMPDIR"] = content


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((403, FORBIDDEN), KubeErrorKind.DENIED, "leases is forbidden (403)"),
        ((500, "etcdserver: no leader"), KubeErrorKind.SERVER, "etcdserver: no leader (500)"),
        ((504, ""), KubeErrorKind.DEADLINE, "status 504"),
        ((200, "<html>"), KubeErrorKind.UNREADABLE, "JSON is malformed"),
    ],
)
async def test_refusals_are_distinguished(
    api: KubeApi, server: KubeServer, answer: tuple[int, str], kind: KubeErrorKind, words: str
) -> None:
    server.answers[LEASES] = answer
    with pytest.raises(KubeError) as excinfo:
        await api.leases()
    assert excinfo.value.kind is kind
    assert words in str(excinfo.value)


async def failure(target: Path | str, kube_credentials: KubeCredentials, server_name: str = "kubernetes") -> KubeError:
    with pytest.raises(KubeError) as excinfo:
        async with await KubeApi.open(HOST, target, kube_credentials, server_name=server_name) as api:
            await api.version(deadline_s=2)
    return excinfo.value


async def test_failed_connections_are_distinguished(socket: Path, tls: Tls, tmp_path: Path) -> None:
    ours, other = credentials(tls), make_tls(tmp_path / "other").client
    assert (await failure(socket, ours, "10.9.9.9")).kind is KubeErrorKind.TLS
    assert (await failure(socket, KubeCredentials(other.ca))).kind is KubeErrorKind.TLS
    assert "cannot be read" in (await failure(socket, KubeCredentials(ours.ca, ours.cert, Secret("hush")))).detail
    assert (await failure(tmp_path / "none.sock", ours)).cause is Cause.REFUSED
    assert (await failure("127.0.0.1:1", ours, "127.0.0.1")).cause is Cause.REFUSED
    with forward(tmp_path, 1) as path:
        assert (await failure(path, ours)).cause is Cause.CONNECTION_LOST


async def test_a_server_that_hangs_is_given_up_at_the_deadline(tls: Tls, tmp_path: Path) -> None:
    path = tmp_path / "hung.sock"
    writers: list[asyncio.StreamWriter] = []
    hang = await asyncio.start_unix_server(lambda _, writer: writers.append(writer), path)
    async with await KubeApi.open(HOST, path, credentials(tls)) as api:
        with pytest.raises(KubeError, match=r"no answer within 0\.2 s") as excinfo:
            await api.leases(deadline_s=0.2)
    assert excinfo.value.kind is KubeErrorKind.DEADLINE
    await eventually(lambda: "kube-ask" not in {thread.name for thread in threading.enumerate()}, within_s=2)
    for writer in writers:
        writer.close()
    hang.close()


def renewed(leases: tuple[LeaseObject, ...]) -> dict[str, str]:
    """Name to seconds of the last renewal, of the leases that have one."""
    return {each.metadata.name: f"{each.spec.renew_time:%S.%f}" for each in leases if each.spec.renew_time}


async def test_a_watch_yields_the_list_and_then_every_change(api: KubeApi, server: KubeServer) -> None:
    server.answers[LEASES] = (200, LIST)
    deleted = EVENTS[4].replace('"MODIFIED"', '"DELETED"')

    def script(stream: Stream) -> None:
        stream.say(*EVENTS[2:4], deleted)
        stream.hang()

    server.watches = [script]
    lines: list[dict[str, str]] = []
    async with aclosing(api.watch_leases()) as watch, asyncio.timeout(5):
        async for leases in watch:
            lines.append(renewed(leases))
            if len(lines) == 4:
                break
    assert lines[0]["kube-controller-manager"] == "12.066659"
    assert lines[1]["kube-controller-manager"] == "13.082701"
    assert lines[2]["kube-scheduler"] == "13.664632"
    assert "kube-controller-manager" not in lines[3]
    assert server.revisions() == ["973"]


async def test_a_watch_goes_on_where_it_was_when_the_server_ends_it(
    api: KubeApi, server: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.transport.kube_watch._PAUSE_S", 0.01)
    server.answers[LEASES] = (200, LIST)

    def ends(stream: Stream) -> None:
        stream.say(EVENTS[2], EVENTS[5])
        stream.finish()

    def breaks(stream: Stream) -> None:
        stream.say(EVENTS[3])

    def too_old(stream: Stream) -> None:
        stream.say(EVENTS[6])
        stream.hang()

    def goes_on(stream: Stream) -> None:
        stream.say(EVENTS[4])
        stream.hang()

    server.watches = [ends, breaks, too_old, 410, goes_on]
    lines: list[dict[str, str]] = []
    async with aclosing(api.watch_leases()) as watch, asyncio.timeout(5):
        async for leases in watch:
            lines.append(renewed(leases))
            if lines[-1]["kube-controller-manager"] == "14.104705":
                break
    assert server.revisions() == ["973", "1403", "976", "973", "973"]
    assert [path for path in server.requests if "watch" not in path] == [LEASES] * 3


async def test_a_watch_that_falls_silent_is_restarted(
    api: KubeApi, server: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.transport.kube_watch._PAUSE_S", 0.01)
    server.answers[LEASES] = (200, LIST)
    server.watches = [lambda stream: stream.hang(), lambda stream: stream.say(EVENTS[2])]
    async with aclosing(api.watch_leases(silence_s=0.1)) as watch, asyncio.timeout(5):
        await anext(watch)
        assert renewed(await anext(watch))["kube-controller-manager"] == "13.082701"


async def test_a_watch_of_a_lost_server_is_an_error(api: KubeApi, server: KubeServer) -> None:
    server.answers[LEASES] = (200, LIST)
    server.watches = [503]
    async with aclosing(api.watch_leases()) as watch:
        await anext(watch)
        with pytest.raises(KubeError, match=r"cp1: kube-apiserver, watch leases: status 503"):
            await anext(watch)


async def test_a_watch_of_something_else_is_an_error(api: KubeApi, server: KubeServer) -> None:
    server.answers[LEASES] = (200, LIST)
    server.watches = [lambda stream: stream.say("<html>")]
    async with aclosing(api.watch_leases()) as watch:
        await anext(watch)
        with pytest.raises(KubeError) as excinfo:
            await anext(watch)
    assert excinfo.value.kind is KubeErrorKind.UNREADABLE


async def test_ending_a_watch_leaves_no_thread(api: KubeApi, server: KubeServer) -> None:
    server.answers[LEASES] = (200, LIST)

    def script(stream: Stream) -> None:
        stream.say(EVENTS[2])
        stream.hang()

    server.watches = [script]
    async with aclosing(api.watch_leases()) as watch:
        await anext(watch)
        await anext(watch)
        readers = [thread for thread in threading.enumerate() if thread.name == "kube-watch"]
    assert len(readers) == 1
    await eventually(lambda: readers[0].name != "kube-watch" or not readers[0].is_alive(), within_s=2)
