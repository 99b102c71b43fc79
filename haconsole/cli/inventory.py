"""`check` and `schema`: the format of an inventory, and its mistakes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from haconsole.cli.completing import inventories
from haconsole.errors import ExitCode
from haconsole.inventory.schema import Inventory
from haconsole.model.roles import Role

if TYPE_CHECKING:
    from haconsole.inventory.schema import Inventory

_NOUNS = {
    Role.ETCD: "etcd voter",
    Role.CONTROL_PLANE: "control plane",
    Role.LOAD_BALANCER: "load balancer",
    Role.WORKER: "worker",
    Role.BASTION: "bastion",
}


@click.command()
@click.argument("inventory", type=click.Path(path_type=Path, allow_dash=True), shell_complete=inventories)
def check(inventory: Path) -> int:
    """Validate INVENTORY and list every mistake.

    Each mistake is one line, FILE:LINE:COLUMN: mistake; fix. Exit status 5 when there is an error, 0 when there are
    only warnings. With - the inventory is read from standard input.
    """
    from haconsole.inventory.load import examine, read, read_stdin

    if str(inventory) == "-":
        text, name, base = read_stdin(sys.stdin), "<stdin>", Path.cwd()
    else:
        text, name, base = read(inventory), str(inventory), inventory.resolve().parent
    examined = examine(text, name, base)
    for problem in examined.problems:
        click.echo(problem)
    warned = _counted(len(examined.warnings), "warning") if examined.warnings else ""
    if examined.inventory is None:
        summary = " and ".join(part for part in (_counted(len(examined.errors), "error"), warned) if part)
        click.echo(f"{name}: {summary}", err=True)
        return ExitCode.INVALID_INVENTORY
    click.echo(f"{name}: {_summary(examined.inventory)}{f'; {warned}' if warned else ''}")
    return ExitCode.OK


@click.command()
def schema() -> int:
    """Print the JSON Schema of the inventory.

    An editor that knows YAML schemas completes and checks an inventory with it, e.g. by a first line
    `# yaml-language-server: $schema=inventory.schema.json`.
    """
    import json

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return ExitCode.OK


def _summary(inventory: Inventory) -> str:
    """The cluster in one line: ``lab is valid: 3 hosts (3 etcd, 3 control planes), VIP 10.99.0.100, API at …``."""
    from haconsole.inventory import effective

    counts = Counter(role for host in inventory.hosts for role in host.roles)
    roles = ", ".join(_counted(number, _NOUNS[role]) for role, number in counts.items())
    parts = [f"{_counted(len(inventory.hosts), 'host')} ({roles})"]
    parts += [f"VIP {address}" for address in effective.watched_vips(inventory)]
    if api := effective.endpoint(inventory):
        parts.append(f"API at {effective.join_host_port(*api)}")
    return f"{inventory.cluster} is valid: {', '.join(parts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
