"""Finds haproxy's servers by the host and port that they forward to: each site names them as it likes."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from haconsole.model.haproxy import AdminState, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Failed, Known

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServerPlace(msgspec.Struct, frozen=True):
    """A server and the backend it is in."""

    backend: str
    server: HaproxyServer

    @property
    def name(self) -> str:
        """``BACKEND/SERVER``, as haproxy's runtime API takes it."""
        return f"{self.backend}/{self.server.name}"


def servers_at(facts: HaproxyFacts, addresses: Collection[str]) -> tuple[ServerPlace, ...]:
    """The servers at one of `addresses` (``ADDRESS:PORT``), in any backend."""
    return tuple(
        ServerPlace(backend.name, server)
        for backend in facts.backends
        for server in backend.servers
        if server.address in addresses
    )


def servers_named(facts: HaproxyFacts, backend: str, server: str) -> tuple[ServerPlace, ...]:
    """The server of that name, or none."""
    backends = (one for one in facts.backends if one.name == backend)
    return tuple(ServerPlace(backend, each) for one in backends for each in one.servers if each.name == server)


def other_servers(facts: HaproxyFacts, places: tuple[ServerPlace, ...]) -> tuple[HaproxyServer, ...]:
    """The replacements of `places`: the other servers of their backends that are up and ready."""
    out = {place.name for place in places}
    backends = {place.backend for place in places}
    return tuple(
        server
        for backend in facts.backends
        if backend.name in backends
        for server in backend.servers
        if f"{backend.name}/{server.name}" not in out and server.up and server.admin_state is AdminState.READY
    )


def addresses_of(facts: HostFacts) -> frozenset[str]:
    """The host's name and its addresses as last known, without loopback."""
    fact = facts.addresses.last if isinstance(facts.addresses, Failed) else facts.addresses
    own = fact.value if isinstance(fact, Known) else ()
    return frozenset({facts.host, facts.address, *(entry.address for entry in own)} - {*LOOPBACK})


def is_server_of(server: HaproxyServer, facts: HostFacts, vips: Collection[str]) -> bool:
    """Whether haproxy's server is at an address of the host; `vips` belong to no host."""
    host = server.address.rpartition(":")[0].strip("[]")
    return host in addresses_of(facts) - {*vips}
