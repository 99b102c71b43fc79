"""Properties of every plan that changes membership: the vote count at each step, order, ids, hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from haconsole.actions.checks import AnyOf, Check, EtcdHealthy, LeaderAmong, MemberGone, VipOwned
from haconsole.actions.membership.plan import plan_join, plan_remove, plan_remove_member, plan_replace
from haconsole.actions.operations import AddMember, MoveLeader, PromoteMember, RemoveMember, RunCommand, SetServerState
from haconsole.actions.step import Plan, Refusal
from haconsole.execution.log.codec import plan_from_json, to_json
from haconsole.model.etcd import EtcdMember
from haconsole.model.quorum import Quorum
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import grown


def voters(*numbers: int) -> tuple[EtcdMember, ...]:
    return tuple(grown.listed(n) for n in numbers)


def three(*, off: tuple[int, ...] = (), down: tuple[int, ...] = ()) -> ClusterSnapshot:
    """cp1 to cp3 are set up, cp4 and cp5 are bare; cp1 leads and holds the VIP."""
    return grown.snapshot(grown.inventory(5), voters(1, 2, 3), off=off, down=down)


def plan(planned: Plan | Refusal) -> Plan:
    assert isinstance(planned, Plan), planned.reasons
    return planned


PLANS = {
    "join": plan(plan_join(three(), grown.inventory(5), "cp4")),
    "remove-leader": plan(plan_remove(three(), grown.inventory(5), "cp1")),
    "remove-dead": plan(plan_remove(three(off=(2,)), grown.inventory(5), "cp2")),
    "replace-dead": plan(plan_replace(three(off=(2,)), grown.inventory(5), "cp2", "cp4")),
    "replace-living": plan(plan_replace(three(), grown.inventory(5), "cp2", "cp4")),
    "ghost": plan(
        plan_remove_member(
            grown.snapshot(grown.inventory(3), (*voters(1, 2, 3), grown.ghost())), grown.inventory(3), "bad"
        )
    ),
}
every_plan = pytest.mark.parametrize("plan_under_test", PLANS.values(), ids=PLANS)


def titles(plan: Plan, *kinds: type) -> list[str]:
    return [type(step.operation).__name__ for step in plan.steps if isinstance(step.operation, kinds)]


def before(plan: Plan, first: str, second: str) -> bool:
    """Whether `second` needs `first`, directly or through others."""
    needs = {str(step.id): step.needs for step in plan.steps}
    readings: set[str] = set()
    waiting = [second]
    while waiting:
        step = waiting.pop()
        fresh = [str(need) for need in needs[step] if need not in readings]
        readings.update(fresh)
        waiting += fresh
    assert first in needs, first
    return first in readings


@every_plan
def test_ids_are_unique_and_needs_come_before(plan_under_test: Plan) -> None:
    readings: set[str] = set()
    for step in plan_under_test.steps:
        assert step.id not in readings
        assert set(step.needs) <= readings
        readings.add(step.id)


@every_plan
def test_every_step_has_a_verification_and_a_reason(plan_under_test: Plan) -> None:
    assert all(step.verification and step.why and step.title and step.phase for step in plan_under_test.steps)


@every_plan
def test_a_plan_survives_the_journal(plan_under_test: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(to_json(plan_under_test)))) == plan_under_test


@every_plan
def test_a_snapshot_is_taken_before_the_members_change(plan_under_test: Plan) -> None:
    choice = next(step.id for step in plan_under_test.steps if step.id.startswith("etcd.snapshot"))
    changes = [
        step.id
        for step in plan_under_test.steps
        if isinstance(step.operation, AddMember | RemoveMember | PromoteMember)
    ]
    assert changes
    assert all(before(plan_under_test, choice, change) for change in changes)


@pytest.mark.parametrize("name", ["remove-leader", "replace-living"])
def test_any_leader_is_right_once_the_member_has_left(name: str) -> None:
    """A resumed run may find the new member leading, which was not among the first choices."""
    step = next(step for step in PLANS[name].steps if isinstance(step.operation, MoveLeader))
    (either,) = step.verification
    assert isinstance(either, AnyOf)
    assert {type(check) for (check,) in either.alternatives} == {LeaderAmong, MemberGone}


@pytest.mark.parametrize("name", ["remove-dead", "replace-dead"])
def test_a_host_without_power_is_neither_changed_nor_queried(name: str) -> None:
    plan = PLANS[name]
    assert all(step.host != "cp2" for step in plan.steps)
    requests = [step.operation.ask for step in plan.steps if isinstance(step.operation, RemoveMember | PromoteMember)]
    balancers = [step.operation.balancers for step in plan.steps if isinstance(step.operation, SetServerState)]
    assert requests
    assert balancers
    assert all("cp2" not in hosts for hosts in (*requests, *balancers))


def test_the_dead_one_is_out_before_the_new_one_is_in() -> None:
    assert titles(PLANS["replace-dead"], RemoveMember, AddMember, PromoteMember) == [
        "RemoveMember",
        "AddMember",
        "PromoteMember",
    ]


def test_a_leader_hands_everything_over_before_it_goes() -> None:
    plan = PLANS["remove-leader"]
    order = (
        "keepalived.stop@cp1",
        "haproxy.drain-cp1@cp2",
        "kubernetes.stop-api@cp1",
        "etcd.leader@cp1",
        "etcd.remove-cp1@cp2",
        "etcd.stop@cp1",
        "leaving.aside@cp1",
    )
    assert all(before(plan, first, second) for first, second in pairwise(order))


def test_balancers_know_the_new_one_before_it_speaks() -> None:
    plan = PLANS["join"]
    assert all(before(plan, f"keepalived.reload@cp{n}", "keepalived.start@cp4") for n in (1, 2, 3))


def test_an_api_server_is_in_no_balancer_before_it_is_ready() -> None:
    plan = PLANS["join"]
    assert all(before(plan, "kubernetes.kube-apiserver@cp4", f"haproxy.reload@cp{n}") for n in (1, 2, 3))


def test_api_servers_take_turns_drained_and_ready() -> None:
    plan = PLANS["join"]
    for n, later in ((1, 2), (2, 3)):
        assert before(plan, f"haproxy.drain@cp{n}", f"kubernetes.kube-apiserver@cp{n}")
        assert before(plan, f"kubernetes.kube-apiserver@cp{n}", f"haproxy.ready@cp{n}")
        assert before(plan, f"haproxy.ready@cp{n}", f"haproxy.drain@cp{later}")


@every_plan
def test_no_member_that_stays_is_stopped_or_restarted(plan_under_test: Plan) -> None:
    moving = {"cp4": "join replace", "cp1": "remove", "cp2": "replace remove"}
    for step in plan_under_test.steps:
        if not isinstance(step.operation, RunCommand) or "etcd.service" not in " ".join(step.operation.argv):
            continue
        assert plan_under_test.action in moving.get(step.host, ""), step.id


@every_plan
def test_vips_are_verified_on_the_balancers_that_stay(plan_under_test: Plan) -> None:
    owned = [
        check for step in plan_under_test.steps for check in flat(step.verification) if isinstance(check, VipOwned)
    ]
    assert all(check.hosts for check in owned)


def flat(checks: tuple[Check, ...]) -> Iterator[Check]:
    for check in checks:
        if isinstance(check, AnyOf):
            for alternative in check.alternatives:
                yield from flat(alternative)
        else:
            yield check


def worst_moments(plan: Plan, voting: int, healthy: int, *, dead: bool) -> Iterator[Quorum]:
    """The sum after each step, and after each step had failed with half of it done."""
    now = Quorum(voting, healthy)
    yield now
    for step in plan.steps:
        match step.operation:
            case RemoveMember():
                now = now.without(healthy=not dead)
            case PromoteMember():
                now = Quorum(now.voters + 1, now.healthy + 1)
            case _:
                continue
        yield now


states = some.fixed_dictionaries(
    {
        "size": some.integers(1, 5),
        "down": some.sets(some.integers(1, 5), max_size=2),
        "off": some.sets(some.integers(1, 5), max_size=1),
        "leader": some.integers(1, 5),
        "host": some.integers(1, 6),
        "new": some.integers(1, 6),
        "action": some.sampled_from(("join", "remove", "replace")),
        "kubernetes": some.booleans(),
    }
)


@settings(max_examples=150, deadline=None)
@given(states)
def test_never_fewer_healthy_voters_than_needed(state: dict[str, object]) -> None:
    size, host, new = int(str(state["size"])), f"cp{state['host']}", f"cp{state['new']}"
    down = tuple(n for n in state["down"] if n <= size)  # type: ignore[attr-defined]
    off = tuple(n for n in state["off"] if n <= size and n not in down)  # type: ignore[attr-defined]
    inventory = grown.inventory(6, kubernetes=bool(state["kubernetes"]))
    leader = next((n for n in range(1, size + 1) if n not in (*down, *off)), 1)
    snapshot = grown.snapshot(inventory, voters(*range(1, size + 1)), leader=leader, down=down, off=off)
    match state["action"]:
        case "join":
            plan = plan_join(snapshot, inventory, host)
        case "remove":
            plan = plan_remove(snapshot, inventory, host)
        case _:
            plan = plan_replace(snapshot, inventory, host, new)
    if isinstance(plan, Refusal):
        assert plan.reasons
        return
    ill = {*down, *off}
    dead = int(host[2:]) in ill
    for moment in worst_moments(plan, size, size - len(ill), dead=dead):
        assert moment.holds, (state, moment.sentence())
    adds = [at for at, step in enumerate(plan.steps) if isinstance(step.operation, AddMember)]
    assert len(adds) <= 1
    for at in adds:
        assert any(isinstance(check, EtcdHealthy) for check in plan.steps[at].precondition)
