"""The places of the dashboard's panes on a screen of a given size."""

from __future__ import annotations

from enum import StrEnum

import msgspec

HEAD_LINES = 2
LEAST_ROWS = 2
SIDE_FROM = 132
"""From this many columns on there is room for a column with details and events at the side."""
EVENTS_LEAST = 3
"""Lines of the pane with one event."""
GUTTER = 1
MAIN_PERCENT = 64
"""Of a wide screen, the share that the details leave."""


class PaneId(StrEnum):
    ETCD = "etcd"
    VIPS = "vips"
    HAPROXY = "haproxy"
    LEASES = "leases"
    HOSTS = "hosts"
    FINDINGS = "findings"
    EVENTS = "events"
    CERTIFICATES = "certificates"
    NODES = "nodes"
    STEPS = "steps"
    DETAIL = "detail"


PAIRS = ((PaneId.ETCD, PaneId.VIPS), (PaneId.HAPROXY, PaneId.LEASES))


class Box(msgspec.Struct, frozen=True):
    """A place on the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


def arrange(width: int, height: int, rows: dict[PaneId, int]) -> dict[PaneId, Box]:
    """A box for each pane that has room, given how many rows each would like to show.

    Two pairs of panes side by side, hosts and findings below them, events at the bottom of a tall screen, and details
    of the row under the cursor at the right of a wide one. Panes get the rows they request while there is room, and
    never less than LEAST_ROWS; findings get the remaining rows.
    """
    side = _side_width(width)
    main = width - side - (GUTTER if side else 0)
    below = _events_height(height, rows)
    boxes = _main(main, height - below, rows)
    if side:
        boxes[PaneId.DETAIL] = Box(main + GUTTER, 0, side, height)
    if below:
        boxes[PaneId.EVENTS] = Box(0, height - below, main, below)
    return boxes


def focused(
    width: int, height: int, pane: PaneId, rows: int, *, percent: int = 55, tall_percent: int = 50
) -> dict[PaneId, Box]:
    """One pane on the entire screen, with the details of its row below it, or on a wide screen beside it.

    `percent` of a wide screen is the pane's, and at most `tall_percent` of the height of another.
    """
    if width >= SIDE_FROM:
        left_width = (width - GUTTER) * percent // 100
        return {
            pane: Box(0, 0, left_width, height),
            PaneId.DETAIL: Box(left_width + GUTTER, 0, width - left_width - GUTTER, height),
        }
    top = min(max(rows, LEAST_ROWS) + HEAD_LINES, height * tall_percent // 100)
    return {pane: Box(0, 0, width, top), PaneId.DETAIL: Box(0, top, width, height - top)}


def _side_width(width: int) -> int:
    return max(48, width * (100 - MAIN_PERCENT) // 100) if width >= SIDE_FROM else 0


def _events_height(height: int, rows: dict[PaneId, int]) -> int:
    """Lines for events below the rest: only when all other panes have the rows they request.

    Findings share the spare lines, if there are any findings.
    """
    spare = height - sum(_needed_heights(rows))
    if not rows.get(PaneId.FINDINGS, 0):
        return spare if spare >= EVENTS_LEAST else 0
    return min(spare, max(EVENTS_LEAST, spare // 2)) if spare >= EVENTS_LEAST else 0


def _needed_heights(rows: dict[PaneId, int]) -> list[int]:
    """The lines that each band of the main part requests: the two pairs, hosts, findings."""
    bands = [max(rows.get(first, 0), rows.get(second, 0)) for first, second in PAIRS]
    bands.append(rows.get(PaneId.HOSTS, 0))
    findings = rows.get(PaneId.FINDINGS, 0)
    return [*(max(band, LEAST_ROWS) + HEAD_LINES for band in bands), _findings_height(findings)]


def _findings_height(rows: int) -> int:
    """A single line if there is nothing to list: the head has the summary."""
    return max(rows, LEAST_ROWS) + HEAD_LINES if rows else 1


def _main(width: int, height: int, rows: dict[PaneId, int]) -> dict[PaneId, Box]:
    heights = _shared(_needed_heights(rows), height)
    left_width = (width - GUTTER + 1) // 2
    boxes: dict[PaneId, Box] = {}
    y = 0
    for (first, second), tall in zip(PAIRS, heights, strict=False):
        boxes[first] = Box(0, y, left_width, tall)
        boxes[second] = Box(left_width + GUTTER, y, width - left_width - GUTTER, tall)
        y += tall
    boxes[PaneId.HOSTS] = Box(0, y, width, heights[2])
    boxes[PaneId.FINDINGS] = Box(0, y + heights[2], width, heights[3])
    return boxes


def _shared(needed: list[int], height: int) -> list[int]:
    """Heights that sum up to `height`: the tallest bands shrink first, the last band takes the remaining lines.

    If the last band has nothing to list, the band before it takes them.
    """
    heights = list(needed)
    least = LEAST_ROWS + HEAD_LINES
    while sum(heights) > height and max(heights) > least:
        heights[heights.index(max(heights))] -= 1
    heights[-1 if needed[-1] > 1 else -2] += max(height - sum(heights), 0)
    return heights
