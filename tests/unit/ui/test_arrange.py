"""The dashboard's panes never overlap, never leave the screen, and all fit at 80x24."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from haconsole.present.arrange import HEAD_LINES, SIDE_FROM, Box, PaneId, arrange

ROWS = {PaneId.ETCD: 3, PaneId.VIPS: 3, PaneId.HAPROXY: 3, PaneId.LEASES: 2, PaneId.HOSTS: 3, PaneId.FINDINGS: 4}
MAIN = set(ROWS)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(
    st.integers(60, 300),
    st.integers(16, 100),
    st.fixed_dictionaries({pane: st.integers(0, 40) for pane in ROWS}),
)
def test_panes_are_separate_and_on_the_screen(width: int, height: int, rows: dict[PaneId, int]) -> None:
    boxes = arrange(width, height, rows)
    assert set(boxes) >= MAIN
    for box in boxes.values():
        assert box.x >= 0
        assert box.x + box.width <= width
        assert box.y + box.height <= height
        assert box.width > 0
        assert box.height > 0
    assert not any(overlap(one, other) for one, other in combinations(boxes.values(), 2))


def test_a_three_host_cluster_fits_on_the_smallest_terminal() -> None:
    boxes = arrange(80, 22, ROWS)
    for pane, rows in ROWS.items():
        assert boxes[pane].height >= rows + HEAD_LINES
    assert set(boxes) == MAIN


def test_spare_lines_show_events_and_none_is_empty() -> None:
    """A notice of two lines takes room from the events, and does not remove them."""
    healthy = {**ROWS, PaneId.FINDINGS: 0}
    for height in (20, 21, 22):
        boxes = arrange(80, height, healthy)
        assert boxes[PaneId.EVENTS].height == height - sum(rows + HEAD_LINES for rows in (3, 3, 3)) - 1
    assert PaneId.EVENTS in arrange(80, 22, {**ROWS, PaneId.FINDINGS: 2})


def test_more_than_fits_is_shared_out() -> None:
    boxes = arrange(80, 22, dict.fromkeys(ROWS, 20))
    heights = [boxes[pane].height for pane in (PaneId.ETCD, PaneId.HAPROXY, PaneId.HOSTS, PaneId.FINDINGS)]
    assert sum(heights) == 22
    assert max(heights) - min(heights) <= 1


def test_wide_and_tall_screens_show_more() -> None:
    assert PaneId.DETAIL in arrange(SIDE_FROM, 43, ROWS)
    assert PaneId.EVENTS in arrange(160, 43, ROWS)
    assert PaneId.EVENTS in arrange(80, 43, ROWS)
    assert PaneId.DETAIL not in arrange(SIDE_FROM - 1, 43, ROWS)
