"""A form drawn from an action's arguments: its values, their validity, its text."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from haconsole.actions.catalogue import Action, Argument, ArgumentKind, check_request
from haconsole.errors import UsageError
from haconsole.present.cells import ELLIPSIS, Cell, Line, Tone, padded, width_of
from haconsole.present.detail import Detail, Sentence, detail_lines

NOT_SET = "(not set)"
SET = "yes"
"""The value of a flag that is set."""


class Entry(msgspec.Struct, frozen=True):
    """One argument and its value, empty if there is none; `offers` are the values to choose from."""

    argument: Argument
    offers: tuple[str, ...]
    value: str = ""

    @property
    def free(self) -> bool:
        """Whether any text may be typed."""
        return self.argument.kind in (ArgumentKind.TEXT, ArgumentKind.FILE) and not self.offers


class Form(msgspec.Struct, frozen=True):
    """An action's entries; `at` is the current one."""

    action: Action
    entries: tuple[Entry, ...]
    at: int = 0

    @property
    def request(self) -> dict[str, str]:
        """The values, as a planner takes them."""
        return {entry.argument.name: entry.value for entry in self.entries if entry.value}

    @property
    def problem(self) -> str | None:
        """The reason why the request does not fit the action yet; None when it does."""
        try:
            check_request(self.action, self.request)
        except UsageError as error:
            return error.what
        return None


def form_for(action: Action, hosts: tuple[str, ...], values: Mapping[str, str]) -> Form:
    """A form with `values` filled in if it is offered; required arguments with one offer only are filled in too."""
    return Form(action, tuple(_entry(argument, hosts, values.get(argument.name, "")) for argument in action.arguments))


def _entry(argument: Argument, hosts: tuple[str, ...], values: str) -> Entry:
    offers = argument.choices or {ArgumentKind.HOST: hosts, ArgumentKind.FLAG: (SET,)}.get(argument.kind, ())
    value = values if not offers or values in offers else ""
    if argument.required and not value and len(offers) == 1:
        value = offers[0]
    return Entry(argument, offers, value)


def moved(form: Form, by: int) -> Form:
    """Another entry becomes the current one."""
    return replace(form, at=max(0, min(form.at + by, len(form.entries) - 1)))


def turned(form: Form, by: int) -> Form:
    """The next offer; before the first is an empty value, unless the argument is required."""
    entry = form.entries[form.at]
    if not entry.offers:
        return form
    ring = entry.offers if entry.argument.required else ("", *entry.offers)
    here = ring.index(entry.value) if entry.value in ring else -1 if by > 0 else 0
    return _with(form, ring[(here + by) % len(ring)])


def typed(form: Form, text: str) -> Form:
    """Text was typed: appended to free text, otherwise it jumps to the next offer that begins with it."""
    entry = form.entries[form.at]
    if entry.free:
        return _with(form, entry.value + text)
    later = (*entry.offers[_index(entry) + 1 :], *entry.offers[: _index(entry) + 1])
    match = next((offer for offer in later if offer.startswith(text)), None)
    return _with(form, match) if match is not None else form


def erased(form: Form) -> Form:
    """The last character is removed; an offer is removed completely."""
    entry = form.entries[form.at]
    return _with(form, entry.value[:-1] if entry.free else "")


def _index(entry: Entry) -> int:
    return entry.offers.index(entry.value) if entry.value in entry.offers else -1


def _with(form: Form, value: str) -> Form:
    entries = tuple(replace(each, value=value) if index == form.at else each for index, each in enumerate(form.entries))
    return replace(form, entries=entries)


def form_lines(form: Form, width: int) -> tuple[tuple[Line, bool], ...]:
    """The action's help and its entries in `width` cells, each line with whether it is the current one."""
    labels = max((width_of(entry.argument.name) for entry in form.entries), default=0) + 2
    lines: list[tuple[Line, bool]] = [(line, False) for line in _wrapped(form.action.help, Tone.PLAIN, width)]
    for index, entry in enumerate(form.entries):
        lines.append(((), False))
        lines.append((_entry_line(entry, labels, width, here=index == form.at), index == form.at))
        lines += [((Cell(" " * labels), *line), False) for line in _wrapped(_help(entry), Tone.MUTED, width - labels)]
    return tuple(lines)


def verdict_lines(form: Form, width: int) -> tuple[Line, ...]:
    """Whether the form fits its action, and if not, why."""
    problem = form.problem
    if problem:
        return _wrapped(f"▲ {problem}", Tone.WARNING, width)
    return _wrapped("● enter makes the plan; nothing is changed yet", Tone.GOOD, width)


def _wrapped(text: str, tone: Tone, width: int) -> tuple[Line, ...]:
    return detail_lines(Detail("", (Sentence(Cell(text, tone)),)), max(width, 8))


def _help(entry: Entry) -> str:
    needed = "needed" if entry.argument.required else "optional"
    offers = f"; one of {', '.join(entry.offers)}" if len(entry.offers) > 1 else ""
    return f"{entry.argument.help} ({needed}{offers})"


def _entry_line(entry: Entry, labels: int, width: int, *, here: bool) -> Line:
    value = Cell(_end_of(entry.value, width - labels - 4) or NOT_SET, Tone.PLAIN if entry.value else Tone.MUTED)
    name = padded(Cell(entry.argument.name, Tone.ACCENT), labels)
    if entry.offers:
        return (name, Cell("◀ " if here else "  "), value, Cell(" ▶" if here else ""))
    typed_so_far = Cell("") if here and not entry.value else value
    return (name, Cell("  "), typed_so_far, Cell("▏" if here else ""))


def _end_of(value: str, width: int) -> str:
    """The end of a value that is longer than `width` cells, at the place of typing."""
    if width_of(value) <= width:
        return value
    while value and width_of(value) > width - 1:
        value = value[1:]
    return f"{ELLIPSIS}{value}"
