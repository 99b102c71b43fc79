"""Notices: a finding that opens or closes and the end of a run, each once, for terminals and for hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from haconsole.model.findings import Finding
from haconsole.model.status import ClusterStatus

SCHEMA = "haconsole/notice/v1"


class NoticeKind(StrEnum):
    FINDING_OPENED = "finding-opened"
    FINDING_CLOSED = "finding-closed"
    RUN_ENDED = "run-ended"


class Notice(msgspec.Struct, frozen=True):
    """One event that an operator wants to know; `fields` go into its JSON."""

    kind: NoticeKind
    at: datetime
    cluster: str
    text: str
    fields: Mapping[str, str]

    @property
    def json(self) -> str:
        """One line of JSON: ``haconsole/notice/v1``."""
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"schema": SCHEMA, "kind": self.kind.value, "at": at, "cluster": self.cluster, "text": self.text}
        return json.dumps({**head, **self.fields}, ensure_ascii=False)


Key = tuple[str, str]
"""A finding's code and subject."""

LASTING = timedelta(seconds=1)
"""A finding that ends sooner is no notice: an address on its way to another host is on none of them for a moment."""


class FindingWatch(msgspec.Struct, frozen=True):
    """The findings that were noticed and are open, and the first time of those that are not noticed yet.

    With `silent` those of the first complete status are no notices: a person sees them.
    """

    silent: bool = False
    open: Mapping[Key, Finding] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    fresh: Mapping[Key, tuple[datetime, Finding]] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    complete: bool = False

    def after(self, status: ClusterStatus) -> tuple[FindingWatch, tuple[Notice, ...]]:
        """The watch after one more status, and its notices.

        A finding closes only when every fact is read: one that is still to be read may keep it.
        """
        at, cluster, reading = status.snapshot.observed_at, status.snapshot.cluster, bool(status.snapshot.pending)
        now = {(each.code, each.subject): each for each in status.findings}
        first_times = {key: (at, each) for key, each in now.items() if key not in self.open} | dict(self.fresh)
        opened = {
            key: now.get(key, each)
            for key, (first, each) in first_times.items()
            if at - first >= LASTING or (self.silent and not self.complete)
        }
        known = {**self.open, **{key: each for key, each in now.items() if key in self.open}, **opened}
        stays = now.keys() | (first_times.keys() | known.keys() if reading else set())
        watch = replace(
            self,
            open=MappingProxyType({key: each for key, each in known.items() if key in stays}),
            fresh=MappingProxyType({key: each for key, each in first_times.items() if key in stays - known.keys()}),
            complete=self.complete or not reading,
        )
        if self.silent and not self.complete:
            return watch, ()
        closed = tuple(each for key, each in known.items() if key not in stays)
        notices = (
            *(_of_finding(NoticeKind.FINDING_OPENED, each, at, cluster) for each in opened.values()),
            *(_of_finding(NoticeKind.FINDING_CLOSED, each, at, cluster) for each in closed),
        )
        return watch, notices


def _of_finding(kind: NoticeKind, finding: Finding, at: datetime, cluster: str) -> Notice:
    word = "resolved: " if kind is NoticeKind.FINDING_CLOSED else f"{finding.severity}: "
    fields = {
        "severity": finding.severity.value,
        "code": finding.code,
        "subject": finding.subject,
        "summary": finding.summary,
        "why": finding.why,
    }
    return Notice(kind, at, cluster, f"{word}{finding.summary}", fields)


def run_ended(cluster: str, at: datetime, *, run: str, action: str, outcome: str) -> Notice:
    """The end of a run; `outcome` is its result, `unknown` if it is not logged here."""
    fields = {"run": run, "action": action, "outcome": outcome}
    return Notice(NoticeKind.RUN_ENDED, at, cluster, f"{action} has ended: {outcome}", fields)


class TerminalSignal(StrEnum):
    """The way to notify through the terminal."""

    OSC9 = "osc9"
    """iTerm2, WezTerm, Ghostty."""
    OSC777 = "osc777"
    """foot, rxvt-unicode with its extension for notifications, newer Windows Terminal."""
    OSC99 = "osc99"
    """kitty, foot."""
    BELL = "bell"
    NONE = "none"


PROGRAMS = {"iTerm.app": TerminalSignal.OSC9, "WezTerm": TerminalSignal.OSC9, "ghostty": TerminalSignal.OSC9}


def signal_for(environment: Mapping[str, str]) -> TerminalSignal:
    """The signal that the terminal of this environment is known to show; the bell for others, and inside tmux.

    Terminals made of VTE drop all three sequences unless their distribution changed that, and ring the bell.
    """
    term = environment.get("TERM", "")
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return TerminalSignal.BELL
    if "kitty" in term:
        return TerminalSignal.OSC99
    if term.startswith(("foot", "rxvt")):
        return TerminalSignal.OSC777
    return PROGRAMS.get(environment.get("TERM_PROGRAM", ""), TerminalSignal.BELL)


def signal_text(signal: TerminalSignal, notice: Notice) -> str:
    """The control sequence; no text of a host can end it or begin another one."""
    title, text = _plain(f"haconsole {notice.cluster}"), _plain(notice.text)
    match signal:
        case TerminalSignal.OSC9:
            return f"\x1b]9;{title}: {text}\x07"
        case TerminalSignal.OSC777:
            return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x1b\\"
        case TerminalSignal.OSC99:
            return f"\x1b]99;;{title}: {text}\x1b\\"
        case TerminalSignal.BELL:
            return "\x07"
        case TerminalSignal.NONE:
            return ""


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:300]
