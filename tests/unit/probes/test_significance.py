"""News that is published at once, and news that may wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import DiskSpace
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, value_of
from haconsole.model.system import Neighbour, SystemFacts
from haconsole.probes.significance import insignificantly_different
from tests.fakes.cluster import NOW, endpoint, host, lease, server

LATER = NOW + timedelta(seconds=1)
HAPROXY = value_of(host(1).haproxy)
assert HAPROXY
SYSTEM = SystemFacts("cp1", "1")


def with_server(**changes: Any) -> HaproxyFacts:
    assert HAPROXY
    backend = replace(HAPROXY.backends[0], servers=(replace(server(1), **changes),))
    return replace(HAPROXY, backends=(backend,))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (endpoint(1), replace(endpoint(1), raft_index=99, db_size_bytes=1 << 30)),
        (with_server(), with_server(sessions=9, last_change_s=121)),
        ((lease("a"),), (replace(lease("a"), renewed_at=LATER),)),
        (1.5, 2.5),
        (
            (DiskSpace("/", 100, 50, 1000, 500),),
            (DiskSpace("/", 100, 49, 1000, 499),),
        ),
        (
            replace(SYSTEM, load=1.0, neighbours=(Neighbour("10.0.0.9", "02:00", "REACHABLE"),)),
            replace(SYSTEM, load=2.0, neighbours=(Neighbour("10.0.0.9", "02:00", "STALE"),)),
        ),
    ],
)
def test_what_moves_all_the_time_may_wait(before: object, after: object) -> None:
    assert insignificantly_different(Known(before, NOW), Known(after, LATER))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (endpoint(1), replace(endpoint(1), healthy=False)),
        (endpoint(1, leader=1), endpoint(1, leader=2)),
        (with_server(), with_server(status="DOWN")),
        ((lease("a", 1),), (lease("a", 2),)),
        ((lease("a", 1),), ()),
        (value_of(host(1).addresses), value_of(host(2).addresses)),
        (
            replace(SYSTEM, neighbours=(Neighbour("10.0.0.9", "02:00", "STALE"),)),
            replace(SYSTEM, neighbours=(Neighbour("10.0.0.9", "02:01", "STALE"),)),
        ),
    ],
)
def test_a_change_of_state_is_published_at_once(before: object, after: object) -> None:
    assert not insignificantly_different(Known(before, NOW), Known(after, LATER))


def test_known_failed_and_not_queried_differ() -> None:
    failed: Failed[float] = Failed("cp1: no route", NOW, Cause.NO_ROUTE)
    assert not insignificantly_different(Known(1.0, NOW), failed)
    assert not insignificantly_different(NOT_ASKED, Known(1.0, NOW))
    assert not insignificantly_different(failed, replace(failed, reason="cp1: refused", cause=Cause.REFUSED))
    assert insignificantly_different(failed, replace(failed, at=LATER, last=Known(1.0, NOW)))
