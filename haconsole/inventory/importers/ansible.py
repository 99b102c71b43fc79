"""Ansible's static inventories, in INI and in YAML, as groups of hosts with variables.

Variables have Ansible's own precedence: `all` in the inventory, its groups (by depth, priority and name), then the
files of `group_vars` in the same order, then the host's own line, then its file in `host_vars`.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from haconsole.inventory.importers.ansible_hosts import MAX_HOSTS, BadPatternError, expand
from haconsole.inventory.importers.ansible_templates import resolved
from haconsole.inventory.importers.plain import mapping, read_toml, read_yaml, refused
from haconsole.inventory.limits import MAX_BYTES
from haconsole.inventory.nodes import UnreadableError, decode_text
from haconsole.inventory.problems import InventoryError, in_file, quoted

PRIORITY = "ansible_group_priority"
VAULT = b"$ANSIBLE_VAULT;"
MAX_LITERAL = 20_000
_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP_NAME = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")

_MADE = "import what `ansible-inventory -i FILE --list --yaml` prints"

Variables: TypeAlias = "Mapping[str, Any]"


class Origin(msgspec.Struct, frozen=True):
    """A variable and the place it was set at, ``FILE:LINE`` or ``FILE``."""

    place: str
    name: str


class VariableFiles(msgspec.Struct, frozen=True):
    """The contents of `group_vars` and `host_vars`, by group and by host. `notes` are on unreadable files."""

    groups: Mapping[str, Variables] = msgspec.field(default_factory=dict)
    hosts: Mapping[str, Variables] = msgspec.field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()


class _Group(msgspec.Struct):
    hosts: dict[str, None] = msgspec.field(default_factory=dict)
    children: dict[str, None] = msgspec.field(default_factory=dict)
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    priority: int = 1


class AnsibleInventory(msgspec.Struct):
    """Groups by name and each host's own variables, in the order of the file."""

    groups: dict[str, _Group] = msgspec.field(default_factory=dict)
    host_variables: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    origins: list[Origin] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    files: VariableFiles = VariableFiles()

    def group(self, name: str) -> _Group:
        return self.groups.setdefault(name, _Group())

    def add_hosts(self, group: str, pattern: str, variables: Variables, file: str, line: int) -> None:
        """Add the hosts that a pattern means; a port in it counts where the host is new."""
        try:
            names, port = expand(pattern)
        except BadPatternError as error:
            what = f"range {quoted(pattern)} {error}"
            raise refused(file, line, what, "write it like cp[1:3], cp-[a:c] or cp[01:09:2]") from None
        if not names:
            self.notes.append(f"{file}:{line}: range {quoted(pattern)} is empty: it names no host")
        for name in names:
            if name not in self.host_variables and len(self.host_variables) >= MAX_HOSTS:
                raise refused(file, line, f"there are more than {MAX_HOSTS} hosts", "import a part of the inventory")
            self.group(group).hosts[name] = None
            known = self.host_variables.setdefault(name, {"ansible_port": port} if port else {})
            known.update(variables)

    def set_variable(self, group: str, name: str, value: Any) -> None:
        if name != PRIORITY:
            self.group(group).variables[name] = value
        elif re.fullmatch(r"[+-]?[0-9]{1,9}", str(value)):
            self.group(group).priority = int(value)

    def members(self, name: str) -> tuple[str, ...]:
        """The hosts of a group and of its children, each once; none for a group that is not there."""
        names: dict[str, None] = {}
        for group in self._below(name):
            names.update(self.groups[group].hosts)
        return tuple(names)

    def variables(self, host: str) -> dict[str, Any]:
        """The variables of a host."""
        merged: dict[str, Any] = {}
        order = self._groups_of(host)
        for name in order:
            merged.update(self.groups[name].variables)
        for name in order:
            merged.update(self.files.groups.get(name, {}))
        return merged | self.host_variables.get(host, {}) | dict(self.files.hosts.get(host, {}))

    def settings(self, host: str) -> dict[str, Any]:
        """The variables of a host, with references among them replaced."""
        return resolved(self.variables(host), host)

    def _groups_of(self, host: str) -> list[str]:
        """`all`, then the host's groups from the weakest to the strongest."""
        self.group("all")
        depths = self._depths()
        holding = [name for name in self.groups if name != "all" and host in self.members(name)]
        return ["all", *sorted(holding, key=lambda name: (depths.get(name, 1), self.groups[name].priority, name))]

    def _depths(self) -> dict[str, int]:
        """The longest way from `all` to each group; a circle ends it."""
        depths = dict.fromkeys(self.groups, 1)
        for _ in self.groups:
            deeper = {
                child: depths[name] + 1
                for name, group in self.groups.items()
                if name != "all"
                for child in group.children
                if depths.get(child, 1) <= depths[name]
            }
            if not deeper:
                break
            for child, depth in deeper.items():
                depths[child] = max(depth, depths.get(child, 1))
        return depths

    def _below(self, name: str) -> tuple[str, ...]:
        groups: dict[str, None] = {}
        waiting = [name]
        while waiting:
            group = waiting.pop(0)
            if group in self.groups and group not in groups:
                groups[group] = None
                waiting.extend(self.groups[group].children)
        return tuple(groups)


def read_inventory(data: bytes, file: str) -> AnsibleInventory:
    """An inventory in any static form: TOML by its file's name, YAML or INI by its first line.

    Raises InventoryError with a place.
    """
    if data.startswith(VAULT):
        raise refused(file, 1, "the file is encrypted by ansible-vault", "import what `ansible-vault view` prints")
    if data.startswith(b"#!"):
        raise refused(file, 1, "the file is a script that makes an inventory", _MADE)
    if file.endswith(".toml"):
        return _from_yaml(read_toml(data, file), file)
    text = _decoded(data, file)
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and not line.startswith(("#", ";", "---"))), "")
    if first.startswith("{") or (not first.startswith("[") and re.match(r"^[A-Za-z0-9_.\"'-]+:(\s|$)", first)):
        return _from_yaml(read_yaml(data, file), file)
    return _from_ini(text, file)


def _decoded(data: bytes, file: str) -> str:
    """The text; bytes that are not UTF-8 are replaced in an INI file, as Ansible reads those too."""
    try:
        return decode_text(data)
    except UnreadableError as error:
        if len(data) <= MAX_BYTES and re.search(rb"^\s*\[", data, re.MULTILINE):
            return data.decode("utf-8-sig", "replace")
        raise InventoryError((in_file(file, error.fault),)) from None


def encrypted_lines(text: str) -> tuple[int, ...]:
    """The lines whose value is encrypted."""
    return tuple(number for number, line in enumerate(text.splitlines(), start=1) if re.search(r":\s+!vault\b", line))


def _from_yaml(document: object, file: str) -> AnsibleInventory:
    inventory = AnsibleInventory()
    if not isinstance(document, Mapping):
        raise refused(file, 1, "the file is not a mapping of groups", "give the path of an Ansible inventory")
    if isinstance(document.get("plugin"), str) or "_meta" in document:
        raise refused(
            file,
            1,
            "this is not a static inventory: the file configures an inventory plug-in or was printed by a script",
            _MADE,
        )
    for name, value in document.items():
        _take_group(inventory, name, value, file)
    return inventory


def _take_group(inventory: AnsibleInventory, name: str, value: object, file: str) -> None:
    """A group and those inside it, in the order of the file; nodes are of limited depth."""
    if not isinstance(value, Mapping | None):
        inventory.notes.append(
            f"{file}: {name} is not a group (a mapping with hosts, vars or children) and is not read"
        )
        return
    inventory.group(name)
    for key in mapping(value):
        match key:
            case "vars":
                _take_variables(inventory, name, _section(value, key, name, file), file)
            case "hosts":
                _take_hosts(inventory, name, _section(value, key, name, file), file)
            case "children":
                for child, inner in _section(_children(value, file), key, name, file).items():
                    _take_group(inventory, child, inner, file)
                    inventory.group(name).children[child] = None
            case _:
                inventory.notes.append(f"{file}: {key} of group {name} is not hosts, vars or children and is not read")


def _children(group: object, file: str) -> object:
    """The group with its children as a mapping; in TOML they are a list of names."""
    children = mapping(group).get("children")
    if file.endswith(".toml") and isinstance(children, list) and all(isinstance(each, str) for each in children):
        return {**mapping(group), "children": dict.fromkeys(children)}
    return group


def _take_variables(inventory: AnsibleInventory, group: str, variables: Variables, file: str) -> None:
    for variable, setting in variables.items():
        inventory.set_variable(group, variable, setting)
        inventory.origins.append(Origin(f"{file}: group {group}", variable))


def _take_hosts(inventory: AnsibleInventory, group: str, hosts: Variables, file: str) -> None:
    for host, variables in hosts.items():
        if not isinstance(variables, Mapping | None):
            raise refused(
                file,
                1,
                f"variables of host {quoted(host)} in group {group} are not a mapping",
                "write each variable as `name: value` below the host",
            )
        inventory.add_hosts(group, host, mapping(variables), file, 1)
        inventory.origins += [Origin(f"{file}: host {host}", key) for key in mapping(variables)]


def _section(value: object, key: str, group: str, file: str) -> Mapping[str, Any]:
    section = mapping(value).get(key)
    if isinstance(section, str) and section:
        return {section: None}
    if not isinstance(section, Mapping | None):
        raise refused(
            file, 1, f"{key} of group {group} is not a mapping", "write each entry as `name:` on its own line"
        )
    return mapping(section)


def _from_ini(text: str, file: str) -> AnsibleInventory:
    inventory = AnsibleInventory()
    awaited: dict[str, dict[str, int]] = {}
    group, kind = "ungrouped", None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if section := _SECTION.fullmatch(line):
            group, kind = section[1], section[2]
            if kind not in (None, "hosts", "children", "vars"):
                what = f"section {quoted(line)} is not understood"
                raise refused(file, number, what, "write [group], [group:children] or [group:vars]")
            inventory.group(group)
            if kind != "vars":
                _declare(inventory, group, awaited)
        elif line.startswith("[") and (line.endswith("]") or "]" not in line):
            raise refused(
                file, number, f"section {quoted(line)} is not understood", "write [group], or [group:children]"
            )
        else:
            _take_line(inventory, group, kind, line, file, number, awaited)
    for child, parents in awaited.items():
        parent, number = next(iter(parents.items()))
        what = f"group {quoted(child)}, a child of {parent}, is nowhere in the file"
        raise refused(file, number, what, f"add [{child}], or remove the line")
    return inventory


def _declare(inventory: AnsibleInventory, group: str, awaited: dict[str, dict[str, int]]) -> None:
    """Children take their places in the order in which they are declared, as in Ansible: members are numbered by it."""
    for parent in awaited.pop(group, {}):
        inventory.group(parent).children[group] = None


def _take_line(
    inventory: AnsibleInventory,
    group: str,
    kind: str | None,
    line: str,
    file: str,
    number: int,
    awaited: dict[str, dict[str, int]],
) -> None:
    match kind:
        case "children":
            name = _GROUP_NAME.fullmatch(line)
            if name is None:
                raise refused(file, number, f"{quoted(line)} is not the name of a group", "write one name in each line")
            if name[1] in inventory.groups:
                inventory.group(group).children[name[1]] = None
            else:
                awaited.setdefault(name[1], {})[group] = number
        case "vars":
            key, equals, value = line.partition("=")
            if not equals:
                raise refused(file, number, f"{quoted(key)} has no value", "write name=value")
            inventory.set_variable(group, key.strip(), literal(value.strip()))
            inventory.origins.append(Origin(f"{file}:{number}", key.strip()))
        case _:
            _take_host(inventory, group, line, file, number)


def _take_host(inventory: AnsibleInventory, group: str, line: str, file: str, number: int) -> None:
    try:
        first, *rest = shlex.split(line, comments=True) or [""]
    except ValueError:
        raise refused(file, number, "a quote that opens in this line is not closed", "close it") from None
    lacking = next((word for word in rest if "=" not in word), None)
    if lacking is not None:
        raise refused(
            file, number, f"{_word(lacking)} has no value", "write name=value, in quotes if the value has spaces"
        )
    variables = {key: literal(value) for key, value in _pairs(rest)}
    inventory.add_hosts(group, first, variables, file, number)
    inventory.origins += [Origin(f"{file}:{number}", key) for key in variables]


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        key, _, value = word.partition("=")
        yield key, value


def _word(text: str) -> str:
    """A stray word for a message, unless it may be a part of a secret."""
    return quoted(text) if re.fullmatch(r"[A-Za-z_]+", text) else "an argument of this line"


def literal(text: str) -> Any:
    """A value of an INI file: a Python literal as its value, everything else as text."""
    if len(text) > MAX_LITERAL or any(text.count(opening) > 200 for opening in "([{-+~"):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _simple(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _simple(value: Any) -> Any:
    """The literal as a value that YAML has too."""
    match value:
        case dict():
            return {str(key): _simple(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [_simple(each) for each in value]
        case bytes():
            return value.decode("utf-8", "replace")
        case complex():
            return str(value)
        case _:
            return "..." if value is ... else value
