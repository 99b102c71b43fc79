"""The sums that decide whether a change is safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haconsole.model.quorum import Quorum, needed_for


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_needed(voters: int, needed: int) -> None:
    assert needed_for(voters) == needed


@given(st.integers(1, 99), st.data())
def test_quorum_holds_exactly_while_a_majority_is_healthy(voters: int, data: st.DataObject) -> None:
    quorum = Quorum(voters, data.draw(st.integers(0, voters)))
    assert quorum.holds == (quorum.healthy * 2 > voters)
    assert not quorum.holds or Quorum(voters, quorum.healthy - quorum.can_lose).holds
    assert not Quorum(voters, quorum.healthy - quorum.can_lose - 1).holds


def test_sentences() -> None:
    assert Quorum(3, 3).sentence() == "3 voters, 2 needed, 3 healthy: can lose 1"
    assert Quorum(3, 0, answering=1).sentence() == "3 voters, 2 needed, 1 answering: 1 short of quorum"
    assert Quorum(3, 0, answering=2).sentence() == "3 voters, 2 needed, 2 answering: they form no quorum"
    assert Quorum(3, 1).sentence() == "3 voters, 2 needed, 1 healthy: 1 short of quorum"
    assert Quorum(3, 3).without(healthy=True) == Quorum(2, 2)
    assert Quorum(3, 3).with_unstarted() == Quorum(4, 3)
