"""The steps that join a host: leftovers of an interrupted join are undone, kubeadm joins, the result is verified."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap import scripts as preflight_scripts
from haconsole.actions.bootstrap.verify import component_healthy
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import (
    AnyOf,
    ApiserverReady,
    Check,
    MemberIs,
    MemberStage,
    NodeIs,
    NodeStage,
    NoMemberAt,
    VipAnswers,
)
from haconsole.actions.kubeadm.cluster import folders, joined, left_or_joined, not_joined, series, settings
from haconsole.actions.kubeadm.external_etcd import reach_of_endpoints
from haconsole.actions.operations import Irreversible, JoinNode, RemoveMemberAt, RunCommand
from haconsole.actions.step import Step
from haconsole.configs.kubeadm import join_config, upload_config
from haconsole.configs.layout import Layout, is_stacked
from haconsole.inventory import effective
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.scripts import load_script

PHASE = "kubeadm"
PREFLIGHT = "preflight"
JOIN_S, READY_S, LEAVE_S = 600.0, 240.0, 300.0
LEAVE = load_script("kubeadm-leave")
INSTALLED = load_script("check-kubeadm")

INSTALLED_WHY = (
    "kubeadm would refuse a host without its programs, a container runtime and kernel settings, but only in the middle "
    "of the run. The action prepare sets them up."
)
REACH_WHY = "kubeadm contacts the cluster through its endpoint, and a control plane's etcd contacts the other members."
CLEAR_WHY = (
    "kubeadm refuses a host with parts of an earlier join. They are undone; configuration, keys and data are kept "
    "under other names. A host that has joined is not touched."
)
FORGET_WHY = (
    "A join that was interrupted may have added the host to etcd before the host became a node. The next step stops "
    "this etcd. With two members that would lose the quorum, so the member leaves etcd's list first."
)
PLANE_WHY = (
    "The token and the key of the uploaded certificates are made right before the join and deleted after it. They "
    "are never shown, logged or stored on a disk. The host's API server and other static pods start."
)
WORKER_WHY = (
    "The token is made right before the join and deleted after it. It is never shown, logged or stored on a disk. "
    "kubelet gets its own certificate and registers the node."
)
UNDO = Irreversible("to remove the host again: run remove")


def preflight_steps(inventory: Inventory, host: Host, version: str, others: tuple[Host, ...]) -> tuple[Step, ...]:
    """Programs on `host`, and its connections to the endpoint and to the etcd of `others`."""
    endpoints = reach_of_endpoints(inventory, host) if Role.CONTROL_PLANE in host.roles else ()
    return (*installed_steps(inventory, host, version), *_reach(inventory, host, others), *endpoints)


def installed_steps(inventory: Inventory, host: Host, version: str) -> tuple[Step, ...]:
    """kubeadm, kubelet, a runtime and kernel settings on `host`: everything missing is listed at once."""
    release, kubeadm = series(version), settings(inventory)
    swap = "allowed" if (kubeadm.kubelet or {}).get("failSwapOn") is False else "off"
    ignored = ",".join(kubeadm.ignore_preflight_errors)
    words = (
        release,
        kubeadm.cgroup_driver.value,
        swap,
        ignored,
        *((kubeadm.cri_socket,) if kubeadm.cri_socket else ()),
    )
    check = script(
        INSTALLED,
        "installed",
        *words,
        means=f"kubeadm and kubelet {release}, their programs, runtime and kernel settings are there",
        problem="the host is not ready for kubeadm; fix each listed problem, then run the action again",
        timeout_s=30.0,
    )
    title = "Check that the host is ready for kubeadm"
    return (look_step("preflight.kubeadm", host.name, (check,), title=title, why=INSTALLED_WHY, phase=PREFLIGHT),)


def _reach(inventory: Inventory, host: Host, others: tuple[Host, ...]) -> tuple[Step, ...]:
    balanced = effective.endpoint(inventory)
    words: list[str] = [balanced[0], str(balanced[1]), "the endpoint"] if balanced else []
    if Role.CONTROL_PLANE in host.roles:
        port = inventory.etcd.peer_port if is_stacked(inventory) else inventory.etcd.client_port
        for other in others:
            words += [other.address, str(port), other.name]
    if not words:
        return ()
    problem = "another host does not answer; open its port (firewall, security group)"
    means = f"{', '.join(words[2::3])} answer"
    check = script(preflight_scripts.REACH, "reach", *words, means=means, problem=problem)
    title = "Check connections to the cluster"
    return (look_step("preflight.reach", host.name, (check,), title=title, why=REACH_WHY, phase=PREFLIGHT),)


def clear_step(inventory: Inventory, host: Host, node: str, end: str, ask: tuple[HostName, ...]) -> Step:
    """Undo what an interrupted join left on the host, unless it has joined."""
    socket = settings(inventory).cri_socket
    words = (end, *folders(inventory), *((socket,) if socket else ()))
    return Step(
        id=step_id("kubeadm.clear", host.name),
        title="Undo a half-finished join",
        why=CLEAR_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", LEAVE, "leave", *words), timeout_s=LEAVE_S),
        precondition=not_joined(inventory, host, node, ask),
        verification=(left_or_joined(inventory, host, node, ask),),
        undo=Irreversible("the host was not part of the cluster; its files are kept under other names"),
        phase=PHASE,
    )


def forget_member_step(inventory: Inventory, host: Host, node: str, ask: tuple[HostName, ...]) -> Step:
    """Remove the member of a host that has not joined: its vote must not count when its etcd stops."""
    peer_url = effective.etcd_peer_url(inventory, host)
    return Step(
        id=step_id("kubeadm.forget", host.name),
        title="Remove the etcd member of a half-finished join",
        why=FORGET_WHY,
        host=HostName(host.name),
        operation=RemoveMemberAt(peer_url, ask),
        precondition=not_joined(inventory, host, node, ask),
        verification=(AnyOf(((NoMemberAt(peer_url, ask),), joined(inventory, host, node, ask))),),
        undo=Irreversible("the host was not part of the cluster"),
        phase=PHASE,
    )


def halves_steps(inventory: Inventory, host: Host, node: str, end: str, ask: tuple[HostName, ...]) -> tuple[Step, ...]:
    """Undo what an interrupted join left in etcd and on the host, in this order."""
    clear = clear_step(inventory, host, node, end, ask)
    if Role.CONTROL_PLANE not in host.roles or not is_stacked(inventory):
        return (clear,)
    forget = forget_member_step(inventory, host, node, ask)
    return forget, replace(clear, needs=(forget.id,))


def join_step(
    inventory: Inventory, places: Layout, host: Host, node: str, version: str, ask: tuple[HostName, ...]
) -> Step:
    """kubeadm join on the host, which is then a ready node with all that belongs to its roles."""
    plane = Role.CONTROL_PLANE in host.roles
    near = inventory.find(ask[0])
    assert near is not None
    operation = JoinNode(
        node=node,
        config=join_config(inventory, host, version),
        upload=upload_config(inventory, near, version) if plane else "",
        ask=ask,
        peer_url=effective.etcd_peer_url(inventory, host) if plane and is_stacked(inventory) else "",
        timeout_s=JOIN_S,
    )
    what = "a control plane" if plane else "a worker"
    return Step(
        id=step_id("kubeadm.join", host.name),
        title=f"Join {host.name} as {what}",
        why=PLANE_WHY if plane else WORKER_WHY,
        host=HostName(host.name),
        operation=operation,
        precondition=(left_or_joined(inventory, host, node, ask),),
        verification=joined_checks(inventory, places, host, node, ask),
        undo=UNDO,
        verify_within_s=READY_S,
        phase=PHASE,
    )


def joined_checks(
    inventory: Inventory, places: Layout, host: Host, node: str, ask: tuple[HostName, ...]
) -> tuple[Check, ...]:
    """Node ready; for a control plane also: a voter of a stacked etcd, components healthy, the endpoint reached."""
    if Role.CONTROL_PLANE not in host.roles or places.kubernetes is None:
        return (NodeIs(node, NodeStage.READY, ask),)
    balanced = effective.endpoint(inventory)
    endpoint = (VipAnswers(effective.join_host_port(*balanced)),) if balanced else ()
    _, *others = places.kubernetes.components
    return (
        NodeIs(node, NodeStage.CONTROL_PLANE, ask),
        *member_checks(inventory, host, node, ask)[1:],
        *(component_healthy(one) for one in others),
        *endpoint,
    )


def member_checks(inventory: Inventory, host: Host, node: str, ask: tuple[HostName, ...]) -> tuple[Check, ...]:
    """The end of kubeadm's join of a control plane; the next one may join then."""
    peer_url = effective.etcd_peer_url(inventory, host)
    voting = (MemberIs(peer_url, MemberStage.VOTING, ask),) if is_stacked(inventory) else ()
    return (NodeIs(node, NodeStage.MARKED, ask), *voting, ApiserverReady())
