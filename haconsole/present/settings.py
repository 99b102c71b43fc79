"""The settings that restrict a console or notify from it: their values, and where each is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from haconsole.actions.guardrails import rule_text
from haconsole.inventory.effective import why_watched_only
from haconsole.inventory.origin import FileOrigin
from haconsole.inventory.schema import Inventory
from haconsole.present.ages import timestamp
from haconsole.present.cells import Cell
from haconsole.present.detail import Detail, Fact, Item, Sentence
from haconsole.present.palette import Command

NO_FILE = "the recording's inventory"
CHANGE = "Change it in the file, then open the console again. Changes of the file do not reach an open console."


class SettingView(msgspec.Struct, frozen=True):
    """One setting. `source` is the origin of its value; `about` is its effect."""

    name: str
    value: str
    source: str
    about: str
    in_file: bool = True
    """Whether it is, or would be, set in the inventory's file."""

    @property
    def command(self) -> Command:
        """The setting among the commands of the palette."""
        text = f"{self.value}. {self.about} {self.source[:1].upper()}{self.source[1:]}."
        words = ("settings", "inventory", self.name.replace("_", " "))
        return Command(f"setting {self.name}", f"app.request('ShowSetting', {self.name!r})", text, words=words)


def settings(
    inventory: Inventory, origin: FileOrigin | None, *, option: str, signal: str, hook: tuple[str, ...]
) -> tuple[SettingView, ...]:
    """Every setting; `origin` is None without a file, as in a recording.

    `option` names what makes this console read-only besides the inventory; empty if nothing does.
    """
    return (
        _read_only(inventory, origin, option),
        *_guardrails(inventory, origin),
        _option("notify", signal, "--notify or HACONSOLE_NOTIFY", "The way to notify through the terminal."),
        _option("hook", " ".join(hook), "--hook or HACONSOLE_HOOK", "The command that gets each notice as JSON."),
    )


def setting_detail(setting: SettingView, origin: FileOrigin | None, now: datetime) -> Detail:
    """A setting in full, with the owner and the time of its file."""
    items: list[Item] = [Fact("value", Cell(setting.value)), Fact("origin", Cell(setting.source))]
    if setting.in_file and origin is not None and origin.changed_at is not None:
        items += [
            Fact("owner of the file", Cell(origin.owner or "? not known")),
            Fact("file changed at", Cell(f"{timestamp(origin.changed_at, now)} UTC")),
        ]
    items.append(Sentence(Cell(setting.about)))
    if setting.in_file and origin is not None:
        items.append(Sentence(Cell(CHANGE)))
    return Detail(f"setting {setting.name}", tuple(items))


def _read_only(inventory: Inventory, origin: FileOrigin | None, option: str) -> SettingView:
    about = "A read-only console hides and refuses every action that changes a host."
    if inventory.read_only:
        return SettingView("read_only", "on", f"set in {_place(origin, 'read_only')}", about)
    other = option or why_watched_only(inventory)
    if other:
        return SettingView("read_only", "on", other, about, in_file=False)
    return SettingView("read_only", "off", f"not set in {_place(origin, 'read_only')}", about)


def _guardrails(inventory: Inventory, origin: FileOrigin | None) -> Iterator[SettingView]:
    if not inventory.guardrails:
        about = "Guardrails are rules for changes, each with its reason."
        yield SettingView("guardrails", "none", f"not set in {_place(origin, 'guardrails')}", about)
    for number, guardrail in enumerate(inventory.guardrails, 1):
        source = f"set in {_place(origin, f'guardrails {number}')}"
        yield SettingView(f"guardrail {number}", rule_text(guardrail), source, f"Reason: {guardrail.reason}")


def _option(name: str, value: str, source: str, about: str) -> SettingView:
    text = f"set by {source}" if value else f"not set by {source}"
    return SettingView(name, value or "none", text, about, in_file=False)


def _place(origin: FileOrigin | None, name: str) -> str:
    return origin.place(name) if origin is not None else NO_FILE
