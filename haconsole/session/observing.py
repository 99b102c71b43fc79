"""Reads a live cluster: its status once or as it changes, and the journals of its hosts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from haconsole.configs.layout import layout
from haconsole.diagnosis.diagnose import status_of
from haconsole.diagnosis.flapping import Flapping, damp
from haconsole.inventory.schema import Inventory
from haconsole.model.journal import JournalLine
from haconsole.model.names import HostName
from haconsole.model.past import HostPast
from haconsole.model.roles import Role
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.probes.collect import Collector
from haconsole.session.host_texts import HostText, host_texts
from haconsole.session.journal import LogSources, around, follow, log_sources
from haconsole.session.past import read_past
from haconsole.session.redacting import redactor
from haconsole.transport.base import Fleet

FIRST_AFTER_S = 4.0
"""Seconds from the start of the process to the first report, so that it is there within 5 s."""
WITHIN_S = 5.0
REPORTING = 0.6
"""The share of a program's start that the rules and the text of a report take, at most."""
NOW_S = 0.2
"""The first report is made at once where a busy machine took long to start the program."""


def first_after_s(age_s: float) -> float:
    """The time left until the first report in a process of this age.

    The age shows how busy this machine is: the report itself then takes longer, too.
    """
    return max(NOW_S, min(FIRST_AFTER_S, WITHIN_S - REPORTING * age_s) - age_s)


def process_age_s() -> float:
    """Seconds since the start of this process; 0 where the system does not report it (proc(5))."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(0.0, uptime_s - ticks / os.sysconf("SC_CLK_TCK"))


class LiveObserver:
    """Reads the hosts of `inventory` over `fleet`; facts come from `collector`."""

    def __init__(self, inventory: Inventory, fleet: Fleet, collector: Collector) -> None:
        self._inventory = inventory
        self._fleet = fleet
        self._collector = collector

    async def status(self) -> ClusterStatus:
        """Read every host once, certificates included."""
        return self._status(await self._collector.once(certificates=True))

    async def measure(self) -> tuple[ClusterStatus, Measurements]:
        """Read every host once, certificates included, and the readings for figures twice."""
        measurements = Measurements(len(self._inventory.hosts))
        async with aclosing(self._collector.measured()) as snapshots:
            async for snapshot in snapshots:
                measurements.add(snapshot)
        return self._status(snapshot), measurements

    async def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        """The status known at `FIRST_AFTER_S`, then the complete one."""
        first_s = first_after_s(process_age_s())
        looks = self._collector.progress(certificates=True, thorough=True, first_after_s=first_s)
        async with aclosing(looks) as snapshots:
            async for snapshot in snapshots:
                yield self._status(snapshot)

    async def watch(self) -> AsyncGenerator[ClusterStatus, None]:
        """A status whenever facts change, until the iterator is closed; rules run beside the event loop.

        A finding that flaps is one finding, marked as such.
        """
        flapping = Flapping()
        async with aclosing(self._collector.live()) as snapshots:
            async for snapshot in snapshots:
                flapping, status = damp(flapping, await asyncio.to_thread(self._status, snapshot))
                yield status

    def refresh(self) -> None:
        """Have `watch` read every fact again now."""
        self._collector.refresh()

    def quicken(self, *, faster: bool) -> None:
        """Have `watch` take the readings for figures more often."""
        self._collector.pace.quicken(faster=faster)

    def journal(self, hosts: tuple[HostName, ...], *, last: int = 200, part: str = "") -> AsyncIterator[JournalLine]:
        """The journals of the units, and the logs of the static pods, that should run on these hosts."""
        return follow(self._fleet, self._sources(hosts, part), last=last)

    def _sources(self, hosts: tuple[HostName, ...], part: str) -> dict[HostName, LogSources]:
        known = layout(self._inventory)
        entries = (host for host in self._inventory.hosts if host.name in hosts)
        return {HostName(host.name): log_sources(known, host, part) for host in entries}

    async def texts(self, host: HostName, *, journal: bool = False) -> tuple[HostText, ...]:
        """The units and configurations of the host as text, with `journal` its journal too; secrets are masked."""
        entry = self._inventory.find(host)
        if entry is None:
            return ()
        return await host_texts(self._fleet, self._inventory, entry, redactor(self._inventory), journal=journal)

    async def journal_around(
        self, hosts: tuple[HostName, ...], at: datetime, offsets_ms: Mapping[HostName, float], part: str = ""
    ) -> tuple[JournalLine, ...]:
        """The entries of these hosts' units and static pods around a moment, each host's by its own clock."""
        sources = self._sources(hosts, part)
        times = {host: at + timedelta(milliseconds=offsets_ms.get(host, 0.0)) for host in sources}
        logs = await asyncio.gather(*(around(self._fleet, host, sources[host], times[host]) for host in sources))
        return tuple(line for log in logs for line in log)

    async def past_events(self, seconds: int, offsets_ms: Mapping[HostName, float]) -> tuple[HostPast, ...]:
        """The events of the last seconds in the journals of the units that should run on each host."""
        known = layout(self._inventory)
        hosts = (host for host in self._inventory.hosts if Role.BASTION not in host.roles)
        units = {HostName(host.name): known.units(host) for host in hosts}
        return await read_past(self._fleet, units, seconds, offsets_ms)

    def _status(self, snapshot: ClusterSnapshot) -> ClusterStatus:
        return status_of(snapshot, self._inventory, datetime.now(UTC))
