"""Defragmentation and the NOSPACE alarm: the steps, their order, and refusals."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import Defragment, Nothing
from haconsole.actions.step import Plan, Refusal
from haconsole.model.etcd import EtcdAlarm
from haconsole.model.hosts import HostFacts
from haconsole.model.names import MemberId
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import grown
from tests.fakes.cluster import NOW

INVENTORY = grown.inventory(3, kubernetes=False)
MEMBERS = tuple(grown.listed(n) for n in (1, 2, 3))


def snapshot_of(*, leader: int = 1, down: tuple[int, ...] = (), alarm: str | None = None) -> ClusterSnapshot:
    snapshot = grown.snapshot(INVENTORY, MEMBERS, leader=leader, down=down)
    return replace(snapshot, hosts=tuple(alarmed(facts, alarm) for facts in snapshot.hosts)) if alarm else snapshot


def alarmed(facts: HostFacts, kind: str) -> HostFacts:
    """cp2's member has raised the alarm; all members report it."""
    endpoint = value_of(facts.etcd)
    assert endpoint is not None
    return replace(facts, etcd=Known(replace(endpoint, alarms=(EtcdAlarm(MemberId("a2"), kind),)), NOW))


def changes(action: str, snapshot: ClusterSnapshot, **request: str) -> list[str]:
    """The steps that change something, in their order."""
    planned = plan_action(action, snapshot, INVENTORY, request)
    assert isinstance(planned, Plan), planned.reasons
    return [step.id for step in planned.steps if not isinstance(step.operation, Nothing)]


def reasons(action: str, snapshot: ClusterSnapshot, **request: str) -> str:
    planned = plan_action(action, snapshot, INVENTORY, request)
    assert isinstance(planned, Refusal)
    return "\n".join(planned.reasons)


def test_the_leader_is_last_and_hands_over_first() -> None:
    results = ["etcd.defrag@cp2", "etcd.defrag@cp3", "etcd.leader@cp1", "etcd.defrag@cp1"]
    assert changes("defrag", snapshot_of()) == results


def test_only_one_member() -> None:
    assert changes("defrag", snapshot_of(), host="cp3") == ["etcd.defrag@cp3"]
    assert changes("defrag", snapshot_of(leader=3), host="cp3") == ["etcd.leader@cp3", "etcd.defrag@cp3"]


def test_all_are_healthy_between_two() -> None:
    planned = plan_action("defrag", snapshot_of(), INVENTORY, {})
    assert isinstance(planned, Plan)
    ids = [str(step.id) for step in planned.steps]
    first, second = ids.index("etcd.defrag@cp2"), ids.index("etcd.defrag@cp3")
    gate = {f"etcd.healthy-after-cp2@cp{n}" for n in (1, 2, 3)}
    assert gate <= set(ids[first:second])
    assert gate <= set(planned.steps[second].needs)


def test_nobody_is_kept_busy_while_a_member_is_down() -> None:
    output = reasons("defrag", snapshot_of(down=(3,)))
    assert (
        "etcd member cp3 on cp3 is not healthy (connection refused): 3 voters, 2 needed, 2 healthy: can lose 0"
        in output
    )
    assert "no etcd member answers" in reasons("defrag", snapshot_of(down=(1, 2, 3)))
    assert reasons("defrag", snapshot_of(), host="cp9") == "no voter of etcd runs on cp9; they run on: cp1, cp2, cp3"


def test_room_is_made_before_the_alarm_is_lowered() -> None:
    planned = plan_action("disarm-alarm", snapshot_of(alarm="NOSPACE"), INVENTORY, {})
    assert isinstance(planned, Plan)
    assert changes("disarm-alarm", snapshot_of(alarm="NOSPACE")) == [
        *("etcd.snapshot@cp2", "etcd.compact@cp2", "etcd.defrag@cp2", "etcd.defrag@cp3"),
        *("etcd.leader@cp1", "etcd.defrag@cp1", "etcd.disarm@cp2"),
    ]
    disarm = next(step for step in planned.steps if step.id == "etcd.disarm@cp2")
    assert set(disarm.needs) == {f"etcd.room@cp{n}" for n in (1, 2, 3)}
    assert planned.summary.splitlines()[0] == "cp2: 0.0 MiB, in use 0.0 MiB"
    assert "a snapshot is kept on cp2: " in planned.summary
    given_back = [step.verification for step in planned.steps if isinstance(step.operation, Defragment)]
    assert given_back == [()] * 3, "one that has room just now may still be near its quota"


def test_other_alarms_are_not_about_room() -> None:
    assert reasons("disarm-alarm", snapshot_of()) == "no member has raised an alarm"
    output = reasons("disarm-alarm", snapshot_of(alarm="CORRUPT"))
    assert "cp2 has raised the alarm CORRUPT, which is not about space" in output
    assert "run remove cp2, then run join cp2" in output
