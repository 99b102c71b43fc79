"""The restore of stacked etcd: every member is made from one snapshot, as members of one new cluster.

1. The snapshot is copied to every member's host, complete.
2. The static pods of all control planes stop, etcd's last, and the members' data is renamed.
3. Every member's data is made from the snapshot with the same list of members and the same new token.
4. All members start at the same time, then the API servers, then the components that use them.

No manifest changes: a member with data ignores the initial cluster in its flags.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import at_once, look_step, script, step_id
from haconsole.actions.checks import AnyOf, ApiserverReady, CommandSucceeds, EtcdHealthy, FilesAbsent
from haconsole.actions.operations import CopyFromHost, Irreversible, RunCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.actions.steps.etcd import SNAPSHOT_WHOLE
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import set_aside_step
from haconsole.actions.steps.static_pods import PodOnHost, start_pods_step, static_pod, stop_pods_step
from haconsole.inventory.effective import etcd_name, etcd_peer_url
from haconsole.inventory.schema import Host
from haconsole.model.kubelet import StaticPodState
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.scripts import load_script

PHASE = "etcd"
RESTORE_S = 1800.0
CLIENTS = ("kube-controller-manager", "kube-scheduler")

MAKE = load_script("restore-snapshot")

HAS_TOOL = load_script("check-etcd-tool")

LEAVE_FOLDER = load_script("keep-data-folder")

COPY_WHY = "Every member is made from the same snapshot. A copy is used only if its SHA-256 is right."
TOOL_WHY = "The program that makes a member's data from a snapshot must be there before anything is stopped."
STOP_WHY = (
    "An API server must not run while etcd's data goes back in time: it would serve and store outdated objects. "
    "kubelet stops a static pod when its manifest leaves the folder."
)
STOP_ETCD_WHY = "No member may serve the old data while the new cluster is made."
ASIDE_WHY = "Nothing is deleted: the current data directory is renamed."
MAKE_WHY = (
    "All members get the same new cluster ID, so that no old member can ever join them by mistake. The cluster has its "
    "majority as soon as they start."
)
START_WHY = "A member is ready only with a majority, so all of them start at the same time."
API_WHY = "The API servers read the restored data."
CLIENTS_WHY = "Controller manager and scheduler start last, when the API servers are ready."


def stacked_groups(ctx: PlanContext, source: Host, path: str, stamp: str) -> tuple[Group, ...]:
    """All groups after the snapshot is complete at `path` on `source`; `stamp` is in the names of this restore."""
    copies = {host.name: path if host == source else copied_path(ctx, stamp) for host in ctx.etcd}
    return (
        tuple(_has_tool(ctx, host) for host in ctx.etcd),
        tuple(_copy(source, path, host, copies[host.name]) for host in ctx.etcd if host != source),
        tuple(_stop_planes(ctx, host) for host in ctx.control_planes),
        tuple(_stop_etcd(ctx, host, stamp) for host in ctx.etcd),
        tuple(_keep_old_data(ctx, host, stamp) for host in ctx.etcd),
        tuple(_make(ctx, host, copies[host.name], stamp) for host in ctx.etcd),
        at_once(tuple(_start_etcd(ctx, host) for host in ctx.etcd)),
        tuple(_start_api(ctx, host) for host in ctx.control_planes),
        tuple(_start_clients(ctx, host) for host in ctx.control_planes),
        verify_steps(ctx),
    )


def copied_path(ctx: PlanContext, stamp: str) -> str:
    """The place of the copies; no other restore has it."""
    return f"{data_dir(ctx, ctx.etcd[0])}-snapshots/{ctx.inventory.cluster}-restore-{stamp}.db"


def data_dir(ctx: PlanContext, host: Host) -> str:
    """etcd's data directory, as its manifest names it, else the layout's."""
    return (_flag(ctx, host, "data-dir") or ctx.layout.etcd.data_dir).rstrip("/")


def _has_tool(ctx: PlanContext, host: Host) -> Step:
    folder = ctx.layout.etcd.binary.rpartition("/")[0]
    means, problem = "etcdutl or etcdctl is installed", "no program that restores snapshots is installed"
    check = script(HAS_TOOL, "tool", folder, means=means, problem=problem)
    title = "Verify that a snapshot can be restored here"
    return look_step("restore.tool", host.name, (check,), title=title, why=TOOL_WHY, phase=PHASE)


def _copy(source: Host, path: str, host: Host, to: str) -> Step:
    complete = script(
        SNAPSHOT_WHOLE, "whole", to, means=f"{to} is complete", problem="no complete copy", timeout_s=300.0
    )
    return Step(
        id=step_id("restore.copy", host.name),
        title=f"Copy the snapshot from {source.name}",
        why=COPY_WHY,
        host=HostName(host.name),
        operation=CopyFromHost(HostName(source.name), path, to),
        verification=(complete,),
        undo=RunCommand(("rm", "-f", "--", to)),
        verify_within_s=0.0,
        phase=PHASE,
    )


def _stop_planes(ctx: PlanContext, host: Host) -> Step:
    pods = _pods(ctx, host, ("kube-apiserver", *CLIENTS))
    return stop_pods_step("kubernetes.stop", host.name, pods, title="Stop the control plane", why=STOP_WHY, phase=PHASE)


def _stop_etcd(ctx: PlanContext, host: Host, stamp: str) -> Step:
    """Stopped, or restored since, if a run is resumed."""
    pods = _pods(ctx, host, ("etcd",))
    step = stop_pods_step("etcd.stop", host.name, pods, title="Stop etcd", why=STOP_ETCD_WHY, phase=PHASE)
    return replace(step, verification=(AnyOf((step.verification, (_renamed(ctx, host, stamp),))),))


def _keep_old_data(ctx: PlanContext, host: Host, stamp: str) -> Step:
    """The data there afterwards is the new cluster's: the renamed directory shows that this was done."""
    paths, title = (f"{data_dir(ctx, host)}/member",), "Rename the current data"
    step = set_aside_step("etcd.aside", host.name, paths, _end(stamp), title=title, why=ASIDE_WHY, phase=PHASE)
    command = RunCommand(("sh", "-ec", LEAVE_FOLDER, "aside", _end(stamp), *paths))
    return replace(step, operation=command, verification=(_renamed(ctx, host, stamp),))


def _end(stamp: str) -> str:
    return f"before-restore-{stamp}"


def _renamed(ctx: PlanContext, host: Host, stamp: str) -> CommandSucceeds:
    folder = f"{data_dir(ctx, host)}/member.{_end(stamp)}"
    return script('[ -d "$1" ]', "aside", folder, means=f"{folder} is there", problem=f"{folder} is not there")


def _make(ctx: PlanContext, host: Host, path: str, stamp: str) -> Step:
    data, mark = data_dir(ctx, host), f"{path} {stamp}"
    members = ",".join(f"{_name(ctx, one)}={_peer_url(ctx, one)}" for one in ctx.etcd)
    flags = (
        f"--name={_name(ctx, host)}",
        f"--initial-cluster={members}",
        f"--initial-advertise-peer-urls={_peer_url(ctx, host)}",
        f"--initial-cluster-token={ctx.inventory.etcd.token}-{stamp}",
    )
    words = (path, mark, ctx.layout.etcd.user, data, ctx.layout.etcd.binary.rpartition("/")[0], *flags)
    made_check = script(
        '[ "$(cat -- "$1" 2>/dev/null)" = "$2" ]',
        "made",
        f"{data}/member/restored-from",
        mark,
        means="the data here is from this restore",
        problem="the data here is not from this restore",
    )
    return Step(
        id=step_id("etcd.restore", host.name),
        title="Make this member's data from the snapshot",
        why=MAKE_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", MAKE, "restore", *words), timeout_s=RESTORE_S),
        precondition=(FilesAbsent((f"{data}/member",), "the previous etcd data was not renamed"),),
        verification=(made_check,),
        undo=Irreversible("on every member rename the restored data, then rename the previous data back"),
        phase=PHASE,
    )


def _start_etcd(ctx: PlanContext, host: Host) -> Step:
    return start_pods_step(
        "etcd.start",
        host.name,
        _pods(ctx, host, ("etcd",)),
        title="Start etcd",
        why=START_WHY,
        phase=PHASE,
        also=(EtcdHealthy(len(ctx.etcd)),),
    )


def _start_api(ctx: PlanContext, host: Host) -> Step:
    pods, title = _pods(ctx, host, ("kube-apiserver",)), "Start the API server"
    checks = (ApiserverReady(),)
    return start_pods_step(
        "kubernetes.kube-apiserver", host.name, pods, title=title, why=API_WHY, phase="kubernetes", also=checks
    )


def _start_clients(ctx: PlanContext, host: Host) -> Step:
    title = f"Start {' and '.join(CLIENTS)}"
    return start_pods_step(
        "kubernetes.clients", host.name, _pods(ctx, host, CLIENTS), title=title, why=CLIENTS_WHY, phase="kubernetes"
    )


def _pods(ctx: PlanContext, host: Host, names: tuple[str, ...]) -> tuple[PodOnHost, ...]:
    pods = (static_pod(ctx.snapshot, ctx.layout, host, name) for name in names)
    return tuple(pod for pod in pods if pod is not None)


def _name(ctx: PlanContext, host: Host) -> str:
    return _flag(ctx, host, "name") or etcd_name(host)


def _peer_url(ctx: PlanContext, host: Host) -> str:
    return _flag(ctx, host, "initial-advertise-peer-urls") or etcd_peer_url(ctx.inventory, host)


def _flag(ctx: PlanContext, host: Host, name: str) -> str:
    pod = _state(ctx, host)
    return (pod.flag(name) if pod else None) or ""


def _state(ctx: PlanContext, host: Host) -> StaticPodState | None:
    facts = ctx.snapshot.host(HostName(host.name))
    kubelet = value_of(facts.kubelet) if facts else None
    return kubelet.pod("etcd") if kubelet else None
