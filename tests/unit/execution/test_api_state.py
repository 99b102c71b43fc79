"""The state of a kubelet by its node's lease in the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from haconsole.execution.verify.api_state import renewal_problems
from haconsole.transport.kube_objects import LeaseObject, LeaseSpec, Meta

BEGAN = 1_800_000_000
OLD = ("w1: node w1 has not renewed its lease since kubelet started: see journalctl -u kubelet there",)


@pytest.mark.parametrize(("renewed", "problems"), [(BEGAN + 1, ()), (BEGAN - 9, OLD), (None, OLD)])
def test_a_lease_is_renewed_after_its_kubelet_began(renewed: int | None, problems: tuple[str, ...]) -> None:
    time = datetime.fromtimestamp(renewed, UTC) if renewed else None
    leases = (LeaseObject(metadata=Meta(name="w1"), spec=LeaseSpec(renew_time=time)),)
    assert renewal_problems("w1", leases, BEGAN, "w1") == problems


def test_a_node_that_never_had_a_lease_has_nothing_to_renew() -> None:
    assert renewal_problems("w1", (), BEGAN, "w1") == ()
