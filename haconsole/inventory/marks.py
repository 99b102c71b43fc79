"""The line and column of each value of an inventory in its file, and the value's name in messages."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from haconsole.inventory.problems import Mark

Where: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and, in lists, indexes, e.g. ``("hosts", 0, "ssh", "port")``."""


class Marks(msgspec.Struct):
    """Filled while a file is read, used by the rules.

    Indexes given to `at` count the entries that could be read; `indexes` translates them to entries of the file.
    """

    values: dict[Where, Mark] = msgspec.field(default_factory=dict)
    labels: dict[Where, str] = msgspec.field(default_factory=dict)
    indexes: dict[Where, tuple[int, ...]] = msgspec.field(default_factory=dict)

    def at(self, *where: str | int) -> Mark:
        """The place of a value, or of its parent when it is not in the file."""
        way: Where = ()
        for part in where:
            entries = self.indexes.get(way, ())
            way += (entries[part] if isinstance(part, int) and part < len(entries) else part,)
        while way not in self.values and way:
            way = way[:-1]
        return self.values.get(way, Mark())

    def name(self, where: Where) -> str:
        """The name of the value in messages: ``etcd.discovery.kind``, ``ssh.port of host cp1``, ``entry 2 of vips``."""
        if where in self.labels:
            return self.labels[where]
        if not where:
            return "the inventory"
        if isinstance(where[-1], int):
            return f"entry {where[-1] + 1} of {self.name(where[:-1])}"
        start = max((n for n in range(len(where)) if where[:n] in self.labels or _is_index(where, n)), default=0)
        dotted = ".".join(str(part) for part in where[start:])
        return f"{dotted} of {self.name(where[:start])}" if start else dotted


def _is_index(where: Where, length: int) -> bool:
    return length > 0 and isinstance(where[length - 1], int)
