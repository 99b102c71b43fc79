"""One answer for all callers at the same time, and none for later ones."""

from __future__ import annotations

import asyncio

import pytest

from haconsole.probes.credentials import SingleFlight


class Oracle:
    """Answers with the number of its calls, once it may."""

    def __init__(self) -> None:
        self.requests = 0
        self.ended = 0
        self.may = asyncio.Event()

    async def ask(self) -> int:
        self.requests += 1
        try:
            await self.may.wait()
            return self.requests
        finally:
            self.ended += 1


async def test_simultaneous_callers_share_the_answer() -> None:
    oracle, sharing = Oracle(), SingleFlight[str, int]()
    asking = [asyncio.create_task(sharing.get("a", oracle.ask)) for _ in range(3)]
    await asyncio.sleep(0)
    oracle.may.set()
    assert await asyncio.gather(*asking) == [1, 1, 1]
    assert await sharing.get("a", oracle.ask) == 2


async def test_other_keys_are_queried_separately() -> None:
    oracle, sharing = Oracle(), SingleFlight[str, int]()
    oracle.may.set()
    await asyncio.gather(sharing.get("a", oracle.ask), sharing.get("b", oracle.ask))
    assert oracle.requests == 2


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    oracle, sharing = Oracle(), SingleFlight[str, int]()
    first, second = (asyncio.create_task(sharing.get("a", oracle.ask)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    oracle.may.set()
    assert await second == 1


async def test_a_query_without_callers_is_cancelled() -> None:
    oracle, sharing = Oracle(), SingleFlight[str, int]()
    only = asyncio.create_task(sharing.get("a", oracle.ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert (oracle.requests, oracle.ended) == (1, 1)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failure_is_shared_and_not_kept() -> None:
    sharing = SingleFlight[str, int]()

    async def fail() -> int:
        raise ValueError("no")

    async def succeed() -> int:
        return 7

    output = await asyncio.gather(sharing.get("a", fail), sharing.get("a", fail), return_exceptions=True)
    assert [type(each) for each in output] == [ValueError, ValueError]
    assert await sharing.get("a", succeed) == 7
