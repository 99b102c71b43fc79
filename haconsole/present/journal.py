"""Journal lines on the screen: ordered, filtered, highlighted, wrapped."""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass, field
from datetime import UTC

from haconsole.model.journal import ERROR, WARNING, JournalLine
from haconsole.present.cells import Cell, Line, Tone, clean, sized, width_of, wrapped

KEPT = 5000
SOURCE_MOST = 16
SIGNS = {Tone.CRITICAL: "✖", Tone.WARNING: "▲"}


@dataclass
class Scroll:
    """The newest KEPT lines of several journals, by the hosts' clocks; edited in place, because it may grow fast."""

    lines: list[JournalLine] = field(default_factory=list)

    def add(self, line: JournalLine) -> None:
        """Insert a line in order; hosts are read in parallel, so lines may come slightly late."""
        insort(self.lines, line, key=lambda each: each.at)
        if len(self.lines) > KEPT:
            del self.lines[0]

    def matching(self, needle: str) -> list[JournalLine]:
        """The lines that contain `needle`, in host, source or text, in any case."""
        if not needle:
            return self.lines
        return [line for line in self.lines if holds(line, needle)]


def holds(line: JournalLine, needle: str) -> bool:
    """Whether the line contains `needle`, in host, source or text, in any case; every line contains an empty one."""
    return needle.casefold() in f"{line.host} {line.source} {line.text}".casefold()


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
    if not mark:
        return (Cell(text, tone),)
    parts = re.split(f"({re.escape(mark)})", text, flags=re.IGNORECASE)
    return tuple(Cell(part, Tone.MARK if index % 2 else tone) for index, part in enumerate(parts) if part)


def saved_text(lines: list[JournalLine]) -> str:
    """The lines for a file: one entry per line, times in full, control characters spelled out."""
    return "".join(
        f"{line.at.astimezone(UTC).isoformat()} {line.host} {line.source}: {clean(line.text)}\n" for line in lines
    )
