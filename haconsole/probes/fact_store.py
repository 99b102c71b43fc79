"""The newest facts of every host and of the cluster, their snapshot, and the signal that one of them changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from msgspec.structs import replace

from haconsole.inventory.effective import external_etcd_urls, leased_vip, watched_vips
from haconsole.inventory.schema import Inventory
from haconsole.model.certificate import TokenKeys
from haconsole.model.etcd import Election, EtcdEndpoint, ExternalEndpoint
from haconsole.model.hosts import READINGS, EndpointAnswers, FactName, HostFacts
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.lease import Lease
from haconsole.model.metrics import DiskWrites, EtcdMetrics, disk_writes
from haconsole.model.names import HostName
from haconsole.model.node import NodeState
from haconsole.model.observed import NOT_ASKED, Failed, Known, NotAsked, Observed, succeed, value_of
from haconsole.model.snapshot import ClusterSnapshot, PendingFact
from haconsole.probes.significance import insignificantly_different


class ChangeSignal:
    """Counts changes in `revision`, and wakes the reader of snapshots for those that matter."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self._reported_revision = revision
        self._urgent = asyncio.Event()
        self._next_urgent = asyncio.Event()

    def mark(self, *, urgent: bool) -> None:
        """Something was put; `urgent` if it matters."""
        self.revision += 1
        if urgent:
            self._urgent.set()
            self._next_urgent.set()
            self._next_urgent = asyncio.Event()

    async def until_urgent(self, patience_s: float) -> None:
        """Return after `patience_s`, or as soon as something is put that matters."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._next_urgent.wait()

    def wake(self) -> None:
        """Have `wait` return though nothing was put."""
        self._urgent.set()

    async def wait(self, patience_s: float) -> None:
        """Return once something was put that matters, or `patience_s` after anything was, or `wake` was called."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._urgent.wait()
            if self._urgent.is_set() or self._reported_revision != self.revision:
                break
        self._urgent.clear()
        self._reported_revision = self.revision


class SharedFacts:
    """The facts of the cluster that belong to no single host: leases, nodes, and an etcd at `etcd_urls` outside."""

    def __init__(self, changes: ChangeSignal, etcd_urls: tuple[str, ...] = ()) -> None:
        self._changes = changes
        self._external_etcd: dict[str, Observed[EtcdEndpoint]] = dict.fromkeys(etcd_urls, NOT_ASKED)
        self._leases: Observed[tuple[Lease, ...]] = NOT_ASKED
        self._nodes: Observed[tuple[NodeState, ...]] = NOT_ASKED
        self._leases_due = False
        self.kubeadm: Observed[ClusterConfiguration | None] = NOT_ASKED
        self.endpoint_ms: Observed[float] = NOT_ASKED
        self.election: Election | None = None

    def put_election(self, election: Election) -> None:
        """The last election that a member logged."""
        self.election = election
        self._changes.mark(urgent=True)

    def put_endpoint_ms(self, observation: Observed[float]) -> None:
        """The time of a request through the endpoint, or why there is none."""
        self.endpoint_ms = succeed(observation, self.endpoint_ms)
        self._changes.mark(urgent=False)

    def expect_leases(self) -> None:
        """Leases are pending until they are first put."""
        self._leases_due = True

    def put_leases(self, observation: Observed[tuple[Lease, ...]]) -> None:
        before, self._leases = self._leases, succeed(observation, self._leases)
        self._changes.mark(urgent=not insignificantly_different(before, self._leases))

    def confirm_leases(self, at: datetime) -> None:
        """The leases were still the same at `at`: the server that reports their changes was alive."""
        if isinstance(self._leases, Known) and self._leases.at < at:
            self._leases = replace(self._leases, at=at)
            self._changes.mark(urgent=False)

    def put_nodes(self, observation: Observed[tuple[NodeState, ...]]) -> None:
        before, self._nodes = self._nodes, succeed(observation, self._nodes)
        self._changes.mark(urgent=not insignificantly_different(before, self._nodes))

    def put_kubeadm(self, observation: Observed[ClusterConfiguration | None]) -> None:
        before, self.kubeadm = self.kubeadm, succeed(observation, self.kubeadm)
        self._changes.mark(urgent=not insignificantly_different(before, self.kubeadm))

    def put_external_etcd(self, url: str, observation: Observed[EtcdEndpoint]) -> None:
        """The report of an endpoint of an etcd outside the inventory."""
        before = self._external_etcd[url]
        after = self._external_etcd[url] = succeed(observation, before)
        self._changes.mark(urgent=not insignificantly_different(before, after))

    def external_etcd_missing(self, url: str) -> bool:
        return isinstance(self._external_etcd[url], NotAsked)

    @property
    def external_etcd(self) -> tuple[ExternalEndpoint, ...]:
        return tuple(ExternalEndpoint(url, fact) for url, fact in self._external_etcd.items())

    def is_missing(self, fact: Literal["leases", "nodes"]) -> bool:
        return isinstance(self._leases if fact == "leases" else self._nodes, NotAsked)

    @property
    def pending(self) -> tuple[PendingFact, ...]:
        return (PendingFact(None, "leases"),) if self._leases_due and self.is_missing("leases") else ()

    def nodes(self, offsets_s: Mapping[HostName, float]) -> Observed[tuple[NodeState, ...]]:
        """The nodes with the offsets of their hosts' clocks, as far as these are known."""
        nodes = self._nodes
        if not isinstance(nodes, Known):
            return nodes
        states = (
            replace(each, clock_ahead_s=offsets_s.get(each.host, 0.0)) if each.host else each for each in nodes.value
        )
        return replace(nodes, value=tuple(states))

    def leases(self, offsets_s: Mapping[HostName, float]) -> Observed[tuple[Lease, ...]]:
        """The leases with what is known of their holders' clocks; for a holder elsewhere, the hosts' usual offset."""
        leases = self._leases
        if not isinstance(leases, Known):
            return leases
        usual = sorted(offsets_s.values())[len(offsets_s) // 2] if offsets_s else 0.0
        return replace(
            leases,
            value=tuple(
                replace(each, clock_ahead_s=offsets_s.get(each.host, usual) if each.host else usual, read_at=leases.at)
                for each in leases.value
            ),
        )


_METRICS_KEPT_S = 60.0


class LastMetrics:
    """The readings of a member's metrics of the last minute."""

    def __init__(self) -> None:
        self._readings: deque[EtcdMetrics] = deque()

    def add(self, reading: Observed[EtcdMetrics]) -> DiskWrites | None:
        """The writes between the oldest reading and this one."""
        if not isinstance(reading, Known):
            self._readings.clear()
            return None
        self._readings.append(reading.value)
        while reading.value.clock_s - self._readings[0].clock_s > _METRICS_KEPT_S:
            self._readings.popleft()
        return disk_writes(self._readings[0], reading.value)


class FactStore:
    """Written by the probes of one collector, all in one event loop. A failure keeps the value known before it.

    `hostnames` are what hosts call themselves, `etcd_servers` what their API servers were started with: answers of one
    probe that others need. `shared` are the facts of no single host, `changes` the signal for readers.
    """

    def __init__(self, inventory: Inventory, now: Callable[[], datetime], revision: int = 0) -> None:
        self._inventory = inventory
        self._now = now
        self._facts = {
            HostName(host.name): HostFacts(HostName(host.name), host.address, host.roles) for host in inventory.hosts
        }
        self.changes = ChangeSignal(revision)
        self.shared = SharedFacts(self.changes, external_etcd_urls(inventory))
        self.hostnames: dict[str, HostName] = {}
        self.etcd_servers: dict[HostName, tuple[str, ...]] = {}
        self._due: dict[HostName, tuple[FactName, ...]] = {}
        self._metrics: dict[HostName, LastMetrics] = defaultdict(LastMetrics)
        self._silent: dict[HostName, Failed[Any]] = {}
        self._newest: dict[HostName, datetime] = {}
        self.apiserver_flags: dict[HostName, tuple[tuple[str, str], ...]] = {}

    def facts(self, host: HostName) -> HostFacts:
        return self._facts[host]

    def expect(self, host: HostName, facts: Iterable[FactName]) -> None:
        """These facts of `host` are pending until they are first put."""
        self._due[host] = tuple(facts)

    def newest_answer(self, host: HostName) -> datetime | None:
        """The time of the newest fact that the host itself reported."""
        return self._newest.get(host)

    def put_silent(self, host: HostName, failed: Failed[Any]) -> None:
        """Nothing comes from `host`: until something does, snapshots have its known facts as `failed`."""
        if host not in self._silent:
            self._silent[host] = failed
            self.changes.mark(urgent=True)

    def is_silent(self, host: HostName) -> bool:
        return host in self._silent

    def put(self, host: HostName, fact: FactName, observation: Observed[Any]) -> None:
        """The newest observation of one fact."""
        if isinstance(observation, Known):
            if not observation.via:
                self._newest[host] = max(observation.at, self._newest.get(host, observation.at))
            if self._silent.pop(host, None) is not None:
                self.changes.mark(urgent=True)
        before = self._facts[host]
        after = succeed(observation, getattr(before, fact))
        changes: dict[str, Any] = {fact: after}
        if fact == "addresses" and isinstance(after, Known) and _moved(before.addresses, after):
            changes["addresses_since"] = after.at
        if fact == "addresses" and isinstance(after, Known) and _last(before.addresses) != after.value:
            changes["addresses_held_since"] = after.at
        if fact == "etcd_metrics":
            changes["disk_writes"] = self._metrics[host].add(after)
        self._facts[host] = replace(before, **changes)
        can_wait = fact in READINGS or insignificantly_different(getattr(before, fact), after)
        self.changes.mark(urgent=not can_wait)

    def put_notes(self, host: HostName, notes: tuple[str, ...]) -> None:
        """Notes about a host beside its facts."""
        self._facts[host] = replace(self._facts[host], notes=notes)
        self.changes.mark(urgent=False)

    def put_token_keys(
        self, host: HostName, keys: tuple[TokenKeys, ...], endpoint: EndpointAnswers | None = None
    ) -> None:
        """The host's service-account keys and the endpoint's certificates, read with the host's certificates."""
        self._facts[host] = replace(self._facts[host], token_keys=keys, endpoint_answers=endpoint)
        self.changes.mark(urgent=False)

    def fail(self, host: HostName, facts: Iterable[FactName], failure: Failed[Any]) -> None:
        """One reason for many facts: the host itself does not answer."""
        for fact in facts:
            self.put(host, fact, failure)

    def missing_facts(self, host: HostName, facts: Iterable[FactName]) -> tuple[FactName, ...]:
        """Those of `facts` that nothing was heard of yet."""
        return tuple(fact for fact in facts if isinstance(getattr(self._facts[host], fact), NotAsked))

    def snapshot(self) -> ClusterSnapshot:
        """All that is known now."""
        return ClusterSnapshot(
            cluster=self._inventory.cluster,
            revision=self.changes.revision,
            observed_at=self._now(),
            hosts=tuple(self._current(facts) for facts in self._facts.values()),
            vips=watched_vips(self._inventory),
            leased_vip=leased_vip(self._inventory),
            external_etcd=self.shared.external_etcd,
            leases=self.shared.leases(self._clock_offsets_s()),
            nodes=self.shared.nodes(self._clock_offsets_s()),
            kubeadm=self.shared.kubeadm,
            pending=(*(PendingFact(*each) for each in self.pending_facts()), *self.shared.pending),
            endpoint_ms=self.shared.endpoint_ms,
            election=self.shared.election,
        )

    def _current(self, facts: HostFacts) -> HostFacts:
        """The host's facts; those of a silent host are remembered, not known."""
        silent = self._silent.get(facts.host)
        if silent is None:
            return facts
        every = (*facts.facts(), *facts.readings())
        known = {name: fact for name, fact in every if isinstance(fact, Known) and not fact.via}
        changes: dict[str, Any] = {name: replace(silent, last=fact) for name, fact in known.items()}
        return replace(facts, **changes)

    def pending_facts(self) -> tuple[tuple[HostName, FactName], ...]:
        """Expected facts of hosts that were not put yet."""
        return tuple((host, fact) for host, due in self._due.items() for fact in self.missing_facts(host, due))

    def _clock_offsets_s(self) -> dict[HostName, float]:
        """The known offsets of the hosts' clocks."""
        known = {host: value_of(facts.clock_offset_ms) for host, facts in self._facts.items()}
        return {host: offset / 1000 for host, offset in known.items() if offset is not None}


def _moved(before: Observed[Any], after: Known[Any]) -> bool:
    """Whether the addresses are others than the last known ones."""
    last = _last(before)
    return last is not None and last != after.value


def _last(fact: Observed[Any]) -> Any:
    """The last known value, None where there is none."""
    known = fact if isinstance(fact, Known) else fact.last if isinstance(fact, Failed) else None
    return known.value if known else None
