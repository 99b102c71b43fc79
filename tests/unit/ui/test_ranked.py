"""The order of actions that match the typed text."""

from __future__ import annotations

import re

import pytest

from haconsole.actions.catalogue import catalogue, find_action
from haconsole.model.names import HostName, Vip
from haconsole.present.offers import offered, prefilled
from haconsole.present.palette import Command, ranked
from haconsole.present.row_keys import HostKey, MemberKey, RowKey, ServerKey, VipKey
from tests.fakes.cluster import healthy, member

DANGEROUS = {"free-space", "rejoin", "remove", "replace", "restore"}
TYPED = [
    (action.name, typed)
    for action in catalogue()
    for typed in dict.fromkeys((action.name, action.title, *re.findall(r"\w+", action.title)))
]
HOST = HostKey(HostName("cp1"))


def matches(typed: str) -> tuple[Command, ...]:
    return ranked(offered(catalogue(), HOST, healthy(), ()), typed)


def test_what_destroys_is_marked_in_the_catalogue() -> None:
    assert {action.name for action in catalogue() if action.dangerous} == DANGEROUS


@pytest.mark.parametrize(("name", "typed"), TYPED)
def test_nothing_dangerous_comes_first_unless_its_own_name_is_typed(name: str, typed: str) -> None:
    result = matches(typed)
    assert name in {one.command for one in result}
    first, low = result[0], typed.casefold()
    assert not first.dangerous or first.command.startswith(low) or first.name.casefold().startswith(low)


@pytest.mark.parametrize("name", [action.name for action in catalogue()])
def test_an_action_comes_first_by_its_own_name(name: str) -> None:
    assert matches(name)[0].command == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("move", "move-leader"),
        ("move a", "failover"),
        ("leader", "move-leader"),
        ("vip", "failover"),
        ("host", "join"),
        ("backup", "backup"),
    ],
)
def test_a_word_of_the_trade_finds_its_action(typed: str, name: str) -> None:
    assert matches(typed)[0].command == name


def test_what_is_dangerous_comes_last_before_anything_is_typed() -> None:
    assert {one.command for one in matches("")[-len(DANGEROUS) :]} == DANGEROUS


@pytest.mark.parametrize("name", sorted(DANGEROUS))
def test_the_row_fills_nothing_in_for_a_dangerous_action(name: str) -> None:
    assert prefilled(find_action(name), HOST, healthy()) == {}


def test_the_owner_of_a_vip_is_not_filled_in_as_its_next_owner() -> None:
    snapshot = healthy()
    vip = Vip(snapshot.vips[0])
    failover = find_action("failover")
    assert prefilled(failover, VipKey(vip, HostName("cp1")), snapshot) == {"vip": vip}
    assert prefilled(failover, VipKey(vip, HostName("cp2")), snapshot) == {"vip": vip, "to": "cp2"}
    assert prefilled(failover, HOST, snapshot) == {}


def test_the_leader_of_etcd_is_not_filled_in_as_its_next_leader() -> None:
    move = find_action("move-leader")
    assert prefilled(move, HostKey(HostName("cp1")), healthy()) == {}
    assert prefilled(move, HostKey(HostName("cp2")), healthy()) == {"host": "cp2"}


@pytest.mark.parametrize(
    ("row", "filled"),
    [
        (MemberKey(member(2).id), {"service": "etcd", "host": "cp2"}),
        (ServerKey("k8s_server_6443", "cp3"), {"service": "kube-apiserver", "host": "cp3"}),
        (HostKey(HostName("cp1")), {"host": "cp1"}),
    ],
)
def test_a_restart_has_the_service_of_the_row(row: RowKey, filled: dict[str, str]) -> None:
    assert prefilled(find_action("restart"), row, healthy()) == filled
