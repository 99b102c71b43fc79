"""Repeated events of the last minutes, from the journal of a host's units and the logs of its static pods."""

from __future__ import annotations

import re

from haconsole.model.events import EventKind, RecentEvents
from haconsole.probes.errors import require
from haconsole.probes.hosts.static_pods import StaticPod
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

WINDOW_S = 300
_KINDS = frozenset(EventKind)
_NUMBER = re.compile("[0-9]{1,15}", re.ASCII)
UNITS = frozenset(("etcd.service", "keepalived.service", "kube-controller-manager.service", "kube-scheduler.service"))
"""The units that log such events. An API server logs much, and none of them."""


def sources(units: tuple[str, ...], pods: tuple[StaticPod, ...]) -> tuple[str, ...]:
    """The arguments of the script: the units that log such events, and after ``--`` the static pods that do."""
    own_units = tuple(unit for unit in units if unit in UNITS)
    own_pods = tuple(pod.name for pod in pods if f"{pod.name}.service" in UNITS)
    return (*own_units, "--", *own_pods) if own_units or own_pods else ()


def section(units: tuple[str, ...], pods: tuple[StaticPod, ...] = (), *, every: int = 1) -> Section:
    """Needs root: the logs of pods and the journal are not for every account."""
    arguments = with_arguments(load_script("recent-events"), str(WINDOW_S), *sources(units, pods))
    return Section("events", arguments, every)


def parse(answer: SectionAnswer) -> tuple[RecentEvents, ...]:
    """One value for each kind of event that there was; lines of another form are ignored."""
    rows = (line.split() for line in require(answer, "reading recent events").splitlines())
    return tuple(
        RecentEvents(EventKind(row[0]), tuple(sorted(map(int, row[1:]), reverse=True)))
        for row in rows
        if row and row[0] in _KINDS and all(_NUMBER.fullmatch(word) for word in row[1:])
    )
