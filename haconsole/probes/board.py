"""Where answers are put together: the newest facts of every host, and the snapshot they make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Inventory
from haconsole.model.certificate import TokenKeys
from haconsole.model.hosts import HostFacts
from haconsole.model.lease import Lease
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Failed, Known, NotAsked, Observed, succeed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.probes.due import Fact
from haconsole.probes.essence import same_in_essence


class Board:
    """Written by the probes of one collector, all in one event loop. A failure keeps the value known before it.

    `hostnames` are what hosts call themselves, `etcd_servers` what their API servers were started with: answers of one
    probe that others need.
    """

    def __init__(self, inventory: Inventory, now: Callable[[], datetime], revision: int = 0) -> None:
        self._inventory = inventory
        self._now = now
        self._facts = {
            HostName(host.name): HostFacts(HostName(host.name), host.address, host.roles) for host in inventory.hosts
        }
        self._leases: Observed[tuple[Lease, ...]] = NOT_ASKED
        self.hostnames: dict[str, HostName] = {}
        self.etcd_servers: dict[HostName, tuple[str, ...]] = {}
        self._urgent = asyncio.Event()
        self._told = revision
        self.revision = revision

    def facts(self, host: HostName) -> HostFacts:
        return self._facts[host]

    def put(self, host: HostName, fact: Fact, observed: Observed[Any]) -> None:
        """The newest observation of one fact."""
        before = self._facts[host]
        after = succeed(observed, getattr(before, fact))
        changes: dict[str, Any] = {fact: after}
        self._facts[host] = replace(before, **changes)
        self._mark(urgent=not same_in_essence(getattr(before, fact), after))

    def put_notes(self, host: HostName, notes: tuple[str, ...]) -> None:
        """What is worth saying of a host beside its facts."""
        self._facts[host] = replace(self._facts[host], notes=notes)
        self._mark(urgent=False)

    def put_token_keys(self, host: HostName, keys: tuple[TokenKeys, ...]) -> None:
        """What was heard with the host's certificates of its service-account keys."""
        self._facts[host] = replace(self._facts[host], token_keys=keys)
        self._mark(urgent=False)

    def put_leases(self, observed: Observed[tuple[Lease, ...]]) -> None:
        before, self._leases = self._leases, succeed(observed, self._leases)
        self._mark(urgent=not same_in_essence(before, self._leases))

    def fail(self, host: HostName, facts: Iterable[Fact], failed: Failed[Any]) -> None:
        """One reason for many facts: the host itself does not answer."""
        for fact in facts:
            self.put(host, fact, failed)

    def unanswered(self, host: HostName, facts: Iterable[Fact]) -> tuple[Fact, ...]:
        """Those of `facts` that nothing was heard of yet."""
        return tuple(fact for fact in facts if isinstance(getattr(self._facts[host], fact), NotAsked))

    @property
    def leases_unanswered(self) -> bool:
        return isinstance(self._leases, NotAsked)

    def snapshot(self) -> ClusterSnapshot:
        """All that is known now."""
        return ClusterSnapshot(
            cluster=self._inventory.cluster,
            revision=self.revision,
            observed_at=self._now(),
            hosts=tuple(self._facts.values()),
            vips=vip_addresses(self._inventory),
            leases=self._leases_by_their_clocks(),
        )

    async def changed(self, patience_s: float) -> None:
        """Return once something was put that matters, or `patience_s` after anything was, or `wake` was called."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._urgent.wait()
            if self._urgent.is_set() or self._told != self.revision:
                break
        self._urgent.clear()
        self._told = self.revision

    def wake(self) -> None:
        """Have `changed` return though nothing was put."""
        self._urgent.set()

    def _leases_by_their_clocks(self) -> Observed[tuple[Lease, ...]]:
        """The leases with what is known of their holders' clocks; for a holder elsewhere, the hosts' usual offset."""
        told = self._leases
        known = {host: value_of(facts.clock_offset_ms) for host, facts in self._facts.items()}
        offsets = {host: offset / 1000 for host, offset in known.items() if offset is not None}
        if not offsets or not isinstance(told, Known):
            return told
        usual = sorted(offsets.values())[len(offsets) // 2]
        return replace(
            told,
            value=tuple(
                replace(each, clock_ahead_s=offsets.get(each.host, usual) if each.host else usual)
                for each in told.value
            ),
        )

    def _mark(self, *, urgent: bool) -> None:
        self.revision += 1
        if urgent:
            self._urgent.set()
