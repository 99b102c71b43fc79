"""Discovers a cluster over SSH: first one host, then the control plane, etcd and the API, then all other hosts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from haconsole.errors import UsageError
from haconsole.inventory.importers.draft import Draft, HostDraft, write
from haconsole.inventory.load import examine
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.probes.discovery.ask import api_servers, ask_others, inventory_of, log_in, read_host
from haconsole.probes.discovery.control_plane import find_control_plane
from haconsole.probes.discovery.draft import address_among, draft_of, own_address
from haconsole.probes.discovery.endpoint import with_balancer
from haconsole.probes.discovery.host_report import HostReport, Others
from haconsole.transport.base import Fleet, HostTransport, TransportError
from haconsole.transport.ssh import SshFleet
from haconsole.transport.terminal import TerminalAnswers

_ONLY = HostName("host")
_UNKNOWN = "192.0.2.1"
"""The address of a host of which only the login is known."""
_Drawn = Callable[[Others], Draft]


class StartHost(msgspec.Struct, frozen=True):
    """The host where discovery starts, and the way to it and to all others."""

    name: str
    ssh: dict[str, str | int | None]
    jump: str | None
    answers: TerminalAnswers


async def discovered(start: StartHost, command: str) -> Draft:
    """The draft of the inventory; `command` is the one that a person typed."""
    async with AsyncExitStack() as fleets:
        try:
            return await _Discovery(start, fleets).draft(f"what {start.name} reports about its cluster ({command})")
        except TransportError as error:
            what = error.what.removeprefix(f"{error.host}: ")
            name = HostName(start.name) if error.host == _ONLY else error.host
            raise TransportError(name, error.cause, what, hint=error.hint) from None


class _Discovery(msgspec.Struct, frozen=True):
    """`fleets` are closed at the end."""

    start: StartHost
    fleets: AsyncExitStack

    async def draft(self, source: str) -> Draft:
        start, first = self.start, self._reach(_UNKNOWN, self.start.name)
        draw = partial(draft_of, source=source, ssh=start.ssh, jump=start.jump, reached_by=start.name)
        report = await read_host(first.host(_ONLY))
        of_etcd = await api_servers(report, draw(report, Others((), ())), first, _ONLY)
        search = await find_control_plane(report, first.host(_ONLY), self._at, of_etcd)
        plane = search.report or report
        way = self._reach(own_address(plane), own_address(plane)) if search.report else first
        of_plane = partial(draw, plane, named=report)
        others = await ask_others(plane, of_plane(Others((), ())), way, _ONLY)
        others = replace(others, notes=(*search.notes, *others.notes))
        if search.report:
            others = replace(others, hosts={address_among(others.nodes, report): report})
        return of_plane(await self._with_all_hosts(plane, others, of_plane))

    async def _with_all_hosts(self, plane: HostReport, others: Others, draw: _Drawn) -> Others:
        """The others with the reports of all hosts with a login, the balancers behind the endpoint among them."""
        own = own_address(plane)
        others = await self._with_reports(others, draw, frozenset({own}))
        known = frozenset(host.address for host in inventory_of(draw(others)).hosts)
        balanced = await with_balancer(plane, others, known, self._named)
        if balanced.hosts == others.hosts:
            return balanced
        return await self._with_reports(balanced, draw, known | {own})

    async def _with_reports(self, others: Others, draw: _Drawn, tried: frozenset[str]) -> Others:
        """The others with the reports of all hosts of the draft that have none and were not `tried`."""
        inventory = inventory_of(draw(others))
        fleet = SshFleet(inventory, self.start.answers)
        self.fleets.push_async_callback(fleet.close)
        there = [host for host in inventory.hosts if host.address not in tried | others.hosts.keys()]
        hosts, silent = await log_in(there, fleet)
        return replace(others, hosts={**others.hosts, **hosts}, notes=(*others.notes, *silent))

    def _at(self, address: str) -> HostTransport:
        return self._reach(address, address).host(_ONLY)

    def _named(self, name: str) -> HostTransport:
        """The way to an address or a DNS name."""
        return self._reach(_UNKNOWN, name).host(_ONLY)

    def _reach(self, address: str, ssh_address: str) -> Fleet:
        """A fleet of one host."""
        host = HostDraft("host", address, ("etcd",), ssh=self.start.ssh, ssh_address=ssh_address)
        fleet = SshFleet(_usable(Draft("", "found", (host,), jump=self.start.jump)), self.start.answers)
        self.fleets.push_async_callback(fleet.close)
        return fleet


def _usable(draft: Draft) -> Inventory:
    """The draft as an inventory; its mistakes come from an argument."""
    examined = examine(write(draft), "<arguments>", Path("/"))
    if examined.inventory is None:
        raise UsageError("; ".join(f"{problem.what}; {problem.hint}" for problem in examined.errors))
    return examined.inventory
