"""References among Ansible's variables, as in ``{{ kube_config_dir }}/ssl``; other expressions stay as written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from haconsole.inventory.importers.plain import text

_REFERENCE = re.compile(r"\{\{-?\s*([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")
_MARKS = ("{{", "{%", "{#")
_DEEPEST = 8
_LONGEST = 10_000


def resolved(variables: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The variables of `host` with the values of those that they name; a template that needs more stays."""
    known = {**variables, "inventory_hostname": host, "inventory_hostname_short": host.partition(".")[0]}
    return {name: _Resolver(known).filled(value, 0) for name, value in variables.items()}


def templates(variables: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """Those of `names` whose value has a template in it."""
    yield from (name for name in names if name in variables and _has_template(variables[name]))


class _Resolver(msgspec.Struct):
    """Fills in one variable; `budget` bounds the values that are looked at, as references may multiply."""

    known: Mapping[str, Any]
    budget: int = 2_000

    def filled(self, value: Any, depth: int) -> Any:
        self.budget -= 1
        if depth > _DEEPEST or self.budget < 0:
            return value
        match value:
            case str() if "{{" in value:
                return self._text(value, depth)
            case Mapping():
                return {key: self.filled(each, depth + 1) for key, each in value.items()}
            case list():
                return [self.filled(each, depth + 1) for each in value]
            case _:
                return value

    def _text(self, value: str, depth: int) -> Any:
        """A reference that is the complete value has the referenced value itself, a mapping or list too."""
        complete = _REFERENCE.fullmatch(value.strip())
        if complete and complete[1] in self.known:
            return self.filled(self.known[complete[1]], depth + 1)
        filled = _REFERENCE.sub(lambda use: self._part(use, depth), value)
        return filled if len(filled) <= _LONGEST and not any(mark in filled for mark in _MARKS) else value

    def _part(self, use: re.Match[str], depth: int) -> str:
        referenced = text(self.filled(self.known.get(use[1]), depth + 1))
        return use[0] if referenced is None else referenced


def _has_template(value: Any) -> bool:
    match value:
        case str():
            return any(mark in value for mark in _MARKS)
        case Mapping():
            return any(map(_has_template, value.values()))
        case list():
            return any(map(_has_template, value))
        case _:
            return False
