"""Journal lines on the screen: ordered, filtered, highlighted, wrapped."""

from __future__ import annotations

from bisect import insort
from datetime import UTC

import msgspec

from haconsole.model.journal import ERROR, WARNING, JournalLine
from haconsole.present.cells import Cell, Line, Tone, clean, sized, width_of, wrapped
from haconsole.present.table_filter import pattern_of, split_inverse

KEPT = 5000
SOURCE_MOST = 16
SIGNS = {Tone.CRITICAL: "✖", Tone.WARNING: "▲"}


class Scroll(msgspec.Struct):
    """The newest KEPT lines of several journals, by the hosts' clocks; edited in place, because it may grow fast."""

    lines: list[JournalLine] = msgspec.field(default_factory=list)

    def add(self, line: JournalLine) -> None:
        """Insert a line in order; hosts are read in parallel, so lines may come slightly late."""
        insort(self.lines, line, key=lambda each: each.at)
        if len(self.lines) > KEPT:
            del self.lines[0]

    def matching(self, needle: str) -> list[JournalLine]:
        """The lines that match `needle`, in host, source or text."""
        if not needle:
            return self.lines
        return [line for line in self.lines if holds(line, needle)]


def holds(line: JournalLine, needle: str) -> bool:
    """Whether the line matches `needle` as rows of tables do, in host, source or text; every line an empty one."""
    inverse, text = split_inverse(needle)
    return bool(pattern_of(text).search(f"{line.host} {line.source} {line.text}")) is not inverse


def journal_rows(line: JournalLine, width: int, *, hosts: int, mark: str = "") -> tuple[Line, ...]:
    """One entry in `width` cells, wrapped under its own text; matches of `mark` are highlighted."""
    lead = [Cell(line.at.astimezone(UTC).strftime("%H:%M:%S "), Tone.MUTED)]
    if hosts:
        lead.append(Cell(f"{sized(line.host, hosts)} ", Tone.ACCENT))
    source = min(SOURCE_MOST, max(width // 5, 8))
    lead.append(Cell(f"{sized(clean(line.source), source)} ", Tone.MUTED))
    lead.append(Cell(f"{SIGNS.get(tone_of(line), ' ')} ", tone_of(line)))
    indent = sum(width_of(cell.text) for cell in lead)
    parts = wrapped(clean(line.text), max(width - indent, 12))
    return tuple(
        (*(lead if index == 0 else (Cell(" " * indent),)), *_marked(part, tone_of(line), mark))
        for index, part in enumerate(parts)
    )


def tone_of(line: JournalLine) -> Tone:
    if line.priority <= ERROR:
        return Tone.CRITICAL
    return Tone.WARNING if line.priority == WARNING else Tone.PLAIN


def _marked(text: str, tone: Tone, mark: str) -> Line:
    """The text with the matches of a filter highlighted; an inverted one has none."""
    inverse, needle = split_inverse(mark)
    cells: list[Cell] = []
    end = 0
    for match in pattern_of(needle).finditer(text) if needle and not inverse else ():
        cells += [Cell(text[end : match.start()], tone), Cell(match[0], Tone.MARK)]
        end = match.end()
    return tuple(cell for cell in (*cells, Cell(text[end:], tone)) if cell.text)


def saved_text(lines: list[JournalLine]) -> str:
    """The lines for a file: one entry per line, times in full, control characters spelled out."""
    return "".join(
        f"{line.at.astimezone(UTC).isoformat()} {line.host} {line.source}: {clean(line.text)}\n" for line in lines
    )
