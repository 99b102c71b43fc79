"""A table and the details of its row side by side, or one below the other on a narrow screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement

from haconsole.present.arrange import PaneId, focused

if TYPE_CHECKING:
    from textual.widget import Widget

MANY = 1000


class SplitLayout(Layout):
    """Table and text as `focused` places them; `rows` is the number of the table's rows, `percent` its part if wide."""

    name = "split"

    def __init__(self, percent: int) -> None:
        self.rows = MANY
        self.tall_percent = 50
        self._percent = percent

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        boxes = focused(
            size.width,
            size.height,
            PaneId.STEPS,
            self.rows,
            percent=self._percent,
            tall_percent=self.tall_percent,
        )
        return [
            WidgetPlacement(Region(box.x, box.y, box.width, box.height), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (box := boxes.get(PaneId(child.id or ""))) is not None
        ]


class Split(Container):
    """The screen's middle; `percent` of a wide one is the first child's."""

    def __init__(self, *children: Widget, percent: int = 55) -> None:
        super().__init__(*children, id="split")
        self._placing = SplitLayout(percent)

    @property
    def layout(self) -> Layout:
        return self._placing

    def seat(self, rows: int, *, tall_percent: int = 50) -> None:
        """Give the table no more lines than it has rows for, and than `tall_percent` of a narrow screen."""
        if (rows, tall_percent) != (self._placing.rows, self._placing.tall_percent):
            self._placing.rows, self._placing.tall_percent = rows, tall_percent
            for child in self.children[:1]:
                child.refresh(layout=True)
