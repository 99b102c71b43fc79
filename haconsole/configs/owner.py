"""The mark in a file on a host that shows which cluster the file belongs to, and a checksum of its content.

1. The first line of a rendered file (the second of a script) names the cluster: ``# haconsole: cluster NAME``.
2. In a balancer's files the next line is the seal: the SHA-256 of all other lines. A file whose lines no longer have
   that sum was changed since it was written.
3. Where a file names a secret, the seal is completed together with the secret, on the way to the host.
4. Files of version 0.1 have the first line only. They count as unchanged while they differ from what is rendered now
   in values of the inventory only (see `configs.unsealed`).
"""

from __future__ import annotations

import re
from hashlib import sha256

from haconsole.inventory.schema import Inventory

SEAL = "# haconsole: sha256 "
OPEN_SEAL = "@sha256@"
"""A placeholder for the sum until the secrets of the file are filled in."""

_LINE = re.compile(r"^# haconsole: cluster (\S+)$", re.MULTILINE)
_SEAL_LINE = re.compile(rf"^{SEAL}\S*\n", re.MULTILINE)
_NAMES_A_SECRET = "@secret:"


def owner_line(inventory: Inventory) -> str:
    """A comment, the first line of every file rendered for a host (second after a script's ``#!``)."""
    return f"# haconsole: cluster {inventory.cluster}"


def owner_of(text: str) -> str | None:
    """The cluster whose mark a rendered file has; None for a file of another origin."""
    mark = _LINE.search(text)
    return mark[1] if mark else None


def seal(text: str) -> str:
    """The marked file `text` with its seal; left open if the text still names a secret."""
    body = unsealed(text)
    mark = _LINE.search(body)
    if mark is None:
        raise ValueError("a file without a mark has no seal")
    digest = OPEN_SEAL if _NAMES_A_SECRET in body else sha256(body.encode()).hexdigest()
    return f"{body[: mark.end()]}\n{SEAL}{digest}{body[mark.end() :]}"


def close_seal(text: str) -> str:
    """The file with the sum in place of an open seal; any other text as it is."""
    return seal(text) if f"\n{SEAL}{OPEN_SEAL}\n" in text else text


def unsealed(text: str) -> str:
    """The text without its seal: the lines that the seal is the sum of."""
    return _SEAL_LINE.sub("", text, count=1)
