"""Rules about one balancer compared with the others: its view of all servers, its checks, limits and timeouts."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.configs.balancer_files import haproxy_files
from haconsole.configs.haproxy import MAXCONN
from haconsole.configs.layout import layout
from haconsole.diagnosis.candidate import BETWEEN_HOSTS, NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, Key, anywhere, on
from haconsole.diagnosis.causes import setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import Inventory
from haconsole.model.balancer_files_view import all_ours
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import TimeoutKind


def rules(balancers: tuple[HostFacts, ...], snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about each balancer whose haproxy answers."""
    haproxies = {facts.host: haproxy for facts in balancers if (haproxy := value_of(facts.haproxy)) is not None}
    for facts in balancers:
        yield from _timeouts(facts)
    some_up = any(_up(haproxy) for haproxy in haproxies.values())
    for facts in balancers:
        haproxy = haproxies.get(facts.host)
        if haproxy is None:
            continue
        if some_up and _judged(haproxy) and not _up(haproxy):
            yield _sees_none(facts, haproxy)
        yield from (_unchecked(facts, backend) for backend in haproxy.backends if _without_check(backend))
        yield from _limits(facts, haproxy, ours=_is_ours(snapshot, facts, inventory))


TIMEOUTS = "haproxy.short-timeouts"
IDLE_S = 10.0
"""Seconds between two renewals of a node's lease: on a connection that is idle for this long nothing is renewed."""
CONNECT_S = 0.1
"""A number without a unit is milliseconds; a busy host takes longer than some of them to accept a connection."""


def causes(host: str) -> tuple[Key, ...]:
    """Findings about a balancer that explain why it sees a server down."""
    return (
        ("haproxy.backend-down", f"haproxy@{host}"),
        *on(host, "haproxy.backend-mismatch"),
        *setup_causes(host, "haproxy"),
    )


def _judged(haproxy: HaproxyFacts) -> bool:
    return any(server.admin_state is AdminState.READY for backend in haproxy.backends for server in backend.servers)


def _up(haproxy: HaproxyFacts) -> bool:
    return any(server.up for backend in haproxy.backends for server in backend.servers)


def _without_check(backend: HaproxyBackend) -> bool:
    return any(server.status.startswith("no check") for server in backend.servers)


def _sees_none(facts: HostFacts, haproxy: HaproxyFacts) -> Candidate:
    return Candidate(
        Finding(
            "haproxy.backend-down",
            Severity.WARNING,
            f"haproxy@{facts.host}",
            f"haproxy on {facts.host} sees no server up, though other balancers do",
            "The API servers work, so this balancer is at fault: its configuration, CA file, a firewall or a route.",
            tuple(
                f"{backend.name}/{server.name} {server.address} {server.status} {server.check} {server.check_detail}"
                for backend in haproxy.backends
                for server in backend.servers
            ),
            (
                call("bootstrap", "write haproxy's configuration again and reload it", only="haproxy"),
                advice(f"compare haproxy.cfg, firewall and routes of {facts.host} with another balancer's"),
            ),
        ),
        (
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            *on(
                facts.host,
                "haproxy.backend-mismatch",
                "host.link-down",
                "host.slow",
                "host.unreachable",
                "haproxy.down",
            ),
            *setup_causes(facts.host, "haproxy"),
            *anywhere(*BETWEEN_HOSTS),
            ("config.invalid", f"haproxy@{facts.host}"),
        ),
        not_by_overload=all(server.check == "L4CON" for backend in haproxy.backends for server in backend.servers),
    )


def _unchecked(facts: HostFacts, backend: HaproxyBackend) -> Candidate:
    servers = tuple(server for server in backend.servers if server.status.startswith("no check"))
    return Candidate(
        Finding(
            "haproxy.weak-check",
            Severity.WARNING,
            facts.host,
            f"haproxy on {facts.host} does not check {', '.join(server.name for server in servers)}",
            "Without a check haproxy sends requests to servers that are down.",
            tuple(f"{backend.name}/{server.name} {server.address}: {server.status}" for server in servers),
            (call("bootstrap", "write a configuration that checks /readyz", only="haproxy"),),
        )
    )


def _is_ours(snapshot: ClusterSnapshot, facts: HostFacts, inventory: Inventory) -> bool:
    """haproxy's files are as haconsole wrote them."""
    paths = haproxy_files(layout(inventory))
    return bool(paths) and all_ours(snapshot, facts.host, paths)


def _limits(facts: HostFacts, haproxy: HaproxyFacts, *, ours: bool) -> Iterator[Candidate]:
    if not haproxy.limits:
        return
    worst = max(haproxy.limits, key=lambda limit: limit.used / limit.most)
    smaller = ours and worst.most < MAXCONN
    why = f"haproxy's file allows {MAXCONN}: the smaller limit was set at runtime. " if smaller else ""
    yield Candidate(
        Finding(
            "haproxy.connections-full",
            Severity.WARNING,
            facts.host,
            f"haproxy on {facts.host} has {worst.used} of at most {worst.most} connections ({worst.name})",
            f"{why}At the limit new connections wait, and clients time out.",
            tuple(f"{limit.name}: {limit.used} of {limit.most}" for limit in haproxy.limits),
            (
                *((_reload(facts),) if smaller else ()),
                advice(f"on {facts.host}: find the clients with most connections: ss -tn state established"),
                advice(f"or raise maxconn in haproxy's configuration on {facts.host}, then reload haproxy"),
            ),
        )
    )


def _reload(facts: HostFacts) -> Remedy:
    return call(
        "reconfigure", "reload haproxy: its file already has a larger limit", service="haproxy", host=facts.host
    )


def _timeouts(facts: HostFacts) -> Iterator[Candidate]:
    checks = (check for check in value_of(facts.configs) or () if check.program == "haproxy")
    timeouts = tuple(one for check in checks for one in check.timeouts)
    least = {TimeoutKind.IDLE: IDLE_S, TimeoutKind.CONNECT: CONNECT_S}
    short = tuple(one for one in timeouts if one.seconds < least[one.kind])
    if not short:
        return
    first = min(short, key=lambda one: (one.kind is not TimeoutKind.IDLE, one.seconds))
    effect = (
        f"closes connections to the API after {first.seconds:g} s without traffic"
        if first.kind is TimeoutKind.IDLE
        else f"waits only {first.seconds:g} s for an API server to accept a connection"
    )
    yield Candidate(
        Finding(
            TIMEOUTS,
            Severity.WARNING,
            f"haproxy@{facts.host}",
            f"haproxy on {facts.host} {effect}",
            "Watches have no traffic most of the time. Each closed watch begins again, and kubectl logs and exec end."
            if first.kind is TimeoutKind.IDLE
            else "Connections to a server that is busy for a moment fail, although the server works.",
            tuple(f"{one.proxy}: {one.setting}" for one in short),
            (
                call("bootstrap", "write haproxy's configuration again and reload it", only="haproxy"),
                advice(
                    f"or on {facts.host}: set timeout client and timeout server to 10m, timeout tunnel to 4h and "
                    "timeout connect to 4s in haproxy's configuration, then reload haproxy"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED, ("config.invalid", f"haproxy@{facts.host}")),
    )
