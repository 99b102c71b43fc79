"""Queries are batched, and no answer is older than its query."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from haconsole.execution.host.host_query import FileState, HostQuery, QueryKind, file_state
from haconsole.execution.host.host_state import HostStateReader
from haconsole.model.names import HostName
from haconsole.transport.base import TransportError
from tests.unit.execution.local import ME, LocalFleet

CP1 = HostName("cp1")


def stat(path: Path) -> HostQuery:
    return HostQuery(QueryKind.STAT, str(path))


async def test_questions_of_one_moment_are_one_command(tmp_path: Path) -> None:
    fleet = LocalFleet("cp1")
    host_state = HostStateReader(fleet)
    paths = [tmp_path / str(number) for number in range(9)]
    for path in paths[:5]:
        path.touch(0o600)
    output = await asyncio.gather(*(host_state.query(CP1, (stat(path), stat(tmp_path))) for path in paths))
    readings = [file_state(answers[stat(path)]) for path, answers in zip(paths, output, strict=True)]
    assert readings == [FileState(0o600, ME)] * 5 + [None] * 4
    assert len(fleet.host(CP1).commands) == 1


async def test_a_query_during_the_answer_to_another_is_sent_again(tmp_path: Path) -> None:
    fleet = LocalFleet("cp1")
    host_state = HostStateReader(fleet)
    host = fleet.host(CP1)
    really, under_way, go_on = host.run, asyncio.Event(), asyncio.Event()

    async def slowly(argv, **options):  # type: ignore[no-untyped-def]
        result = await really(argv, **options)
        under_way.set()
        await go_on.wait()
        return result

    host.run = slowly  # type: ignore[method-assign]
    path = tmp_path / "made-meanwhile"
    first = asyncio.create_task(host_state.query(CP1, (stat(path),)))
    await under_way.wait()
    path.touch(0o600)
    second = asyncio.create_task(host_state.query(CP1, (stat(path),)))
    await asyncio.sleep(0)
    go_on.set()
    assert file_state((await first)[stat(path)]) is None
    assert file_state((await second)[stat(path)]) == FileState(0o600, ME)


async def test_a_host_that_cannot_be_queried_fails_all_callers_and_is_queried_again_later(tmp_path: Path) -> None:
    fleet = LocalFleet("cp1")
    host_state = HostStateReader(fleet)
    fleet.host(CP1).unreachable = True
    events = await asyncio.gather(*(host_state.query(CP1, (stat(tmp_path),)) for _ in range(2)), return_exceptions=True)
    assert [type(error) for error in events] == [TransportError, TransportError]
    fleet.host(CP1).unreachable = False
    assert file_state((await host_state.query(CP1, (stat(tmp_path),)))[stat(tmp_path)]) is not None


async def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    fleet = LocalFleet("cp1")
    host_state = HostStateReader(fleet)
    host = fleet.host(CP1)

    async def never(argv, **options):  # type: ignore[no-untyped-def]
        await asyncio.Event().wait()

    host.run = never  # type: ignore[method-assign]
    asking = asyncio.create_task(host_state.query(CP1, (stat(tmp_path),)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await host_state.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
