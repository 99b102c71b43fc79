"""Plans the action restore: etcd from a snapshot on one host, the other members joined to it, the API servers last."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from msgspec.structs import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.bootstrap import etcd as bootstrap_etcd
from haconsole.actions.bootstrap.kubernetes import kubernetes_steps
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import File, look_step, script, start_step, step_id, write_step
from haconsole.actions.checks import (
    AnyOf,
    Check,
    CommandSucceeds,
    FileIs,
    FilesAbsent,
    MemberIs,
    MemberStage,
)
from haconsole.actions.membership.change import answers
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.plan_context import BootstrapPart, PlanContext, plan_context
from haconsole.actions.restore_source import PHASE, Source, completeness_step, send_steps, source_of
from haconsole.actions.restore_stacked import stacked_groups
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.etcd import add_step, either_healthy, promote_step
from haconsole.actions.steps.order import Group, in_order, steps_named
from haconsole.actions.steps.services import rewrite_step, set_aside_step, stop_step
from haconsole.configs.etcd import ClusterState, etcd_env
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.effective import etcd_name, etcd_peer_url
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import reach_problem
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

RESTORE = "restore"
WAIT_S = 60.0
RESTORE_S = 1800.0

MARK = "restored-from"
MAKE = load_script("restore-snapshot")

LEAVE_FOLDER = load_script("keep-data-folder")

MADE = r"""[ "$(cat -- "$1" 2>/dev/null)" = "$2" ]"""

READY = r"""
for file; do [ -e "$file" ] || { echo "there is no $file" >&2; exit 1; }; done
"""

READY_WHY = "Unit and certificates do not change; only the data is replaced."
STOP_WHY = (
    "An API server must not run while etcd's data goes back in time: it would serve and store outdated objects. "
    "API servers stop first and start last."
)
STOP_ETCD_WHY = "No member may serve the old data while the new cluster is made."
ASIDE_WHY = "Nothing is deleted: the current data directory is renamed."
MAKE_WHY = "One member becomes a new cluster with a new cluster ID, so that no old member can ever join it by mistake."
FIRST_WHY = "This member is the entire cluster for now and has a quorum of one."
JOIN_WHY = "The member starts empty and fetches all data from the current members."
SETTINGS_WHY = "The member joins the current members; the initial cluster is used only at this start."
HEALTHY_WHY = "Each member must complete a linearizable read before the next one joins."
SETTLED_WHY = "etcd's settings now name the current members, as bootstrap would write them; nothing is restarted."


def restore_action() -> Action:
    """The action that restores etcd on all hosts."""
    return Action(
        RESTORE,
        "Restore etcd from a snapshot",
        (
            "When etcd's data is lost or wrong: stop the control planes and rename all members' data. Make a new "
            "cluster from the snapshot on its host, join the other members, and start the control planes. "
            "Everything written since the snapshot is lost."
        ),
        (
            Argument(
                "file",
                ArgumentKind.FILE,
                "the snapshot: a file on this machine, or HOST:PATH on an etcd host, as `backup` reported it",
                positional=True,
                required=True,
            ),
            Argument(
                "gone", ArgumentKind.TEXT, ("hosts that are off permanently, separated by commas: they are left out")
            ),
        ),
        plan_restore,
        dangerous=True,
    )


def plan_restore(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """One new cluster from one file; refused while a host might still serve the old data."""
    absent = tuple(filter(None, request.get("gone", "").split(",")))
    remaining = msgspec.structs.replace(
        inventory, hosts=tuple(host for host in inventory.hosts if host.name not in absent)
    )
    ctx = plan_context(snapshot, remaining, None)
    stamp = f"{snapshot.observed_at:%Y%m%dT%H%M%SZ}"
    source = source_of(ctx, request["file"], stamp)
    reasons = [*_unreachable_hosts(snapshot, ctx, absent), *_unknown(inventory, absent)]
    if isinstance(source, str):
        reasons.append(source)
    stacked = ctx.layout.etcd.unit is None
    if stacked:
        reasons += _no_static_pods(ctx)
    if reasons or isinstance(source, str):
        return Refusal(RESTORE, inventory.cluster, tuple(reasons))
    summary, data_loss = _summary(snapshot, ctx, source, absent)
    groups = _stacked(ctx, source, stamp) if stacked else _groups(ctx, source, stamp)
    return Plan(RESTORE, inventory.cluster, in_order(groups), summary, data_loss=data_loss, absent_hosts=absent)


def _no_static_pods(ctx: PlanContext) -> tuple[str, ...]:
    """The reason why static pods cannot be stopped and started: they must all be kubeadm's, under a running kubelet."""
    if not is_kubeadm(ctx.inventory):
        return (
            (
                "etcd runs as static pods without kubeadm: this version of haconsole restores only kubeadm's "
                "static pods and systemd units"
            ),
        )
    hosts = (host for host in dict.fromkeys((*ctx.etcd, *ctx.control_planes)) if answers(ctx.snapshot, host))
    return tuple(
        f"kubelet on {host.name} does not run; kubelet stops and starts etcd's pod, so start kubelet first"
        for host in hosts
        if not ctx.runs(host, "kubelet")
    )


def _stacked(ctx: PlanContext, source: Source, stamp: str) -> tuple[Group, ...]:
    return (*send_steps(source), (completeness_step(source),), *stacked_groups(ctx, source.host, source.path, stamp))


def _groups(ctx: PlanContext, source: Source, stamp: str) -> tuple[Group, ...]:
    others = tuple(host for host in ctx.etcd if host != source.host)
    units = (
        tuple(component.unit or "" for component in ctx.layout.kubernetes.components) if ctx.layout.kubernetes else ()
    )
    planes = ctx.control_planes if BootstrapPart.KUBERNETES in ctx.parts else ()
    return (
        *send_steps(source),
        (completeness_step(source), *(_ready(ctx, host) for host in ctx.etcd)),
        tuple(
            stop_step("kubernetes.stop", host.name, units, title="Stop the control plane", why=STOP_WHY, phase=PHASE)
            for host in planes
        ),
        tuple(_stop_etcd(ctx, host, stamp) for host in ctx.etcd),
        tuple(_keep_old_data(ctx, host, stamp) for host in ctx.etcd),
        (_restore_step(ctx, source, stamp),),
        (_start(ctx, source.host, FIRST_WHY, _healthy_with(ctx, 1)),),
        *(
            group
            for number, host in enumerate(others, 1)
            for group in _join_steps(ctx, source.host, others[:number], host)
        ),
        tuple(_settled_step(ctx, host) for host in ctx.etcd),
        *_control_planes(ctx),
        verify_steps(ctx),
    )


def _ready(ctx: PlanContext, host: Host) -> Step:
    files = (ctx.layout.etcd.binary, *bootstrap_etcd.files_of(ctx))
    check = script(READY, "ready", *files, means="etcd is set up here", problem="etcd is not set up here")
    return look_step(
        "restore.ready", host.name, (check,), title="Verify that etcd is set up", why=READY_WHY, phase=PHASE
    )


def _stop_etcd(ctx: PlanContext, host: Host, stamp: str) -> Step:
    """Stopped, or restored since, if a run is resumed."""
    unit = ctx.layout.etcd.unit or ""
    step = stop_step("etcd.stop", host.name, (unit,), title="Stop etcd", why=STOP_ETCD_WHY, phase=PHASE)
    return replace(step, verification=(AnyOf((step.verification, (_set_aside(ctx, stamp),))),))


def _keep_old_data(ctx: PlanContext, host: Host, stamp: str) -> Step:
    """The data there afterwards is the new cluster's: the renamed directory shows that this was done."""
    paths, title = (ctx.layout.etcd.member_dir,), "Rename the current data"
    step = set_aside_step("etcd.aside", host.name, paths, _end(stamp), title=title, why=ASIDE_WHY, phase=PHASE)
    words = ("aside", _end(stamp), *paths)
    return replace(
        step, operation=RunCommand(("sh", "-ec", LEAVE_FOLDER, *words)), verification=(_set_aside(ctx, stamp),)
    )


def _end(stamp: str) -> str:
    return f"before-restore-{stamp}"


def _set_aside(ctx: PlanContext, stamp: str) -> CommandSucceeds:
    folder = f"{ctx.layout.etcd.member_dir}.{_end(stamp)}"
    return script('[ -d "$1" ]', "aside", folder, means=f"{folder} is there", problem=f"{folder} is not there")


def _mark(ctx: PlanContext, source: Source) -> CommandSucceeds:
    path = f"{ctx.layout.etcd.member_dir}/{MARK}"
    means, problem = "the data here is from this restore", "the data here is not from this restore"
    return script(MADE, "made", path, source.mark, means=means, problem=problem)


def _restore_step(ctx: PlanContext, source: Source, stamp: str) -> Step:
    etcd, host = ctx.layout.etcd, source.host
    name, url = etcd_name(host), etcd_peer_url(ctx.inventory, host)
    flags = (
        f"--name={name}",
        f"--initial-cluster={name}={url}",
        f"--initial-advertise-peer-urls={url}",
        f"--initial-cluster-token={ctx.inventory.etcd.token}-{stamp}",
    )
    words = (source.path, source.mark, etcd.user, etcd.data_dir, etcd.binary.rpartition("/")[0], *flags)
    return Step(
        id=step_id("etcd.restore", host.name),
        title="Make a new cluster of one member from the snapshot",
        why=MAKE_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", MAKE, "restore", *words), timeout_s=RESTORE_S),
        precondition=(FilesAbsent((etcd.member_dir,), "the previous etcd data was not renamed"),),
        verification=(_mark(ctx, source),),
        undo=Irreversible("on every member rename the restored data, then rename the previous data back"),
        phase=PHASE,
    )


def _start(ctx: PlanContext, host: Host, why: str, also: Check) -> Step:
    return start_step(
        "etcd.start",
        host.name,
        ctx.layout.etcd.unit or "",
        title="Start etcd",
        why=why,
        phase=PHASE,
        newer_than=bootstrap_etcd.files_of(ctx),
        needs=(),
        undo=bootstrap_etcd.take_down(ctx.layout.etcd),
        also=(also,),
    )


def _join_steps(ctx: PlanContext, first: Host, so_far: tuple[Host, ...], host: Host) -> tuple[Group, ...]:
    """`host`, the last of `so_far`, added, started, promoted; all of them healthy after it."""
    there = (first, *so_far[:-1])
    ask = tuple(HostName(one.name) for one in there)
    url = etcd_peer_url(ctx.inventory, host)
    pairs = tuple((etcd_name(one), etcd_peer_url(ctx.inventory, one)) for one in (*there, host))
    env = File(
        ctx.layout.etcd.env_file or "", etcd_env(ctx.inventory, host, state=ClusterState.EXISTING, members=pairs)
    )
    voters = len(there) + 1
    step = write_step("etcd.env", host.name, env, title="Write etcd's settings", why=SETTINGS_WHY, phase=PHASE)
    later = sha256(etcd_env(ctx.inventory, host).encode()).hexdigest()
    settled = (FileIs(env.path, later, env.mode, env.owner), MemberIs(url, MemberStage.STARTED, ask))
    return (
        (replace(step, verification=(AnyOf((step.verification, settled)),)),),
        (add_step(host, url, len(there), ask),),
        (_start(ctx, host, JOIN_WHY, MemberIs(url, MemberStage.STARTED, ask)),),
        (promote_step(host, url, ask),),
        tuple(_healthy(ctx, f"with-{host.name}", one, voters) for one in (*there, host)),
    )


def _healthy_with(ctx: PlanContext, voters: int) -> Check:
    """Healthy with this number of voters, or with more of them if a run is resumed."""
    return either_healthy(tuple(range(voters, len(ctx.etcd) + 1)))


def _healthy(ctx: PlanContext, when: str, host: Host, voters: int) -> Step:
    title = f"Verify that etcd is healthy with {voters} voter{'s' if voters != 1 else ''}"
    checks = (_healthy_with(ctx, voters),)
    return look_step(
        f"etcd.healthy-{when}", host.name, checks, title=title, why=HEALTHY_WHY, phase=PHASE, wait_s=WAIT_S
    )


def _settled_step(ctx: PlanContext, host: Host) -> Step:
    file = File(ctx.layout.etcd.env_file or "", etcd_env(ctx.inventory, host))
    title = "Update the initial cluster"
    return rewrite_step("etcd.env-settled", host.name, file, title=title, why=SETTLED_WHY, phase=PHASE)


def _control_planes(ctx: PlanContext) -> tuple[Group, ...]:
    """Every API server with the current members, then the components that use it."""
    kubernetes = ctx.layout.kubernetes
    if kubernetes is None or BootstrapPart.KUBERNETES not in ctx.parts:
        return ()
    steps = kubernetes_steps(ctx, ())
    apiserver, *others = (f"kubernetes.{component.name}" for component in kubernetes.components)
    return (
        steps_named(steps, f"{apiserver}-unit"),
        tuple(replace(step, needs=()) for step in steps_named(steps, apiserver)),
        tuple(replace(step, needs=()) for step in steps_named(steps, *others)),
    )


def _unreachable_hosts(snapshot: ClusterSnapshot, ctx: PlanContext, absent: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts that might still serve the old data unnoticed."""
    lines = []
    for host in dict.fromkeys((*ctx.etcd, *ctx.control_planes)):
        if not answers(snapshot, host):
            facts = snapshot.host(HostName(host.name))
            gone_hosts = ",".join((*absent, host.name))
            lines.append(
                f"{host.name} cannot be reached: {reach_problem(facts)}. It may still serve the old data: fix the "
                f"host, or switch it off permanently and set gone = {gone_hosts}"
            )
    return tuple(lines)


def _unknown(inventory: Inventory, absent: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"the argument gone contains {name}, which is not a host of the inventory"
        for name in absent
        if inventory.find(name) is None
    )


def _summary(snapshot: ClusterSnapshot, ctx: PlanContext, source: Source, absent: tuple[str, ...]) -> tuple[str, str]:
    """The resulting cluster, and the lost data."""
    hosts = tuple(host.name for host in ctx.etcd)
    came = f"{source.here} on this machine, copied to " if source.here else ""
    lines = [f"restore etcd from {came}{source.path} on {source.host.name}; its members will be {', '.join(hosts)}"]
    lines += [f"{name} is left out: if it returns, rename its data and run join {name}" for name in absent]
    view = etcd_view(snapshot)
    now = f" (etcd now: {view.quorum.sentence()})" if view.quorum and view.current and view.quorum.holds else ""
    return "\n".join(lines), f"everything that was written to etcd after the snapshot {source.here or source.path}{now}"
