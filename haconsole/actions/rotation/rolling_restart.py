"""Restarts and verifies one host's processes that read their files only at their start, after its VIPs have moved."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.balancing import while_restarting
from haconsole.actions.build import ran_before, script, start_step, step_id
from haconsole.actions.checks import AnyOf, ApiserverReady, Check, EtcdHealthy
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.kubelet import workers
from haconsole.actions.rotation.scripts import SERVING
from haconsole.actions.step import Step
from haconsole.actions.steps.control_plane import locks_step, while_drained
from haconsole.actions.steps.etcd import leader_step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import reload_step
from haconsole.actions.steps.static_pods import PodOnHost, restart_pods_step, static_pod
from haconsole.configs.layout import ComponentLayout
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.schema import Host
from haconsole.model.etcd_view import etcd_view
from haconsole.model.names import HostName
from haconsole.model.vip_view import vip_views

WAIT_S = 90.0
ETCD_WHY = (
    "etcd reads its CAs only at its start. The other members keep the quorum. While this member stops, requests "
    "to a VIP are held briefly; otherwise requests in progress on this member would fail."
)
API_WHY = "The API server reads changed files only at its start. During the restart no balancer sends to it."
TOGETHER_WHY = (
    "The components read changed files only at their start. During the restart no balancer sends to the API "
    "server. Its clients on this host stop first and start last, because their open watches would delay the API "
    "server's exit."
)
CLIENT_WHY = "The process reads changed files only at its start; a lease that it holds moves to a standby."
HAPROXY_WHY = (
    "haproxy verifies API servers with the CA that it has loaded. During a reload the old process "
    "finishes open connections."
)


def restart_order(ctx: PlanContext) -> tuple[Host, ...]:
    """The hosts in the order of their turns: workers first, the etcd leader and the VIP's owner last."""
    leader = next((row.host for row in etcd_view(ctx.snapshot).members if row.leader), None)
    owners = {owner for view in vip_views(ctx.snapshot) for owner in view.owners}
    return (*workers(ctx), *sorted(ctx.hosts, key=lambda host: (host.name in owners) + (host.name == leader)))


def names(hosts: tuple[Host, ...]) -> tuple[HostName, ...]:
    return tuple(HostName(host.name) for host in hosts)


def etcd_turn(
    ctx: PlanContext, host: Host, what: str, newer_than: tuple[str, ...], phase: str, over: tuple[Check, ...] = ()
) -> tuple[Group, ...]:
    """Hand leadership over if the member has it and still has to restart, then restart.

    If the checks `over` hold, the restart was done, and its files were written again since.
    """
    others = names(tuple(one for one in ctx.etcd if one != host))
    restart = etcd_restart(ctx, host, what, newer_than, phase)
    leader = leader_step(host, others, phase=phase)
    verification = (AnyOf((leader.verification, restart.verification, *((over,) if over else ()))),)
    hand_over = replace(leader, id=step_id(f"etcd.leader-{what}", host.name), verification=verification)
    if over:
        runs, *also = restart.verification
        restart = replace(restart, verification=(AnyOf(((runs,), over)), *also))
    return (*(((hand_over,),) if others else ()), (restart,))


def etcd_restart(ctx: PlanContext, host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Step:
    unit = ctx.layout.etcd.unit
    if unit is None:
        return _etcd_pod_restart(ctx, host, what, newer_than, phase)
    return start_step(
        f"etcd.{what}",
        host.name,
        unit,
        title="Restart etcd",
        why=ETCD_WHY,
        phase=phase,
        newer_than=newer_than,
        needs=(),
        undo=ran_before(unit),
        also=(EtcdHealthy(len(ctx.etcd)),),
        verify_within_s=WAIT_S,
        vips_pause=True,
    )


def _etcd_pod_restart(ctx: PlanContext, host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Step:
    return restart_pods_step(
        f"etcd.{what}",
        host.name,
        _pods(ctx, host, ("etcd",)),
        title="Restart etcd",
        why=ETCD_WHY,
        phase=phase,
        newer_than={"etcd": newer_than},
        also=(EtcdHealthy(len(ctx.etcd)),),
        vips_pause=True,
    )


def _pods(ctx: PlanContext, host: Host, names: tuple[str, ...]) -> tuple[PodOnHost, ...]:
    pods = (static_pod(ctx.snapshot, ctx.layout, host, name) for name in names)
    return tuple(pod for pod in pods if pod is not None)


def api_turn(
    ctx: PlanContext, host: Host, what: str, restart: Step, phase: str, companions: Group = ()
) -> tuple[Group, ...]:
    """Drain the API server, restart it, use it again, and verify that every balancer sees it up; `companions` it
    restart its clients.
    """
    haproxy, balancers = ctx.layout.haproxy, names(ctx.balancers)
    if haproxy is None or not balancers:
        return (restart,), companions
    servers = while_restarting(ctx.snapshot, ctx.inventory, host, balancers)
    return while_drained(host, servers, (restart,), phase=phase, what=what, companions=companions)


def component_restart(
    ctx: PlanContext,
    host: Host,
    name: str,
    what: str,
    newer_than: tuple[str, ...],
    phase: str,
    also: tuple[Check, ...] = (),
) -> Step:
    """Restart one of the control plane's components; the API server is ready after it."""
    component = _component(ctx, name)
    api = component.kubeconfig is None
    if component.unit is None:
        return restart_pods(ctx, host, what, {name: newer_than}, phase, also)
    return start_step(
        f"kubernetes.{name}-{what}",
        host.name,
        component.unit,
        title=f"Restart {name}",
        why=API_WHY if api else CLIENT_WHY,
        phase=phase,
        newer_than=newer_than,
        needs=(),
        undo=ran_before(component.unit),
        also=(*also, *((ApiserverReady(),) if api else ())),
        verify_within_s=WAIT_S,
    )


def restart_pods(
    ctx: PlanContext,
    host: Host,
    what: str,
    newer_than: dict[str, tuple[str, ...]],
    phase: str,
    also: tuple[Check, ...] = (),
) -> Step:
    """Restart the static pods of components together; `newer_than` are their files by name."""
    api = "kube-apiserver" in newer_than
    whole, names = len(newer_than) > 1, tuple(newer_than)
    part = "control-plane" if api else "clients"
    return restart_pods_step(
        f"kubernetes.{part if whole else names[0]}-{what}",
        host.name,
        _pods(ctx, host, names),
        title=f"Restart {', '.join(names)}",
        why=CLIENT_WHY if not api else TOGETHER_WHY if whole else API_WHY,
        phase=phase,
        newer_than=newer_than,
        also=(*also, *((ApiserverReady(),) if api else ())),
    )


def restart_control_plane(
    ctx: PlanContext, host: Host, what: str, newer_than: dict[str, tuple[str, ...]], phase: str, also: tuple[Check, ...]
) -> Step:
    """Restart the API server and the components of `newer_than` at once; systemd stops it last and starts it first.

    `newer_than` are the files, by component, that each must have loaded since.
    """
    if any(_component(ctx, name).unit is None for name in newer_than):
        return restart_pods(ctx, host, what, newer_than, phase, also)
    units = {_component(ctx, name).unit or "": files for name, files in newer_than.items()}
    (api, files), *companions = units.items()
    return start_step(
        f"kubernetes.control-plane-{what}",
        host.name,
        api,
        title=f"Restart {', '.join(newer_than)}",
        why=TOGETHER_WHY,
        phase=phase,
        newer_than=files,
        needs=(),
        undo=ran_before(" ".join(units)),
        also=(*also, ApiserverReady()),
        verify_within_s=WAIT_S,
        companions=dict(companions),
    )


def _component(ctx: PlanContext, name: str) -> ComponentLayout:
    assert ctx.layout.kubernetes is not None
    return next(one for one in ctx.layout.kubernetes.components if one.name == name)


def haproxy_reload(ctx: PlanContext, host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Group:
    """haproxy loads the CA that it verifies API servers with."""
    haproxy = ctx.layout.haproxy
    if haproxy is None or host not in ctx.balancers:
        return ()
    return (
        reload_step(
            f"haproxy.{what}",
            host.name,
            haproxy.unit,
            title="Reload haproxy so that it loads the CAs",
            why=HAPROXY_WHY,
            phase=phase,
            newer_than=newer_than,
            test=f"haproxy -c -q -f {haproxy.config_file}",
        ),
    )


def locks_held(what: str, host: Host, phase: str) -> Group:
    return (locks_step(what, host.name, phase=phase),)


def serves(host: Host, port: int, cert: str) -> Check:
    """The process at the host's port presents the certificate in the file."""
    return script(
        SERVING,
        "serves",
        join_host_port(host.address, port),
        cert,
        means=f"port {port} presents {cert}",
        problem=f"port {port} does not present {cert}",
    )
