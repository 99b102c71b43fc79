"""`reconfigure`: the file is checked, then reloaded, one balancer after the other; a stopped program is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Refusal
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, changed, healthy, unreachable
from tests.unit.diagnosis.test_remedies import STOPPED, every, having, units


def planned(snapshot: ClusterSnapshot, **request: str) -> Plan | Refusal:
    return plan_action("reconfigure", snapshot, INVENTORY, request)


def test_each_balancer_checks_its_file_before_it_reloads() -> None:
    plan = planned(healthy(), service="haproxy")
    assert isinstance(plan, Plan)
    assert [step.host for step in plan.steps] == ["cp1", "cp2", "cp3"]
    assert [step.needs for step in plan.steps] == [(), (plan.steps[0].id,), (plan.steps[1].id,)]
    operation = plan.steps[0].operation
    assert isinstance(operation, RunCommand)
    assert operation.argv[-1] == (
        "haproxy -c -q -f /etc/haproxy/haproxy.cfg; systemctl reload-or-restart haproxy.service"
    )


@pytest.mark.parametrize(("status", "reloads"), [(0, True), (6, True), (4, False)])
def test_a_file_without_script_security_is_reloaded(tmp_path: Path, status: int, reloads: bool) -> None:
    """keepalived ends with 6 at such a file, as kubeadm's guide writes it, and loads it."""
    plan = planned(healthy(), service="keepalived", host="cp1")
    assert isinstance(plan, Plan)
    operation = plan.steps[0].operation
    assert isinstance(operation, RunCommand)
    for name, line in (("keepalived", f"exit {status}"), ("systemctl", f"echo $1 >{tmp_path}/called")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    result = subprocess.run(operation.argv, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (result.returncode == 0, (tmp_path / "called").exists()) == (reloads, reloads)


def test_it_is_refused_where_the_program_does_not_run() -> None:
    for snapshot, reason in (
        (every(having(services=units(keepalived=STOPPED)), 2), "run restart keepalived cp2"),
        (changed(healthy(), 2, unreachable), "cp2 cannot be reached"),
    ):
        refusal = planned(snapshot, service="keepalived", host="cp2")
        assert isinstance(refusal, Refusal)
        assert reason in "; ".join(refusal.reasons)
