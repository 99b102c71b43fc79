"""The processes behind ports that refused a connection, read on their own hosts after the attempt.

A port is closed for a moment while its process is restarted, so a reading from before the attempt proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.inventory.effective import service_behind
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PeerPort, PortState
from haconsole.model.vip_view import vip_view
from haconsole.probes.balancers.confirm_owners import Rereader
from haconsole.probes.fact_store import FactStore

_EVERY_S = 0.2
_PATIENCE_S = 6.0
_FOLLOW_S = 1.0
_REREAD = ("services", "addresses")


class RefusedPorts:
    """Adds to each refused port of the store the start of the process behind it."""

    def __init__(self, inventory: Inventory, store: FactStore, hosts: Iterable[Rereader]) -> None:
        self._inventory, self._store = inventory, store
        self._hosts = {host.name: host for host in hosts}
        self._attempts_at: dict[HostName, datetime] = {}

    async def once(self) -> None:
        """Once every host has reported its attempts."""
        for _ in range(round(_PATIENCE_S / _EVERY_S)):
            if not any(fact == "peer_ports" for _, fact in self._store.pending_facts()):
                break
            await asyncio.sleep(_EVERY_S)
        await self._add_starts()

    async def follow(self) -> None:
        """After each report, for as long as nobody cancels it."""
        while True:
            await self._add_starts()
            await asyncio.sleep(_FOLLOW_S)

    async def _add_starts(self) -> None:
        if not any(self._is_new(self._store.facts(name)) for name in self._hosts):
            return
        snapshot = self._store.snapshot()
        new = tuple(facts for facts in snapshot.hosts if self._is_new(facts))
        targets = {
            target.host
            for facts in new
            for port in value_of(facts.peer_ports) or ()
            for target in _targets(snapshot, port)
        }
        read = dict(await asyncio.gather(*(self._read(target) for target in targets)))
        for facts in new:
            self._put(facts, snapshot, read)

    def _is_new(self, facts: HostFacts) -> bool:
        """Its attempts were not looked at before."""
        fact = facts.peer_ports
        return isinstance(fact, Known) and self._attempts_at.get(facts.host) != fact.at

    async def _read(self, host: HostName) -> tuple[HostName, HostFacts | None]:
        """The facts of `host` with its services as they are now; None where they could not be read."""
        before = self._store.facts(host).services
        await self._hosts[host].look_again(_REREAD)
        facts = self._store.facts(host)
        is_newer = isinstance(facts.services, Known) and facts.services is not before
        return host, facts if is_newer else None

    def _put(self, source: HostFacts, snapshot: ClusterSnapshot, read: dict[HostName, HostFacts | None]) -> None:
        fact = source.peer_ports
        assert isinstance(fact, Known)
        self._attempts_at[source.host] = fact.at
        current = self._store.facts(source.host).peer_ports
        if not isinstance(current, Known) or current.at != fact.at:
            return
        ports = tuple(self._with_start(port, snapshot, read) for port in fact.value)
        if ports != fact.value:
            self._store.put(source.host, "peer_ports", replace(fact, value=ports))

    def _with_start(
        self, port: PeerPort, snapshot: ClusterSnapshot, read: dict[HostName, HostFacts | None]
    ) -> PeerPort:
        starts = [
            started_at(facts, service_behind(self._inventory, port.address, port.port))
            for facts in (read.get(target.host) for target in _targets(snapshot, port))
            if facts is not None
        ]
        return replace(port, process_since=starts[0]) if starts else port


def _targets(snapshot: ClusterSnapshot, port: PeerPort) -> Iterator[HostFacts]:
    """The host whose port was refused, or the owner of the VIP."""
    if port.state is not PortState.REFUSED:
        return
    owners = vip_view(snapshot, Vip(port.address)).owners if port.address in snapshot.vips else ()
    for facts in snapshot.hosts:
        if isinstance(facts.reach, Known) and (facts.address == port.address or facts.host in owners):
            yield facts


def started_at(facts: HostFacts, service: str) -> datetime | None:
    """When the running process of a service was started, by this machine's clock; None where none runs."""
    unit = facts.service(service)
    began = (unit.started or unit.since) if unit is not None and unit.running else None
    return began - timedelta(milliseconds=value_of(facts.clock_offset_ms) or 0.0) if began else None
