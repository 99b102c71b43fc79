"""Every action of the catalogue is put to faults."""

from __future__ import annotations

from haconsole.actions.build import look_step
from haconsole.actions.catalogue import catalogue
from haconsole.actions.checks import ApiserverReady
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.step import Step
from haconsole.model.names import HostName, StepId
from tests.hosts.chaos_cases import CASES, STATES, Kind
from tests.hosts.chaos_kubeadm import KUBEADM_CASES, KUBEADM_STATES, SETTLED_WITH_WORKLOADS
from tests.hosts.chaos_picture import end_status, repeatable


def test_every_action_of_the_catalogue_has_a_case() -> None:
    assert {case.action[0] for case in CASES.values()} == {action.name for action in catalogue()}


def test_every_case_begins_from_a_state_that_can_be_made() -> None:
    results = {"bare", *STATES}
    assert {case.start for case in CASES.values()} | {state.before for state in STATES.values()} <= results
    assert {case.start for case in KUBEADM_CASES.values()} <= {*KUBEADM_STATES}
    assert {state.before for state in KUBEADM_STATES.values()} == {"kubeadm"}


def test_what_changes_clusters_of_kubeadms_is_put_to_faults_on_them_too() -> None:
    changes = {"bootstrap", "join", "remove", "replace", "rotate-certs"}
    assert {case.action[0] for case in KUBEADM_CASES.values()} == changes
    assert any("--ca" in case.action for case in KUBEADM_CASES.values())
    assert {case.kind for case in KUBEADM_CASES.values()} == {Kind.KUBEADM}
    assert Kind.KUBEADM not in {case.kind for case in CASES.values()}
    assert not {*CASES} & {*KUBEADM_CASES}


def test_a_lease_is_compared_by_its_state_and_not_by_its_holder_or_times() -> None:
    lease = {"name": "kube-scheduler", "state": "held", "host": "cp1", "renewed_at": "2026-11-30T06:52:28.596Z"}
    later = {**lease, "host": "cp2", "renewed_at": "2026-11-30T06:52:35.728Z"}
    assert end_status({"leases": [lease]}) == end_status({"leases": [later]})
    assert end_status({"leases": [lease]}) != end_status({"leases": [{**lease, "state": "expired"}]})


def test_only_steps_with_an_effect_are_done_once() -> None:
    """A look that a power cut interrupts is repeated when the run is resumed."""
    look = look_step("preflight.x", "cp1", (ApiserverReady(),), title="Check x", why="x", phase="preflight")
    command = RunCommand(("true",))
    change = Step(StepId("change@cp1"), "Change x", "x", HostName("cp1"), command, undo=Irreversible("x"))
    assert repeatable((look, change)) == {look.id}


def test_cas_are_compared_by_their_number() -> None:
    """Every bootstrap makes CAs of its own."""
    one, other = ({"kubeadm": {"cluster_info": {"authorities": [name]}}} for name in ("bc86", "974a"))
    assert end_status(one) == end_status(other)
    assert end_status(one) != end_status({"kubeadm": {"cluster_info": {"authorities": ["bc86", "974a"]}}})


def test_a_rotation_of_cas_begins_once_the_workloads_run() -> None:
    """Its first step fails while they only start, as after a restored cluster has booted."""
    (case,) = (one for one in KUBEADM_CASES.values() if "--ca" in one.action)
    assert KUBEADM_STATES[case.start].workloads
    assert "rollout status" in SETTLED_WITH_WORKLOADS
