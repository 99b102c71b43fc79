"""Actions by name: their arguments are checked before anything is planned."""

from __future__ import annotations

import pytest

from haconsole.actions.catalogue import (
    Action,
    Argument,
    ArgumentKind,
    Request,
    catalogue,
    check_request,
    find_action,
    plan_action,
)
from haconsole.actions.step import Plan, Refusal
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import bare
from tests.unit.configs import samples


def refuse(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    return Refusal("join", inventory.cluster, tuple(request))


JOIN = Action(
    "join",
    "Join a host",
    "",
    (
        Argument("host", ArgumentKind.HOST, "the host", positional=True, required=True),
        Argument("as", ArgumentKind.CHOICE, "how", choices=("learner", "voter")),
        Argument("fast", ArgumentKind.FLAG, "hurry"),
    ),
    refuse,
)


def test_names_are_unique_and_each_is_found() -> None:
    names = [action.name for action in catalogue()]
    assert len(set(names)) == len(names)
    assert [find_action(name).name for name in names] == names


def test_an_unknown_action_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no action 'botstrap'.*bootstrap"):
        find_action("botstrap")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"host": "cp1", "speed": "1"}, "join has no argument 'speed'; use: join HOST [--as learner|voter] [--fast]"),
        ({"host": "cp1", "as": "king"}, "as cannot be 'king'; choose one of: learner, voter"),
        ({"as": "voter"}, "join needs host; use: join HOST [--as learner|voter] [--fast]"),
    ],
)
def test_requests_that_do_not_fit(request_: Request, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_request(JOIN, request_)
    assert str(raised.value) == message


def test_bootstrap_of_one_part() -> None:
    inventory = samples.lab()
    whole, part = (plan_action("bootstrap", bare(inventory), inventory, it) for it in ({}, {"only": "etcd"}))
    assert isinstance(whole, Plan)
    assert isinstance(part, Plan)
    assert {step.phase for step in part.steps} == {"preflight", "accounts", "certificates", "etcd", "verification"}
    assert len(part.steps) < len(whole.steps)


def test_an_unknown_part_is_refused() -> None:
    inventory = samples.lab()
    with pytest.raises(UsageError, match=r"only cannot be 'kubelet'; choose one of: etcd, haproxy"):
        plan_action("bootstrap", bare(inventory), inventory, {"only": "kubelet"})
