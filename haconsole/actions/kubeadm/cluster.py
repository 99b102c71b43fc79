"""Facts about a kubeadm cluster that all kubeadm planners use: node names, release, and who owns its balancers."""

from __future__ import annotations

from haconsole.actions.build import script
from haconsole.actions.checks import AnyOf, Check, CommandSucceeds, MemberIs, MemberStage, NodeIs, NodeStage, NoMemberAt
from haconsole.configs.balancer_files import haproxy_files, keepalived_files
from haconsole.configs.layout import Layout, is_stacked
from haconsole.inventory.component_settings import Kubeadm
from haconsole.inventory.effective import etcd_peer_url
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.balancer_files_view import file_owner
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.node import NodeState
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

LEFT = load_script("check-kubeadm-left")
PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""The static pods of a stacked control plane."""


def node_of(snapshot: ClusterSnapshot, host: Host) -> NodeState | None:
    """The host's node, if the API is known to have one."""
    return next((one for one in value_of(snapshot.nodes) or () if one.host == host.name), None)


def node_name(snapshot: ClusterSnapshot, host: Host) -> str:
    """The name of the host's node, which a join gives it if it has none."""
    node = node_of(snapshot, host)
    return node.name if node else host.name


def release(snapshot: ClusterSnapshot, inventory: Inventory) -> str | None:
    """The release that API servers report, otherwise the inventory's; None if neither is known to its patch level."""
    reports = (value_of(facts.apiserver) for facts in snapshot.hosts)
    observed = next((one.version for one in reports if one and one.version), None)
    version = observed or (inventory.kubernetes.version if inventory.kubernetes else None)
    return version.lstrip("v") if version and version.count(".") == 2 else None


def series(version: str) -> str:
    """``1.20`` of ``1.20.2``."""
    return ".".join(version.lstrip("v").split(".")[:2])


def settings(inventory: Inventory) -> Kubeadm:
    return inventory.kubernetes.kubeadm if inventory.kubernetes else Kubeadm()


def api_hosts(snapshot: ClusterSnapshot, planes: tuple[Host, ...]) -> tuple[HostName, ...]:
    """Those of `planes` whose API server was not observed down, those observed ready first."""
    facts = {host.name: snapshot.host(HostName(host.name)) for host in planes}
    reached = [name for name, one in facts.items() if one is not None and isinstance(one.reach, Known)]

    def is_ready(name: str) -> bool:
        one = facts[name]
        report = value_of(one.apiserver) if one else None
        return report is not None and report.ready

    return tuple(HostName(name) for name in sorted(reached, key=is_ready, reverse=True))


def foreign_balancers(snapshot: ClusterSnapshot, places: Layout, hosts: tuple[Host, ...]) -> tuple[HostName, ...]:
    """Hosts with a balancer's file that this console may not replace."""
    files = (*haproxy_files(places), *keepalived_files(places))
    return tuple(
        HostName(host.name)
        for host in hosts
        if any(not file_owner(snapshot, host.name, path).replaceable for path in files)
    )


def folders(inventory: Inventory) -> tuple[str, str, str]:
    """Of configuration, of keys, and of etcd's data; the last is empty if etcd is not kubeadm's."""
    kubernetes = inventory.kubernetes
    assert kubernetes is not None
    return kubernetes.config_dir, kubernetes.pki_dir, inventory.etcd.data_dir if is_stacked(inventory) else ""


def nothing_left(inventory: Inventory) -> CommandSucceeds:
    """Nothing of an init or join is on the step's host."""
    config, pki, data = folders(inventory)
    places = ", ".join(filter(None, (config, pki, data)))
    means = f"nothing of kubeadm in {places}, and no control plane runs"
    return script(LEFT, "left", config, pki, data, means=means, problem="an earlier init or join is still here")


def joined(inventory: Inventory, host: Host, node: str, ask: tuple[HostName, ...]) -> tuple[Check, ...]:
    """The host is a registered node and, as a stacked control plane, a voter of etcd: nothing of it may be undone."""
    checks: list[Check] = [NodeIs(node, NodeStage.REGISTERED, ask)]
    if Role.CONTROL_PLANE in host.roles and is_stacked(inventory):
        checks.append(MemberIs(etcd_peer_url(inventory, host), MemberStage.VOTING, ask))
    return tuple(checks)


def not_joined(inventory: Inventory, host: Host, node: str, ask: tuple[HostName, ...]) -> tuple[Check, ...]:
    """The API reports that the host is no node, or etcd that it has no member there.

    A server without an answer proves nothing: what has joined would be undone whenever the API is not ready.
    """
    absences: tuple[tuple[Check, ...], ...] = ((NodeIs(node, NodeStage.GONE, ask),),)
    if Role.CONTROL_PLANE in host.roles and is_stacked(inventory):
        absences = (*absences, (NoMemberAt(etcd_peer_url(inventory, host), ask),))
    return (AnyOf(absences),)


def left_or_joined(inventory: Inventory, host: Host, node: str, ask: tuple[HostName, ...]) -> AnyOf:
    """No half of a join is on the host."""
    return AnyOf(((nothing_left(inventory),), joined(inventory, host, node, ask)))
