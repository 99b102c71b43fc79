"""Which failures of the JSON gateway move a query to gRPC, for one query or until the client is closed."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from haconsole.model.names import HostName
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_gateway import EtcdGateway
from tests.programs.etcd import Tls, make_tls

Answer = tuple[int, object] | None
"""Status and body of an answer; None closes the connection instead."""

FINE: Answer = (200, {"value": "1"})
STOPS: Answer = (503, {"error": "error reading from server: EOF", "code": 14})
REFUSES: Answer = (400, {"error": "etcdserver: user name is empty", "code": 3})
NO_LEADER: Answer = (503, {"error": "etcdserver: no leader", "code": 14})
ABSENT: Answer = (404, "404 page not found")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


class ScriptedMember:
    """Answers one request after the other with `answers`, and counts the requests of each path."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.paths: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await reader.readexactly(length)
            self.paths.append(head.split()[1].decode())
            answer = self._answers.pop(0)
            if answer is None:
                break
            body = json.dumps(answer[1]).encode()
            writer.write(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (answer[0], len(body), body))
        writer.close()


@asynccontextmanager
async def gateway_of(member: ScriptedMember, tls: Tls, folder: Path) -> AsyncIterator[EtcdGateway]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.cert, tls.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await member.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    path = folder / "etcd.sock"
    server = await asyncio.start_unix_server(serve, path, ssl=context)
    gateway = EtcdGateway(HostName("cp1"), path, tls.client, "127.0.0.1")
    try:
        yield gateway
    finally:
        gateway.close()
        server.close()


async def answer_of(gateway: EtcdGateway, path: str = "/v3/x") -> str | None:
    """The answer, None for a query that gRPC has to take, or the kind of the error."""
    try:
        return await gateway.query("query", path, {}, 5.0, lambda answer: str(answer["value"]))
    except EtcdError as error:
        return error.kind


@pytest.mark.parametrize("failure", [STOPS, None], ids=["a failure of its own", "a closed connection"])
async def test_an_interrupted_gateway_is_used_again(failure: Answer, tls: Tls, tmp_path: Path) -> None:
    member = ScriptedMember(FINE, failure, *((failure,) if failure is None else ()), FINE)
    async with gateway_of(member, tls, tmp_path) as gateway:
        assert await answer_of(gateway) == "1"
        assert await answer_of(gateway) is EtcdErrorKind.UNAVAILABLE
        assert await answer_of(gateway) == "1"


@pytest.mark.parametrize("failure", [STOPS, None], ids=["a failure of its own", "a closed connection"])
async def test_a_gateway_that_has_not_answered_yet_leaves_the_query_to_grpc(
    failure: Answer, tls: Tls, tmp_path: Path
) -> None:
    async with gateway_of(ScriptedMember(failure, FINE), tls, tmp_path) as gateway:
        assert await answer_of(gateway) is None
        assert await answer_of(gateway) == "1"


async def test_a_second_interruption_in_a_row_is_explained_by_grpc(tls: Tls, tmp_path: Path) -> None:
    async with gateway_of(ScriptedMember(FINE, STOPS, STOPS), tls, tmp_path) as gateway:
        assert [await answer_of(gateway) for _ in range(3)] == ["1", EtcdErrorKind.UNAVAILABLE, None]


@pytest.mark.parametrize("answer", [REFUSES, ABSENT, (501, {"error": "unknown method", "code": 12})])
async def test_a_query_that_the_gateway_lacks_stays_with_grpc(answer: Answer, tls: Tls, tmp_path: Path) -> None:
    member = ScriptedMember(answer, FINE)
    async with gateway_of(member, tls, tmp_path) as gateway:
        assert [await answer_of(gateway, "/v3/hash") for _ in range(2)] == [None, None]
        assert await answer_of(gateway, "/v3/status") == "1"
    assert member.paths == ["/v3/hash", "/v3/status"]


async def test_an_error_of_etcd_is_an_answer(tls: Tls, tmp_path: Path) -> None:
    async with gateway_of(ScriptedMember(NO_LEADER, FINE), tls, tmp_path) as gateway:
        assert await answer_of(gateway) is EtcdErrorKind.NO_LEADER
        assert await answer_of(gateway) == "1"
