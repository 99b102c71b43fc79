"""Rules about haproxy: its service and the servers behind it."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis import haproxy_balancers
from haconsole.diagnosis.candidate import (
    BETWEEN_HOSTS,
    NOSPACE,
    NOT_BOOTSTRAPPED,
    QUORUM_LOST,
    Candidate,
    Key,
    anywhere,
    on,
)
from haconsole.diagnosis.causes import CERTIFICATE_CODES, setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import log_command, service_down
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyServer
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about every balancer and every server."""
    balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
    for facts in balancers:
        yield from service_down(facts, "haproxy", "this balancer forwards nothing")
    yield from _backends(balancers, snapshot)
    yield from _expected_servers(balancers, inventory)
    yield from haproxy_balancers.rules(balancers, snapshot, inventory)


ServerSight = tuple[HostName, HaproxyBackend, HaproxyServer]


def _backends(balancers: tuple[HostFacts, ...], snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    sights_by_server: dict[str, list[ServerSight]] = {}
    for facts in balancers:
        haproxy = value_of(facts.haproxy)
        for backend in haproxy.backends if haproxy else ():
            for server in backend.servers:
                sights_by_server.setdefault(server.name, []).append((facts.host, backend, server))
    for name, sights in sights_by_server.items():
        yield from _server(name, sights, snapshot)
    everything = [server for sights in sights_by_server.values() for _, _, server in sights]
    if everything and not any(server.up for server in everything):
        yield _none_up(sights_by_server)


def _server(name: str, sights: list[ServerSight], snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    idle = [sight for sight in sights if sight[2].admin_state in (AdminState.DRAIN, AdminState.MAINT)]
    if idle:
        yield _draining(name, idle)
    unresolved = [sight for sight in sights if _unresolved(sight[1], sight[2])]
    if unresolved:
        yield _without_address(name, unresolved)
    yield from _weak_check(name, sights, snapshot)
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
    log = log_command(facts, "kube-apiserver") if facts else "the log of kube-apiserver"
    caused_by: tuple[Key, ...] = (("haproxy.backend-down", "all"),)
    if facts is not None:
        caused_by = (
            QUORUM_LOST,
            ("host.unreachable", facts.host),
            *on(facts.host, "host.slow", "apiserver.down", "apiserver.not-ready", "service.masked"),
            *((code, f"kube-apiserver@{facts.host}") for code in ("service.hung", "service.crash-loop")),
            *setup_causes(facts.host, "kube-apiserver"),
            *on(facts.host, *CERTIFICATE_CODES),
            NOSPACE,
            *caused_by,
        )
    caused_by = (*caused_by, *(cause for host, _, _ in down for cause in haproxy_balancers.causes(host)))
    caused_by = (*caused_by, *anywhere(*BETWEEN_HOSTS))
    yield Candidate(
        Finding(
            "haproxy.backend-down",
            Severity.WARNING,
            name,
            f"{len(down)} of {len(sights)} balancers see server {name} down",
            "haproxy sends the server no new connections until its check passes again.",
            evidence,
            (advice(f"find out why the API server on {name} fails: {log}, and its /readyz"),),
        ),
        caused_by,
    )


def _weak_check(name: str, sights: list[ServerSight], snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """UP by a passed TCP check, although the API server is not ready. A check that fails takes the server down soon."""
    facts = next((facts for facts in snapshot.hosts if facts.host == name), None)
    apiserver = value_of(facts.apiserver) if facts else None
    blind = [sight for sight in sights if sight[2].up and sight[2].check == "L4OK"]
    if apiserver is None or apiserver.ready or not blind:
        return
    yield Candidate(
        Finding(
            "haproxy.weak-check",
            Severity.WARNING,
            name,
            f"{len(blind)} balancers send requests to {name}, whose apiserver is not ready",
            "A TCP check cannot see that a server is not ready.",
            tuple(
                f"{host}: {backend.name}/{server.name} {server.status} by {server.check}"
                for host, backend, server in blind
            ),
            (call("bootstrap", "write a configuration that checks /readyz", only="haproxy"),),
        )
    )


def _none_up(sights_by_server: dict[str, list[ServerSight]]) -> Candidate:
    caused_by = [QUORUM_LOST, NOT_BOOTSTRAPPED, *anywhere(*BETWEEN_HOSTS)]
    caused_by += [cause for name in sights_by_server for cause in setup_causes(name, "haproxy")]
    caused_by += [("apiserver.down", name) for name in sights_by_server] + [
        ("apiserver.not-ready", name) for name in sights_by_server
    ]
    return Candidate(
        Finding(
            "haproxy.backend-down",
            Severity.CRITICAL,
            "all",
            "no balancer sees any server up: the API cannot be reached through the VIP",
            "Each server failed its check on each balancer.",
            tuple(f"{name}: {sights[0][2].status} {sights[0][2].check}" for name, sights in sights_by_server.items()),
            (advice("find out why the API servers fail: their journals, their etcd, their certificates"),),
        ),
        tuple(caused_by),
        already_covers=tuple(("haproxy.backend-down", name) for name in sights_by_server),
    )


def _draining(name: str, idle: list[ServerSight]) -> Candidate:
    return Candidate(
        Finding(
            "haproxy.draining",
            Severity.WARNING,
            name,
            f"server {name} is set to {idle[0][2].admin_state} on {len(idle)} of the balancers",
            "An administrator or an action drained the server. It gets no new connections until it is set to ready.",
            tuple(f"{host}: {backend.name} {server.admin_state}" for host, backend, server in idle),
            (call("ready", "when the work on the host is done: set the server to ready", host=name),),
        )
    )


def _unresolved(backend: HaproxyBackend, server: HaproxyServer) -> bool:
    """Whether the server's name has no address; a template's spare slots are no fault while another slot is up."""
    slots = (one for one in backend.servers if one is not server and server.fqdn and one.fqdn == server.fqdn)
    return server.admin_state is AdminState.UNRESOLVED and not any(one.up for one in slots)


def _without_address(name: str, unresolved: list[ServerSight]) -> Candidate:
    names = ", ".join(dict.fromkeys(server.fqdn or name for _, _, server in unresolved))
    return Candidate(
        Finding(
            "haproxy.unresolved",
            Severity.WARNING,
            name,
            f"server {name} has no address on {len(unresolved)} of the balancers: its name does not resolve",
            "haproxy keeps a server in maintenance until its name resolves.",
            tuple(f"{host}: {backend.name} {server.status}" for host, backend, server in unresolved),
            (advice(f"make {names} resolve with the nameservers of haproxy's resolvers section"),),
        )
    )


def _expected_servers(balancers: tuple[HostFacts, ...], inventory: Inventory) -> Iterator[Candidate]:
    """Each balancer's apiserver backend should name exactly the inventory's control planes."""
    if inventory.kubernetes is None:
        return
    port = inventory.kubernetes.api_port
    hosts = {host.address for host in inventory.with_role(Role.CONTROL_PLANE)}
    control_planes = {f"{host.address}:{port}" for host in inventory.with_role(Role.CONTROL_PLANE)}
    for facts in balancers:
        if not isinstance(facts.haproxy, Known):
            continue
        backends = [
            {server.address for server in backend.servers if server.address}
            for backend in facts.haproxy.value.backends
            if any(_host_of(server.address) in hosts for server in backend.servers)
        ]
        if backends and all(addresses != control_planes for addresses in backends):
            yield _server_mismatch(facts, backends[0], control_planes)


def _host_of(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _server_mismatch(facts: HostFacts, servers: set[str], control_planes: set[str]) -> Candidate:
    return Candidate(
        Finding(
            "haproxy.backend-mismatch",
            Severity.WARNING,
            facts.host,
            f"haproxy on {facts.host} does not balance over the inventory's control planes",
            "haproxy sends requests to a host that is not a control plane, or leaves a control plane out.",
            tuple(f"missing {each}" for each in sorted(control_planes - servers))
            + tuple(f"not in the inventory: {each}" for each in sorted(servers - control_planes)),
            (call("bootstrap", "write haproxy.cfg with the servers of the inventory", only="haproxy"),),
        )
    )
