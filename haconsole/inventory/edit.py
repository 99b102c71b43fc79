"""Changes to an inventory's text that keep everything else in it unchanged, comments included."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TypeAlias

import msgspec
import yaml

from haconsole.inventory.load import examine

Span: TypeAlias = tuple[int, int]


def without_host(text: str, name: str, *, file: str = "inventory", base: Path = Path("/")) -> str | None:
    """The text without that host; None if it has none, or if the rest would be no valid inventory (another host jumps
    through it, it is the last one).
    """
    span = _span(text, name)
    if span is None:
        return None
    changed = text[: span[0]] + text[span[1] :]
    before, after = examine(text, file, base).inventory, examine(changed, file, base).inventory
    if before is None or after is None:
        return None
    others = tuple(host for host in before.hosts if host.name != name)
    if name in (before.ssh.jump, *(host.ssh.jump for host in others)):
        return None
    return changed if after == msgspec.structs.replace(before, hosts=others) else None


def diff(before: str, after: str, file: str) -> str:
    """The change as a unified diff, as patch(1) takes it."""
    lines = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), file, file)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _span(text: str, name: str) -> Span | None:
    """The place of the host's entry, with its separator from the others."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    hosts = _value(root, "hosts")
    if not isinstance(hosts, yaml.SequenceNode):
        return None
    for at, item in enumerate(hosts.value):
        node = _value(item, "name")
        if isinstance(node, yaml.ScalarNode) and node.value == name:
            return _in_flow(text, hosts, at) if hosts.flow_style else _in_block(text, item)
    return None


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _in_block(text: str, item: yaml.Node) -> Span:
    """Complete lines, from the dash to the last one with a value."""
    begin = text.rfind("\n", 0, item.start_mark.index) + 1
    end = text.find("\n", _last(item))
    return begin, len(text) if end < 0 else end + 1


def _in_flow(text: str, hosts: yaml.SequenceNode, at: int) -> Span:
    """The entry with the comma after it, or before it where it is the last."""
    items = hosts.value
    if at + 1 < len(items):
        return items[at].start_mark.index, items[at + 1].start_mark.index
    begin = items[at - 1].end_mark.index if at else items[at].start_mark.index
    return begin, items[at].end_mark.index


def _last(node: yaml.Node) -> int:
    """Where the last value in a node ends; a block's own end is where the next thing begins."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return _last(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _last(node.value[-1])
    return int(node.end_mark.index)
