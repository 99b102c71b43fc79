"""The final checks of a bootstrap: health of etcd, control plane, leases, VIPs and the endpoint."""

from __future__ import annotations

from haconsole.actions.balancing import api_addresses
from haconsole.actions.bootstrap import etcd, haproxy, keepalived, kubernetes, scripts
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import (
    ApiserverReady,
    BackendsUp,
    Check,
    CommandSucceeds,
    EtcdHealthy,
    LeaseHeld,
    VipAnswers,
    VipOwned,
)
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.layout import ComponentLayout, KubernetesLayout, is_kubeadm
from haconsole.inventory.effective import endpoint, join_host_port, vip_addresses
from haconsole.inventory.schema import Host
from haconsole.model.balancer_files_view import file_owner
from haconsole.model.names import HostName, StepId
from haconsole.model.observed import Known

PHASE = "verification"
WAIT_S = 60.0
LOCKS = ("kube-controller-manager", "kube-scheduler")

ETCD_WHY = (
    "Every member completes a linearizable read and lists the same voters: the cluster now survives the loss "
    "of any one member."
)
CONTROL_PLANE_WHY = "The API server reports ready, and the components beside it are healthy."
LOCKS_WHY = "One host holds each lease and renews it; the others are standbys."
BALANCER_WHY = "Every balancer sees every API server up, so any of them may hold the VIP."
VIP_WHY = "Exactly one balancer holds the VIP. With none, clients reach nothing; with two, they reach either at random."
ENDPOINT_WHY = (
    "A request from this host to the address that clients use is answered, through VIP, balancer and API server."
)


def verify_steps(ctx: PlanContext) -> tuple[Step, ...]:
    """The final checks of the requested parts, including parts that already exist.

    A run that touches balancers also checks that every VIP has an owner and that the API answers through it, if an API
    server is expected.
    """
    steps: list[Step] = []
    if BootstrapPart.ETCD in ctx.parts:
        steps += _etcd(ctx)
    if BootstrapPart.KUBERNETES in ctx.parts and ctx.layout.kubernetes:
        steps += _control_plane(ctx, ctx.layout.kubernetes)
    serving = _serving(ctx)
    balanced = {BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED} & ctx.parts
    if BootstrapPart.HAPROXY in ctx.parts and serving:
        steps += _balancers(ctx, serving)
    moved = _moved(ctx)
    if balanced and serving and moved:
        steps += _vips(ctx)
    through = balanced and serving and (moved or not ctx.inventory.vips)
    if through or (BootstrapPart.KUBERNETES in ctx.parts and len(ctx.parts) > 1):
        steps += _endpoint(ctx, serving)
    return tuple(steps)


def _serving(ctx: PlanContext) -> tuple[Host, ...]:
    """Hosts with an API server after the run: new ones and those observed with one."""
    if BootstrapPart.KUBERNETES in ctx.parts:
        return ctx.control_planes
    return tuple(host for host in ctx.control_planes if ctx.runs(host, "kube-apiserver"))


def _moved(ctx: PlanContext) -> bool:
    """Whether keepalived runs after the run, so that every VIP must have an owner."""
    keepalived = ctx.layout.keepalived
    if keepalived is None:
        return False
    return BootstrapPart.KEEPALIVED in ctx.parts or any(ctx.runs(host, keepalived.unit) for host in ctx.balancers)


def _etcd(ctx: PlanContext) -> tuple[Step, ...]:
    voters = len(ctx.etcd)
    needs = tuple(etcd.start_of(host.name) for host in ctx.etcd)
    title = f"Verify that etcd is healthy with {voters} voter{'s' if voters != 1 else ''}"
    return tuple(
        look_step(
            "verify.etcd",
            host.name,
            (EtcdHealthy(voters),),
            title=title,
            why=ETCD_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for host in ctx.etcd
    )


def _control_plane(ctx: PlanContext, paths: KubernetesLayout) -> tuple[Step, ...]:
    _, *others = paths.components
    checks: tuple[Check, ...] = (ApiserverReady(), *(component_healthy(one) for one in others))
    planes = tuple(
        look_step(
            "verify.control-plane",
            host.name,
            checks,
            title="Verify that the control plane is ready",
            why=CONTROL_PLANE_WHY,
            phase=PHASE,
            needs=_started(host),
            wait_s=WAIT_S,
        )
        for host in ctx.control_planes
    )
    return (*planes, _locks(ctx))


def component_healthy(component: ComponentLayout) -> CommandSucceeds:
    return script(
        scripts.COMPONENT_HEALTHY,
        "healthy",
        str(component.port),
        means=f"{component.name} answers /healthz with 200",
        problem=f"{component.name} does not answer /healthz with 200",
    )


def _locks(ctx: PlanContext) -> Step:
    return look_step(
        "verify.locks",
        ctx.control_planes[0].name,
        tuple(LeaseHeld("kube-system", name) for name in LOCKS),
        title="Verify that the leases are held",
        why=LOCKS_WHY,
        phase=PHASE,
        needs=tuple(need for host in ctx.control_planes for need in _started(host)),
        wait_s=WAIT_S,
    )


def _started(host: Host) -> tuple[StepId, ...]:
    return tuple(kubernetes.start_of(name, host.name) for name in LOCKS)


def _apiservers(ctx: PlanContext) -> tuple[StepId, ...]:
    if BootstrapPart.KUBERNETES not in ctx.parts:
        return ()
    return tuple(kubernetes.start_of("kube-apiserver", host.name) for host in ctx.control_planes)


def _balancers_started(ctx: PlanContext) -> tuple[StepId, ...]:
    parts = {BootstrapPart.HAPROXY: haproxy.start_of, BootstrapPart.KEEPALIVED: keepalived.start_of}
    return tuple(start(host.name) for part, start in parts.items() if part in ctx.parts for host in ctx.balancers)


def _balancers(ctx: PlanContext, serving: tuple[Host, ...]) -> tuple[Step, ...]:
    servers = tuple(host.name for host in serving)
    addresses = tuple(api_addresses(ctx.snapshot, ctx.inventory, host) for host in serving)
    return tuple(
        look_step(
            "verify.balancer",
            host.name,
            (BackendsUp(servers, addresses),),
            title="Verify that every API server is up in haproxy",
            why=BALANCER_WHY,
            phase=PHASE,
            needs=(haproxy.start_of(host.name), *_apiservers(ctx)),
            wait_s=WAIT_S,
        )
        for host in ctx.balancers
        if not _cannot_be_asked(ctx, host)
    )


def _cannot_be_asked(ctx: PlanContext, host: Host) -> bool:
    """A haproxy that did not answer and is not known to be this console's: it may have no stats socket.

    So no step can depend on it. One that a bootstrap sets up has no file yet, or one that may be replaced.
    """
    haproxy, facts = ctx.layout.haproxy, ctx.snapshot.host(HostName(host.name))
    if haproxy is None or (facts is not None and isinstance(facts.haproxy, Known)):
        return False
    owner = file_owner(ctx.snapshot, host.name, haproxy.config_file)
    return not owner.replaceable if owner.file else is_kubeadm(ctx.inventory)


def _vips(ctx: PlanContext) -> tuple[Step, ...]:
    needs = (*_balancers_started(ctx), *_apiservers(ctx))
    first = ctx.balancers[0].name
    return tuple(
        look_step(
            f"verify.vip-{address}",
            first,
            (VipOwned(address),),
            title=f"Verify that one balancer holds {address}",
            why=VIP_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for address in vip_addresses(ctx.inventory)
    )


def _endpoint(ctx: PlanContext, serving: tuple[Host, ...]) -> tuple[Step, ...]:
    balanced = endpoint(ctx.inventory)
    if balanced is None:
        return ()
    address = join_host_port(*balanced)
    needs = (*_apiservers(ctx), *_balancers_started(ctx))
    if {BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED} & ctx.parts and _moved(ctx):
        needs += tuple(step_id(f"verify.vip-{vip}", ctx.balancers[0].name) for vip in vip_addresses(ctx.inventory))
    return tuple(
        look_step(
            "verify.endpoint",
            host.name,
            (VipAnswers(address),),
            title=f"Verify that the API answers at {address}",
            why=ENDPOINT_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for host in serving
    )
