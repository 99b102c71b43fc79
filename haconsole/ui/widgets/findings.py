"""The pane of findings: the fix of the worst one has as many lines as it needs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from haconsole.ui.widgets.table import TablePane

if TYPE_CHECKING:
    from haconsole.present.table import TableView

FRAME = 2
"""Cells of the pane's width that no row has."""


class FindingsPane(TablePane):
    """Lays the fix out for the pane's width: for each table once, not for each second that passes."""

    _findings: TableView | None = None
    """The table as it was before the layout of its fix."""
    _fitted: TableView | None = None
    _width = 0

    def show(self, view: TableView, now: datetime) -> None:
        width = self.size.width - FRAME
        if self._fitted is None or view is not self._findings or width != self._width:
            self._findings, self._width, self._fitted = view, width, _fitted(view, width)
        super().show(self._fitted, now)


def _fitted(view: TableView, width: int) -> TableView:
    if width <= 0 or not view.rows:
        return view
    from haconsole.present.findings import with_complete_fix

    return with_complete_fix(view, width)
