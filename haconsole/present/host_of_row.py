"""The host under the cursor, whatever the row."""

from __future__ import annotations

from haconsole.model.etcd_view import etcd_view
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.facts import display_of
from haconsole.present.row_keys import (
    ApiserverKey,
    BalancerKey,
    CertificateKey,
    FindingKey,
    HostKey,
    LeaseKey,
    MemberKey,
    NodeKey,
    RowKey,
    ServerKey,
    VipKey,
)


def host_of(subject: RowKey | None, snapshot: ClusterSnapshot | None) -> HostName | None:
    """The host behind a subject; None if there is none or more than one."""
    match subject:
        case HostKey() | BalancerKey() | ApiserverKey() | VipKey() | CertificateKey():
            return subject.host
        case MemberKey(id=member) if snapshot is not None:
            return next((row.host for row in etcd_view(snapshot).members if row.member.id == member), None)
        case ServerKey(server=name) | FindingKey(subject=name) if snapshot is not None:
            facts = snapshot.host(HostName(name.rpartition("@")[2]))
            return facts.host if facts else None
        case LeaseKey(namespace=namespace, name=name) if snapshot is not None:
            leases = display_of(snapshot.leases).value or ()
            return next((each.host for each in leases if (each.namespace, each.name) == (namespace, name)), None)
        case NodeKey(name=name) if snapshot is not None:
            nodes = display_of(snapshot.nodes).value or ()
            return next((node.host for node in nodes if node.name == name), None)
        case _:
            return None
