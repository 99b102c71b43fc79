"""A pause releases held steps in the plan's order, with those that must begin together."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan, Step
from haconsole.execution.steps.gate import Pause
from haconsole.model.names import HostName, StepId


def step(name: str, *, starts_with: tuple[str, ...] = ()) -> Step:
    result = Step(StepId(name), name, "it is needed", HostName("cp1"), Nothing())
    return replace(result, starts_with=tuple(StepId(one) for one in starts_with))


async def holding(pause: Pause, *steps: Step) -> tuple[list[str], list[asyncio.Task[None]]]:
    """The names of the steps in the order they began, and their tasks, all held."""
    starts: list[str] = []

    async def begin(one: Step) -> None:
        await pause.before(one)
        starts.append(one.id)

    tasks = [asyncio.create_task(begin(one)) for one in steps]
    await asyncio.sleep(0)
    return starts, tasks


async def test_the_plan_gives_the_order_whichever_step_was_held_first() -> None:
    a, b, c = step("a"), step("b"), step("c")
    pause = Pause(closed=True)
    pause.arrange(Plan("bootstrap", "lab", (a, b, c)))
    start, tasks = await holding(pause, c, a, b)
    for expected in (["a"], ["a", "b"], ["a", "b", "c"]):
        assert pause.one()
        await asyncio.sleep(0)
        assert start == expected
    assert not pause.one()
    await asyncio.gather(*tasks)


async def test_steps_that_must_begin_together_are_released_with_the_first_also_when_held_later() -> None:
    a, b, c = step("a", starts_with=("b",)), step("b", starts_with=("a",)), step("c")
    pause = Pause(closed=True)
    pause.arrange(Plan("bootstrap", "lab", (a, b, c)))
    start, tasks = await holding(pause, a, c)
    assert pause.one()
    await asyncio.sleep(0)
    assert start == ["a"]
    assert not pause.holds(b)
    await asyncio.wait_for(pause.before(b), 1)
    assert pause.holds(c)
    pause.open()
    await asyncio.gather(*tasks)
    assert start == ["a", "c"]


async def test_a_step_is_released_by_its_id_and_no_other_in_its_place() -> None:
    a, b = step("a"), step("b")
    pause = Pause(closed=True)
    pause.arrange(Plan("bootstrap", "lab", (a, b)))
    start, tasks = await holding(pause, a, b)
    assert pause.release(StepId("b"))
    await asyncio.sleep(0)
    assert start == ["b"]
    assert not pause.release(StepId("b"))
    await asyncio.sleep(0)
    assert start == ["b"]
    pause.open()
    await asyncio.gather(*tasks)


async def test_steps_that_must_begin_together_with_one_under_way_are_not_held() -> None:
    a, b, c = step("a", starts_with=("b",)), step("b", starts_with=("a",)), step("c")
    pause = Pause()
    pause.arrange(Plan("bootstrap", "lab", (a, b, c)))
    await asyncio.wait_for(pause.before(a), 1)
    pause.close()
    assert not pause.holds(b)
    await asyncio.wait_for(pause.before(b), 1)
    assert pause.holds(c)
