"""The steps of a bootstrap that start the control plane: API servers after etcd, then the components that use them."""

from __future__ import annotations

from haconsole.actions.bootstrap import etcd
from haconsole.actions.bootstrap.certificates import authority_needs
from haconsole.actions.bootstrap.leaves import ETCD_CA, FRONT_PROXY_CA, KUBERNETES_CA
from haconsole.actions.build import File, ran_before, start_step, step_id, write_step
from haconsole.actions.checks import ApiserverReady
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.kubeconfig import endpoint_server, kubeconfig, local_server
from haconsole.configs.kubernetes import apiserver_unit, controller_manager_unit, scheduler_unit
from haconsole.configs.layout import ComponentLayout, KubeClientFiles, KubernetesLayout
from haconsole.inventory.schema import CaKeyPlace, Host
from haconsole.model.names import StepId

PHASE = "kubernetes"

UNIT_WHY = {
    "kube-apiserver": "The API server connects to every etcd member, so that one lost member costs nothing.",
    "kube-controller-manager": "The controller manager runs on every control plane; a lease elects the active one.",
    "kube-scheduler": "The scheduler runs on every control plane; a lease elects the active one.",
}
KUBECONFIG_WHY = {
    "admin": "Clients connect through the load-balanced endpoint, so this file works whichever control plane is down.",
    "controller-manager": (
        "The controller manager connects to the API server of this host, so its lease depends "
        "on neither VIP nor balancer."
    ),
    "scheduler": (
        "The scheduler connects to the API server of this host, so its lease depends on neither VIP nor balancer."
    ),
}
START_WHY = {
    "kube-apiserver": "etcd is healthy, so the API server can start; it is ready when its /readyz succeeds.",
    "kube-controller-manager": (
        "The API server here is ready. The controller manager exits when it loses its lease; systemd restarts it."
    ),
    "kube-scheduler": (
        "The API server here is ready. The scheduler exits when it loses its lease; systemd restarts it."
    ),
}


def kubernetes_steps(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """Units, kubeconfigs and starts; API servers that run already take turns."""
    paths = ctx.layout.kubernetes
    if paths is None:
        return ()
    files = tuple(step for host in ctx.control_planes for step in _files(ctx, paths, host, after))
    return (*files, *_starts(ctx, paths))


def start_of(component: str, host: str) -> StepId:
    return step_id(f"kubernetes.{component}", host)


def _files(ctx: PlanContext, paths: KubernetesLayout, host: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    inventory = ctx.inventory
    texts = (apiserver_unit(inventory, host), controller_manager_unit(inventory), scheduler_unit(inventory))
    units = tuple(
        write_step(
            f"kubernetes.{component.name}-unit",
            host.name,
            File(component.unit_file or "", text),
            title=f"Write {component.name}'s unit",
            why=UNIT_WHY[component.name],
            phase=PHASE,
            needs=after,
        )
        for component, text in zip(paths.components, texts, strict=True)
    )
    here, balanced = local_server(inventory, host), endpoint_server(inventory, host)
    return (
        *units,
        _kubeconfig(ctx, host, "admin", "kubernetes-admin", paths.admin, balanced, after),
        _kubeconfig(
            ctx, host, "controller-manager", "system:kube-controller-manager", paths.controller_manager, here, after
        ),
        _kubeconfig(ctx, host, "scheduler", "system:kube-scheduler", paths.scheduler, here, after),
    )


def _kubeconfig(
    ctx: PlanContext, host: Host, name: str, user: str, client: KubeClientFiles, server: str, after: tuple[StepId, ...]
) -> Step:
    if client.files is None:
        raise ValueError(f"in a cluster of systemd units the {name} kubeconfig refers to its key by path")
    text = kubeconfig(ctx.inventory, user=user, files=client.files, server=server)
    return write_step(
        f"kubernetes.{name}-kubeconfig",
        host.name,
        File(client.kubeconfig, text, 0o600),
        title=f"Write the {name} kubeconfig",
        why=f"{KUBECONFIG_WHY[name]} The file has only the path of its key, and no secret.",
        phase=PHASE,
        needs=after,
    )


def _starts(ctx: PlanContext, paths: KubernetesLayout) -> tuple[Step, ...]:
    apiserver, *others = paths.components
    live = any(ctx.runs(host, apiserver.unit or "") for host in ctx.control_planes)
    steps: list[Step] = []
    before: tuple[StepId, ...] = ()
    for host in ctx.control_planes:
        first = _apiserver(ctx, paths, apiserver, host, before)
        steps += (first, *(_client(ctx, paths, one, host, first.id) for one in others))
        before = (first.id,) if live else ()
    return tuple(steps)


def _apiserver(
    ctx: PlanContext, paths: KubernetesLayout, component: ComponentLayout, host: Host, before: tuple[StepId, ...]
) -> Step:
    leaves = ["apiserver", "apiserver-kubelet-client", "front-proxy-client"]
    authorities = [KUBERNETES_CA, FRONT_PROXY_CA]
    tokens = paths.service_account
    files = [component.unit_file or "", paths.ca.cert, paths.front_proxy_ca.cert, tokens.cert, tokens.key]
    if ctx.layout.etcd.pki:
        files.append(ctx.layout.etcd.pki.ca.cert)
        leaves.append("apiserver-etcd-client")
        authorities.append(ETCD_CA)
    etcd_ready = tuple(etcd.start_of(one.name) for one in ctx.etcd) if BootstrapPart.ETCD in ctx.parts else ()
    return _start(
        ctx,
        host,
        component,
        newer_than=tuple(files),
        needs=(
            *(step_id(f"pki.{leaf}", host.name) for leaf in leaves),
            *(need for authority in authorities for need in authority_needs(ctx, authority, host)),
            step_id("pki.service-account", ctx.control_planes[0].name),
            *etcd_ready,
            *before,
        ),
    )


def _client(
    ctx: PlanContext, paths: KubernetesLayout, component: ComponentLayout, host: Host, apiserver: StepId
) -> Step:
    name = component.name.removeprefix("kube-")
    client = paths.controller_manager if name == "controller-manager" else paths.scheduler
    signs = name == "controller-manager" and ctx.inventory.pki.ca_key is CaKeyPlace.HOSTS
    signing = (step_id("pki.kubernetes-signing", host.name),) if signs else ()
    return _start(
        ctx,
        host,
        component,
        newer_than=(
            component.unit_file or "",
            client.kubeconfig,
            paths.ca.cert,
            *((paths.signing_ca,) if signs else ()),
        ),
        needs=(
            step_id(f"pki.{name}", host.name),
            step_id(f"kubernetes.{name}-kubeconfig", host.name),
            *signing,
            apiserver,
        ),
    )


def _start(
    ctx: PlanContext, host: Host, component: ComponentLayout, *, newer_than: tuple[str, ...], needs: tuple[StepId, ...]
) -> Step:
    unit = component.unit or ""
    return start_step(
        f"kubernetes.{component.name}",
        host.name,
        unit,
        title=f"Start {component.name}",
        why=START_WHY[component.name],
        phase=PHASE,
        newer_than=newer_than,
        needs=(step_id(f"kubernetes.{component.name}-unit", host.name), *needs),
        undo=ran_before(unit) if ctx.runs(host, unit) else None,
        also=(ApiserverReady(),) if component.kubeconfig is None else (),
        verify_within_s=90.0,
    )
