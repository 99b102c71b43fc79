"""Rules about nodes: not ready, without a fresh lease, under pressure, cordoned, or not registered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haconsole.diagnosis.candidate import NOSPACE, NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, anywhere, on
from haconsole.diagnosis.causes import TIMES_OUT, WAITS_FOR_API
from haconsole.diagnosis.kubelet import kubelet_errors, node_causes
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.services import service_evidence
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.node import NodeState
from haconsole.model.observed import Known, NotAsked, value_of
from haconsole.model.snapshot import ClusterSnapshot

PRESSURES = {
    "MemoryPressure": ("memory", "find the pods that use most memory: kubectl top pods -A; stop or limit them"),
    "DiskPressure": ("disk space", "free disk space (df -h): remove unused images and logs"),
    "PIDPressure": ("process IDs", "find the pods with the most processes, and limit them"),
    "NetworkUnavailable": ("a working network", "look at the network plug-in's pod on the node"),
}

LEASE_STALE_S = 60.0
"""kubelet renews the lease of its node every 10 s; the controller-manager gives a node up after 40 to 50 s."""


def rules(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Candidate]:
    """Candidates about every node, also those that the inventory does not name."""
    nodes = value_of(snapshot.nodes)
    for node in nodes or ():
        facts = snapshot.host(node.host) if node.host else None
        if not node.ready:
            yield _not_ready(node, facts, now)
        elif isinstance(snapshot.nodes, Known) and _lease_is_stale(node, facts, snapshot.nodes.at):
            yield _stale_lease(node, snapshot.nodes.at)
        elif node.pressures:
            yield _pressure(node)
        if node.unschedulable:
            yield _cordoned(node)
    if nodes:
        yield from _unregistered(snapshot, nodes)


def _not_ready(node: NodeState, facts: HostFacts | None, now: datetime) -> Candidate:
    ready = node.condition("Ready")
    age_s = node.lease_age_s(now)
    where = f" on {facts.host}" if facts and facts.host != node.name else ""
    silent = node.ready is None
    return Candidate(
        Finding(
            "node.not-ready",
            Severity.WARNING,
            node.name,
            f"node {node.name}{where} is not ready" + (": its kubelet stopped reporting" if silent else ""),
            "No pod is scheduled on the node. Its pods are evicted after 5 minutes.",
            (
                f"condition Ready: {ready.status if ready else 'missing'}"
                + (f": {ready.reason} {ready.message}".rstrip() if ready else ""),
                *((f"node lease renewed {age_s:.0f} s ago",) if age_s is not None else ("the node has no lease",)),
                *(service_evidence(facts, "kubelet") if facts else ("the inventory has no host of this name",)),
                *(kubelet_errors(facts) if facts else ()),
            ),
            (
                advice(f"find the cause: journalctl -u kubelet on {facts.host if facts else node.name}"),
                advice(f"kubectl describe node {node.name}"),
            ),
        ),
        (NOT_BOOTSTRAPPED, *(node_causes(facts.host) if facts else ()), WAITS_FOR_API, TIMES_OUT),
    )


def _lease_is_stale(node: NodeState, facts: HostFacts | None, at: datetime) -> bool:
    """Whether kubelet had not renewed its lease for long when the nodes were read, if its host's clock is known."""
    age_s = node.lease_age_s(at)
    return facts is not None and isinstance(facts.clock_offset_ms, Known) and (age_s or 0.0) > LEASE_STALE_S


def _stale_lease(node: NodeState, at: datetime) -> Candidate:
    host = node.host or node.name
    return Candidate(
        Finding(
            "node.lease-stale",
            Severity.WARNING,
            node.name,
            f"node {node.name} still counts as ready, but its kubelet has not renewed the node's lease",
            "Pods are scheduled on a node whose kubelet may be gone. No kube-controller-manager has noticed.",
            (f"node lease renewed {node.lease_age_s(at) or 0.0:.0f} s before the nodes were read",),
            (
                advice(f"find the cause: journalctl -u kubelet on {host}"),
                advice(
                    "check the kube-controller-manager that holds the leader lease: it should mark the node "
                    "as not ready"
                ),
            ),
        ),
        (
            *(NOT_BOOTSTRAPPED, QUORUM_LOST, NOSPACE),
            *node_causes(host),
            TIMES_OUT,
            *anywhere("component.down", "lease.expired", "apiserver.down", "apiserver.not-ready"),
        ),
    )


def _pressure(node: NodeState) -> Candidate:
    known = [PRESSURES[name] for name in node.pressures if name in PRESSURES]
    short = " and ".join(what for what, _ in known) or ", ".join(node.pressures)
    fixes = tuple(dict.fromkeys(advice(fix) for _, fix in known))
    return Candidate(
        Finding(
            "node.pressure",
            Severity.WARNING,
            node.name,
            f"node {node.name} lacks {short}",
            "kubelet evicts pods from the node and admits no new ones until the shortage is over.",
            tuple(f"{each.type}: {each.reason} {each.message}".rstrip() for each in node.abnormal),
            (*fixes, advice(f"kubectl describe node {node.name}")),
        ),
        on(node.host, "host.disk-full", "host.disk-low") if node.host else (),
    )


def _cordoned(node: NodeState) -> Candidate:
    return Candidate(
        Finding(
            "node.cordoned",
            Severity.INFO,
            node.name,
            f"node {node.name} is cordoned: no new pods are placed on it",
            "An administrator or a tool marked the node unschedulable, for example to drain it.",
            (),
            (advice(f"when the work on the node is done: kubectl uncordon {node.name}"),),
        )
    )


def _unregistered(snapshot: ClusterSnapshot, nodes: tuple[NodeState, ...]) -> Iterator[Candidate]:
    """Hosts that should run a kubelet, were reached, and have no Node."""
    registered = {node.host for node in nodes}
    for facts in snapshot.hosts:
        expected = not isinstance(facts.kubelet, NotAsked) and (facts.has(Role.WORKER) or facts.has(Role.CONTROL_PLANE))
        if not expected or facts.host in registered or not isinstance(facts.reach, Known):
            continue
        yield Candidate(
            Finding(
                "node.missing",
                Severity.WARNING,
                facts.host,
                f"{facts.host} is not a node of the cluster",
                "The host's role needs a kubelet that has joined the cluster. No pod runs on the host.",
                (*service_evidence(facts, "kubelet"), f"nodes: {', '.join(node.name for node in nodes)}"),
                (
                    advice(
                        "get the join command on a control plane: kubeadm token create --print-join-command. "
                        f"Then run this command on {facts.host}"
                    ),
                    advice("or remove the host from the inventory"),
                ),
            ),
            (*on(facts.host, "kubeadm.leftovers"), NOT_BOOTSTRAPPED, QUORUM_LOST, *node_causes(facts.host)),
        )
