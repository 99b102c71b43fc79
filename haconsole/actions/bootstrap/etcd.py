"""The steps of a bootstrap that set up etcd: an account, a unit, settings, and all members started in parallel."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.certificates import authority_needs
from haconsole.actions.bootstrap.leaves import ETCD_CA
from haconsole.actions.build import START_S, File, at_once, ran_before, script, start_step, step_id, stopped, write_step
from haconsole.actions.checks import AnyOf, EtcdHealthy, FilesAbsent
from haconsole.actions.operations import LeftByUndo, RunCommand, UndoByCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.actions.steps.services import rewrite_step
from haconsole.configs.etcd import discovers, etcd_env, etcd_unit
from haconsole.configs.layout import EtcdLayout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, StepId
from haconsole.model.observed import Known
from haconsole.model.services import is_hung
from haconsole.scripts import load_script

PHASE = "etcd"
ACCOUNT_PHASE = "accounts"

MAKE_USER = load_script("make-etcd-user")
USER_THERE = r"""[ "$(stat -c '%U %a' -- "$2")" = "$1 700" ]"""
TAKE_DOWN = load_script("take-etcd-down")

USER_WHY = "etcd needs no root: its own account owns its data and keys, and no other account can read them."
UNIT_WHY = (
    "systemd keeps the member running and restarts it after every exit. The start completes only when the member "
    "reaches a quorum: until then systemd reports `activating`."
)
ENV_WHY = (
    "The member's name, addresses, certificates and initial cluster. Peers and clients must present a "
    "certificate. The initial cluster is used only at the first start."
)
DISCOVERED_WHY = (
    "etcd needs the discovery service only at the first start. With the list of members in its place, no "
    "later start depends on that service. The file keeps its timestamp, so nothing restarts."
)
TOGETHER_WHY = (
    "A member becomes ready when it reaches a majority, so all members start in parallel. A single member would "
    "wait for the others and time out."
)
ONE_BY_ONE_WHY = (
    "etcd is already running, so its members load changed files one after another. The next member follows only "
    "when the previous one is healthy, so the quorum is kept."
)


def etcd_steps(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The steps of every member.

    1. Stopped or hung members start, all at the same time: that recovers a lost quorum.
    2. Running members restart one at a time, and only if a file is newer than their start.
    """
    steps = tuple(step for host in ctx.etcd for step in _files(ctx, host, after))
    starts = _starts(ctx)
    return (*steps, *starts, *_settled(ctx, tuple(step.id for step in starts)))


def start_of(host: str) -> StepId:
    return step_id("etcd.start", host)


def account_steps(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The account comes before the certificates, whose keys it owns."""
    return tuple(_user(ctx.layout.etcd, host, after) for host in ctx.etcd)


def _user(etcd: EtcdLayout, host: Host, after: tuple[StepId, ...]) -> Step:
    means = f"{etcd.data_dir} is owned by {etcd.user}, and no other account has access"
    missing = f"{etcd.data_dir} is absent, not owned by {etcd.user}, or open to other accounts"
    return Step(
        id=step_id("etcd.user", host.name),
        title=f"Create the account {etcd.user} and its directory {etcd.data_dir}",
        why=USER_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", MAKE_USER, "account", etcd.user, etcd.data_dir)),
        verification=(script(USER_THERE, "account", etcd.user, etcd.data_dir, means=means, problem=missing),),
        undo=LeftByUndo("an empty directory and a system account without login do no harm"),
        needs=after,
        phase=ACCOUNT_PHASE,
    )


def _files(ctx: PlanContext, host: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    etcd, inventory = ctx.layout.etcd, ctx.inventory
    unit = File(etcd.unit_file or "", etcd_unit(inventory))
    env = File(etcd.env_file or "", etcd_env(inventory, host, discover=True))
    title = "Write etcd's settings"
    settings = write_step("etcd.env", host.name, env, title=title, why=ENV_WHY, phase=PHASE, needs=after)
    if discovers(inventory):
        later = _settled_step(ctx, host).verification
        settings = replace(settings, verification=(AnyOf((settings.verification, later)),))
    return (
        write_step("etcd.unit", host.name, unit, title="Write etcd's unit", why=UNIT_WHY, phase=PHASE, needs=after),
        settings,
    )


def _settled(ctx: PlanContext, needs: tuple[StepId, ...]) -> tuple[Step, ...]:
    """After the first start no member refers to a discovery."""
    if not discovers(ctx.inventory):
        return ()
    return tuple(replace(_settled_step(ctx, host), needs=needs) for host in ctx.etcd)


def _settled_step(ctx: PlanContext, host: Host) -> Step:
    file = File(ctx.layout.etcd.env_file or "", etcd_env(ctx.inventory, host))
    title = "Replace discovery by the list of members"
    return rewrite_step("etcd.env-settled", host.name, file, title=title, why=DISCOVERED_WHY, phase=PHASE)


def _starts(ctx: PlanContext) -> tuple[Step, ...]:
    etcd = ctx.layout.etcd
    live = any(ctx.runs(host, etcd.unit or "") for host in ctx.etcd)
    down = tuple(host for host in ctx.etcd if not (live and _works(ctx, host)))
    steps = list(at_once(tuple(_start(ctx, host, (), live=False) for host in down)))
    before = tuple(step.id for step in steps)
    for host in ctx.etcd:
        if host not in down:
            steps.append(_start(ctx, host, before, live=True))
            before = (steps[-1].id,)
    return tuple(steps)


def _works(ctx: PlanContext, host: Host) -> bool:
    """The member runs and does not hang."""
    facts = ctx.snapshot.host(HostName(host.name))
    is_hanging = facts is not None and is_hung(facts.service("etcd"), answers=isinstance(facts.etcd, Known))
    return ctx.runs(host, ctx.layout.etcd.unit or "") and not is_hanging


def _start(ctx: PlanContext, host: Host, before: tuple[StepId, ...], *, live: bool) -> Step:
    unit = ctx.layout.etcd.unit or ""
    return start_step(
        "etcd.start",
        host.name,
        unit,
        title="Start etcd",
        why=ONE_BY_ONE_WHY if live else TOGETHER_WHY,
        phase=PHASE,
        newer_than=files_of(ctx),
        needs=(*needs_of(ctx, host), *before),
        undo=ran_before(unit) if ctx.runs(host, unit) else take_down(ctx.layout.etcd),
        also=(EtcdHealthy(len(ctx.inventory.with_role(Role.ETCD))),),
        vips_pause=live,
    )


def files_of(ctx: PlanContext) -> tuple[str, ...]:
    """The files that a member reads only at its start; it reloads its own certificates at each handshake."""
    etcd = ctx.layout.etcd
    files = tuple(file for file in (etcd.unit_file, etcd.env_file) if file)
    if etcd.pki is None:
        return files
    return (*files, etcd.pki.ca.cert)


def needs_of(ctx: PlanContext, host: Host) -> tuple[StepId, ...]:
    """The steps before a member's start on `host`."""
    name = host.name
    needs = (step_id("etcd.user", name), step_id("etcd.unit", name), step_id("etcd.env", name))
    if ctx.layout.etcd.pki is None:
        return needs
    leaves = tuple(step_id(f"pki.etcd-{leaf}", name) for leaf in ("server", "peer", "client"))
    return (*needs, *leaves, *authority_needs(ctx, ETCD_CA, host))


def take_down(etcd: EtcdLayout) -> UndoByCommand:
    """Undo for a member's first start: stop it and rename its data."""
    unit = etcd.unit or ""
    return UndoByCommand(
        RunCommand(("sh", "-ec", TAKE_DOWN, "take-down", unit, etcd.member_dir), timeout_s=START_S),
        (stopped(unit), FilesAbsent((etcd.member_dir,), "the member's data was not renamed")),
    )
