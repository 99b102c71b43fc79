"""An owner that lost power: its last report proves nothing once another host has the VIP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.model.hosts import HostFacts, InterfaceAddress
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState
from haconsole.model.vip_view import vip_views
from haconsole.present.vips import vips_table
from tests.fakes.cluster import NOW, VIP, changed, healthy


def taken_over(after_s: float) -> ClusterSnapshot:
    """cp2 and cp3 reported `after_s` later than cp1 did last, and cp2 has the VIP by now."""
    at = NOW + timedelta(seconds=after_s)

    def later(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.addresses, Known)
        owned = (InterfaceAddress("eth0", VIP, 24),) if facts.host == "cp2" else ()
        return replace(facts, addresses=Known((*facts.addresses.value, *owned), at))

    return changed(changed(healthy(), 2, later), 3, later)


@pytest.mark.parametrize("after_s", [2.5, 3.0, 8.0])
def test_the_last_report_of_a_silent_owner_makes_no_split(after_s: float) -> None:
    (view,) = vip_views(taken_over(after_s))
    assert (view.state, view.owners, view.unheard) == (VipState.OWNED, ("cp2",), ("cp1",))


def test_the_pane_shows_what_the_silent_owner_had_as_past() -> None:
    lines = [cell.text for row in vips_table(taken_over(3.0)).rows for cell in row.cells]
    assert "? was owner" in lines
    assert not any("SPLIT" in cell.text for cell in vips_table(taken_over(3.0)).summaries)


def test_two_current_reports_are_a_split() -> None:
    (view,) = vip_views(taken_over(1.0))
    assert (view.state, view.owners) == (VipState.SPLIT, ("cp1", "cp2"))
