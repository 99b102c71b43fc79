"""From a subject to the text about it."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from haconsole.model.findings import Finding
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.about.balancing import about_balancer, about_server, about_vip
from haconsole.present.about.etcd import about_member
from haconsole.present.about.host import about_host
from haconsole.present.about.others import about_certificate, about_event, about_finding, about_lease
from haconsole.present.changes import Change
from haconsole.present.detail import Detail
from haconsole.present.subjects import (
    BalancerSubject,
    CertificateSubject,
    CommandSubject,
    EventSubject,
    FindingSubject,
    HostSubject,
    LeaseSubject,
    MemberSubject,
    PartSubject,
    RunSubject,
    ServerSubject,
    StepSubject,
    Subject,
    VipSubject,
)


def about(
    subject: Subject,
    snapshot: ClusterSnapshot,
    findings: tuple[Finding, ...],
    history: tuple[Change, ...],
    now: datetime,
) -> Detail | None:
    """All about a subject; None when it is no longer there."""
    match subject:
        case FindingSubject():
            found = next((each for each in findings if FindingSubject(each.code, each.subject) == subject), None)
            return about_finding(found) if found else None
        case EventSubject(number=number):
            change = next((each for each in history if each.number == number), None)
            return about_event(change, now) if change else None
        case CommandSubject() | StepSubject() | RunSubject():
            return None
        case _:
            return _about_part(subject, snapshot, now)


def _about_part(subject: PartSubject, snapshot: ClusterSnapshot, now: datetime) -> Detail | None:
    match subject:
        case MemberSubject(id=member):
            return about_member(snapshot, member, now)
        case HostSubject(host=host):
            return about_host(snapshot, host, now)
        case VipSubject(address=address, host=host):
            return about_vip(snapshot, address, host, now)
        case ServerSubject(backend=backend, server=server):
            return about_server(snapshot, backend, server, now)
        case BalancerSubject(host=host):
            return about_balancer(snapshot, host, now)
        case LeaseSubject(namespace=namespace, name=name):
            return about_lease(snapshot, namespace, name, now)
        case CertificateSubject(host=host, path=path):
            return about_certificate(snapshot, host, path, now)
        case _:
            assert_never(subject)
