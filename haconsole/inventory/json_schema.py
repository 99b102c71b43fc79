"""The inventory's shape as JSON Schema 2020-12, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from haconsole.inventory.schema import Inventory

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema made from the inventory's types: the rules for each single value."""
    schema = msgspec.json.schema(Inventory, schema_hook=_own_words)
    for part in schema["$defs"].values():
        for name, entry in part.get("properties", {}).items():
            part["properties"][name] = _without_null_parts(entry)
    return {"$schema": DIALECT, "title": "An inventory of haconsole", **schema}


def _own_words(kind: type) -> dict[str, Any]:
    """Our own types have everything in their annotation."""
    return {}


def _without_null_parts(entry: dict[str, Any]) -> dict[str, Any]:
    """A part that may be left out is never null: an empty `kubernetes:` would hide that it has no effect."""
    parts = [each for each in entry.get("anyOf", ()) if "$ref" in each]
    if not parts:
        return entry
    return {key: value for key, value in entry.items() if key not in ("anyOf", "default")} | dict(parts[0])
