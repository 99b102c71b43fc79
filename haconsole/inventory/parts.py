"""Digests of the inventory's sections, which later show which section was changed since a plan was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from haconsole.inventory.schema import Inventory
from haconsole.model.secret import Secret

HOW_TO_LOG_IN = ("ssh", "ssh_address")
OF_THE_CONSOLE = ("ssh", "read_only", "theme", "guardrails", "hosts")


def parts_of(inventory: Inventory) -> dict[str, str]:
    """A digest for each part, by a name a person knows: ``host cp1``, ``etcd``, ``vips``.

    Without the SSH settings, the console's look, and secrets.
    """
    whole: dict[str, Any] = msgspec.to_builtins(inventory, enc_hook=_masked)
    parts: dict[str, Any] = {name: value for name, value in whole.items() if name not in OF_THE_CONSOLE}
    for host in whole["hosts"]:
        parts[f"host {host['name']}"] = {name: value for name, value in host.items() if name not in HOW_TO_LOG_IN}
    return {name: _digest(value) for name, value in parts.items()}


def changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The changed parts as text: ``host cp4 (new)``, ``etcd``, ``host cp2 (removed_names)``."""
    new = tuple(f"{name} (new)" for name in now if name not in before)
    removed_names = tuple(f"{name} (gone)" for name in before if name not in now)
    return (*(name for name in now if name in before and now[name] != before[name]), *new, *removed_names)


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _masked(value: Any) -> Any:
    if isinstance(value, Secret):
        return "***"
    raise NotImplementedError(f"{type(value).__name__} has no place in an inventory")
