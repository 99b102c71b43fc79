"""The steps of a join or removal for the control plane: the host's components, and the API servers' list of members."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.balancing import Servers, balancing, while_restarting
from haconsole.actions.bootstrap import certificates as bootstrap_certificates
from haconsole.actions.bootstrap import kubernetes as bootstrap
from haconsole.actions.bootstrap.etcd import account_steps
from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Step
from haconsole.actions.steps.control_plane import locks_step, while_drained
from haconsole.actions.steps.haproxy import drain_step
from haconsole.actions.steps.order import Group, steps_named, steps_on
from haconsole.actions.steps.services import stop_step
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName

PHASE = "kubernetes"
TOLD_WHY = "The API server spreads its requests over the listed members, so it must list exactly the current members."
RESTART_WHY = "The API server reads its etcd members only at its start. During the restart no balancer sends to it."
STOP_WHY = (
    "Another host takes the leases of kube-scheduler and kube-controller-manager. Only then is this host's API server "
    "stopped."
)
STOP_API_WHY = "No balancer sends to this API server any more; it still finishes open requests."


def certificates(change: MembershipChange) -> tuple[Group, ...]:
    """Account, authorities and leaves of the new host."""
    into = change.into
    if into is None:
        return ()
    accounts = steps_on(account_steps(change.after, ()), into) if BootstrapPart.ETCD in change.after.parts else ()
    steps = bootstrap_certificates.certificates(change.after, ())
    shared = tuple(step for step in steps if step.id.rpartition("@")[0] in SHARED)
    own = tuple(step for step in steps_on(steps, into) if step not in shared)
    return accounts, shared, own


SHARED = ("pki.etcd-ca", "pki.kubernetes-ca", "pki.front-proxy-ca", "pki.service-account")


def components_in(change: MembershipChange) -> tuple[Group, ...]:
    """Files first, then the API server, then the components that use it."""
    into = change.into
    if into is None or Role.CONTROL_PLANE not in into.roles or change.layout.kubernetes is None:
        return ()
    steps = steps_on(bootstrap.kubernetes_steps(change.after, ()), into)
    starts = tuple(component.name for component in change.layout.kubernetes.components)
    first, *others = (steps_named(steps, f"kubernetes.{name}") for name in starts)
    files = tuple(step for step in steps if step.id.rpartition("@")[0] not in {f"kubernetes.{name}" for name in starts})
    return files, first, tuple(step for group in others for step in group)


def components_out(change: MembershipChange) -> tuple[Group, ...]:
    """Drained first; the leases move; the API server last."""
    out, kubernetes = change.out, change.layout.kubernetes
    if out is None or kubernetes is None or Role.CONTROL_PLANE not in out.roles:
        return ()
    groups: list[Group] = []
    if balancers(change) and change.layout.haproxy:
        servers = leaving_server(change, out, change.layout.haproxy.backend)
        groups.append((drain_step(out.name, servers, phase=PHASE, leaves=True),))
    if change.out_answers:
        apiserver, *others = (component.unit or "" for component in kubernetes.components)
        titles = ("Stop controller manager and scheduler", "Stop the API server")
        groups.append(
            (stop_step("kubernetes.stop", out.name, tuple(others), title=titles[0], why=STOP_WHY, phase=PHASE),)
        )
        groups.append(locks(change, "passed-on"))
        groups.append(
            (stop_step("kubernetes.stop-api", out.name, (apiserver,), title=titles[1], why=STOP_API_WHY, phase=PHASE),)
        )
    else:
        groups.append(locks(change, "passed-on"))
    return tuple(groups)


def api_servers_follow(change: MembershipChange) -> tuple[Group, ...]:
    """Every other API server gets the current members, one at a time: drained, restarted, ready, verified up."""
    if not change.moves(Role.ETCD) or change.layout.kubernetes is None:
        return ()
    steps = bootstrap.kubernetes_steps(change.after, ())
    return tuple(group for host in change.others(Role.CONTROL_PLANE) for group in _follow(change, host, steps))


def _follow(change: MembershipChange, host: Host, steps: tuple[Step, ...]) -> tuple[Group, ...]:
    own = steps_on(steps, host)
    unit = tuple(
        replace(step, title=f"Set the etcd members that {host.name}'s API server uses", why=TOLD_WHY)
        for step in steps_named(own, "kubernetes.kube-apiserver-unit")
    )
    start = tuple(
        replace(step, title=f"Restart {host.name}'s API server", why=RESTART_WHY)
        for step in steps_named(own, "kubernetes.kube-apiserver")
    )
    names, haproxy, after_it = balancers(change), change.layout.haproxy, locks(change, f"held-{host.name}", host.name)
    if not names or haproxy is None:
        return (unit, start, after_it)
    servers = while_restarting(change.snapshot, change.inventory, host, names)
    return (unit, *while_drained(host, servers, start, phase=PHASE, companions=after_it))


def leaving_server(change: MembershipChange, out: Host, backend: str) -> Servers:
    """By its addresses; by the names that this console writes if no balancer reports them now."""
    servers = balancing(change.snapshot, change.inventory, out).servers(balancers(change))
    return servers if servers.backend else replace(servers, backend=backend, server=out.name)


def locks(change: MembershipChange, what: str, after: str = "") -> Group:
    """Verify on a control plane that stays that one of the others holds each lease."""
    planes = change.others(Role.CONTROL_PLANE)
    if not planes:
        return ()
    holders = tuple(HostName(host.name) for host in change.after.control_planes)
    return (locks_step(what, planes[0].name, phase=PHASE, holders=holders, after=after),)


def balancers(change: MembershipChange) -> tuple[HostName, ...]:
    """The balancers that run and stay."""
    return tuple(HostName(host.name) for host in change.others(Role.LOAD_BALANCER))
