"""The processes behind refused ports are read after the attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from haconsole.model.hosts import InterfaceAddress, ServiceState
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.system import PeerPort, PortState
from haconsole.probes.fact_store import FactStore
from haconsole.probes.refused_ports import RefusedPorts
from tests.fakes.cluster import INVENTORY, NAMES, NOW, VIP, host, units

REFUSED, SILENT = PortState.REFUSED, PortState.SILENT
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(seconds=3)
ETCD, ENDPOINT = PeerPort("10.99.0.12", 2380, REFUSED), PeerPort(VIP, 8443, REFUSED)


@dataclass
class Reread:
    """One host; `later` are its services when they are read again, None: it does not answer."""

    name: HostName
    store: FactStore
    later: Callable[[], tuple[ServiceState, ...] | None]
    reads: int = 0

    async def look_again(self, sections: tuple[str, ...]) -> None:
        assert "services" in sections
        self.reads += 1
        states = self.later()
        if states is not None:
            self.store.put(self.name, "services", Known(states, LATER))


def running(started: datetime, **active: str) -> tuple[ServiceState, ...]:
    return tuple(replace(unit, started=started) for unit in units(**active))


def stored(*ports: PeerPort) -> FactStore:
    """The facts of a healthy cluster, with the attempts of cp1; the VIP is on cp1."""
    store = FactStore(INVENTORY, lambda: NOW)
    for n, name in enumerate(NAMES, 1):
        for fact, observed in host(n).facts():
            store.put(name, fact, observed)
        store.put(name, "services", Known(running(EARLIER), NOW))
        store.put(name, "clock_offset_ms", Known(0.0, NOW))
        store.expect(name, ("peer_ports",))
        store.put(name, "peer_ports", Known(ports if n == 1 else (), NOW))
    return store


async def starts(
    store: FactStore, later: Callable[[], tuple[ServiceState, ...] | None]
) -> tuple[list[datetime | None], dict[str, int]]:
    """The starts that were added to the ports of cp1, and how often each host was read."""
    hosts = [Reread(name, store, later) for name in NAMES]
    await RefusedPorts(INVENTORY, store, hosts).once()
    fact = store.facts(NAMES[0]).peer_ports
    assert isinstance(fact, Known)
    assert fact.at == NOW, "the time of the attempt stays"
    return [port.process_since for port in fact.value], {one.name: one.reads for one in hosts}


async def test_a_process_that_still_runs_keeps_its_start() -> None:
    since, reads = await starts(stored(ETCD), lambda: running(EARLIER))
    assert since == [EARLIER]
    assert reads == {"cp1": 0, "cp2": 1, "cp3": 0}, "only the host of the refused port is read"


async def test_a_process_that_was_restarted_has_its_new_start() -> None:
    since, _ = await starts(stored(ETCD), lambda: running(LATER))
    assert since == [LATER]


async def test_a_process_that_is_stopped_has_no_start() -> None:
    since, _ = await starts(stored(ETCD), lambda: running(EARLIER, etcd="deactivating"))
    assert since == [None], "its port is closed although its process still exists"


async def test_a_host_that_does_not_report_proves_nothing() -> None:
    since, _ = await starts(stored(ETCD), lambda: None)
    assert since == [None]


async def test_the_start_is_by_this_machines_clock() -> None:
    store = stored(ETCD)
    store.put(NAMES[1], "clock_offset_ms", Known(60_000.0, NOW))
    since, _ = await starts(store, lambda: running(EARLIER))
    assert since == [EARLIER - timedelta(minutes=1)]


async def test_a_vip_is_the_balancer_of_its_owner() -> None:
    store = stored(ENDPOINT)
    since, reads = await starts(store, lambda: running(EARLIER, etcd="inactive"))
    assert since == [EARLIER]
    assert reads == {"cp1": 1, "cp2": 0, "cp3": 0}
    assert InterfaceAddress("eth0", VIP, 24) in (value_of(store.facts(NAMES[0]).addresses) or ())


async def test_open_and_silent_ports_cost_no_query() -> None:
    ports = (PeerPort("10.99.0.12", 2380, PortState.OPEN), PeerPort("10.99.0.13", 2380, SILENT))
    since, reads = await starts(stored(*ports), lambda: running(EARLIER))
    assert since == [None, None]
    assert not any(reads.values())
