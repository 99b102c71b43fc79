"""Variables of the environment in a file, as k0sctl fills them in (github.com/a8m/envsubst names the expressions)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EXPRESSION = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-=])([^{}]*))?\}|(\{))")


class _UnknownError(Exception):
    """The name of a variable that is not set, or of an expression that is not read."""


def substituted(value: Any, environment: Mapping[str, str], place: str, notes: list[str]) -> Any:
    """The tree with its variables filled in. A value with one that is not set becomes None, and is in a note."""
    match value:
        case str() if "$" in value:
            return _text(value, environment, place, notes)
        case Mapping():
            return {
                key: substituted(each, environment, f"{place}.{key}".lstrip("."), notes) for key, each in value.items()
            }
        case list():
            return [substituted(each, environment, f"{place}[{at}]", notes) for at, each in enumerate(value)]
        case _:
            return value


def _text(value: str, environment: Mapping[str, str], place: str, notes: list[str]) -> str | None:
    names: dict[str, None] = {}

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        if match[6] or name is None:
            raise _UnknownError("an expression")
        names[name] = None
        known = environment.get(name)
        if known or (known is not None and match[4] not in (":-", ":=")):
            return known
        if match[4] is None:
            raise _UnknownError(name)
        return match[5]

    try:
        filled = _EXPRESSION.sub(replacement, value)
    except _UnknownError as error:
        notes.append(f"{place} is not read, because the environment variable {error} is not set here: write the value")
        return None
    if names:
        notes.append(f"{place} was filled in from environment variables ({', '.join(names)}): check the value")
    return filled
