"""Plans the bootstrap of a cluster by kubeadm, with stacked etcd or with members that run as systemd units.

1. Balancers first, as on every cluster: kubeadm init waits until the endpoint answers. With etcd as units, its members
   and the client pair of the first API server too; kubeadm copies that pair to the control planes that join.
2. kubeadm init on the first control plane, then the manifest of the pod network.
3. The other control planes join one at a time, because each adds an etcd member; workers join beside them. The next
   one joins as soon as the member votes, before its node is ready.
4. The final checks, readiness included.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap import preflight as systemd_preflight
from haconsole.actions.bootstrap.haproxy import haproxy_steps
from haconsole.actions.bootstrap.keepalived import keepalived_steps
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import File, look_step, script, step_id, write_step
from haconsole.actions.checks import AnyOf, ApiHas, ApiserverReady, Check, NodeIs, NodeStage, SameFile
from haconsole.actions.kubeadm.balancer_outside import name_steps, wait_steps
from haconsole.actions.kubeadm.cluster import folders, node_name, release, settings
from haconsole.actions.kubeadm.external_etcd import external_etcd, reach_of_endpoints
from haconsole.actions.kubeadm.join import (
    JOIN_S,
    LEAVE_S,
    PHASE,
    READY_S,
    halves_steps,
    installed_steps,
    join_step,
    member_checks,
)
from haconsole.actions.operations import Irreversible, RunCommand, SendFile
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.etcd_pods import has_separate_pods
from haconsole.configs.kubeadm import CONFIG_FILE, init_config
from haconsole.configs.layout import is_stacked
from haconsole.configs.owner import owner_line
from haconsole.inventory.schema import Host
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, StepId
from haconsole.scripts import load_script

INIT = load_script("kubeadm-init")
OURS = load_script("check-kubeadm-ours")
APPLY = load_script("kubectl-apply")
PREFLIGHT = "preflight"
BALANCED = frozenset({BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED})
ETCD = frozenset({BootstrapPart.ETCD})

CONFIG_WHY = (
    "The configuration of kubeadm init, made from the inventory, in the API version of the installed kubeadm. It names "
    "no secret."
)
INIT_WHY = (
    "kubeadm makes the CAs, certificates and static pods of the first control plane. An interrupted init is completed "
    "if its API server is ready, otherwise undone and started again. The token that init makes expires within a minute."
)
CNI_WHY = (
    "Nodes become ready only when pods have a network. kubeadm installs none, so the manifest from the inventory is "
    "used."
)
NODES_WHY = "Every host is a node that takes pods."
OURS_WHY = (
    "A cluster that another tool made is not initialized again. Files that an unfinished run of this bootstrap left "
    "are reused."
)

OBJECTS = (
    "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
    "/api/v1/namespaces/kube-public/configmaps/cluster-info",
    "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy",
    "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
)
"""Objects that init writes into the API, the last ones at its end."""


def kubeadm_steps(ctx: PlanContext) -> tuple[Step, ...]:
    """All steps, in an order that respects their needs."""
    version = release(ctx.snapshot, ctx.inventory) or ""
    first, *others = _first_control_plane_first(ctx)
    workers = ctx.inventory.with_role(Role.WORKER)
    balancing = replace(ctx, parts=ctx.parts & BALANCED)
    by_systemd = balancing if is_stacked(ctx.inventory) else replace(ctx, parts=ctx.parts & (BALANCED | ETCD))
    looks = (
        *systemd_preflight.preflight(by_systemd),
        *(() if is_stacked(ctx.inventory) else systemd_preflight.etcd_for_kubernetes(ctx)),
        *(step for host in (first, *others, *workers) for step in installed_steps(ctx.inventory, host, version)),
        *(step for host in _pod_hosts(ctx) for step in installed_steps(ctx.inventory, host, version)),
        *(step for host in (first, *others) for step in reach_of_endpoints(ctx.inventory, host)),
        *name_steps(ctx.inventory, (first, *others, *workers)),
        _ours_step(ctx, first),
    )
    after = tuple(step.id for step in looks)
    balancers = (
        *(haproxy_steps(balancing, after) if BootstrapPart.HAPROXY in ctx.parts else ()),
        *(keepalived_steps(balancing, after) if BootstrapPart.KEEPALIVED in ctx.parts else ()),
    )
    etcd = () if is_stacked(ctx.inventory) else external_etcd(ctx, first, version, after)
    needs = (*after, *(step.id for step in (*balancers, *etcd)))
    init = _init(ctx, first, version, needs)
    init = (*init, *wait_steps(ctx.inventory, first, init[-1].id))
    joins = _joins(ctx, first, tuple(others), workers, version, init[-1].id)
    steps = (*looks, *balancers, *etcd, *init, *joins)
    return (*steps, *_final_checks(ctx, steps, first))


def _pod_hosts(ctx: PlanContext) -> tuple[Host, ...]:
    """Hosts whose kubelet will run nothing but etcd."""
    return ctx.etcd if BootstrapPart.ETCD in ctx.parts and has_separate_pods(ctx.inventory) else ()


def _first_control_plane_first(ctx: PlanContext) -> tuple[Host, ...]:
    """The first control plane is one that already runs, so that a cluster is never made twice."""
    members = {row.host for row in etcd_view(ctx.snapshot).members if row.endpoint is not None}
    running = [host for host in ctx.control_planes if host.name in members or ctx.runs(host, "kube-apiserver")]
    first = running[0] if running else ctx.control_planes[0]
    return (first, *(host for host in ctx.control_planes if host != first))


def _config_file(ctx: PlanContext) -> str:
    return f"{folders(ctx.inventory)[0]}/{CONFIG_FILE}"


def _initialized(ctx: PlanContext, first: Host) -> tuple[Check, ...]:
    """kubeadm init has ended on the host."""
    ask = (HostName(first.name),)
    node = NodeIs(node_name(ctx.snapshot, first), NodeStage.REGISTERED, ask)
    return (ApiserverReady(), node, *(ApiHas(path, ask) for path in OBJECTS))


def _ours_step(ctx: PlanContext, first: Host) -> Step:
    config, _, data = folders(ctx.inventory)
    ours = script(
        OURS,
        "ours",
        owner_line(ctx.inventory),
        _config_file(ctx),
        config,
        data,
        means=f"no cluster except this one in {' and '.join(filter(None, (config, data)))}",
        problem="another cluster is on this host; if it is not needed, reset the host (kubeadm reset)",
    )
    check = AnyOf(((ours,), _initialized(ctx, first)))
    title = "Check for leftovers of another cluster"
    return look_step("preflight.kubeadm-ours", first.name, (check,), title=title, why=OURS_WHY, phase=PREFLIGHT)


def _init(ctx: PlanContext, first: Host, version: str, needs: tuple[StepId, ...]) -> tuple[Step, ...]:
    file = File(_config_file(ctx), init_config(ctx.inventory, first, version), 0o600)
    title = "Write kubeadm's configuration"
    write = write_step("kubeadm.config", first.name, file, title=title, why=CONFIG_WHY, phase=PHASE, needs=needs)
    end = f"unfinished-{ctx.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
    port = str(ctx.layout.kubernetes.api_port if ctx.layout.kubernetes else 6443)
    socket = settings(ctx.inventory).cri_socket
    words = (file.path, end, port, *folders(ctx.inventory), *((socket,) if socket else ()))
    init = Step(
        id=step_id("kubeadm.init", first.name),
        title=f"Make the cluster on {first.name}",
        why=INIT_WHY,
        host=HostName(first.name),
        operation=RunCommand(("sh", "-ec", INIT, "init", *words), timeout_s=JOIN_S + LEAVE_S),
        verification=_initialized(ctx, first),
        undo=Irreversible("an undo would delete the cluster; to delete it: kubeadm reset on every host"),
        needs=(write.id,),
        verify_within_s=READY_S,
        phase=PHASE,
    )
    return (write, init, *_network(ctx, first, init.id))


def _network(ctx: PlanContext, first: Host, need: StepId) -> tuple[Step, ...]:
    """The operator's manifest of the pod network, sent to the host and applied there."""
    manifest = settings(ctx.inventory).cni
    if manifest is None:
        return ()
    path = f"{folders(ctx.inventory)[0]}/cni.yaml"
    send = Step(
        id=step_id("kubeadm.cni-file", first.name),
        title="Copy the manifest of the pod network",
        why=CNI_WHY,
        host=HostName(first.name),
        operation=SendFile(manifest, path),
        verification=(SameFile(manifest, path),),
        undo=Irreversible("an unused manifest does no harm"),
        needs=(need,),
        phase=PHASE,
    )
    ready = NodeIs(node_name(ctx.snapshot, first), NodeStage.READY, (HostName(first.name),))
    apply = Step(
        id=step_id("kubeadm.cni", first.name),
        title="Apply the manifest of the pod network",
        why=CNI_WHY,
        host=HostName(first.name),
        operation=RunCommand(("sh", "-ec", APPLY, "apply", folders(ctx.inventory)[0], path), timeout_s=120.0),
        verification=(ready,),
        undo=Irreversible(f"delete it with: kubectl delete -f {path}"),
        needs=(send.id,),
        verify_within_s=READY_S,
        phase=PHASE,
    )
    return (send, apply)


def _joins(
    ctx: PlanContext, first: Host, planes: tuple[Host, ...], workers: tuple[Host, ...], version: str, need: StepId
) -> tuple[Step, ...]:
    """Control planes one after the other, workers beside them."""
    steps: list[Step] = []
    before = need
    for host in planes:
        steps += _join(ctx, first, host, version, before)
        before = steps[-1].id
    for host in workers:
        if Role.CONTROL_PLANE not in host.roles:
            steps += _join(ctx, first, host, version, need)
    return tuple(steps)


def _join(ctx: PlanContext, first: Host, host: Host, version: str, need: StepId) -> tuple[Step, ...]:
    node, ask = node_name(ctx.snapshot, host), (HostName(first.name),)
    end = f"unfinished-{ctx.snapshot.observed_at:%Y%m%dT%H%M%SZ}"
    before, *others = halves_steps(ctx.inventory, host, node, end, ask)
    halves = (replace(before, needs=(need,)), *others)
    join = join_step(ctx.inventory, ctx.layout, host, node, version, ask)
    if Role.CONTROL_PLANE in host.roles:
        join = replace(join, verification=member_checks(ctx.inventory, host, node, ask))
    return (*halves, replace(join, needs=(halves[-1].id,)))


def _final_checks(ctx: PlanContext, steps: tuple[Step, ...], first: Host) -> tuple[Step, ...]:
    """The final checks of every bootstrap, after all joins, and that all nodes are ready."""
    ids = {step.id for step in steps}
    last = tuple(step.id for step in steps if step.id.partition("@")[0] in ("kubeadm.init", "kubeadm.join"))
    checks = verify_steps(ctx)
    own = {step.id for step in checks}
    after = tuple(replace(step, needs=(*last, *(need for need in step.needs if need in ids | own))) for step in checks)
    hosts = [host for host in ctx.inventory.hosts if {Role.CONTROL_PLANE, Role.WORKER} & set(host.roles)]
    nodes = tuple(NodeIs(node_name(ctx.snapshot, host), _last_stage(host), (HostName(first.name),)) for host in hosts)
    title = "Verify that all nodes are ready"
    ready = look_step(
        "verify.nodes", first.name, nodes, title=title, why=NODES_WHY, phase="verification", needs=last, wait_s=READY_S
    )
    return (*after, ready)


def _last_stage(host: Host) -> NodeStage:
    return NodeStage.CONTROL_PLANE if Role.CONTROL_PLANE in host.roles else NodeStage.READY
