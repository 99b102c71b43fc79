"""The steps that replace leaf certificates: host by host, or together where expired ones have stopped the cluster."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from haconsole.actions.bootstrap.leaves import ETCD_CA
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import look_step, step_id
from haconsole.actions.checks import ApiserverReady, Check, EtcdHealthy
from haconsole.actions.operations import RunCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.desired import HostLeaf, is_expired, name_steps, renew_step
from haconsole.actions.rotation.handover import with_vips_elsewhere
from haconsole.actions.rotation.kubeadm import api_port, etcd_ports
from haconsole.actions.rotation.kubelet import ROLE, kubelet_restart, nodes_renewed
from haconsole.actions.rotation.rolling_restart import (
    WAIT_S,
    api_turn,
    component_restart,
    etcd_restart,
    locks_held,
    restart_order,
    restart_pods,
    serves,
)
from haconsole.actions.rotation.scripts import TAKE_UP
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

LEAVES = "leaves"
TAKES_UP_S = 75
"""kube-apiserver checks its certificate's file once a minute, or at once if it is notified of changes."""

SHOWN_WHY = (
    "Before the next host is changed, new connections to this member must get the new certificate, and the "
    "member must be healthy."
)
READY_WHY = (
    "Before the next host is changed, the API server must be ready and reach etcd with its new client certificates."
)
TAKE_UP_WHY = (
    "API servers reload a new certificate automatically, at once or within a minute. An API server that "
    "then still presents the old certificate is restarted."
)
OVER_WHY = (
    "Expired certificates have stopped etcd, so its health is not a precondition. Every member gets new "
    "certificates, then all start in parallel."
)
CLIENTS = {"controller-manager": "kube-controller-manager", "scheduler": "kube-scheduler"}


class StoppedComponents(msgspec.Struct, frozen=True):
    """Whether expired certificates have stopped etcd, and whether they have stopped every API server."""

    etcd: bool
    api: bool


def stopped_components(ctx: PlanContext, every: tuple[HostLeaf, ...]) -> StoppedComponents:
    """The stopped components, judged by the existing leaves."""
    ended = {(one.host.name, one.leaf.name) for one in every if is_expired(ctx, one)}
    members = sum(any((host.name, role) in ended for role in ("etcd-server", "etcd-peer")) for host in ctx.etcd)
    etcd = bool(ctx.etcd) and len(ctx.etcd) - members < len(ctx.etcd) // 2 + 1
    planes = ctx.control_planes
    roles = ("apiserver", "apiserver-etcd-client")
    api = bool(planes) and all(any((host.name, role) in ended for role in roles) for host in planes)
    return StoppedComponents(etcd, bool(planes) and (etcd or api))


def leaf_groups(ctx: PlanContext, leaves: tuple[HostLeaf, ...], stopped: StoppedComponents) -> tuple[Group, ...]:
    """Everything, in the order that keeps the cluster running or recovers it."""
    if stopped.etcd or stopped.api:
        kubelets = tuple(one for one in leaves if one.leaf.name == ROLE and is_kubeadm(ctx.inventory))
        others = tuple(one for one in leaves if one not in kubelets)
        return (*_revive_kubelets(kubelets), *_revived(ctx, others, stopped))
    return (*_host_by_host(ctx, leaves), *_reloaded_components(ctx, leaves), *_last_look(ctx))


def _revived(ctx: PlanContext, leaves: tuple[HostLeaf, ...], stopped: StoppedComponents) -> tuple[Group, ...]:
    of_etcd = tuple(one for one in leaves if one.leaf.authority == ETCD_CA)
    others = tuple(one for one in leaves if one not in of_etcd)
    etcd = _revive_etcd(ctx, of_etcd) if stopped.etcd else _host_by_host(ctx, of_etcd)
    return (*etcd, *_revive_kubernetes(ctx, others), *_last_look(ctx))


def _revive_kubelets(kubelets: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    """kubelet does not start with an expired certificate, and static pods start only with kubelet."""
    return (
        tuple(renew_step(one, LEAVES) for one in kubelets),
        tuple(kubelet_restart(one.host, "revive", one.files, LEAVES) for one in kubelets),
    )


def _host_by_host(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    groups: list[Group] = []
    for host in restart_order(ctx):
        mine = tuple(one for one in leaves if one.host == host)
        groups.append(tuple(renew_step(one, LEAVES) for one in mine))
        groups.append(name_steps(mine, LEAVES))
        groups.append((*etcd_gate(ctx, host, mine, LEAVES), *_api_gate(ctx, host, mine)))
    return tuple(groups)


def etcd_gate(ctx: PlanContext, host: Host, mine: tuple[HostLeaf, ...], phase: str) -> Group:
    """The member serves its new certificates and is healthy with them."""
    ports = etcd_ports(ctx, host)
    new = [one.leaf for one in mine if one.leaf.name in (*ports, "etcd-client")]
    if not new:
        return ()
    serves_checks = tuple(serves(host, ports[leaf.name], leaf.files.cert) for leaf in new if leaf.name in ports)
    checks: tuple[Check, ...] = (*serves_checks, EtcdHealthy(len(ctx.etcd)))
    title = "Verify that etcd is healthy with its new certificates"
    return (look_step("etcd.gate", host.name, checks, title=title, why=SHOWN_WHY, phase=phase, wait_s=WAIT_S),)


def _api_gate(ctx: PlanContext, host: Host, mine: tuple[HostLeaf, ...]) -> Group:
    if host not in ctx.control_planes or not any(one.leaf.name not in ETCD_OWN for one in mine):
        return ()
    title = "Verify that the API server is ready with its new certificates"
    checks = (ApiserverReady(),)
    return (look_step("kubernetes.gate", host.name, checks, title=title, why=READY_WHY, phase=LEAVES, wait_s=WAIT_S),)


ETCD_OWN = ("etcd-server", "etcd-peer", "etcd-client")


def _reloaded_components(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    """API servers are awaited first; those that do not reload get their turn. Then clients that cannot reload."""
    kubernetes = ctx.layout.kubernetes
    if kubernetes is None:
        return ()
    serving = {one.host.name: one for one in leaves if one.leaf.name == "apiserver"}
    groups: list[Group] = [tuple(_take_up(one.host, api_port(ctx, one.host), one) for one in serving.values())]
    for host in restart_order(ctx):
        turn: list[Group] = []
        if host.name in serving:
            shows = serves(host, api_port(ctx, host), serving[host.name].leaf.files.cert)
            restart = component_restart(ctx, host, "kube-apiserver", "serve", (), LEAVES, (shows,))
            title = "Restart kube-apiserver unless it serves the new certificate"
            turn += api_turn(ctx, host, "serve", replace(restart, title=title), LEAVES)
        unread = [one for one in leaves if one.host == host and (one.needs_restart or is_expired(ctx, one))]
        kubelets = [one for one in unread if one.leaf.name == ROLE]
        turn.append(tuple(kubelet_restart(host, "client", one.files, LEAVES) for one in kubelets))
        ended = [one for one in unread if one.leaf.name in CLIENTS]
        if ended:
            turn.append(_client_restarts(ctx, host, ended))
            turn.append(locks_held(f"held-{host.name}", host, LEAVES))
        groups += with_vips_elsewhere(ctx, host, "serve", tuple(turn), LEAVES)
    return (*groups, _nodes_renewed(ctx, leaves))


def _take_up(host: Host, port: int, one: HostLeaf) -> Step:
    words = (str(TAKES_UP_S), join_host_port(host.address, port), one.leaf.files.cert)
    return Step(
        id=step_id("kubernetes.take-up", host.name),
        title="Wait for the API server to serve its new certificate",
        why=TAKE_UP_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-c", TAKE_UP.strip(), "take-up", *words), timeout_s=TAKES_UP_S + 30.0),
        phase=LEAVES,
    )


def _client_restarts(ctx: PlanContext, host: Host, leaves: list[HostLeaf]) -> Group:
    """Units in parallel; static pods together, because one command at a time changes a host's manifests."""
    files = {CLIENTS[one.leaf.name]: one.files for one in leaves}
    if is_kubeadm(ctx.inventory):
        return (restart_pods(ctx, host, "client", files, LEAVES),)
    return tuple(component_restart(ctx, host, unit, "client", paths, LEAVES) for unit, paths in files.items())


def _revive_etcd(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    """All leaves of etcd's CA, then every member at once: a single member finds no majority."""
    starts = tuple(replace(etcd_restart(ctx, host, "revive", (), LEAVES), why=OVER_WHY) for host in ctx.etcd)
    return tuple(renew_step(one, LEAVES) for one in leaves), starts


def _revive_kubernetes(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    """API servers at once, then the components that use them."""
    if ctx.layout.kubernetes is None or not ctx.control_planes:
        return ()
    renewed = tuple(renew_step(one, LEAVES) for one in leaves)
    named = name_steps(leaves, LEAVES)
    kubelets = tuple(kubelet_restart(one.host, "revive", one.files, LEAVES) for one in leaves if one.leaf.name == ROLE)
    if is_kubeadm(ctx.inventory):
        return renewed, named, *_revive_pods(ctx, leaves), kubelets, _nodes_renewed(ctx, leaves)
    files = {host.name: _files(leaves, host, "apiserver") for host in ctx.control_planes}
    apis = tuple(
        replace(component_restart(ctx, host, "kube-apiserver", "revive", files[host.name], LEAVES), why=OVER_WHY)
        for host in ctx.control_planes
    )
    clients = tuple(
        replace(component_restart(ctx, host, unit, "revive", _files(leaves, host, role), LEAVES), why=OVER_WHY)
        for host in ctx.control_planes
        for role, unit in CLIENTS.items()
    )
    return renewed, named, apis, (*clients, *kubelets), _nodes_renewed(ctx, leaves)


def _revive_pods(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> tuple[Group, ...]:
    """The control plane's static pods of every host, as units: the API servers first."""
    apis = tuple(
        component_restart(ctx, host, "kube-apiserver", "revive", _files(leaves, host, "apiserver"), LEAVES)
        for host in ctx.control_planes
    )
    clients = tuple(
        restart_pods(ctx, host, "revive", {unit: _files(leaves, host, role) for role, unit in CLIENTS.items()}, LEAVES)
        for host in ctx.control_planes
    )
    return tuple(tuple(replace(one, why=OVER_WHY) for one in group) for group in (apis, clients))


def _nodes_renewed(ctx: PlanContext, leaves: tuple[HostLeaf, ...]) -> Group:
    hosts = tuple(one.host for one in leaves if one.leaf.name == ROLE)
    return nodes_renewed(ctx, "client", LEAVES, hosts) if hosts else ()


def _files(leaves: tuple[HostLeaf, ...], host: Host, role: str) -> tuple[str, ...]:
    return tuple(path for one in leaves if one.host == host and one.leaf.name == role for path in one.files)


def _last_look(ctx: PlanContext) -> tuple[Group, ...]:
    """The final checks of bootstrap."""
    return (tuple(verify_steps(ctx)),)
