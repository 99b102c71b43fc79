"""Every action of the catalogue is put to faults."""

from __future__ import annotations

from haconsole.actions.catalogue import catalogue
from tests.hosts.chaos_cases import CASES, STATES


def test_every_action_of_the_catalogue_has_a_case() -> None:
    assert {case.action[0] for case in CASES.values()} == {action.name for action in catalogue()}


def test_every_case_begins_from_a_state_that_can_be_made() -> None:
    made = {"bare", *STATES}
    assert {case.start for case in CASES.values()} | {state.before for state in STATES.values()} <= made
