"""The host a person stands on, whichever row the cursor is on."""

from __future__ import annotations

from haconsole.model.etcd_view import etcd_view
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.facts import shown
from haconsole.present.subjects import (
    BalancerSubject,
    CertificateSubject,
    FindingSubject,
    HostSubject,
    LeaseSubject,
    MemberSubject,
    ServerSubject,
    Subject,
    VipSubject,
)


def host_of(subject: Subject | None, snapshot: ClusterSnapshot | None) -> HostName | None:
    """The host behind a subject; None where there is none or no single one."""
    match subject:
        case (
            HostSubject(host=host) | BalancerSubject(host=host) | VipSubject(host=host) | CertificateSubject(host=host)
        ):
            return host
        case MemberSubject(id=member) if snapshot is not None:
            return next((row.host for row in etcd_view(snapshot).members if row.member.id == member), None)
        case ServerSubject(server=name) | FindingSubject(subject=name) if snapshot is not None:
            facts = snapshot.host(HostName(name.rpartition("@")[2]))
            return facts.host if facts else None
        case LeaseSubject(namespace=namespace, name=name) if snapshot is not None:
            leases = shown(snapshot.leases).value or ()
            return next((each.host for each in leases if (each.namespace, each.name) == (namespace, name)), None)
        case _:
            return None
