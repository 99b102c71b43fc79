"""Repeated events of the last minutes, from the journal of a host's units."""

from __future__ import annotations

import re

from haconsole.model.events import EventKind, RecentEvents
from haconsole.probes.errors import require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

WINDOW_S = 300
_KINDS = frozenset(EventKind)
_NUMBER = re.compile("[0-9]{1,15}", re.ASCII)
UNITS = frozenset(("etcd.service", "keepalived.service", "kube-controller-manager.service", "kube-scheduler.service"))
"""The units that log such events. An API server logs much, and none of them."""


def section(units: tuple[str, ...], *, every: int = 1) -> Section:
    """Needs root, or the group that may read the journal."""
    own_units = tuple(unit for unit in units if unit in UNITS)
    return Section("events", with_arguments(load_script("recent-events"), str(WINDOW_S), *own_units), every)


def parse(answer: SectionAnswer) -> tuple[RecentEvents, ...]:
    """One value for each kind of event that there was; lines of another form are ignored."""
    rows = (line.split() for line in require(answer, "read recent events").splitlines())
    return tuple(
        RecentEvents(EventKind(row[0]), tuple(map(int, row[1:])))
        for row in rows
        if row and row[0] in _KINDS and all(_NUMBER.fullmatch(word) for word in row[1:])
    )
