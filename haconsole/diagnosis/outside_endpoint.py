"""Rules about an endpoint that no balancer of the inventory serves: a balancer in a cloud, or kube-vip's address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, Key, on
from haconsole.diagnosis.reachability import HOW
from haconsole.diagnosis.remedies import advice
from haconsole.inventory.effective import join_host_port, outside_endpoint
from haconsole.inventory.schema import Inventory
from haconsole.model.component import is_busy
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import PortState


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """A candidate if the endpoint does not accept connections from some host that uses it."""
    outside = outside_endpoint(inventory)
    attempts = dict(_attempts(snapshot, outside)) if outside else {}
    failed = {host: state for host, state in attempts.items() if state is not PortState.OPEN}
    if outside is not None and failed:
        yield _unreachable(snapshot, join_host_port(*outside), attempts, failed)


def _attempts(snapshot: ClusterSnapshot, outside: tuple[str, int]) -> Iterator[tuple[HostName, PortState]]:
    """The results by host; silence at an overloaded host proves nothing."""
    for facts in snapshot.hosts:
        if not isinstance(facts.reach, Known) or not isinstance(facts.peer_ports, Known):
            continue
        for port in facts.peer_ports.value:
            doubtful = port.state is PortState.SILENT and is_busy(facts)
            if (port.address, port.port) == outside and not doubtful:
                yield facts.host, port.state


def _unreachable(
    snapshot: ClusterSnapshot,
    endpoint: str,
    attempts: Mapping[HostName, PortState],
    failed: Mapping[HostName, PortState],
) -> Candidate:
    everyone = len(failed) == len(attempts)
    where = "any host" if everyone else ", ".join(failed)
    return Candidate(
        Finding(
            "endpoint.unreachable",
            Severity.CRITICAL if everyone else Severity.WARNING,
            endpoint,
            f"the API's endpoint {endpoint} accepts no connections from {where}",
            "Kubelets, components and clients use this address. "
            + (
                "None of these clients reaches the API."
                if everyone
                else "The clients on these hosts do not reach the API."
            ),
            tuple(f"{host}: {HOW[state]}" for host, state in failed.items()),
            (
                advice("check the balancer behind this address: that it runs, and that it leads to ready API servers"),
                advice(f"check the path to the endpoint from {', '.join(failed)}: firewall, route and DNS"),
            ),
        ),
        (NOT_BOOTSTRAPPED, QUORUM_LOST, ("vip.unowned", "vip"), *_api_causes(snapshot)),
    )


def _api_causes(snapshot: ClusterSnapshot) -> tuple[Key, ...]:
    """The API servers themselves, where none of them is ready."""
    planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
    if any(isinstance(facts.apiserver, Known) and facts.apiserver.value.ready for facts in planes):
        return ()
    return tuple(key for facts in planes for key in on(facts.host, "apiserver.down", "apiserver.not-ready"))
