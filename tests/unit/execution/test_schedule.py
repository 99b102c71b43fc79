"""Which steps start when."""

from __future__ import annotations

import pytest

from haconsole.actions.operations import Nothing
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.steps.schedule import Schedule
from haconsole.model.names import HostName, StepId


def step(name: str, *needs: str, host: str = "cp1") -> Step:
    return Step(StepId(name), "t", "w", HostName(host), Nothing(), needs=tuple(StepId(need) for need in needs))


def schedule(*steps: Step, places: int = 1) -> Schedule:
    return Schedule(Plan("bootstrap", "lab", steps), places)


def started_steps(of: Schedule) -> list[str]:
    return [one.id for one in of.start()]


def test_a_step_starts_when_all_it_needs_has_ended() -> None:
    a, b, c = step("a"), step("b"), step("c", "a", "b")
    of = schedule(a, b, c, places=4)
    assert started_steps(of) == ["a", "b"]
    of.ended(a)
    assert started_steps(of) == []
    of.ended(b)
    assert started_steps(of) == ["c"]


def test_the_longest_way_to_the_end_goes_first_then_the_order_of_the_plan() -> None:
    short, a, also, b, c = step("short"), step("a"), step("also"), step("b", "a"), step("c", "b")
    of = schedule(short, a, also, b, c)
    order: list[str] = []
    while started := of.start():
        (one,) = started
        order.append(one.id)
        of.ended(one)
    assert order == ["a", "b", "short", "also", "c"]


def test_each_host_has_its_own_places() -> None:
    of = schedule(*(step(f"{host}-{n}", host=host) for host in ("cp1", "cp2") for n in range(3)), places=2)
    assert started_steps(of) == ["cp1-0", "cp1-1", "cp2-0", "cp2-1"]
    assert started_steps(of) == []


def test_a_need_named_twice_is_one_need() -> None:
    a, b = step("a"), step("b", "a", "a")
    of = schedule(a, b)
    of.start()
    of.ended(a)
    assert started_steps(of) == ["b"]


def test_a_plan_out_of_order_is_an_error() -> None:
    with pytest.raises(HaconsoleError, match="step a needs b, which does not come before it in the plan"):
        schedule(step("a", "b"), step("b"))
