"""From a subject to the text about it."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from haconsole.model.findings import Finding
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.basis import basis_items
from haconsole.present.changes import SnapshotChange
from haconsole.present.detail import Detail
from haconsole.present.details.balancing import about_balancer, about_server, about_vip
from haconsole.present.details.etcd import about_member
from haconsole.present.details.host import about_host
from haconsole.present.details.node import about_node
from haconsole.present.details.others import about_certificate, about_event, about_finding, about_lease
from haconsole.present.row_keys import (
    BalancerKey,
    CertificateKey,
    CommandKey,
    EventKey,
    FindingKey,
    HostKey,
    LeaseKey,
    MemberKey,
    NodeKey,
    PartKey,
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
            finding = next((each for each in findings if FindingKey(each.code, each.subject) == subject), None)
            return about_finding(finding, basis=basis_items(finding, snapshot, now)) if finding else None
        case EventKey(number=number):
            change = next((each for each in history if each.number == number), None)
            return about_event(change, now) if change else None
        case CommandKey() | StepKey() | RunKey():
            return None
        case _:
            return _about_part(subject, snapshot, now)


def _about_part(subject: PartKey, snapshot: ClusterSnapshot, now: datetime) -> Detail | None:
    match subject:
        case MemberKey(id=member):
            return about_member(snapshot, member, now)
        case HostKey(host=host):
            return about_host(snapshot, host, now)
        case VipKey(address=address, host=host):
            return about_vip(snapshot, address, host, now)
        case ServerKey(backend=backend, server=server):
            return about_server(snapshot, backend, server, now)
        case BalancerKey(host=host):
            return about_balancer(snapshot, host, now)
        case LeaseKey(namespace=namespace, name=name):
            return about_lease(snapshot, namespace, name, now)
        case CertificateKey(host=host, path=path):
            return about_certificate(snapshot, host, path, now)
        case NodeKey(name=name):
            return about_node(snapshot, name, now)
        case _:
            assert_never(subject)
