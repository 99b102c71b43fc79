"""The detail text of any row, chosen by the kind of the row."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from haconsole.model.findings import Finding
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span, timestamp
from haconsole.present.basis import basis_items
from haconsole.present.cells import NOTHING, Cell, Tone
from haconsole.present.changes import SnapshotChange
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence, Target
from haconsole.present.details.apiserver import about_apiserver, about_endpoint
from haconsole.present.details.balancing import about_balancer, about_server, about_vip
from haconsole.present.details.common import listed, observation
from haconsole.present.details.etcd import about_member
from haconsole.present.details.host import about_host
from haconsole.present.details.others import about_certificate, about_event, about_finding, about_lease
from haconsole.present.evidence import target_of
from haconsole.present.facts import display_of
from haconsole.present.nodes import host_cell, ready_cell, role_of, scheduling_cell
from haconsole.present.offers import finding_of
from haconsole.present.row_keys import (
    ApiserverKey,
    BalancerKey,
    CertificateKey,
    CommandKey,
    EndpointKey,
    EventKey,
    FindingKey,
    HostKey,
    LeaseKey,
    MemberKey,
    NodeKey,
    PartKey,
    PathKey,
    PhaseKey,
    RanKey,
    RowKey,
    RunKey,
    ServerKey,
    StepKey,
    VipKey,
)


def about(
    subject: RowKey,
    snapshot: ClusterSnapshot,
    findings: tuple[Finding, ...],
    history: tuple[SnapshotChange, ...],
    now: datetime,
) -> Detail | None:
    """The details of a subject; None when it is gone."""
    match subject:
        case FindingKey():
            finding = finding_of(subject, findings)
            return _about_finding(finding, snapshot, now) if finding else None
        case EventKey(number=number):
            change = next((each for each in history if each.number == number), None)
            return about_event(change, now) if change else None
        case CommandKey() | RanKey() | StepKey() | PhaseKey() | RunKey():
            return None
        case _:
            return _about_part(subject, snapshot, now)


def _about_finding(finding: Finding, snapshot: ClusterSnapshot, now: datetime) -> Detail:
    def target(line: str) -> Target | None:
        return target_of(line, finding, snapshot)

    return about_finding(finding, basis=basis_items(finding, snapshot, now), target_of=target)


def _about_part(subject: PartKey, snapshot: ClusterSnapshot, now: datetime) -> Detail | None:
    match subject:
        case HostKey(host=host):
            return about_host(snapshot, host, now)
        case LeaseKey(namespace=namespace, name=name):
            return about_lease(snapshot, namespace, name, now)
        case CertificateKey(host=host, path=path):
            return about_certificate(snapshot, host, path, now)
        case NodeKey(name=name):
            return about_node(snapshot, name, now)
        case _:
            return _about_path(subject, snapshot, now)


def _about_path(subject: PathKey, snapshot: ClusterSnapshot, now: datetime) -> Detail | None:
    match subject:
        case MemberKey(id=member):
            return about_member(snapshot, member, now)
        case VipKey(address=address, host=host):
            return about_vip(snapshot, address, host, now)
        case ServerKey(backend=backend, server=server):
            return about_server(snapshot, backend, server, now)
        case BalancerKey(host=host):
            return about_balancer(snapshot, host, now)
        case ApiserverKey(host=host):
            return about_apiserver(snapshot, host, now)
        case EndpointKey():
            return about_endpoint(snapshot, now)
        case _:
            assert_never(subject)


def about_node(snapshot: ClusterSnapshot, name: str, now: datetime) -> Detail | None:
    """Every observed part of the node; None once the API has no such node."""
    node = next((each for each in display_of(snapshot.nodes).value or () if each.name == name), None)
    if node is None:
        return None
    return Detail(
        f"node {name}",
        (
            Fact("state", ready_cell(node)),
            Fact("scheduling", scheduling_cell(node)),
            Fact("role", Cell(role_of(node))),
            Fact("kubelet", Cell(node.kubelet_version) if node.kubelet_version else NOTHING),
            Fact("address", Cell(node.address) if node.address else NOTHING),
            Fact("host", host_cell(node)),
            Fact("lease renewed", _lease(node, now)),
            Fact("taints", listed(node.taints)),
            *observation(snapshot.nodes, now),
            Heading("Conditions"),
            *(item for each in node.conditions for item in _condition(each, node, now)),
        ),
    )


def _lease(node: NodeState, now: datetime) -> Cell:
    age_s = node.lease_age_s(now)
    if node.renewed_at is None or age_s is None:
        return Cell("never", Tone.WARNING)
    return Cell(f"{timestamp(node.renewed_at, now)} UTC, {span(max(0, int(age_s)))} ago")


def _condition(each: NodeCondition, node: NodeState, now: datetime) -> tuple[Item, ...]:
    since = f" since {timestamp(each.since, now)}" if each.since else ""
    tone = Tone.CRITICAL if each in node.abnormal else Tone.PLAIN
    message = (Sentence(Cell(f"{each.reason}: {each.message}", tone), "·"),) if each.message else ()
    return (Fact(each.type, Cell(f"{each.status}{since}", tone)), *message)
