"""The rule about an endpoint that accepts kubelets' connections and passes on nothing, while API servers answer.

haproxy holds a connection while its servers are full, a rule delays it, or no server is up and nothing refuses it. An
attempt to connect to the port then succeeds, so only the clients show it. kubelet does: it renews its node's lease
through the endpoint every 10 s and logs each request that times out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from haconsole.diagnosis.candidate import BETWEEN_HOSTS, NOSPACE, NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, anywhere
from haconsole.diagnosis.causes import TIMES_OUT
from haconsole.diagnosis.remedies import advice
from haconsole.inventory.effective import endpoint, join_host_port
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.node import NodeState
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views

LATE = timedelta(seconds=20)
"""Two renewals of a lease that did not arrive."""
_TIMED_OUT = re.compile(r"TLS handshake timeout|Client\.Timeout|context deadline exceeded|i/o timeout|request canceled")


class _LateKubelet(msgspec.Struct, frozen=True):
    host: HostName
    lease_age_s: float
    text: str
    """The newest request that timed out, as kubelet logs it."""


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """At most one candidate."""
    balanced = endpoint(inventory)
    if balanced is None or not isinstance(snapshot.nodes, Known):
        return
    address = join_host_port(*balanced)
    late = tuple(
        one
        for node in snapshot.nodes.value
        if (facts := snapshot.host(node.host) if node.host else None)
        if (one := _late(node, facts, address))
    )
    ready = tuple(
        facts.host for facts in snapshot.hosts if isinstance(facts.apiserver, Known) and facts.apiserver.value.ready
    )
    if late and ready and _is_balanced(inventory, balanced[0]):
        yield _times_out(snapshot, address, late, ready, everywhere=len(late) == len(snapshot.nodes.value))


def _is_balanced(inventory: Inventory, host: str) -> bool:
    """Not so where the endpoint is the address of the only control plane."""
    return not any(each.address == host and Role.LOAD_BALANCER not in each.roles for each in inventory.hosts)


def _late(node: NodeState, facts: HostFacts, address: str) -> _LateKubelet | None:
    """kubelet's requests to the endpoint time out, and no renewal of its lease has succeeded since."""
    kubelet = value_of(facts.kubelet)
    if kubelet is None or node.renewed_at is None or not isinstance(facts.kubelet, Known):
        return None
    server = f"https://{address}/"
    failures = [one for one in kubelet.errors if server in one.text and _TIMED_OUT.search(one.text)]
    newest = max(failures, key=lambda one: one.at, default=None)
    if newest is None or newest.at - node.renewed_at < LATE:
        return None
    return _LateKubelet(facts.host, (newest.at - node.renewed_at).total_seconds(), newest.text)


def _times_out(
    snapshot: ClusterSnapshot,
    address: str,
    late: tuple[_LateKubelet, ...],
    ready: tuple[HostName, ...],
    *,
    everywhere: bool,
) -> Candidate:
    code, subject = TIMES_OUT
    owners = tuple(dict.fromkeys(owner for view in vip_views(snapshot) for owner in view.owners))
    return Candidate(
        Finding(
            code,
            Severity.CRITICAL if everywhere else Severity.WARNING,
            subject,
            f"requests to the API through {address} time out on {', '.join(one.host for one in late)}, although "
            f"{', '.join(ready)} {'answers' if len(ready) == 1 else 'answer'}",
            "Something between these kubelets and the API servers holds their connections. Their nodes turn NotReady.",
            (
                *(
                    f"{one.host}: lease not renewed for {one.lease_age_s:.0f} s; kubelet logs: {one.text}"
                    for one in late
                ),
                *(f"the API server on {host} is ready" for host in ready),
                *(f"the VIP is on {host}" for host in owners),
            ),
            tuple(_remedies(address, owners)),
        ),
        (
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            NOSPACE,
            ("haproxy.backend-down", "all"),
            *(("service.hung", f"haproxy@{host}") for host in owners),
            *anywhere(
                *("haproxy.connections-full", "haproxy.down", "config.invalid", "endpoint.unreachable"),
                *("vip.unowned", "vip.split", "vip.not-serving", "vip.stale-arp", *BETWEEN_HOSTS),
            ),
            *((code, one.host) for one in late for code in ("host.slow", "host.unreachable")),
        ),
    )


def _remedies(address: str, owners: tuple[HostName, ...]) -> Iterator[Remedy]:
    port, names = address.rpartition(":")[2], ", ".join(owners)
    yield advice(
        f"check haproxy on {names}, not the nodes: its queue, maxconn, timeouts and tcp-request rules; "
        f"ss -tn sport = :{port} lists the connections that it holds"
        if owners
        else "check the balancer of this address, not the nodes: its limits, queue and connections"
    )
    if owners:
        yield advice(
            f"test each other balancer: curl -vk --max-time 5 https://BALANCER:{port}/readyz. If one answers, move the "
            f"VIP there: systemctl stop keepalived on {names}"
        )
    yield advice(
        f"compare curl -vk --max-time 5 https://{address}/readyz with the same request to an API server's own address"
    )
