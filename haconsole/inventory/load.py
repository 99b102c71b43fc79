"""From an inventory file to a checked value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from haconsole.inventory.problems import InventoryError, Mark, Problem
from haconsole.inventory.schema import Inventory
from haconsole.model.secret import Secret


def load(path: Path) -> Inventory:
    """Read and check an inventory; raises InventoryError with every problem found."""
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InventoryError((Problem(str(path), Mark(), f"cannot be read: {reason}", "name another file"),)) from None
    result = parse(text, str(path), path.resolve().parent)
    if isinstance(result, Inventory):
        return result
    raise InventoryError(result)


def parse(text: str | bytes, file: str, base: Path) -> Inventory | tuple[Problem, ...]:
    """An inventory, or everything that is wrong with `text`; `file` names it, relative paths in it start at `base`."""
    import yaml

    try:
        inventory = msgspec.convert(yaml.safe_load(text), Inventory, dec_hook=_secret)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        return (Problem(file, Mark(), " ".join(str(error).split()), "correct it"),)
    return _with_paths(inventory, base)


def _secret(kind: type, value: Any) -> Any:
    return Secret(value) if kind is Secret and isinstance(value, str) else value


def _with_paths(inventory: Inventory, base: Path) -> Inventory:
    def ssh(part: Any) -> Any:
        found = {key: getattr(part, key) for key in ("identity_file", "known_hosts", "config")}
        return msgspec.structs.replace(
            part, **{key: str(base / Path(value).expanduser()) for key, value in found.items() if value is not None}
        )

    hosts = tuple(msgspec.structs.replace(host, ssh=ssh(host.ssh)) for host in inventory.hosts)
    return msgspec.structs.replace(inventory, ssh=ssh(inventory.ssh), hosts=hosts)
