"""YAML text as a tree of nodes that know their place; no objects are made and nothing grows without bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec
import yaml

from haconsole.inventory.limits import MAX_BYTES
from haconsole.inventory.problems import Fault, Mark
from haconsole.inventory.yaml_words import TAG, syntax_fault

MAX_DEPTH = 24
MAX_NODES = 20_000

_TEXT_TAG = "tag:yaml.org,2002:str"
_PLAIN_TAGS = (_TEXT_TAG, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")))

_UNPRINTABLE = "[^\\t\\n\\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""A pattern; compiling it is slow, so it is used only for texts with a character that Python does not print."""


_BLANK = (
    "(?:^[ \\t-]*|^[^\"'#\\n]*[:,{\\[-] *|^[^\"'#\\n]*(?=.:(?: |$)))"
    "([\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])"
)
"""A pattern: a blank other than a space, at a place where it would be taken for one."""


class ScalarNode(msgspec.Struct, frozen=True):
    """One value as it is written; `plain` if it has no quotes, so that ``1`` is a number."""

    text: str
    plain: bool
    mark: Mark


class ListNode(msgspec.Struct, frozen=True):
    items: tuple[Node, ...]
    mark: Mark


class MapNode(msgspec.Struct, frozen=True):
    """Keys and values in the order of the file, duplicates included."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    mark: Mark


Node: TypeAlias = ScalarNode | ListNode | MapNode


class UnreadableError(Exception):
    """The text is not one plain YAML document."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


def decode_text(data: bytes) -> str:
    """Bytes as text; raises UnreadableError when they are too many or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise _unreadable(
            Mark(),
            f"the file has more than {MAX_BYTES} bytes",
            "the file is too large for an inventory: give the path of another file",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise _unreadable(
            _place(before), f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None


def compose(text: str, *, tags: bool = False) -> Node:
    """The one document of `text`; raises UnreadableError at the first thing that is not plain YAML.

    With `tags` a value with a tag of another tool counts as an empty one, for files whose other values matter.
    """
    roots = _parsed(text, _Builder(tags))
    if not roots:
        raise _unreadable(
            Mark(), "the file is empty", "begin with `cluster:` and `hosts:`, as the sample inventories do"
        )
    return roots[0]


def compose_documents(text: str) -> tuple[Node, ...]:
    """Every document of `text`, tagged values as by `compose`; raises UnreadableError when one is not plain YAML."""
    return _parsed(text, _Builder(tags=True, several=True))


def _parsed(text: str, builder: _Builder) -> tuple[Node, ...]:
    if len(text) > MAX_BYTES:
        raise _unreadable(
            Mark(), f"the file has {len(text)} characters", f"an inventory has at most {MAX_BYTES} characters"
        )
    if not text.replace("\n", "").isprintable():
        _refuse_invisible(text)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.YAMLError as error:
        raise UnreadableError(syntax_fault(error, text)) from None
    return tuple(builder.roots)


def _refuse_invisible(text: str) -> None:
    """Blanks that YAML does not know are refused where they would be indentation or follow a sign of YAML's."""
    if match := re.search(_UNPRINTABLE, text):
        what = f"character U+{ord(match[0]):04X} is invisible or not text"
        raise _unreadable(_place(text[: match.start()]), what, "remove it")
    if match := re.search(_BLANK, text, re.MULTILINE):
        what = f"an invisible character (U+{ord(match[1]):04X}) is used as a space"
        raise _unreadable(_place(text[: match.start(1)]), what, "type a space instead")


class _Open(msgspec.Struct):
    """A list or mapping whose end has not come yet; in a mapping keys and values alternate."""

    is_map: bool
    anchor: str | None
    mark: Mark
    children: list[Node] = msgspec.field(default_factory=list)
    before: int = 0


class _Builder(msgspec.Struct):
    """Takes parser events one by one; a stack instead of recursion, so that depth costs nothing."""

    tags: bool
    several: bool = False
    roots: list[Node] = msgspec.field(default_factory=list)
    count: int = 0
    stack: list[_Open] = msgspec.field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = msgspec.field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent() if self.roots and not self.several:
                raise _unreadable(_mark(event), "a second document begins here", "keep one document in a file")
            case yaml.DocumentStartEvent():
                self.anchors.clear()
            case yaml.ScalarEvent():
                node = self._scalar(event)
                self._grow(_mark(event), 1)
                self._put(node, event.anchor, self.count - 1)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._tagged(event, event.implicit)
                self._grow(_mark(event), 1)
                is_map = isinstance(event, yaml.MappingStartEvent)
                self.stack.append(_Open(is_map, event.anchor, _mark(event), before=self.count - 1))
                self._shallow(_mark(event))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                top = self.stack.pop()
                self._put(_close(top), top.anchor, top.before)
            case yaml.AliasEvent():
                self._put(self._repeat(event), None, self.count)
            case _:
                pass

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        """A value with a tag of YAML's own keeps its text, with another tag it is empty."""
        tagged = self._tagged(event, bool(event.implicit[0] or event.implicit[1]))
        if tagged and event.tag in _PLAIN_TAGS:
            return ScalarNode(event.value, event.tag != _TEXT_TAG, _mark(event))
        return ScalarNode("" if tagged else event.value, tagged or bool(event.implicit[0]), _mark(event))

    def _repeat(self, event: yaml.NodeEvent) -> Node:
        """The target of an alias; it counts again in full, so that aliases of aliases end soon."""
        mark = _mark(event)
        if event.anchor in {part.anchor for part in self.stack}:
            raise _unreadable(mark, "this YAML alias is inside the value that it repeats", "write the value out")
        if event.anchor not in self.anchors:
            raise _unreadable(
                mark, "this YAML alias has no anchor before it", "put a value that begins with * in quotes"
            )
        node, size = self.anchors[event.anchor]
        self._grow(mark, size)
        return node

    def _grow(self, mark: Mark, nodes: int) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            raise _unreadable(
                mark,
                f"the file holds more than {MAX_NODES} values, counting those that YAML aliases repeat",
                "shorten it",
            )

    def _shallow(self, mark: Mark) -> None:
        if len(self.stack) > MAX_DEPTH:
            raise _unreadable(mark, f"values are nested more than {MAX_DEPTH} deep", "use fewer levels of nesting")

    def _tagged(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, implicit: bool) -> bool:
        tagged = not implicit or event.tag is not None
        if tagged and not self.tags:
            raise _unreadable(_mark(event), *TAG)
        return tagged

    def _put(self, node: Node, anchor: str | None, before: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, self.count - before)
        if not self.stack:
            self.roots.append(node)
            return
        parent = self.stack[-1]
        if parent.is_map and len(parent.children) % 2 == 0 and not isinstance(node, ScalarNode):
            raise _unreadable(node.mark, "a list or mapping instead of a key", "write a plain word as the key")
        parent.children.append(node)


def _close(part: _Open) -> Node:
    if not part.is_map:
        return ListNode(tuple(part.children), part.mark)
    return MapNode(tuple(_pairs(part.children)), part.mark)


def _pairs(children: list[Node]) -> Iterator[tuple[ScalarNode, Node]]:
    for key, value in zip(children[::2], children[1::2], strict=True):
        assert isinstance(key, ScalarNode)
        yield key, value


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _place(before: str) -> Mark:
    """The place right after `before`."""
    lines = before.replace("\r\n", "\n").split("\n")
    return Mark(len(lines), len(lines[-1]) + 1)


def _unreadable(mark: Mark, what: str, hint: str) -> UnreadableError:
    return UnreadableError(Fault(mark, what, hint))
