"""Journals on the screen: the newest at the bottom, followed unless a person scrolls up."""

from __future__ import annotations

from haconsole.model.journal import JournalLine
from haconsole.present.cells import Cell, Line, Tone, padded, width_of
from haconsole.present.journal import Scroll, holds, journal_rows
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.lines import Pane

DRAW_EVERY_S = 0.1


class JournalPane(Pane):
    """Draws the end of a Scroll; new lines are drawn together, ten times a second at most."""

    BINDINGS = bindings(Scope.JOURNAL)

    def __init__(self, title: str, hosts: tuple[str, ...], *, id: str = "journal") -> None:  # noqa: A002
        super().__init__(id=id)
        self.hint = "nothing yet: lines show here as they are written"
        self.scroll_kept = Scroll()
        self.needle = ""
        self._title = title
        self._host_width = max((width_of(host) for host in hosts), default=0) if len(hosts) > 1 else 0
        self._up = 0
        self._due = False

    def on_mount(self) -> None:
        self.set_interval(DRAW_EVERY_S, self._draw_if_due)

    def add(self, line: JournalLine) -> None:
        """Add one more line; a person who has scrolled up stays where they are."""
        self.scroll_kept.add(line)
        if self._up and holds(line, self.needle):
            self._up += 1
        self._due = True

    def look_for(self, needle: str) -> None:
        """Show only lines that match `needle`, and mark it in them."""
        self.needle, self._up = needle, 0
        self._draw()

    def show_hint(self, hint: str) -> None:
        """The sentence to show while there are no lines."""
        self.hint = hint
        self._draw()

    @property
    def matching(self) -> list[JournalLine]:
        return self.scroll_kept.matching(self.needle)

    def _draw_if_due(self) -> None:
        if self._due:
            self._draw()

    def _draw(self) -> None:
        self._due = False
        width, room = self.size.width, max(self.size.height - 1, 0)
        if width <= 0:
            return
        lines = self.matching
        least = _first_screen(lines, room, width - 1, self._host_width)
        self._up = max(0, min(self._up, len(lines) - least))
        body = _last_rows(lines[: len(lines) - self._up], room, width - 1, self._host_width, self.needle)
        if not lines:
            hint = "no line matches the filter yet" if self.needle else self.hint
            body = [(Cell(hint, Tone.MUTED),)]
        count = _count(len(lines), self.needle)
        head = _head(f" {self._title}  {count}", width, self._up)
        self.paint(((head, "head-focused" if self.has_focus else "head"), *(((Cell(" "), *row), "") for row in body)))

    def move_by(self, lines: int) -> None:
        self._up -= lines
        self._draw()


def _count(lines: int, needle: str) -> str:
    text = "1 line" if lines == 1 else f"{lines} lines"
    return f"/{needle}  {text} {'matches' if lines == 1 else 'match'}" if needle else text


def _head(title: str, width: int, newer: int) -> Line:
    state = Cell(f"▼{newer} newer ", Tone.WARNING) if newer else Cell("at the newest ", Tone.MUTED)
    return (padded(Cell(title), width - width_of(state.text)), state)


def _first_screen(lines: list[JournalLine], room: int, width: int, hosts: int) -> int:
    """The number of oldest entries that fill `room` rows: the oldest screen is as full as any other."""
    rows = 0
    for number, line in enumerate(lines):
        if rows >= room:
            return number
        rows += len(journal_rows(line, width, hosts=hosts))
    return len(lines)


def _last_rows(lines: list[JournalLine], room: int, width: int, hosts: int, mark: str) -> list[Line]:
    """As many of the last entries, wrapped, as fit in `room` rows."""
    rows: list[Line] = []
    for line in reversed(lines):
        if len(rows) >= room:
            break
        rows[:0] = journal_rows(line, width, hosts=hosts, mark=mark)
    return rows[-room:] if room else []
