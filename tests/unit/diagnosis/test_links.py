"""Interfaces that carry no traffic, and what fails on their hosts because of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import SystemFacts
from haconsole.model.vip import VrrpState
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy
from tests.unit.diagnosis.test_balancers import instance_of_cp2
from tests.unit.diagnosis.test_remedies import having


def without(link: str, state: str, snapshot: ClusterSnapshot) -> ClusterSnapshot:
    before = value_of(snapshot.hosts[1].system) or SystemFacts("cp2", "m2")
    return changed(snapshot, 2, having(system=replace(before, links_down=((link, state),))))


def without_answer(facts: HostFacts) -> HostFacts:
    silent: Failed[Any] = Failed("no answer within 2 s", NOW, Cause.TIMED_OUT, asked_from=("cp2", "cp1"))
    return replace(facts, etcd=silent)


def test_a_host_without_loopback_is_the_cause_of_its_silent_member() -> None:
    (finding,) = diagnose(without("lo", "down", changed(healthy(), 2, without_answer)), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.link-down", "cp2")
    first = finding.remedies[0]
    assert isinstance(first, ActionCall)
    assert dict(first.arguments) == {"setting": "link", "host": "cp2", "target": "lo"}
    assert any("etcd" in line for line in finding.evidence)


@pytest.mark.parametrize(("state", "by_action"), [("down", True), ("no-carrier", False)])
def test_the_interface_of_a_vip_is_the_cause_of_a_fault(state: str, by_action: bool) -> None:
    (finding,) = diagnose(without("eth0", state, instance_of_cp2(state=VrrpState.FAULT)), INVENTORY, NOW)
    assert finding.code == "host.link-down"
    assert isinstance(finding.remedies[0], ActionCall) == by_action


def test_an_unused_interface_is_no_finding() -> None:
    assert diagnose(without("docker0", "down", healthy()), INVENTORY, NOW) == ()
