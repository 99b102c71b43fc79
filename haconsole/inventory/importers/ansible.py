"""Ansible's static inventories, in INI and in YAML, as groups of hosts with variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from haconsole.inventory.importers.plain import mapping, read_yaml, refused
from haconsole.inventory.nodes import UnreadableError, decode_text
from haconsole.inventory.problems import InventoryError, in_file, shown

MAX_HOSTS = 500
_SECTION = re.compile(r"^\[([A-Za-z0-9_.-]+)(?::(children|vars))?\]\s*(?:[#;].*)?$")
_RANGE = re.compile(r"^([^\[\]]*)\[([0-9]{1,6}):([0-9]{1,6})\]([^\[\]]*)$")


@dataclass(slots=True)
class _Group:
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class AnsibleInventory:
    """Groups by name and each host's own variables, in the order of the file."""

    groups: dict[str, _Group] = field(default_factory=dict)
    host_variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def group(self, name: str) -> _Group:
        return self.groups.setdefault(name, _Group())

    def add_host(self, group: str, name: str, variables: Mapping[str, Any]) -> None:
        self.group(group).hosts[name] = None
        self.host_variables.setdefault(name, {}).update(variables)

    def members(self, name: str) -> tuple[str, ...]:
        """The hosts of a group and of its children, each once; none for a group that is not there."""
        found: dict[str, None] = {}
        for group in self._below(name):
            found.update(self.groups[group].hosts)
        return tuple(found)

    def variables(self, host: str) -> dict[str, Any]:
        """What holds for a host: of all, then of its groups (the wider first), then its own."""
        holding = [name for name in self.groups if host in self.members(name)]
        merged = dict(self.group("all").variables)
        for name in sorted(holding, key=lambda name: -len(self.members(name))):
            merged.update(self.groups[name].variables)
        return merged | self.host_variables.get(host, {})

    def _below(self, name: str) -> tuple[str, ...]:
        seen: dict[str, None] = {}
        waiting = [name]
        while waiting:
            group = waiting.pop(0)
            if group in self.groups and group not in seen:
                seen[group] = None
                waiting.extend(self.groups[group].children)
        return tuple(seen)


def read_inventory(data: bytes, file: str) -> AnsibleInventory:
    """An inventory in either form, told apart by its first lines; raises InventoryError with a place."""
    try:
        text = decode_text(data)
    except UnreadableError as error:
        raise InventoryError((in_file(file, error.fault),)) from None
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and not line.startswith(("#", ";", "---"))), "")
    if not first.startswith("[") and re.match(r"^[A-Za-z0-9_.\"'-]+:(\s|$)", first):
        return _from_yaml(read_yaml(data, file), file)
    return _from_ini(text, file)


def _from_yaml(document: object, file: str) -> AnsibleInventory:
    inventory = AnsibleInventory()
    if not isinstance(document, Mapping):
        raise refused(file, 1, "this is no mapping of groups", "name an Ansible inventory")
    waiting: list[tuple[str, object]] = list(document.items())
    while waiting:
        name, value = waiting.pop(0)
        part = mapping(value)
        inventory.group(name).variables.update(mapping(part.get("vars")))
        for host, variables in mapping(part.get("hosts")).items():
            for each in _expanded(host, file, 1):
                inventory.add_host(name, each, mapping(variables))
        for child, inner in mapping(part.get("children")).items():
            inventory.group(name).children[child] = None
            waiting.append((child, inner))
    return inventory


def _from_ini(text: str, file: str) -> AnsibleInventory:
    inventory = AnsibleInventory()
    group, kind = "ungrouped", None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if section := _SECTION.match(line):
            group, kind = section[1], section[2]
            inventory.group(group)
        elif line.startswith("["):
            raise refused(
                file, number, f"section {shown(line)} is not understood", "write [group], or [group:children]"
            )
        else:
            _take(inventory, group, kind, line, file, number)
    return inventory


def _take(inventory: AnsibleInventory, group: str, kind: str | None, line: str, file: str, number: int) -> None:
    try:
        first, *rest = shlex.split(line, comments=True) or [""]
    except ValueError:
        raise refused(file, number, "a quote that opens in this line is not closed", "close it") from None
    match kind:
        case "children":
            inventory.group(group).children[first] = None
        case "vars":
            key, _, value = line.partition("=")
            inventory.group(group).variables[key.strip()] = value.strip().strip("\"'")
        case _:
            variables = dict(word.split("=", 1) for word in rest if "=" in word)
            for name in _expanded(first, file, number):
                inventory.add_host(group, name, variables)


def _expanded(pattern: str, file: str, line: int) -> Iterator[str]:
    """``node[01:03]`` as node01, node02, node03; a plain name as it is."""
    found = _RANGE.match(pattern)
    if found is None:
        yield pattern
        return
    first, last, width = int(found[2]), int(found[3]), len(found[2])
    if not 0 <= last - first < MAX_HOSTS:
        raise refused(
            file, line, f"range {shown(pattern)} is empty or too long", f"{MAX_HOSTS} hosts are allowed at most"
        )
    for number in range(first, last + 1):
        yield f"{found[1]}{number:0{width}d}{found[4]}"
