"""Every action of the catalogue is put to faults."""

from __future__ import annotations

from haconsole.actions.catalogue import catalogue
from tests.hosts.chaos_cases import CASES, STATES, Kind
from tests.hosts.chaos_kubeadm import KUBEADM_CASES, KUBEADM_STATES
from tests.hosts.chaos_picture import end_status


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
