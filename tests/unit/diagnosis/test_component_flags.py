"""Flags of controller-manager and scheduler that must be equal, and their leader locks."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.component_flags import ComponentFlags
from haconsole.model.findings import Finding
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes import component_flags
from haconsole.probes.script import SectionAnswer
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy, lease, units

SCHEDULER, MANAGER = "kube-scheduler", "kube-controller-manager"


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def with_flags(component: str, *of_hosts: tuple[tuple[str, str], ...]) -> ClusterSnapshot:
    snapshot = healthy()
    for n, flags in enumerate(of_hosts, 1):
        own = (ComponentFlags(component, flags),)
        snapshot = changed(snapshot, n, lambda facts, own=own: replace(facts, component_flags=Known(own, NOW)))  # type: ignore[misc]
    return snapshot


@pytest.mark.parametrize(
    ("component", "odd", "text"),
    [
        (SCHEDULER, ("--leader-elect-resource-name", "other"), "two of them are active"),
        (SCHEDULER, ("--leader-elect-resource-namespace", "default"), "two of them are active"),
        (SCHEDULER, ("--leader-elect", "false"), "without a leader lock"),
        (SCHEDULER, ("--leader-elect-lease-duration", "60s"), "runs with other flags"),
        (MANAGER, ("--cluster-cidr", "10.1.0.0/16"), "runs with other flags"),
        (MANAGER, ("--service-account-private-key-file", "/etc/other.key"), "runs with other flags"),
        (MANAGER, ("--use-service-account-credentials", "true"), "runs with other flags"),
    ],
)
def test_a_component_that_differs_from_the_other_hosts(component: str, odd: tuple[str, str], text: str) -> None:
    (finding,) = findings_of(with_flags(component, (), (odd,), ()))
    assert (finding.code, finding.subject) == ("component.flags-differ", f"{component}@cp2")
    assert text in finding.summary
    assert finding.evidence[0].startswith(f"{odd[0]} is {odd[1]}; elsewhere ")
    assert finding.calls[0].request == {"only": "kubernetes"}


def test_equal_flags_and_written_out_defaults_are_no_difference() -> None:
    explicit = (("--leader-elect", "true"), ("--leader-elect-resource-name", ""), ("--cluster-name", "kubernetes"))
    assert findings_of(with_flags(MANAGER, explicit, (), ())) == ()
    cidr = (("--cluster-cidr", "10.1.0.0/16"),)
    assert findings_of(with_flags(MANAGER, cidr, cidr, cidr)) == ()
    assert findings_of(with_flags(SCHEDULER, (("--leader-elect", "false"),))) == (), "nothing to compare it with"


def test_of_two_hosts_the_one_without_the_default_is_named() -> None:
    other = (("--leader-elect-resource-name", "other"),)
    assert [one.subject for one in findings_of(with_flags(SCHEDULER, other, ()))] == ["kube-scheduler@cp1"]
    assert [one.subject for one in findings_of(with_flags(SCHEDULER, (), other))] == ["kube-scheduler@cp2"]


def test_without_leader_election_anywhere_each_one_is_named() -> None:
    off = (("--leader-elect", "false"),)
    snapshot = with_flags(SCHEDULER, off, off, off)
    assert [one.subject for one in findings_of(snapshot)] == [f"kube-scheduler@cp{n}" for n in (1, 2, 3)]


def test_a_component_that_does_not_run_has_no_flags() -> None:
    snapshot = with_flags(SCHEDULER, (), (("--leader-elect", "false"),), ())
    stopped = changed(snapshot, 2, lambda facts: replace(facts, services=Known(units(kube_scheduler="inactive"), NOW)))
    assert [one.code for one in findings_of(stopped)] == ["component.down"]


def test_the_lock_that_the_host_gave_up_is_a_consequence() -> None:
    snapshot = with_flags(SCHEDULER, (("--leader-elect-resource-name", "other"),), (), ())
    expired = (lease(MANAGER), lease(SCHEDULER, age_s=60.0))
    assert [one.code for one in findings_of(replace(snapshot, leases=Known(expired, NOW)))] == [
        "component.flags-differ"
    ]


def test_another_flag_makes_no_host_slow() -> None:
    snapshot = with_flags(MANAGER, (), (("--cluster-cidr", "10.1.0.0/16"),), ())
    late: Failed[Any] = Failed("cp2: no answer within 6 s", NOW, Cause.TIMED_OUT)
    slow = changed(snapshot, 2, lambda facts: replace(facts, keepalived=late, disks=late))
    assert [one.code for one in findings_of(slow)] == ["component.flags-differ", "host.slow"]


OUTPUT = """program kube-scheduler
argument /usr/local/bin/kube-scheduler
argument --leader-elect
argument --v=2
argument --leader-elect-resource-name
argument other
argument -cluster-name=x
program kube-controller-manager
argument kube-controller-manager
argument --token=secret
"""


def test_flags_are_read_in_each_form_and_others_are_not_kept() -> None:
    values = component_flags.parse(SectionAnswer("component_flags", OUTPUT, "", 0))
    flags = (("--cluster-name", "x"), ("--leader-elect", "true"), ("--leader-elect-resource-name", "other"))
    assert values == (ComponentFlags(SCHEDULER, flags), ComponentFlags(MANAGER, ()))
    assert (values[0].lock, values[1].lock) == ("kube-system/other", "kube-system/kube-controller-manager")
    assert component_flags.parse(SectionAnswer("component_flags", "", "", 0)) == ()
    with pytest.raises(ProbeError):
        component_flags.parse(SectionAnswer("component_flags", "", "sh: pidof: not found", 127))
