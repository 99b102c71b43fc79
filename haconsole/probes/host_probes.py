"""All queries of one host: its script, certificates, etcd and API server."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import FactName, Reach, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Known
from haconsole.model.roles import LOCK_ROLES
from haconsole.probes.api_probe import apiserver_probe, etcd_probe
from haconsole.probes.certificate.probe import CertificateProbe
from haconsole.probes.context import ClusterContext
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_script import HostScript, script_queries
from haconsole.probes.hosts import events
from haconsole.probes.hosts.clock import ClockProbe
from haconsole.probes.hosts.exposures import programs_of
from haconsole.probes.hosts.services import runs_kubelet, units_of
from haconsole.probes.hosts.static_pods import pods_of
from haconsole.probes.observe import Probe, first_transport_error
from haconsole.probes.side_queries import side_queries
from haconsole.transport.base import TransportError

_LOOKS = 6
"""Checks for an answer within the time after which a host counts as silent."""


def probes_for(
    context: ClusterContext, store: FactStore, host: Host, expected: tuple[FactName, ...]
) -> tuple[Probe, ...]:
    """The probes, besides the script, of what only `host` itself can report."""
    known: dict[FactName, Probe] = {
        "clock_offset_ms": ClockProbe(context, store, host),
        "certificates": CertificateProbe(context, store, host),
    }
    return tuple(probe for fact, probe in known.items() if fact in expected)


def api_probes_for(
    context: ClusterContext, store: FactStore, host: Host, expected: tuple[FactName, ...]
) -> tuple[Probe, ...]:
    """The probes of what other hosts can query too, so that they outlive the connection to `host`."""
    known: dict[FactName, Probe] = {
        "etcd": etcd_probe(context, store, host),
        "apiserver": apiserver_probe(context, store, host),
    }
    return tuple(probe for fact, probe in known.items() if fact in expected)


ASKED_ELSEWHERE: tuple[FactName, ...] = ("etcd", "apiserver")


class HostProbes:
    """The probes of one host; their facts go to the store."""

    def __init__(
        self,
        context: ClusterContext,
        store: FactStore,
        host: Host,
        *,
        certificates: bool,
        thorough: bool = False,
        platform: bool = False,
        readings: bool = False,
    ) -> None:
        self._context, self._store, self._host = context, store, host
        self._name = HostName(host.name)
        self._due = expected_facts(context.layout, host, certificates=certificates, thorough=thorough)
        if platform and "system" in self._due:
            self._due = (*self._due, "platform")
        store.expect(self._name, self._due)
        self._usage: tuple[FactName, ...] = ("usage",) if readings and "system" in self._due else ()
        asks = script_queries(context, host, (*self._due, *self._usage))
        self._script = HostScript(context, store, host, asks, side_queries(store, host, self._due))
        self._probes = probes_for(context, store, host, self._due)
        self._apis = api_probes_for(context, store, host, self._due)

    @property
    def name(self) -> HostName:
        return self._name

    async def once(self) -> None:
        """Query everything once, in parallel. Every failure becomes a failed fact."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._host_once())
            for probe in self._apis:
                group.create_task(probe.once())

    async def look_again(self, sections: tuple[str, ...]) -> None:
        """Query these sections of the host's script once more; what is known stays where that fails."""
        await self._script.look_again(sections, keeps_known=True)

    async def follow_apis(self) -> None:
        """Watch what other hosts can query too, for as long as nobody cancels it."""
        async with asyncio.TaskGroup() as group:
            for probe in self._apis:
                group.create_task(probe.follow())

    async def _host_once(self) -> None:
        try:
            self._put_reach(await self._context.transport(self._host).connect())
        except TransportError as error:
            self.connection_lost(error)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._script_once())
            for probe in self._probes:
                group.create_task(probe.once())
        with suppress(TransportError):
            self._put_reach(await self._context.transport(self._host).connect())

    def give_up(self, seconds: float) -> None:
        """Facts that are still missing now are not awaited."""
        for fact in self._store.missing_facts(self._name, self._due):
            self._store.put(self._name, fact, self._context.late(self._host, fact, seconds))

    async def follow(self) -> None:
        """Watch the host until it is lost (TransportError). Other failures of a fact are retried by its probe."""
        reach = await self._context.transport(self._host).connect()
        losses: BaseExceptionGroup[TransportError] | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._heart(reach))
                group.create_task(self._notice_silence())
                for probe in self._probes:
                    group.create_task(probe.follow())
        except* TransportError as errors:
            losses = errors
        if losses is not None:
            raise first_transport_error(losses)

    def connection_lost(self, error: TransportError) -> None:
        """The host does not answer: what only it can report fails for that reason and keeps its last value."""
        facts = tuple(fact for fact in (*self._due, *self._usage) if fact not in ASKED_ELSEWHERE)
        self._store.fail(self._name, facts, self._context.failed(self._host, "ssh", error))

    async def _script_once(self) -> None:
        if not self._script.facts:
            return
        try:
            async with asyncio.timeout(self._context.timings.fact_s):
                await self._script.once()
        except TimeoutError:
            for fact in self._store.missing_facts(self._name, self._script.facts):
                self._store.put(self._name, fact, self._context.late(self._host, fact, self._context.timings.fact_s))
        except TransportError as error:
            failure = self._context.failed(self._host, "ssh", error)
            self._store.fail(self._name, self._store.missing_facts(self._name, self._script.facts), failure)

    async def _heart(self, reach: Reach) -> None:
        """The proof that the host is there: the script's rounds, or the connection if only that is queried."""
        if self._script.facts:
            await self._script.follow(lambda: self._put_reach(reach))
        while not self._script.facts:
            self._put_reach(await self._context.transport(self._host).connect())
            await asyncio.sleep(self._context.timings.retry_most_s)
        raise TransportError(self._name, Cause.CONNECTION_LOST, "the watching script on the host ended")

    async def _notice_silence(self) -> None:
        """Mark the host as silent once no answer came from it for its pace's `late_s`.

        Looks are counted, not seconds: a console that was stopped or stalled meanwhile finds no host silent for that.
        """
        if not self._script.facts:
            return
        newest, quiet = self._store.newest_answer(self._name), 0
        while True:
            late_s = self._script.pace.late_s
            await asyncio.sleep(late_s / _LOOKS)
            before, newest = newest, self._store.newest_answer(self._name)
            quiet = quiet + 1 if newest == before else 0
            if quiet >= _LOOKS:
                error = TransportError(self._name, Cause.TIMED_OUT, f"no answer for {late_s:g} s")
                self._store.put_silent(self._name, self._context.failed(self._host, "ssh", error))

    def _put_reach(self, reach: Reach) -> None:
        self._store.put(self._name, "reach", self._context.known(reach))


class UsageProbe:
    """Reads the load of one host, and nothing else of it; nothing of a bastion or of a host that is not reached."""

    def __init__(self, context: ClusterContext, store: FactStore, host: Host) -> None:
        self._context, self._store, self._host = context, store, host
        due: tuple[FactName, ...] = ("usage",) if expected_facts(context.layout, host, certificates=False)[1:] else ()
        self._script = HostScript(context, store, host, script_queries(context, host, due), ())

    async def once(self) -> None:
        if not self._script.facts or not isinstance(self._store.facts(HostName(self._host.name)).reach, Known):
            return
        try:
            await self._script.once()
        except TransportError as error:
            failed = self._context.failed(self._host, "ssh", error)
            self._store.fail(HostName(self._host.name), self._script.facts, failed)


def expected_facts(layout: Layout, host: Host, *, certificates: bool, thorough: bool = False) -> tuple[FactName, ...]:
    """The facts that the roles of `host` call for; of a bastion only that it can be reached.

    `thorough` adds facts that cost a host more.
    """
    facts: list[FactName] = ["reach"]
    roles = set(host.roles)
    if roles <= {Role.BASTION}:
        return tuple(facts)
    facts += ["clock_offset_ms", "addresses", "disks", "old_files", "system"]
    if units_of(layout, host):
        facts.append("services")
    if Role.ETCD in roles:
        facts.append("etcd")
    if Role.LOAD_BALANCER in roles:
        facts += _of_balancers(layout)
    if Role.CONTROL_PLANE in roles and layout.kubernetes:
        facts.append("apiserver")
    if runs_kubelet(layout, host):
        facts.append("kubelet")
    if roles & set(LOCK_ROLES):
        facts.append("lock")
    if thorough:
        facts += _costly(layout, host)
    if certificates and (certificate_files(layout, host) or (layout.kubernetes and Role.WORKER in roles)):
        facts.append("certificates")
    return tuple(facts)


def _of_balancers(layout: Layout) -> tuple[FactName, ...]:
    facts: list[FactName] = []
    if layout.keepalived:
        facts.append("keepalived")
    if layout.haproxy:
        facts.append("haproxy")
    return (*facts, "balancer_files") if facts else ()


def _costly(layout: Layout, host: Host) -> tuple[FactName, ...]:
    roles = set(host.roles)
    configs: tuple[FactName, ...] = (
        ("configs",) if Role.LOAD_BALANCER in roles and (layout.haproxy or layout.keepalived) else ()
    )
    ports: tuple[FactName, ...] = ("peer_ports",) if roles & {Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER} else ()
    setup: tuple[FactName, ...] = ("unit_setup",) if units_of(layout, host) else ()
    logs: tuple[FactName, ...] = ("events",) if events.sources(units_of(layout, host), pods_of(layout, host)) else ()
    open_to_all: tuple[FactName, ...] = ("exposures",) if programs_of(layout, host) else ()
    flags: tuple[FactName, ...] = ("component_flags",) if layout.kubernetes and Role.CONTROL_PLANE in roles else ()
    return (*configs, *ports, *setup, *logs, *open_to_all, *flags)
