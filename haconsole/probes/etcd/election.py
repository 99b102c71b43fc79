"""The time of an election, from the log of a member: a query sees a new leader only when it is repeated."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from haconsole.inventory.schema import Host
from haconsole.model.etcd import Election, EtcdEndpoint
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, MemberId
from haconsole.model.observed import value_of
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.fact_store import FactStore
from haconsole.probes.script import ARGV, Section, SectionAnswer, answers, render, with_arguments
from haconsole.scripts import load_script
from haconsole.transport.base import TransportError

_AT_LEAST_EVERY_S = 2.0
_SECONDS = re.compile(r"[0-9]{9,11}(\.[0-9]{1,9})?", re.ASCII)


class ElectionProbe:
    """Watches the members' reports, and reads the log of one of them when they report another leader."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        self._hosts = context.inventory.with_role(Role.ETCD)
        self._known: tuple[int, MemberId] | None = None

    async def follow(self) -> None:
        """For as long as nobody cancels it. The first leader was elected before anybody watched."""
        while self._hosts:
            await self.look()
            await self._store.changes.until_urgent(_AT_LEAST_EVERY_S)

    async def look(self) -> None:
        """Read a log if the leader has changed since the last look."""
        newest = max(self._reports(), default=None)
        if newest is None or (self._known is not None and newest <= self._known):
            return
        before, self._known = self._known, newest
        if before is not None:
            await self._read(*newest)

    def _reports(self) -> list[tuple[int, MemberId]]:
        endpoints = (self._endpoint(host) for host in self._hosts)
        return [(each.raft_term, each.leader_id) for each in endpoints if each and each.leader_id]

    def _endpoint(self, host: Host) -> EtcdEndpoint | None:
        return value_of(self._store.facts(HostName(host.name)).etcd)

    async def _read(self, term: int, leader: MemberId) -> None:
        """The leader's own log, otherwise that of another member."""

        def is_other(host: Host) -> bool:
            endpoint = self._endpoint(host)
            return endpoint is None or endpoint.member_id != leader

        for host in sorted(self._hosts, key=is_other):
            at = await self._elected_at(host, term)
            if at is not None:
                self._store.shared.put_election(Election(leader, term, at))
                return

    async def _elected_at(self, host: Host, term: int) -> datetime | None:
        unit = self._context.layout.etcd.unit
        source = ("unit", f"{unit.removesuffix('.service')}.service") if unit else ("pod", "etcd")
        section = Section("election", with_arguments(load_script("etcd-election"), str(term), *source))
        with suppress(TransportError, ProbeError):
            result = await self._context.transport(host).run(
                ARGV, stdin=render((section,)), root=True, deadline_s=self._context.timings.fact_s
            )
            times = [parse(answer) for answer in answers(result.stdout)]
            offset_ms = value_of(self._store.facts(HostName(host.name)).clock_offset_ms) or 0.0
            return next((at - timedelta(milliseconds=offset_ms) for at in times if at is not None), None)
        return None


def parse(answer: SectionAnswer) -> datetime | None:
    """The time by the host's clock; None where the log has no such entry."""
    text = require(answer, "reading the election").strip()
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        at = datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]*", r"\1", text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
