"""The commands available here, as a table to choose from."""

from __future__ import annotations

import re

import msgspec

from haconsole.present.cells import Cell, Tone
from haconsole.present.row_keys import CommandKey
from haconsole.present.table import Column, Row, TableView


class Command(msgspec.Struct, frozen=True):
    """`action` as bindings name it; `key` as a person reads it, empty if there is none.

    `command` is its name on the command line and `words` are further search words. A `dangerous` one is marked, and
    comes last unless its own name or title begins with the typed text.
    """

    name: str
    action: str
    help: str
    key: str = ""
    command: str = ""
    words: tuple[str, ...] = ()
    dangerous: bool = False
    stopped: str = ""
    """The guardrail that stops it now, with its reason."""


WORDS = re.compile(r"[\w']+")


def ranked(commands: tuple[Command, ...], typed: str) -> tuple[Command, ...]:
    """The commands that match the typed text, the best first; the given order decides between equals.

    1. The name or the title begins with it; 2. a word of them does; 3. a further word does; 4. it is somewhere in the
       name, the title or the help. Of several words typed, the worst match counts, and each must match. After the first
       group every dangerous command comes last.
    """
    needle = " ".join(WORDS.findall(typed.casefold()))
    distances = ((_distance(command, needle), command) for command in commands)
    matches = [(distance, command) for distance, command in distances if distance is not None]
    return tuple(command for _, command in sorted(matches, key=lambda match: _order(*match)))


def _order(distance: int, command: Command) -> tuple[bool, bool, int]:
    return (distance > 0, command.dangerous, distance)


def _distance(command: Command, needle: str) -> int | None:
    """The distance of a match from the start of the name: 0 to 3; None for no match."""
    names = tuple(" ".join(WORDS.findall(name.casefold())) for name in (command.name, command.command))
    if any(name.startswith(needle) for name in names) and needle:
        return 0
    further = tuple(WORDS.findall(" ".join(command.words).casefold()))
    everything = " ".join((*names, *further, command.help.casefold()))
    worst = 1
    for word in needle.split():
        if any(part.startswith(word) for name in names for part in name.split()):
            continue
        if not any(part.startswith(word) for part in further) and word not in everything:
            return None
        worst = max(worst, 2 if any(part.startswith(word) for part in further) else 3)
    return worst


def _name_cell(command: Command) -> Cell:
    if command.stopped:
        return Cell(f"✖ {command.name}", Tone.MUTED)
    return Cell(f"▲ {command.name}", Tone.WARNING) if command.dangerous else Cell(command.name)


def commands_table(title: str, commands: tuple[Command, ...], *, key_title: str = "KEY") -> TableView:
    """The commands under a title; the column `key_title` their names, for keys, is left out if none has any."""
    keyed = any(each.key for each in commands)
    rows = tuple(
        Row(
            CommandKey(each.action),
            (
                _name_cell(each),
                *((Cell(each.key, Tone.ACCENT),) if keyed else ()),
                Cell(f"✖ {each.stopped}", Tone.WARNING) if each.stopped else Cell(each.help, Tone.MUTED),
            ),
        )
        for each in commands
    )
    between = (Column(key_title),) if keyed else ()
    columns = (Column("COMMAND", least=10), *between, Column("EFFECT", rank=1, least=16))
    hint = Cell("type to search, enter runs, escape closes", Tone.MUTED)
    return TableView(title, columns, rows, None, (hint,), empty=Cell("no command matches"), ageless=True)
