"""Plans small actions for on-call work: move etcd's leader, drain an API server and undo that, take a snapshot."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.balancing import Balancing, balancing
from haconsole.actions.build import step_id
from haconsole.actions.checks import SameFile, SnapshotHere
from haconsole.actions.membership.change import answers
from haconsole.actions.operations import FetchFile, LeftByUndo
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.etcd import leader_step, snapshot_path, snapshot_step
from haconsole.actions.steps.haproxy import drain_step, ready_step
from haconsole.actions.steps.order import in_order
from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import EtcdMemberView, etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot

PHASE = "haproxy"
FETCH_WHY = (
    "A snapshot that is kept only on the hosts is lost with them. A snapshot contains every secret of the "
    "cluster: protect it."
)


def oncall_actions() -> tuple[Action, ...]:
    """In the order of a menu."""
    plane = Argument("host", ArgumentKind.HOST, "the control plane", positional=True, required=True)
    to = Argument(
        "host",
        ArgumentKind.HOST,
        "the host of the new leader; by default any member that does not lead now",
        positional=True,
    )
    return (
        Action(
            "move-leader",
            "Move etcd's leadership",
            "Move leadership to another member, before maintenance of the leader's host. No write is lost.",
            (to,),
            plan_move_leader,
            synonyms=("leader", "transfer"),
        ),
        Action(
            "drain",
            "Drain a control plane",
            (
                "Remove the host's API server from every balancer; open connections continue. The drain ends "
                "when the server is set to `ready`, or when haproxy is reloaded."
            ),
            (plane,),
            plan_drain,
        ),
        Action(
            "ready",
            "Put a control plane back in service",
            "Let every balancer send to the host's API server again.",
            (plane,),
            plan_ready,
        ),
        Action(
            "backup",
            "Take a snapshot of etcd",
            (
                "Take a snapshot from a follower if there is one, verify it, and keep it on that member's host. "
                "If output is given, the snapshot is also copied to this machine."
            ),
            (
                Argument(
                    "output",
                    ArgumentKind.FILE,
                    "copy the snapshot to this file on this machine, mode 0600, and verify the copy",
                    letter="o",
                ),
            ),
            plan_backup,
            synonyms=("save",),
        ),
    )


def plan_move_leader(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Leadership to the requested host, or to any healthy voter that does not lead."""
    voters = _voters(snapshot)
    leader = next((row for row in voters if row.leader), None)
    target = request.get("host")
    to = tuple(row for row in voters if (row.host == target if target else not row.leader))
    reasons = []
    if leader is None:
        reasons.append("etcd has no leader now, or its leader runs on no host of the inventory")
    if not to:
        healthy = ", ".join(str(row.host) for row in voters) or "none"
        reasons.append(f"{target or 'another host'} cannot lead: healthy voters are on {healthy}")
    away = inventory.find(str(leader.host)) if leader else None
    if reasons or away is None:
        return Refusal("move-leader", inventory.cluster, tuple(reasons))
    return _plan("move-leader", inventory, (leader_step(away, _hosts(to), stays=True),))


def plan_drain(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Out of every balancer, unless it is the only one that serves."""
    host = inventory.find(request["host"])
    reasons = _cannot(snapshot, inventory, host, request["host"])
    if reasons or host is None:
        return Refusal("drain", inventory.cluster, reasons)
    balancers = balancing(snapshot, inventory, host)
    if balancers.nothing_else_on:
        on = ", ".join(balancers.nothing_else_on)
        reason = f"only {host.name}'s API server is up in haproxy on {on}: a drain would take the API down"
        return Refusal("drain", inventory.cluster, (reason,))
    servers = balancers.servers(_in_order(inventory, (*_having(balancers), *balancers.stopped)))
    return _plan(
        "drain", inventory, (drain_step(host.name, servers, phase=PHASE, stays=True),), _lacking(host, balancers)
    )


def plan_ready(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Back into every balancer."""
    host = inventory.find(request["host"])
    reasons = _cannot(snapshot, inventory, host, request["host"])
    if reasons or host is None:
        return Refusal("ready", inventory.cluster, reasons)
    balancers = balancing(snapshot, inventory, host)
    servers = balancers.servers(_having(balancers))
    return _plan(
        "ready", inventory, (ready_step(host.name, servers, phase=PHASE, drained=True),), _lacking(host, balancers)
    )


def plan_backup(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """One snapshot, on the host it was taken through."""
    rows = sorted(_voters(snapshot), key=lambda row: row.leader)
    host = inventory.find(str(rows[0].host)) if rows else None
    if host is None:
        return Refusal("backup", inventory.cluster, ("no healthy etcd member answers: there is nothing to copy from",))
    path = snapshot_path(inventory, snapshot.observed_at)
    step = snapshot_step(inventory, layout(inventory).etcd, host, path)
    summary = f"kept on {host.name}: {path}"
    here = request.get("output")
    if here is None:
        return _plan("backup", inventory, (step,), summary)
    return _plan("backup", inventory, in_order(((step,), (_fetch(host, path, here),))), f"{summary}\ncopied to {here}")


def _fetch(host: Host, path: str, here: str) -> Step:
    return Step(
        id=step_id("etcd.fetch", host.name),
        title="Copy the snapshot to this machine",
        why=FETCH_WHY,
        host=HostName(host.name),
        operation=FetchFile(path, here),
        verification=(SameFile(here, path), SnapshotHere(here)),
        undo=LeftByUndo("a copy does no harm while only you can read it; delete it when you no longer need it"),
        verify_within_s=0.0,
        phase="etcd",
    )


def _plan(action: str, inventory: Inventory, steps: tuple[Step, ...], summary: str = "") -> Plan:
    return Plan(action, inventory.cluster, steps, summary)


def _voters(snapshot: ClusterSnapshot) -> tuple[EtcdMemberView, ...]:
    """Healthy voters on hosts of the inventory."""
    rows = etcd_view(snapshot).members
    return tuple(row for row in rows if row.healthy and row.host is not None and not row.member.learner)


def _hosts(rows: tuple[EtcdMemberView, ...]) -> tuple[HostName, ...]:
    return tuple(row.host for row in rows if row.host)


def _cannot(snapshot: ClusterSnapshot, inventory: Inventory, host: Host | None, name: str) -> tuple[str, ...]:
    if host is None:
        return (f"the inventory has no host {name}",)
    if Role.CONTROL_PLANE not in host.roles:
        way = f"; to move the pods of a worker, run kubectl drain {name}" if Role.WORKER in host.roles else ""
        return (f"{name} is not a control plane: balancers send it nothing{way}",)
    balancers = inventory.with_role(Role.LOAD_BALANCER)
    if layout(inventory).haproxy is None or not any(answers(snapshot, one) for one in balancers):
        return ("no balancer of the inventory answers",)
    return _not_by_balancers(host, balancing(snapshot, inventory, host))


def _not_by_balancers(host: Host, balancers: Balancing) -> tuple[str, ...]:
    """Balancers that run and cannot be queried; or none of the queried ones has the server."""
    unasked = tuple(
        (
            f"{name}: haproxy cannot be queried for {host.name}'s API server: {reason}. On a host without a stats "
            "socket add one to haproxy.cfg (stats socket PATH mode 600 level admin) and set haproxy.stats_socket in "
            "the inventory"
        )
        for name, reason in balancers.unasked
    )
    if unasked or balancers.having:
        return unasked
    if balancers.lacking:
        at = " or ".join(balancers.addresses)
        return (
            f"no backend of haproxy on {', '.join(balancers.lacking)} has a server at {at}: no balancer sends to it",
        )
    return (f"haproxy runs on none of {', '.join(balancers.stopped)}: no balancer sends to {host.name}",)


def _having(balancers: Balancing) -> tuple[HostName, ...]:
    return tuple(name for name, _, _ in balancers.having)


def _in_order(inventory: Inventory, names: tuple[HostName, ...]) -> tuple[HostName, ...]:
    return tuple(HostName(host.name) for host in inventory.hosts if host.name in names)


def _lacking(host: Host, balancers: Balancing) -> str:
    """Notes about balancers that the plan leaves out."""
    if not balancers.lacking:
        return ""
    return (
        f"haproxy on {', '.join(balancers.lacking)} has no server at {' or '.join(balancers.addresses)} ({host.name})"
    )
