"""Rules about the way in: the VIP, keepalived, haproxy and its backends."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.draft import NOT_BOOTSTRAPPED, QUORUM_LOST, Draft, Key
from haconsole.diagnosis.services import service_evidence
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyServer
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView
from haconsole.model.vip_view import vip_views


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Draft]:
    """Drafts about every VIP and every balancer."""
    balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
    for facts in balancers:
        yield from _service(facts, "keepalived", "the VIP cannot come to this host")
        yield from _service(facts, "haproxy", "this balancer passes nothing on")
        yield from _forced_down(facts)
    for view in vip_views(snapshot):
        yield from _vip(view, balancers)
    yield from _config(balancers)
    yield from _backends(balancers, snapshot)
    yield from _expected_servers(balancers, inventory)


def _service(facts: HostFacts, name: str, meaning: str) -> Iterator[Draft]:
    unit = facts.service(name)
    if unit is None or unit.running:
        return
    yield Draft(
        Finding(
            f"{name}.down",
            Severity.WARNING,
            facts.host,
            f"{name} is not running on {facts.host}: {meaning}",
            "The inventory gives this host the load-balancer role.",
            service_evidence(facts, name),
            (f"read `journalctl -u {name}` on {facts.host}, mend what it names, start it again",),
        ),
        (NOT_BOOTSTRAPPED,) + ((("vip.unowned", "vip"),) if name == "keepalived" else ()),
    )


def _forced_down(facts: HostFacts) -> Iterator[Draft]:
    keepalived = value_of(facts.keepalived)
    if keepalived is None or not keepalived.forced_down:
        return
    yield Draft(
        Finding(
            "vip.forced-down",
            Severity.WARNING,
            facts.host,
            f"{facts.host} is kept from owning the VIP by its down file",
            "Somebody put the file there so that the VIP stays away.",
            (),
            (f"when the work on {facts.host} is done, run failback or remove the file",),
        )
    )


def _vip(view: VipView, balancers: tuple[HostFacts, ...]) -> Iterator[Draft]:
    states = tuple(_vrrp_evidence(facts) for facts in balancers)
    if view.state is VipState.UNOWNED:
        finding = Finding(
            "vip.unowned",
            Severity.CRITICAL,
            "vip",
            f"no host holds {view.address}: clients that use it reach nothing",
            "Every balancer was asked and none has the address on an interface.",
            states,
            ("start keepalived on a balancer", "look at its check: is haproxy up, and does it see a server?"),
        )
        yield Draft(finding, (NOT_BOOTSTRAPPED, QUORUM_LOST, ("haproxy.backend-down", "all")))
    if view.state is VipState.SPLIT:
        owners = " and ".join(view.owners)
        finding = Finding(
            "vip.split",
            Severity.CRITICAL,
            view.address,
            f"{owners} hold {view.address} at the same time",
            "They do not hear each other's VRRP adverts, so each believes it is alone; clients reach either at random.",
            states,
            (
                "look for a firewall that drops protocol 112 between them",
                "compare router ID and auth_pass of their keepalived.conf",
                "use unicast where the network drops multicast",
            ),
        )
        yield Draft(finding)


def _vrrp_evidence(facts: HostFacts) -> str:
    keepalived = value_of(facts.keepalived)
    unit = facts.service("keepalived")
    running = f"keepalived {unit.active}" if unit else "keepalived not asked"
    if keepalived is None:
        return f"{facts.host}: {running}, {reason_of(facts.keepalived) or reason_of(facts.reach) or 'state unknown'}"
    states = ", ".join(f"{each.name} {each.state or 'unknown'}" for each in keepalived.instances)
    return f"{facts.host}: {running}, {states or 'no VRRP instance'}"


def _config(balancers: tuple[HostFacts, ...]) -> Iterator[Draft]:
    """Instances that serve the same VIP must agree on everything but the priority, which must differ."""
    by_vip: dict[str, list[tuple[HostName, tuple[object, ...], int]]] = {}
    for facts in balancers:
        keepalived = value_of(facts.keepalived)
        for each in keepalived.instances if keepalived else ():
            shared = (each.router_id, each.auth_fingerprint, each.advert_int_s, tuple(sorted(each.vips)))
            for vip in each.vips:
                by_vip.setdefault(vip, []).append((facts.host, shared, each.priority))
    for address, entries in by_vip.items():
        priorities = [priority for _, _, priority in entries]
        if len({shared for _, shared, _ in entries}) > 1:
            yield _mismatch(address, "router ID, password, interval or addresses differ between hosts", entries)
        elif len(set(priorities)) < len(priorities):
            yield _mismatch(address, "two hosts have the same priority", entries)


def _mismatch(vip: str, what: str, entries: list[tuple[HostName, tuple[object, ...], int]]) -> Draft:
    evidence = tuple(f"{host}: router ID {shared[0]}, priority {priority}" for host, shared, priority in entries)
    return Draft(
        Finding(
            "vip.config-mismatch",
            Severity.WARNING,
            vip,
            f"keepalived's settings for {vip}: {what}",
            "Hosts that disagree ignore each other's adverts or fight over the address.",
            evidence,
            ("run bootstrap --only keepalived: it writes the same settings everywhere",),
        )
    )


Seen = tuple[HostName, HaproxyBackend, HaproxyServer]


def _backends(balancers: tuple[HostFacts, ...], snapshot: ClusterSnapshot) -> Iterator[Draft]:
    seen: dict[str, list[Seen]] = {}
    for facts in balancers:
        haproxy = value_of(facts.haproxy)
        for backend in haproxy.backends if haproxy else ():
            for server in backend.servers:
                seen.setdefault(server.name, []).append((facts.host, backend, server))
    for name, sights in seen.items():
        yield from _server(name, sights, snapshot)
    everything = [server for sights in seen.values() for _, _, server in sights]
    if everything and not any(server.up for server in everything):
        yield _none_up(seen)


def _server(name: str, sights: list[Seen], snapshot: ClusterSnapshot) -> Iterator[Draft]:
    idle = [sight for sight in sights if sight[2].admin_state is not AdminState.READY]
    if idle:
        yield _draining(name, idle)
    down = [sight for sight in sights if not sight[2].up and sight[2].admin_state is AdminState.READY]
    if not down:
        return
    evidence = tuple(
        f"{host}: {backend.name}/{server.name} {server.status}, check {server.check or 'none'}"
        f" {server.check_detail}".rstrip()
        + f", for {server.last_change_s} s"
        for host, backend, server in down
    )
    facts = next((facts for facts in snapshot.hosts if facts.host == name), None)
    because: tuple[Key, ...] = (("haproxy.backend-down", "all"),)
    if facts is not None:
        because = (
            QUORUM_LOST,
            ("host.unreachable", facts.host),
            ("apiserver.down", facts.host),
            ("apiserver.not-ready", facts.host),
            *because,
        )
    yield Draft(
        Finding(
            "haproxy.backend-down",
            Severity.WARNING,
            name,
            f"{len(down)} of {len(sights)} balancers see server {name} down",
            "haproxy sends it no new connections until its check passes again.",
            evidence,
            (f"look at the apiserver on {name}: its journal, and what its /readyz says",),
        ),
        because,
    )


def _none_up(seen: dict[str, list[Seen]]) -> Draft:
    because = [QUORUM_LOST, NOT_BOOTSTRAPPED]
    because += [("apiserver.down", name) for name in seen] + [("apiserver.not-ready", name) for name in seen]
    return Draft(
        Finding(
            "haproxy.backend-down",
            Severity.CRITICAL,
            "all",
            "no balancer sees any server up: the API cannot be reached through the VIP",
            "Each server failed its check on each balancer.",
            tuple(f"{name}: {sights[0][2].status} {sights[0][2].check}" for name, sights in seen.items()),
            ("look at the apiservers: their journals, etcd behind them, their certificates",),
        ),
        tuple(because),
    )


def _draining(name: str, idle: list[Seen]) -> Draft:
    return Draft(
        Finding(
            "haproxy.draining",
            Severity.WARNING,
            name,
            f"server {name} is set to {idle[0][2].admin_state} on {len(idle)} of the balancers",
            "It was taken out by hand or by an action, and gets no new connections until it is made ready.",
            tuple(f"{host}: {backend.name} {server.admin_state}" for host, backend, server in idle),
            (f"when its work is done, run ready {name}",),
        )
    )


def _expected_servers(balancers: tuple[HostFacts, ...], inventory: Inventory) -> Iterator[Draft]:
    """Each balancer's apiserver backend should name exactly the inventory's control planes."""
    if inventory.kubernetes is None:
        return
    port = inventory.kubernetes.api_port
    expected = {f"{host.address}:{port}" for host in inventory.with_role(Role.CONTROL_PLANE)}
    for facts in balancers:
        if not isinstance(facts.haproxy, Known):
            continue
        backends = [
            {server.address for server in backend.servers}
            for backend in facts.haproxy.value.backends
            if any(server.address in expected for server in backend.servers)
        ]
        if backends and all(addresses != expected for addresses in backends):
            yield _server_mismatch(facts, backends[0], expected)


def _server_mismatch(facts: HostFacts, found: set[str], expected: set[str]) -> Draft:
    return Draft(
        Finding(
            "haproxy.backend-mismatch",
            Severity.WARNING,
            facts.host,
            f"haproxy on {facts.host} does not balance over the inventory's control planes",
            "Requests go to a host that is gone, or never to one that is there.",
            tuple(f"missing {each}" for each in sorted(expected - found))
            + tuple(f"not in the inventory: {each}" for each in sorted(found - expected)),
            ("run bootstrap --only haproxy: it writes the list of the inventory",),
        )
    )
