"""Parts of a command line: numbers with their limits, and the report of a command that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    _NumberType = click.ParamType[float, Any]
else:
    _NumberType = click.ParamType


class Number(_NumberType):
    """A number from `least` to `most`; a refused one is reported with both limits."""

    name = "number"

    def __init__(self, least: float, most: float | None = None, *, integer: bool = False) -> None:
        self._least, self._most, self._integer = least, most, integer

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; ends the command with a usage error for every other word."""
        try:
            number = int(value) if self._integer else float(value)
        except (TypeError, ValueError):
            self._refuse(value, param, ctx)
        if not self._least <= number <= (float("inf") if self._most is None else self._most):
            self._refuse(value, param, ctx)
        return number

    def _refuse(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
        kind = "a whole number" if self._integer else "a number"
        limits = f"of at least {self._least:g}" if self._most is None else f"from {self._least:g} to {self._most:g}"
        self.fail(f"{str(value)!r} is not {kind} {limits}", param, ctx)


def fail_without_command(ctx: click.Context, name: str, names: Iterable[str], fallback: str = "") -> NoReturn:
    """End with a usage error that names similar commands, or else adds `fallback`."""
    close = get_close_matches(name, list(names))
    similar = f"Did you mean {' or '.join(repr(each) for each in close)}?"
    ctx.fail(f"No such command {name!r}. {similar if close else fallback}".rstrip())
