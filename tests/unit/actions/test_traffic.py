"""The small actions: what they plan, and when they do not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import SameFile, SnapshotHere
from haconsole.actions.operations import FetchFile, MoveLeader, RunCommand, SetServerState
from haconsole.actions.step import Plan, Refusal
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, server, unreachable


def plan(action: str, snapshot: ClusterSnapshot | None = None, **request: str) -> Plan | Refusal:
    return plan_action(action, snapshot or healthy(), INVENTORY, request)


def operation(action: str, snapshot: ClusterSnapshot | None = None, **request: str) -> object:
    planned = plan(action, snapshot, **request)
    assert isinstance(planned, Plan), planned.reasons
    (step,) = planned.steps
    return step.operation


def names(*numbers: int) -> tuple[HostName, ...]:
    return tuple(HostName(f"cp{n}") for n in numbers)


def test_a_backup_is_copied_here_where_a_file_is_named() -> None:
    planned = plan("backup", output="/home/me/x.db")
    assert isinstance(planned, Plan)
    choice, fetched = planned.steps
    path = "/var/lib/etcd-snapshots/lab-20260301T030000Z.db"
    assert fetched.operation == FetchFile(path, "/home/me/x.db")
    assert (fetched.host, fetched.needs) == (choice.host, (choice.id,))
    assert set(fetched.verification) == {SameFile("/home/me/x.db", path), SnapshotHere("/home/me/x.db")}
    assert planned.summary.endswith("copied to /home/me/x.db")


def test_leadership_goes_anywhere_else() -> None:
    assert operation("move-leader") == MoveLeader(names(2, 3), names(1))


def test_leadership_goes_where_it_is_wanted() -> None:
    assert operation("move-leader", host="cp3") == MoveLeader(names(3), names(1))


def test_leadership_goes_to_no_member_that_is_ill() -> None:
    planned = plan("move-leader", changed(healthy(), 3, etcd_silent), host="cp3")
    assert isinstance(planned, Refusal)
    assert planned.reasons == ("cp3 cannot lead: healthy voters are on cp1, cp2",)


@pytest.mark.parametrize(("action", "state"), [("drain", AdminState.DRAIN), ("ready", AdminState.READY)])
def test_on_every_balancer_that_answers(action: str, state: AdminState) -> None:
    at = ("10.99.0.12:6443",)
    target = SetServerState("k8s_server_6443", "cp2", state, names(1, 2), at, may_lack=False)
    assert operation(action, changed(healthy(), 3, unreachable), host="cp2") == target


def test_the_only_server_is_not_drained() -> None:
    def alone(facts: HostFacts) -> HostFacts:
        servers = (server(1), server(2, "DOWN", "L4CON"), server(3, "DOWN", "L4CON"))
        return replace(facts, haproxy=Known(HaproxyFacts("2.6", 9, (HaproxyBackend("k8s_server_6443", servers),)), NOW))

    snapshot = healthy()
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, alone)
    planned = plan("drain", snapshot, host="cp1")
    assert isinstance(planned, Refusal)
    assert "only cp1's API server is up in haproxy on cp1, cp2, cp3" in planned.reasons[0]


@pytest.mark.parametrize("action", ["drain", "ready"])
def test_a_host_that_is_not_there(action: str) -> None:
    planned = plan(action, host="cp9")
    assert isinstance(planned, Refusal)
    assert planned.reasons == ("the inventory has no host cp9",)


def test_a_snapshot_goes_through_a_member_that_does_not_lead() -> None:
    planned = plan("backup")
    assert isinstance(planned, Plan)
    assert [step.host for step in planned.steps] == ["cp2"]
    assert isinstance(planned.steps[0].operation, RunCommand)
    assert planned.summary == "kept on cp2: /var/lib/etcd-snapshots/lab-20260301T030000Z.db"
