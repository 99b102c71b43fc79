"""Reads the events of the last hours from the hosts' journals, for the graphs and the list of events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from haconsole.model.names import HostName
from haconsole.model.past import HostPast
from haconsole.probes.hosts.past_events import WITHIN_S, parse, past_argv
from haconsole.probes.script import SectionAnswer
from haconsole.transport.base import Fleet, TransportError


async def read_past(
    fleet: Fleet, units: Mapping[HostName, tuple[str, ...]], seconds: int, offsets_ms: Mapping[HostName, float]
) -> tuple[HostPast, ...]:
    """The events of each host by this machine's clock; `offsets_ms` are how far the hosts' clocks are ahead."""
    pasts = await asyncio.gather(*(_read(fleet, host, names, seconds) for host, names in units.items()))
    return tuple(_corrected(past, offsets_ms.get(past.host, 0.0)) for past in pasts)


async def _read(fleet: Fleet, host: HostName, units: tuple[str, ...], seconds: int) -> HostPast:
    names = tuple(unit if "." in unit else f"{unit}.service" for unit in units)
    try:
        result = await fleet.host(host).run(past_argv(seconds, names), root=True, deadline_s=WITHIN_S)
    except TransportError as error:
        return HostPast(host, problem=error.what, complete=False)
    return parse(SectionAnswer("past-events", result.stdout.rstrip("\n"), result.stderr, result.exit_status or 0), host)


def _corrected(past: HostPast, offset_ms: float) -> HostPast:
    ahead = timedelta(milliseconds=offset_ms)
    return replace(past, events=tuple(replace(event, at=event.at - ahead) for event in past.events))
