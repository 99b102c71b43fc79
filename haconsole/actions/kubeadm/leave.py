"""The steps that remove a host: pods and VIPs move, its control plane stops, its member and node are deleted."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.balancing import without_socket
from haconsole.actions.build import step_id
from haconsole.actions.checks import NodeIs, NodeStage
from haconsole.actions.kubeadm.cluster import (
    PLANE,
    api_hosts,
    folders,
    foreign_balancers,
    node_name,
    node_of,
    nothing_left,
    settings,
)
from haconsole.actions.kubeadm.join import LEAVE, LEAVE_S
from haconsole.actions.membership import balancers, control_plane, etcd
from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.operations import DeleteNode, DrainNode, ForgetControlPlane, Irreversible, RunCommand
from haconsole.actions.step import Step
from haconsole.actions.steps.haproxy import drain_step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import set_aside_step, stop_step
from haconsole.actions.steps.static_pods import static_pod, stop_pods_step
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName

PHASE = "leaving"

DRAIN_WHY = (
    "The node gets no new pods, and controllers start its pods on other nodes. PodDisruptionBudgets are respected. "
    "Data in emptyDir volumes is deleted with its pod."
)
FORCE_WHY = (
    "The node gets no new pods, and controllers start its pods on other nodes. Pods that a PodDisruptionBudget "
    "protects, and pods without a controller, are deleted: this was requested."
)
STOP_WHY = (
    "Another host takes the leases of kube-scheduler and kube-controller-manager. Only then is this host's API server "
    "stopped."
)
STOP_API_WHY = "The API server finishes its open requests while its etcd still serves it."
RESET_WHY = (
    "kubeadm reset stops kubelet and removes its containers, so that nothing of the cluster runs here. Configuration, "
    "keys and etcd's data are renamed, not deleted; the keys are still valid."
)
NODE_WHY = "Once the node is deleted, Kubernetes deletes its pods, and other nodes can attach their volumes."
STATUS_WHY = "kubeadm up to 1.21 keeps its own list of control planes and contacts each of them at joins and upgrades."
BALANCER_WHY = "The host is no longer part of the cluster."
ASIDE_WHY = "With its old configuration keepalived would take the VIP again after a start of the host."


def leave_groups(change: MembershipChange, *, force: bool) -> tuple[Group, ...]:
    """All steps for the host that leaves, in order; only those about the others if it does not answer.

    A member that runs on no host of the inventory is only removed from etcd's list.
    """
    out = change.out
    if out is None:
        return etcd.member_out(change) if change.ghost else ()
    plane = Role.CONTROL_PLANE in out.roles
    return (
        *_drain(change, out, force=force),
        *balancers.vip_out(change),
        *(_plane_out(change, out) if plane else ()),
        *etcd.member_out(change),
        *_reset(change, out),
        *_forgotten(change, out),
        *_balancer_out(change, out),
    )


def _drain(change: MembershipChange, out: Host, *, force: bool) -> tuple[Group, ...]:
    """Only a ready node can be drained: kubelet must confirm the end of each pod."""
    node, ask = node_of(change.snapshot, out), ask_of(change)
    if node is None or not node.ready or not change.out_answers:
        return ()
    step = Step(
        id=step_id(f"node.drain-{node.name}", ask[0]),
        title=f"Drain node {node.name}",
        why=FORCE_WHY if force else DRAIN_WHY,
        host=ask[0],
        operation=DrainNode(node.name, ask, force),
        verification=(NodeIs(node.name, NodeStage.DRAINED, ask),),
        undo=Irreversible(f"the pods run on other nodes; to use the node again: kubectl uncordon {node.name}"),
        phase=PHASE,
    )
    return ((step,),)


def _plane_out(change: MembershipChange, out: Host) -> tuple[Group, ...]:
    """No balancer sends to it, other hosts hold the leases, then its API server stops."""
    groups: list[Group] = []
    names = control_plane.balancers(change)
    silent = without_socket(change.snapshot, names)
    with_socket = tuple(name for name in names if name not in silent)
    if with_socket and change.layout.haproxy:
        servers = control_plane.leaving_server(change, out, change.layout.haproxy.backend)
        if servers.server:
            groups.append((drain_step(out.name, replace(servers, balancers=with_socket), phase=PHASE, leaves=True),))
    if change.out_answers and not _kubelet_runs(change, out):
        return tuple(groups)
    managers, api = PLANE[2:], PLANE[1:2]
    title = "Stop controller manager and scheduler"
    groups.append(_stop_pods(change, out, "kubernetes.stop", managers, title=title, why=STOP_WHY))
    groups.append(control_plane.locks(change, "passed-on"))
    groups.append(_stop_pods(change, out, "kubernetes.stop-api", api, title="Stop the API server", why=STOP_API_WHY))
    return tuple(groups)


def _kubelet_runs(change: MembershipChange, out: Host) -> bool:
    """Also if that is unknown: without a stop of its own, this host may hold a lease for as long as the run waits.

    A kubelet that does not run stops no pod; the reset removes its containers, and with them the holder of a lease.
    """
    facts = change.snapshot.host(HostName(out.name))
    kubelet = facts.service("kubelet") if facts else None
    return kubelet is None or kubelet.running


def _stop_pods(
    change: MembershipChange, out: Host, what: str, names: tuple[str, ...], *, title: str, why: str
) -> Group:
    if not change.out_answers:
        return ()
    pods = (static_pod(change.snapshot, change.layout, out, name) for name in names)
    step = stop_pods_step(what, out.name, tuple(filter(None, pods)), title=title, why=why, phase=PHASE)
    return (replace(step, undo=Irreversible("join the host again with: run join")),)


def _reset(change: MembershipChange, out: Host) -> tuple[Group, ...]:
    if not change.out_answers:
        return ()
    socket = settings(change.inventory).cri_socket
    words = (_end(change), *folders(change.inventory), *((socket,) if socket else ()))
    step = Step(
        id=step_id("kubeadm.reset", out.name),
        title="Reset the host with kubeadm",
        why=RESET_WHY,
        host=HostName(out.name),
        operation=RunCommand(("sh", "-ec", LEAVE, "leave", *words), timeout_s=LEAVE_S),
        verification=(nothing_left(change.inventory),),
        undo=Irreversible("join the host again with: run join"),
        phase=PHASE,
    )
    return ((step,),)


def _forgotten(change: MembershipChange, out: Host) -> tuple[Group, ...]:
    """The API knows nothing of the host."""
    node, ask = node_name(change.snapshot, out), ask_of(change)
    undo = Irreversible("a join registers the node again: run join")
    delete = Step(
        id=step_id(f"node.delete-{node}", ask[0]),
        title=f"Delete node {node}",
        why=NODE_WHY,
        host=ask[0],
        operation=DeleteNode(node, ask),
        verification=(NodeIs(node, NodeStage.GONE, ask),),
        undo=undo,
        phase=PHASE,
    )
    if Role.CONTROL_PLANE not in out.roles:
        return ((delete,),)
    forget = Step(
        id=step_id(f"kubeadm.forget-{node}", ask[0]),
        title=f"Delete {node} from kubeadm's list of control planes",
        why=STATUS_WHY,
        host=ask[0],
        operation=ForgetControlPlane(node, ask),
        verification=(NodeIs(node, NodeStage.UNLISTED, ask),),
        undo=undo,
        phase=PHASE,
    )
    return ((delete, forget),)


def _balancer_out(change: MembershipChange, out: Host) -> tuple[Group, ...]:
    """haproxy stops; keepalived's configuration is renamed if this console wrote it."""
    haproxy, keepalived = change.layout.haproxy, change.layout.keepalived
    if Role.LOAD_BALANCER not in out.roles or not change.out_answers or haproxy is None:
        return ()
    units, title = (haproxy.unit,), "Stop haproxy"
    groups: list[Group] = [
        (stop_step("haproxy.stop", out.name, units, title=title, why=BALANCER_WHY, phase=PHASE),),
    ]
    if keepalived and not foreign_balancers(change.snapshot, change.layout, (out,)):
        paths, title = (keepalived.config_file,), "Rename keepalived's configuration"
        groups.append(
            (set_aside_step("leaving.aside", out.name, paths, _end(change), title=title, why=ASIDE_WHY, phase=PHASE),)
        )
    return tuple(groups)


def ask_of(change: MembershipChange) -> tuple[HostName, ...]:
    """Control planes that stay and may answer for the API."""
    into = change.into.name if change.into else None
    planes = change.after.inventory.with_role(Role.CONTROL_PLANE)
    return api_hosts(change.snapshot, tuple(host for host in planes if host.name != into))


def _end(change: MembershipChange) -> str:
    return f"removed-{change.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
