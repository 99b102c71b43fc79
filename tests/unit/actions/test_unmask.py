"""`unmask`: removes a mask wherever there is one, starts the unit, and is refused where there is none."""

from __future__ import annotations

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import RunCommand, UndoByCommand
from haconsole.actions.step import Plan, Refusal
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, changed, healthy, unreachable
from tests.unit.diagnosis.test_remedies import MASKED, every, having, units


def masked(*numbers: int) -> ClusterSnapshot:
    return every(having(services=units(haproxy=MASKED)), *numbers)


def planned(snapshot: ClusterSnapshot, **request: str) -> Plan | Refusal:
    return plan_action("unmask", snapshot, INVENTORY, request)


def test_every_host_where_it_is_masked_is_unmasked() -> None:
    plan = planned(masked(1, 3), service="haproxy")
    assert isinstance(plan, Plan)
    assert [step.host for step in plan.steps] == ["cp1", "cp3"]
    (step, _) = plan.steps
    assert isinstance(step.operation, RunCommand)
    commands = step.operation.argv[-1].split("; ")
    assert commands.index("systemctl unmask --quiet haproxy.service") < next(
        index for index, command in enumerate(commands) if command.startswith("systemctl restart")
    )
    assert isinstance(step.undo, UndoByCommand)
    assert step.undo.operation == RunCommand(("systemctl", "mask", "--now", "haproxy.service"), timeout_s=120.0)


def test_it_is_refused_where_nothing_is_masked_or_known() -> None:
    for snapshot, request, reason in (
        (healthy(), {"service": "haproxy"}, "haproxy is masked on no host"),
        (healthy(), {"service": "haproxy", "host": "cp1"}, "haproxy on cp1 is not masked"),
        (changed(masked(1), 1, unreachable), {"service": "haproxy", "host": "cp1"}, "cp1 cannot be reached"),
    ):
        refusal = planned(snapshot, **request)
        assert isinstance(refusal, Refusal)
        assert reason in "; ".join(refusal.reasons)
