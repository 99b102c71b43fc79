"""Finds the component that a row of a table is about."""

from __future__ import annotations

from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP
from haconsole.model.vip_view import is_leased
from haconsole.present.row_keys import (
    ApiserverKey,
    BalancerKey,
    FindingKey,
    LeaseKey,
    MemberKey,
    NodeKey,
    RowKey,
    ServerKey,
    VipKey,
)

PARTS = {
    "etcd": "etcd",
    "haproxy": "haproxy",
    "keepalived": "keepalived",
    "vip": "keepalived",
    "apiserver": "kube-apiserver",
    "kubelet": "kubelet",
    "node": "kubelet",
    "kube-vip": KUBE_VIP,
}
"""Components by the part of a finding's code before its first dot."""
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", *dict.fromkeys(PARTS.values()))


def part_of(subject: RowKey | None, snapshot: ClusterSnapshot | None) -> str:
    """The component of a row; empty for none."""
    match subject:
        case MemberKey():
            return "etcd"
        case BalancerKey():
            return "haproxy"
        case ApiserverKey() | ServerKey():
            return "kube-apiserver"
        case NodeKey():
            return "kubelet"
        case VipKey(address=address):
            return KUBE_VIP if snapshot is not None and is_leased(snapshot, address) else "keepalived"
        case LeaseKey(namespace=namespace, name=name):
            return "kubelet" if namespace == "kube-node-lease" else name if name in COMPONENTS else ""
        case FindingKey(code=code, subject=about):
            unit = about.partition("@")[0].removesuffix(".service")
            return unit if unit in COMPONENTS else PARTS.get(code.partition(".")[0], "")
        case _:
            return ""
