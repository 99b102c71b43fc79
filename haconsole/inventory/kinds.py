"""The schema's types as msgspec describes them: each struct and each key only when a file has it.

msgspec describes a type with all that is in it, and the complete schema takes longer than most files do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any, get_args, get_origin

from msgspec import Struct, inspect, structs


class SchemaField:
    """One key of a struct."""

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
