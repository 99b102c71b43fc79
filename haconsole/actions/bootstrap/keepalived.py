"""The steps of a bootstrap that set up keepalived, which moves the VIP to a balancer that can serve it."""

from __future__ import annotations

from haconsole.actions.balancer_files import may_write
from haconsole.actions.build import File, restore_unit, start_step, step_id, write_step
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.configs.keepalived import keepalived_check, keepalived_conf, keepalived_drop_in
from haconsole.configs.layout import KeepalivedLayout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host
from haconsole.model.names import StepId

PHASE = "keepalived"

CHECK_WHY = (
    "keepalived detects a lost host, but not a haproxy that serves nothing. This check queries haproxy here "
    "for an available API server. If none is available, or while the down file exists, the host releases the "
    "VIP."
)
CONFIG_WHY = (
    "Each balancer has its own priority, and all share router ID and peers. The check has no weight: a failing "
    "host cannot hold the VIP, however high its priority."
)
DROP_IN_WHY = "The distribution's unit does not restart a crashed keepalived; the drop-in adds a restart."
START_WHY = (
    "keepalived takes the VIP when haproxy on its host sees an API server, and no higher-priority balancer has "
    "advertised for 3 to 4 s."
)


def keepalived_steps(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """Files and start on every balancer; those that run already take turns."""
    keepalived = ctx.layout.keepalived
    if keepalived is None:
        return ()
    live = any(ctx.runs(host, keepalived.unit) for host in ctx.balancers)
    steps: list[Step] = []
    starts: list[Step] = []
    for host in ctx.balancers:
        steps += _files(ctx, keepalived, host, after)
        starts.append(_start(ctx, keepalived, host, (starts[-1].id,) if live and starts else ()))
    return (*steps, *starts)


def start_of(host: str) -> StepId:
    return step_id("keepalived.start", host)


def _files(ctx: PlanContext, keepalived: KeepalivedLayout, host: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    inventory = ctx.inventory
    interfaces = {vip: ctx.interface(host, vip) or "" for vip in vip_addresses(inventory)}
    files = (
        ("check", "Write keepalived's check", CHECK_WHY,
         File(keepalived.check_script, keepalived_check(inventory), 0o755)),
        ("config", "Write keepalived's configuration", CONFIG_WHY,
         File(keepalived.config_file, keepalived_conf(inventory, host, interfaces), 0o600)),
        ("drop-in", "Write a drop-in for keepalived's unit", DROP_IN_WHY,
         File(keepalived.drop_in, keepalived_drop_in(inventory))),
    )  # fmt: skip
    return tuple(
        write_step(
            f"keepalived.{what}",
            host.name,
            file,
            title=title,
            why=why,
            phase=PHASE,
            needs=after,
            precondition=(may_write(inventory, file.path),),
        )
        for what, title, why, file in files
    )


def _start(ctx: PlanContext, keepalived: KeepalivedLayout, host: Host, before: tuple[StepId, ...]) -> Step:
    needs = tuple(step_id(f"keepalived.{what}", host.name) for what in ("check", "config", "drop-in"))
    files = (keepalived.check_script, keepalived.config_file, keepalived.drop_in)
    return start_step(
        "keepalived.start",
        host.name,
        keepalived.unit,
        title="Start keepalived",
        why=START_WHY,
        phase=PHASE,
        newer_than=files,
        needs=(*needs, *before),
        undo=restore_unit(keepalived.unit, ctx.service(host, keepalived.unit), files),
        test=f"keepalived -t -f {keepalived.config_file}",
        reloads=True,
    )
