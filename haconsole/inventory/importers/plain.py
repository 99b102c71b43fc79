"""Other tools' YAML as plain values: mappings, lists, text, numbers, truth values and None."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from haconsole.inventory.nodes import (
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    UnreadableError,
    compose,
    compose_documents,
    decode_text,
)
from haconsole.inventory.problems import InventoryError, Mark, Problem, in_file

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0b(?P<binary>[01_]+)|0x(?P<hexadecimal>[0-9a-fA-F_]+)|0(?P<octal>[0-7_]+)"
    r"|(?P<decimal>0|[1-9][0-9_]*))"
)
"""Integers of YAML 1.1, which the parsers of these tools read (yaml.org/type/int.html)."""

_BASES = {"binary": 2, "hexadecimal": 16, "octal": 8, "decimal": 10}
_MAX_DIGITS = 18


def read_yaml(data: bytes, file: str) -> Any:
    """The one document of `data`, tagged values as None; raises InventoryError with its place when it is not YAML."""
    try:
        return plain(compose(decode_text(data), tags=True))
    except UnreadableError as error:
        raise InventoryError((in_file(file, error.fault),)) from None


def read_documents(data: bytes, file: str) -> list[Any]:
    """Every document of `data` that is not empty; raises InventoryError as `read_yaml` does."""
    try:
        documents = [plain(node) for node in compose_documents(decode_text(data))]
    except UnreadableError as error:
        raise InventoryError((in_file(file, error.fault),)) from None
    return [document for document in documents if document is not None]


def read_toml(data: bytes, file: str) -> Any:
    """The tables of `data`, times as text; raises InventoryError with its place when it is not TOML."""
    try:
        return _simple(tomllib.loads(decode_text(data)))
    except UnreadableError as error:
        raise InventoryError((in_file(file, error.fault),)) from None
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at line ")
        line = re.match("[0-9]+", place)
        raise refused(file, int(line[0]) if line else 1, what[:1].lower() + what[1:], "correct the line") from None
    except RecursionError:
        raise refused(file, 1, "values are nested too deep", "use fewer levels of nesting") from None


def plain(node: Node) -> Any:
    """The value of a node; for a repeated key the last counts, as it does for those tools."""
    match node:
        case MapNode(entries=entries):
            merged = [plain(value) for key, value in entries if key.text == "<<" and key.plain]
            own = {key.text: plain(value) for key, value in entries if key.text != "<<"}
            return {**_merged(merged), **own}
        case ListNode(items=items):
            return [plain(item) for item in items]
        case ScalarNode():
            return _scalar(node)
        case _:
            assert_never(node)


def refused(file: str, line: int, what: str, hint: str) -> InventoryError:
    return InventoryError((Problem(file, Mark(line, 1), what, hint),))


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Text or a number as text; None for everything else, for nothing, and for a template to be filled in."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    words = str(value).strip()
    return None if not words or "{{" in words or "{%" in words or "${" in words else words


def number(value: object) -> int | None:
    words = text(value)
    return int(words) if words is not None and re.fullmatch(r"[0-9]{1,15}", words) else None


def truth(value: object) -> bool:
    """Whether the value is true, as a truth value or as a word for it."""
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "on", "1"))


def first_family(value: object) -> tuple[str | None, str | None]:
    """The parts of ``IPV4,IPV6``, as tools write networks and addresses of two families."""
    first, _, second = (text(value) or "").partition(",")
    return first.strip() or None, second.strip() or None


def unread_keys(place: str, content: Mapping[str, Any], read: frozenset[str]) -> Iterator[str]:
    """A note on the keys at `place` that are not among those read."""
    names = [name for name in content if name not in read]
    if names:
        more = f" and {len(names) - 10} others" if len(names) > 10 else ""
        yield f"{place}: not read: {', '.join(names[:10])}{more}"


def _merged(values: list[Any]) -> dict[str, Any]:
    """The keys from merge keys: of several mappings the first counts."""
    flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return {key: value for part in reversed(flat) for key, value in mapping(part).items()}


def _simple(value: Any) -> Any:
    match value:
        case dict():
            return {key: _simple(each) for key, each in value.items()}
        case list():
            return [_simple(each) for each in value]
        case str() | bool() | int() | float():
            return value
        case _:
            return str(value)


def _scalar(node: ScalarNode) -> Any:
    words = node.text
    if not node.plain:
        return words
    if words in ("", "~", "null", "Null", "NULL"):
        return None
    if words.lower() in _TRUTH:
        return _TRUTH[words.lower()]
    return words if (integer := _integer(words)) is None else integer


def _integer(words: str) -> int | None:
    match = _INTEGER.fullmatch(words) if len(words) <= _MAX_DIGITS + 3 else None
    if match is None:
        return None
    kind = match.lastgroup or "decimal"
    digits = match[kind].replace("_", "")
    return int(f"{match['sign']}{digits}", _BASES[kind]) if digits else None
