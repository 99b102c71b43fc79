"""Leaves replaced on a running cluster, host by host, and on one that expired certificates have stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import ETCD_CA
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import look_step, step_id
from haconsole.actions.checks import ApiserverReady, Check, EtcdHealthy
from haconsole.actions.operations import RunCommand
from haconsole.actions.rotation.handover import with_vips_elsewhere
from haconsole.actions.rotation.kubelet import ROLE, kubelet_restart, nodes_renewed
from haconsole.actions.rotation.scripts import TAKE_UP
from haconsole.actions.rotation.turns import (
    WAIT_S,
    api_turn,
    component_restart,
    etcd_restart,
    locks_held,
    serves,
    turns,
)
from haconsole.actions.rotation.wanted import Held, expired, name_steps, renew_step
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

LEAVES = "leaves"
TAKES_UP_S = 75
"""kube-apiserver checks its certificate's file once a minute, or at once if it is notified of changes."""

SHOWN_WHY = "New connections get the new certificate, and the member is healthy with it, before the next host's turn."
READY_WHY = (
    "With its new client certificates the API server still reaches etcd and is ready, before the next host's turn."
)
TAKE_UP_WHY = (
    "API servers reload a new certificate automatically, at once or within a minute. Only one that does not is "
    "restarted."
)
OVER_WHY = (
    "Expired certificates have stopped etcd, so its health is not a precondition. Every member gets new "
    "certificates, then all start in parallel."
)
CLIENTS = {"controller-manager": "kube-controller-manager", "scheduler": "kube-scheduler"}


@dataclass(frozen=True, slots=True)
class Over:
    """Whether expired certificates have stopped etcd, and whether they have stopped every API server."""

    etcd: bool
    api: bool


def over(found: Ground, every: tuple[Held, ...]) -> Over:
    """The stopped components, judged by the existing leaves."""
    ended = {(one.host.name, one.leaf.name) for one in every if expired(found, one)}
    members = sum(any((host.name, role) in ended for role in ("etcd-server", "etcd-peer")) for host in found.etcd)
    etcd = bool(found.etcd) and len(found.etcd) - members < len(found.etcd) // 2 + 1
    planes = found.control_planes
    roles = ("apiserver", "apiserver-etcd-client")
    api = bool(planes) and all(any((host.name, role) in ended for role in roles) for host in planes)
    return Over(etcd, bool(planes) and (etcd or api))


def leaf_groups(found: Ground, chosen: tuple[Held, ...], stopped: Over) -> tuple[Group, ...]:
    """Everything, in the order that keeps the cluster running or recovers it."""
    of_etcd = tuple(one for one in chosen if one.leaf.authority == ETCD_CA)
    others = tuple(one for one in chosen if one not in of_etcd)
    if stopped.etcd:
        return (*_revive_etcd(found, of_etcd), *_revive_kubernetes(found, others), *_last_look(found))
    if stopped.api:
        return (*_host_by_host(found, of_etcd), *_revive_kubernetes(found, others), *_last_look(found))
    return (*_host_by_host(found, chosen), *_taken_up(found, chosen), *_last_look(found))


def _host_by_host(found: Ground, chosen: tuple[Held, ...]) -> tuple[Group, ...]:
    groups: list[Group] = []
    for host in turns(found):
        mine = tuple(one for one in chosen if one.host == host)
        groups.append(tuple(renew_step(one, LEAVES) for one in mine))
        groups.append(name_steps(mine, LEAVES))
        groups.append((*etcd_gate(found, host, mine, LEAVES), *_api_gate(found, host, mine)))
    return tuple(groups)


def etcd_gate(found: Ground, host: Host, mine: tuple[Held, ...], phase: str) -> Group:
    """The member serves its new certificates and is healthy with them."""
    etcd = found.layout.etcd
    ports = {"etcd-server": etcd.client_port, "etcd-peer": etcd.peer_port}
    new = [one.leaf for one in mine if one.leaf.name in (*ports, "etcd-client")]
    if not new:
        return ()
    shown = tuple(serves(host, ports[leaf.name], leaf.files.cert) for leaf in new if leaf.name in ports)
    checks: tuple[Check, ...] = (*shown, EtcdHealthy(len(found.etcd)))
    title = "Verify that etcd is healthy with its new certificates"
    return (look_step("etcd.gate", host.name, checks, title=title, why=SHOWN_WHY, phase=phase, wait_s=WAIT_S),)


def _api_gate(found: Ground, host: Host, mine: tuple[Held, ...]) -> Group:
    if host not in found.control_planes or not any(one.leaf.name not in ETCD_OWN for one in mine):
        return ()
    title = "Verify that the API server is ready with its new certificates"
    checks = (ApiserverReady(),)
    return (look_step("kubernetes.gate", host.name, checks, title=title, why=READY_WHY, phase=LEAVES, wait_s=WAIT_S),)


ETCD_OWN = ("etcd-server", "etcd-peer", "etcd-client")


def _taken_up(found: Ground, chosen: tuple[Held, ...]) -> tuple[Group, ...]:
    """API servers are awaited first; those that do not reload get their turn. Then clients that cannot reload."""
    kubernetes = found.layout.kubernetes
    if kubernetes is None:
        return ()
    serving = {one.host.name: one for one in chosen if one.leaf.name == "apiserver"}
    groups: list[Group] = [tuple(_take_up(one.host, kubernetes.api_port, one) for one in serving.values())]
    for host in turns(found):
        turn: list[Group] = []
        if host.name in serving:
            shows = serves(host, kubernetes.api_port, kubernetes.apiserver.cert)
            restart = component_restart(found, host, "kube-apiserver", "serve", (), LEAVES, (shows,))
            title = "Restart kube-apiserver unless it serves the new certificate"
            turn += api_turn(found, host, "serve", replace(restart, title=title), LEAVES)
        unread = [one for one in chosen if one.host == host and (one.kubeconfig or expired(found, one))]
        kubelets = [one for one in unread if one.leaf.name == ROLE]
        turn.append(tuple(kubelet_restart(host, "client", one.files, LEAVES) for one in kubelets))
        ended = [one for one in unread if one.leaf.name in CLIENTS]
        if ended:
            turn.append(tuple(_client_restart(found, one) for one in ended))
            turn.append(locks_held(f"held-{host.name}", host, LEAVES))
        groups += with_vips_elsewhere(found, host, "serve", tuple(turn), LEAVES)
    return (*groups, _nodes_seen(found, chosen))


def _take_up(host: Host, port: int, one: Held) -> Step:
    words = (str(TAKES_UP_S), join_host_port(host.address, port), one.leaf.files.cert)
    return Step(
        id=step_id("kubernetes.take-up", host.name),
        title="Wait for the API server to serve its new certificate",
        why=TAKE_UP_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-c", TAKE_UP.strip(), "take-up", *words), timeout_s=TAKES_UP_S + 30.0),
        phase=LEAVES,
    )


def _client_restart(found: Ground, one: Held) -> Step:
    return component_restart(found, one.host, CLIENTS[one.leaf.name], "client", one.files, LEAVES)


def _revive_etcd(found: Ground, chosen: tuple[Held, ...]) -> tuple[Group, ...]:
    """All leaves of etcd's CA, then every member at once: a single member finds no majority."""
    starts = tuple(replace(etcd_restart(found, host, "revive", (), LEAVES), why=OVER_WHY) for host in found.etcd)
    return tuple(renew_step(one, LEAVES) for one in chosen), starts


def _revive_kubernetes(found: Ground, chosen: tuple[Held, ...]) -> tuple[Group, ...]:
    """API servers at once, then the components that use them."""
    if found.layout.kubernetes is None or not found.control_planes:
        return ()
    renewed = tuple(renew_step(one, LEAVES) for one in chosen)
    named = name_steps(chosen, LEAVES)
    kubelets = tuple(kubelet_restart(one.host, "revive", one.files, LEAVES) for one in chosen if one.leaf.name == ROLE)
    files = {host.name: _files(chosen, host, "apiserver") for host in found.control_planes}
    apis = tuple(
        replace(component_restart(found, host, "kube-apiserver", "revive", files[host.name], LEAVES), why=OVER_WHY)
        for host in found.control_planes
    )
    clients = tuple(
        replace(component_restart(found, host, unit, "revive", _files(chosen, host, role), LEAVES), why=OVER_WHY)
        for host in found.control_planes
        for role, unit in CLIENTS.items()
    )
    return renewed, named, apis, (*clients, *kubelets), _nodes_seen(found, chosen)


def _nodes_seen(found: Ground, chosen: tuple[Held, ...]) -> Group:
    hosts = tuple(one.host for one in chosen if one.leaf.name == ROLE)
    return nodes_renewed(found, "client", LEAVES, hosts) if hosts else ()


def _files(chosen: tuple[Held, ...], host: Host, role: str) -> tuple[str, ...]:
    return tuple(path for one in chosen if one.host == host and one.leaf.name == role for path in one.files)


def _last_look(found: Ground) -> tuple[Group, ...]:
    """The final checks of bootstrap."""
    return (tuple(verify_steps(found)),)
