"""Facts of a late answer, possibly stale or certain."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, Known
from haconsole.session.planning import may_be_late
from tests.fakes.cluster import NOW, changed, endpoint, healthy, unreachable


def failed(cause: Cause) -> HostFacts:
    return replace(healthy().hosts[1], etcd=Failed("etcd, status: no answer", NOW, cause))


@pytest.mark.parametrize(
    ("facts", "late"),
    [
        (healthy().hosts[1], False),
        (failed(Cause.REFUSED), False),
        (failed(Cause.TIMED_OUT), True),
        (failed(Cause.CONNECTION_LOST), True),
        (replace(healthy().hosts[1], etcd=Known(endpoint(2, healthy=False), NOW)), True),
        (unreachable(healthy().hosts[1]), False),
    ],
)
def test_answers_that_may_come(facts: HostFacts, late: bool) -> None:
    assert may_be_late(changed(healthy(), 2, lambda _: facts)) is late
