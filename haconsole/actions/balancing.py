"""The balancers that send to an API server, found by its addresses, and those that cannot be queried."""

from __future__ import annotations

from ipaddress import ip_address

import msgspec

from haconsole.configs.layout import layout
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.haproxy import AdminState, HaproxyFacts
from haconsole.model.haproxy_view import ServerPlace, other_servers, servers_at
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed, reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot

SENDS_NOTHING = (Cause.NOT_RUNNING, Cause.NOT_INSTALLED)
"""The reason why a haproxy that sends to no server anyway cannot be queried."""


class Servers(msgspec.Struct, frozen=True):
    """An API server as balancers list it: its addresses, and its names on the first balancer that has it."""

    backend: str
    server: str
    balancers: tuple[HostName, ...]
    addresses: tuple[str, ...]


class Balancing(msgspec.Struct, frozen=True):
    """The state of one API server on every balancer that was reached."""

    addresses: tuple[str, ...]
    """``ADDRESS:PORT`` at which it may be reached."""
    having: tuple[tuple[HostName, HaproxyFacts, tuple[ServerPlace, ...]], ...]
    """Balancers that have the server, with its names there."""
    lacking: tuple[HostName, ...]
    """Balancers that were queried and have no such server."""
    stopped: tuple[HostName, ...]
    """Balancers whose haproxy does not run."""
    unasked: tuple[tuple[HostName, str], ...]
    """Balancers whose haproxy runs, or may run, and did not answer; each with the reason."""

    def servers(self, names: tuple[HostName, ...]) -> Servers:
        """The server on the balancers `names`."""
        places = [place for _, _, server_places in self.having for place in server_places]
        first = places[0] if places else None
        return Servers(first.backend if first else "", first.server.name if first else "", names, self.addresses)

    @property
    def nothing_else_on(self) -> tuple[HostName, ...]:
        """Balancers that send to this server and have no other one that is up and ready."""
        return tuple(
            name
            for name, facts, places in self.having
            if any(_serves(place) for place in places) and not other_servers(facts, places)
        )


def balancing(snapshot: ClusterSnapshot, inventory: Inventory, host: Host) -> Balancing:
    """Of all balancers of the inventory that were reached."""
    addresses = api_addresses(snapshot, inventory, host)
    reached = tuple(
        facts for facts in map(snapshot.host, _balancers(inventory)) if facts and isinstance(facts.reach, Known)
    )
    known = [
        (one.host, haproxy, servers_at(haproxy, addresses)) for one in reached if (haproxy := value_of(one.haproxy))
    ]
    stopped = tuple(one.host for one in reached if _sends_nothing(one.haproxy))
    unasked = (one for one in reached if one.host not in stopped and not isinstance(one.haproxy, Known))
    return Balancing(
        addresses=addresses,
        having=tuple((name, haproxy, places) for name, haproxy, places in known if places),
        lacking=tuple(name for name, _, places in known if not places),
        stopped=stopped,
        unasked=tuple((one.host, reason_of(one.haproxy) or "not queried yet") for one in unasked),
    )


def api_addresses(snapshot: ClusterSnapshot, inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The addresses of the API server of `host` for other hosts: the host's own, without VIPs."""
    kubernetes = layout(inventory).kubernetes
    facts = snapshot.host(HostName(host.name))
    addresses = (one.address for one in (value_of(facts.addresses) or () if facts else ()))
    own = (address for address in addresses if address not in snapshot.vips and not ip_address(address).is_loopback)
    port = kubernetes.api_port if kubernetes else 0
    return tuple(join_host_port(address, port) for address in dict.fromkeys((host.address, *own)))


def while_restarting(
    snapshot: ClusterSnapshot, inventory: Inventory, host: Host, names: tuple[HostName, ...]
) -> Servers:
    """The server on those of `names` that can drain it for a restart.

    Without balancers that have no such server, and without those that have no stats socket and so cannot drain.
    """
    balancers = balancing(snapshot, inventory, host)
    out = {*balancers.lacking, *without_socket(snapshot, names)}
    return balancers.servers(tuple(name for name in names if name not in out))


def without_socket(snapshot: ClusterSnapshot, names: tuple[HostName, ...]) -> tuple[HostName, ...]:
    """Those of `names` whose haproxy runs without the stats socket that the inventory names."""
    facts = ((name, snapshot.host(name)) for name in names)
    return tuple(name for name, one in facts if one and _no_socket(one.haproxy))


def not_drained(snapshot: ClusterSnapshot, names: tuple[HostName, ...]) -> tuple[str, ...]:
    """Notes about restarts behind balancers that cannot drain."""
    silent = without_socket(snapshot, names)
    if not silent:
        return ()
    on = ", ".join(silent)
    return (f"haproxy on {on} has no stats socket: its clients lose connections while an API server restarts",)


def _no_socket(haproxy: Observed[HaproxyFacts]) -> bool:
    return isinstance(haproxy, Failed) and haproxy.cause is Cause.NOT_CONFIGURED


def _balancers(inventory: Inventory) -> tuple[HostName, ...]:
    return tuple(HostName(host.name) for host in inventory.with_role(Role.LOAD_BALANCER))


def _sends_nothing(haproxy: Observed[HaproxyFacts]) -> bool:
    return isinstance(haproxy, Failed) and haproxy.cause in SENDS_NOTHING


def _serves(place: ServerPlace) -> bool:
    return place.server.up and place.server.admin_state is AdminState.READY
