"""Answers that belong together in the fact store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from haconsole.inventory.schema import Inventory
from haconsole.model.lease import Lease, LeaseSource, LeaseState
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.probes.fact_store import FactStore

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HELD = Lease("kube-system", "kube-scheduler", "lb1_x", HostName("lb1"), NOW, NOW, 15, 0, LeaseSource.API)


def lease_on_board(inventory: Inventory, lease: Lease, offsets_s: dict[str, float]) -> Lease:
    store = FactStore(inventory, lambda: NOW)
    for host, offset_s in offsets_s.items():
        store.put(HostName(host), "clock_offset_ms", Known(offset_s * 1000, NOW))
    store.shared.put_leases(Known((lease,), NOW))
    (output,) = value_of(store.snapshot().leases) or ()
    return output


@pytest.mark.parametrize("ahead_s", [-3600.0, 3600.0])
def test_a_skewed_clock_here_makes_no_lease_expire(inventory: Inventory, ahead_s: float) -> None:
    """All hosts agree with each other, and not with this machine."""
    renewed = NOW + timedelta(seconds=ahead_s - 2)
    output = lease_on_board(inventory, replace(HELD, renewed_at=renewed), {"lb1": ahead_s, "lb2": ahead_s})
    assert output.age_s(NOW) == pytest.approx(2)
    assert output.state(NOW) is LeaseState.HELD
    assert output.state(NOW + timedelta(seconds=20)) is LeaseState.HELD
    assert replace(output, read_at=NOW + timedelta(seconds=20)).state(NOW) is LeaseState.EXPIRED


def test_the_holders_own_clock_counts(inventory: Inventory) -> None:
    output = lease_on_board(inventory, HELD, {"lb1": 90.0, "lb2": 0.0})
    assert output.age_s(NOW) == pytest.approx(90)
    assert output.state(NOW) is LeaseState.EXPIRED


def test_a_holder_elsewhere_is_taken_to_keep_the_hosts_usual_time(inventory: Inventory) -> None:
    output = lease_on_board(inventory, replace(HELD, host=None), {"lb1": 40.0, "lb2": 40.0, "gate": 0.0})
    assert output.age_s(NOW) == pytest.approx(40)


def test_clocks_nobody_knows_change_nothing(inventory: Inventory) -> None:
    assert lease_on_board(inventory, HELD, {}) == replace(HELD, read_at=NOW)
