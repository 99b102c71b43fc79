"""The steps of a bootstrap that set up haproxy, which sends connections to API servers that report ready."""

from __future__ import annotations

from haconsole.actions.balancer_files import may_write
from haconsole.actions.bootstrap.certificates import authority_needs
from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.build import File, restore_unit, start_step, step_id, write_step
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.configs.haproxy import check_verifies, haproxy_cfg, haproxy_drop_in, haproxy_run_folder
from haconsole.configs.layout import HaproxyLayout
from haconsole.inventory.schema import Host
from haconsole.model.names import StepId

PHASE = "haproxy"

CONFIG_WHY = (
    "The balancer requests /readyz from every API server over TLS. An API server that cannot reach etcd still "
    "accepts connections; only this check detects it. Only root can use haproxy's control socket."
)
DROP_IN_WHY = (
    "The unit is the distribution's. A drop-in adds a directory for the control socket and a restart after every exit."
)
START_WHY = "haproxy validates the new configuration first, so that a mistake in it stops no running process."


def haproxy_steps(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """Files and start on every balancer; balancers that run already take turns."""
    haproxy = ctx.layout.haproxy
    if haproxy is None:
        return ()
    live = any(ctx.runs(host, haproxy.unit) for host in ctx.balancers)
    steps: list[Step] = []
    starts: list[Step] = []
    for host in ctx.balancers:
        steps += _files(ctx, haproxy, host, after)
        starts.append(_start(ctx, haproxy, host, (starts[-1].id,) if live and starts else ()))
    return (*steps, *starts)


def start_of(host: str) -> StepId:
    return step_id("haproxy.start", host)


def _files(ctx: PlanContext, haproxy: HaproxyLayout, host: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    config = File(haproxy.config_file, haproxy_cfg(ctx.inventory))
    drop_in = File(haproxy.drop_in, haproxy_drop_in(ctx.inventory))
    return (
        write_step(
            "haproxy.config",
            host.name,
            config,
            title="Write haproxy's configuration",
            why=CONFIG_WHY,
            phase=PHASE,
            needs=after,
            precondition=(may_write(ctx.inventory, config.path),),
        ),
        write_step(
            "haproxy.drop-in",
            host.name,
            drop_in,
            title="Write a drop-in for haproxy's unit",
            why=DROP_IN_WHY,
            phase=PHASE,
            needs=after,
            precondition=(may_write(ctx.inventory, drop_in.path),),
        ),
    )


def _start(ctx: PlanContext, haproxy: HaproxyLayout, host: Host, before: tuple[StepId, ...]) -> Step:
    own: tuple[str, ...] = (haproxy.config_file, haproxy.drop_in)
    files = own
    needs = ("haproxy.config", "haproxy.drop-in")
    authority: tuple[StepId, ...] = ()
    if check_verifies(ctx.inventory) and ctx.layout.kubernetes:
        files += (ctx.layout.kubernetes.ca.cert,)
        authority = authority_needs(ctx, KUBERNETES_CA, host)
    return start_step(
        "haproxy.start",
        host.name,
        haproxy.unit,
        title="Start haproxy",
        why=START_WHY,
        phase=PHASE,
        newer_than=files,
        needs=(*(step_id(need, host.name) for need in needs), *authority, *before),
        undo=restore_unit(haproxy.unit, ctx.service(host, haproxy.unit), own, haproxy_run_folder(haproxy)),
        test=f"haproxy -c -q -f {haproxy.config_file}",
        reloads=True,
    )
