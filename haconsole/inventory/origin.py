"""Where an inventory's settings are set: their lines in the file, and whose file that is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from haconsole.inventory.load import read
from haconsole.inventory.nodes import ListNode, MapNode, Node, UnreadableError, compose, decode_text
from haconsole.inventory.problems import InventoryError


class FileOrigin(msgspec.Struct, frozen=True):
    """An inventory file as it is now. `owner` is a name or a number; empty, like `changed_at`, if it is not known."""

    file: str
    owner: str = ""
    changed_at: datetime | None = None
    lines: tuple[tuple[str, int], ...] = ()
    """The first line of each setting, and of each entry of a list: ``read_only``, ``guardrails 1``."""

    def place(self, name: str) -> str:
        """The file and the line of a setting, as ``prod.yaml:12``; only the file where the line is not known."""
        line = dict(self.lines).get(name)
        return self.file if line is None else f"{self.file}:{line}"


def origin_of(path: Path) -> FileOrigin:
    """The file as it is now; one that cannot be read has only its name."""
    try:
        root, status = compose(decode_text(read(path))), path.stat()
    except (InventoryError, UnreadableError, OSError):
        return FileOrigin(str(path))
    return FileOrigin(str(path), _owner(path), datetime.fromtimestamp(status.st_mtime, UTC), tuple(_lines(root)))


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, NotImplementedError):
        return ""


def _lines(root: Node) -> Iterator[tuple[str, int]]:
    for key, value in root.entries if isinstance(root, MapNode) else ():
        yield key.text, key.mark.line
        for number, item in enumerate(value.items if isinstance(value, ListNode) else (), 1):
            yield f"{key.text} {number}", item.mark.line
