"""What can be done here, as a table to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.ui.present.cells import Cell, Tone
from haconsole.ui.present.subjects import CommandSubject
from haconsole.ui.present.table import Column, Row, TableView


@dataclass(frozen=True, slots=True)
class Command:
    """`action` as bindings name it; `key` as a person reads it, empty where there is none."""

    name: str
    action: str
    help: str
    key: str = ""


def commands_table(title: str, commands: tuple[Command, ...], *, beside: str = "KEY") -> TableView:
    """The commands under a title; the column `beside` their names, for keys, is left out where none has any."""
    keyed = any(each.key for each in commands)
    rows = tuple(
        Row(
            CommandSubject(each.action),
            (
                Cell(each.name),
                *((Cell(each.key, Tone.ACCENT),) if keyed else ()),
                Cell(each.help, Tone.MUTED),
            ),
        )
        for each in commands
    )
    between = (Column(beside),) if keyed else ()
    columns = (Column("COMMAND", least=10), *between, Column("WHAT IT DOES", rank=1, least=16))
    told = Cell("type to find, enter to do, escape to leave", Tone.MUTED)
    return TableView(title, columns, rows, None, (told,), ageless=True)
