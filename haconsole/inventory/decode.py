"""Converts the nodes of a YAML file into the schema's types, and reports every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, Final, assert_never, get_args, get_origin

import msgspec
import yaml
from msgspec import Struct, inspect, structs

from haconsole.inventory.formats import Folders
from haconsole.inventory.marks import Marks, Where
from haconsole.inventory.nodes import ListNode, MapNode, Node, ScalarNode
from haconsole.inventory.problems import Fault, Mark, quoted
from haconsole.inventory.scalars import WrongValueError, did_you_mean, is_nothing, read, source_text
from haconsole.inventory.schema import Inventory

EVERYTHING = "*"
"""A marker among the broken sections for a top-level key that could not be placed."""


class _Broken:
    """The marker for a value that could not be read."""


_BROKEN: Final = _Broken()


class Decoded(msgspec.Struct, frozen=True):
    """The readable part. `invalid` are the top-level keys with a fault under them: they may lack entries."""

    inventory: Inventory
    marks: Marks
    faults: tuple[Fault, ...]
    invalid: frozenset[str]


def decode(root: Node, folders: Folders) -> Decoded:
    """Read the complete tree. Values that cannot be read are left out, each with a fault at its place."""
    reader = _InventoryReader(folders)
    reader.marks.values[()] = root.mark
    values = reader.fields(root, Inventory, ())
    inventory = Inventory(**{"cluster": "", "hosts": (), **values})
    return Decoded(inventory, reader.marks, tuple(reader.faults), frozenset(reader.invalid))


class _InventoryReader(msgspec.Struct):
    folders: Folders
    marks: Marks = msgspec.field(default_factory=Marks)
    faults: list[Fault] = msgspec.field(default_factory=list)
    invalid: set[str] = msgspec.field(default_factory=set)

    def value(self, node: Node, kind: inspect.Type, where: Where, notes: Mapping[str, Any]) -> Any:
        """The value at `where`, or _BROKEN once its faults are reported."""
        match kind:
            case inspect.Metadata(type=inner):
                own = {**(kind.extra_json_schema or {}), **(kind.extra or {})}
                return self.value(node, inner, where, {**notes, **own})
            case inspect.UnionType(types=types):
                inner = next(each for each in types if not isinstance(each, inspect.NoneType))
                return None if is_nothing(node) else self.value(node, inner, where, notes)
            case inspect.StructType(cls=cls):
                values = self.fields(node, cls, where)
                complete = all(entry.name in values for entry in fields_of(cls).values() if entry.required)
                return cls(**values) if complete and isinstance(node, MapNode) else _BROKEN
            case inspect.VarTupleType():
                return self._list(node, kind, where, notes)
            case inspect.DictType():
                return self._settings(node, where, notes)
            case _:
                return self._scalar(node, kind, where, notes)

    def fields(self, node: Node, struct: type[Struct], where: Where) -> dict[str, Any]:
        """The fields of a struct that could be read."""
        if not isinstance(node, MapNode):
            what = "is empty" if is_nothing(node) else f"is {_form(node)}, not keys with values"
            self._fault(node.mark, where, f"{self.marks.name(where)} {what}", _how_to_fill(struct))
            return {}
        known = fields_of(struct)
        marks: dict[str, Mark] = {}
        misspelt: set[str] = set()
        values: dict[str, Any] = {}
        for key, child in node.entries:
            if self._fresh_key(key, known, marks, misspelt, where):
                entry = known[key.text]
                self.marks.values[(*where, key.text)] = child.mark if not is_nothing(child) else key.mark
                value = self.value(child, entry.kind, (*where, key.text), {})
                if value is not _BROKEN:
                    values[entry.name] = value
        for entry in known.values():
            if entry.required and entry.key not in marks and entry.key not in misspelt:
                self._missing(node.mark, entry, where)
        return values

    def _fresh_key(
        self, key: ScalarNode, known: Mapping[str, object], marks: dict[str, Mark], misspelt: set[str], where: Where
    ) -> bool:
        """Whether the key is one of the struct's and new here; reports the fault otherwise."""
        if key.text in marks:
            what = f"key {_key(key.text)} is twice in {self.marks.name(where)}, first in line {marks[key.text].line}"
            self._fault(key.mark, where, what, "keep one of the two")
            return False
        if key.text in known:
            marks[key.text] = key.mark
            return True
        if key.text == "<<" and key.plain:
            self._fault(
                key.mark, where, "a merge key (<<) is not supported", "write the keys of the merged mapping here"
            )
            return False
        suggestion = did_you_mean(key.text, tuple(name for name in known if name not in marks))
        hint = f"did you mean {suggestion}?" if suggestion else f"the keys allowed here are: {', '.join(known)}"
        if ":" in key.text:
            hint = "put a space after the colon"
        elif suggestion:
            misspelt.add(suggestion)
        self._fault(key.mark, where, f"unknown key {_key(key.text)} in {self.marks.name(where)}", hint)
        return False

    def _missing(self, mark: Mark, entry: SchemaField, where: Where) -> None:
        notes = entry.kind.extra_json_schema or {} if isinstance(entry.kind, inspect.Metadata) else {}
        likely = (notes.get("examples") or ("",))[0]
        value = f"[{', '.join(likely)}]" if isinstance(likely, list) else likely
        hint = f"add `{entry.key}: {value}`, with your own value" if value else f"add `{entry.key}:`"
        self._fault(mark, where, f"{self.marks.name(where)} has no {entry.key}", hint)

    def _list(self, node: Node, kind: inspect.VarTupleType, where: Where, notes: Mapping[str, Any]) -> Any:
        if not isinstance(node, ListNode):
            title = notes.get("title", "a list")
            hint = f"write [{_word(node)}]" if _word(node) else "begin each entry with `- `"
            self._fault(node.mark, where, f"{self.marks.name(where)} is {_form(node)}, not {title}", hint)
            return _BROKEN
        self._right_length(node, kind, where)
        values: list[Any] = []
        numbers: list[int] = []
        for index, item in enumerate(node.items):
            way = (*where, index)
            self.marks.values[way] = item.mark
            self._label(item, way)
            value = self.value(item, kind.item_type, way, notes if _is_plain(kind.item_type) else {})
            if value is not _BROKEN:
                values.append(value)
                numbers.append(index)
        self.marks.indexes[where] = tuple(numbers)
        return tuple(values)

    def _right_length(self, node: ListNode, kind: inspect.VarTupleType, where: Where) -> None:
        name = self.marks.name(where)
        if kind.min_length is not None and len(node.items) < kind.min_length:
            self._fault(node.mark, where, f"{name} is an empty list", f"give it {kind.min_length} or more entries")
        if kind.max_length is not None and len(node.items) > kind.max_length:
            what = f"{name} has {len(node.items)} entries"
            self._fault(node.mark, where, what, f"at most {kind.max_length} entries are allowed")

    def _label(self, item: Node, where: Where) -> None:
        """Call an entry of `hosts` by its name and one of `vips` by its address."""
        key, noun = {"hosts": ("name", "host"), "vips": ("address", "VIP")}.get(str(where[0]), ("", ""))
        if len(where) != 2 or not isinstance(item, MapNode):
            return
        names = [_word(child) for entry, child in item.entries if entry.text == key]
        if names and names[0]:
            self.marks.labels[where] = f"{noun} {names[0].partition('/')[0]}"

    def _settings(self, node: Node, where: Where, notes: Mapping[str, Any]) -> Any:
        """Keys and values of another program's configuration, which are not known here."""
        if not isinstance(node, MapNode):
            title = str(notes.get("title", "keys with values"))
            self._fault(node.mark, where, f"{self.marks.name(where)} is {_form(node)}, not {title}", "write KEY: VALUE")
            return _BROKEN
        return self._plain(node, where)

    def _plain(self, node: Node, where: Where) -> Any:
        """The node as plain data; a key that is there twice is a fault."""
        match node:
            case MapNode(entries=entries):
                values: dict[str, Any] = {}
                for key, child in entries:
                    if key.text in values:
                        what = f"key {_key(key.text)} is twice in {self.marks.name(where)}"
                        self._fault(key.mark, where, what, "keep one of the two")
                    values[key.text] = self._plain(child, (*where, key.text))
                return values
            case ListNode(items=items):
                return [self._plain(item, (*where, index)) for index, item in enumerate(items)]
            case ScalarNode(text=text, plain=plain):
                return yaml.safe_load(text) if plain else text
            case _:
                assert_never(node)

    def _scalar(self, node: Node, kind: inspect.Type, where: Where, notes: Mapping[str, Any]) -> Any:
        try:
            return read(node, kind, notes, self.folders)
        except WrongValueError as error:
            self._fault(node.mark, where, f"{self.marks.name(where)} {error.reason}", error.hint)
            return _BROKEN

    def _fault(self, mark: Mark, where: Where, what: str, hint: str) -> None:
        self.faults.append(Fault(mark, what, hint))
        self.invalid.add(str(where[0]) if where else EVERYTHING)


def _form(node: Node) -> str:
    """The form of the node, never its text: it may be a misplaced secret."""
    return source_text(node) if not isinstance(node, ScalarNode) or is_nothing(node) else "a single value"


def _how_to_fill(struct: type[Struct]) -> str:
    required = [entry.key for entry in fields_of(struct).values() if entry.required]
    if required:
        return (
            f"add the required keys {', '.join(required)}"
            if len(required) > 1
            else f"add the required key {required[0]}"
        )
    return "add keys below, remove the entry, or write {} for all defaults"


def _is_plain(kind: inspect.Type) -> bool:
    return not isinstance(kind, inspect.StructType)


def _word(node: Node) -> str:
    """The text when it is short and harmless enough to be repeated in a message, else nothing."""
    if (
        isinstance(node, ScalarNode)
        and len(node.text) <= 64
        and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./:-]*", node.text)
    ):
        return node.text
    return ""


def _key(text: str) -> str:
    return quoted(text.partition(":")[0])


class SchemaField:
    """One key of a struct, described by msgspec only when a file has it: describing the complete schema takes long."""

    def __init__(self, entry: structs.FieldInfo) -> None:
        self.name = entry.name
        """The attribute's name."""
        self.key = entry.encode_name
        self.required = entry.required
        self._annotation = entry.type

    @cached_property
    def kind(self) -> inspect.Type:
        """A struct, also an optional one, is described without its fields: see `fields_of`."""
        struct = next(_structs(self._annotation), None)
        if struct is None:
            return inspect.type_info(self._annotation)
        inner, *notes = get_args(self._annotation)
        own = inspect.StructType(struct, ())
        if get_origin(inner) is not tuple:
            return own
        meta = notes[0]
        items = inspect.VarTupleType(own, meta.min_length, meta.max_length)
        return inspect.Metadata(items, {"title": meta.title})


@cache
def fields_of(struct: type[Struct]) -> Mapping[str, SchemaField]:
    """The struct's fields by their keys, in the schema's order."""
    return {entry.encode_name: SchemaField(entry) for entry in structs.fields(struct)}


def _structs(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from _structs(argument)
