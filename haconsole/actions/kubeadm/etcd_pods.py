"""The steps that set up etcd as static pods on separate hosts: certificates, kubelet, and all members in parallel.

1. Each host gets its leaves from etcd's CA; kubeadm makes the manifest with the image of its release.
2. kubelet runs without an API server. A member becomes ready when it reaches a majority, so all start in parallel.
3. Members that run are never set up again: kubelet restarts a member as soon as its manifest changes, and all of them
   at once would lose the quorum.
"""

from __future__ import annotations

from haconsole.actions.build import File, at_once, ran_before, script, start_step, step_id, write_step
from haconsole.actions.checks import EtcdHealthy
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.configs.etcd_pods import (
    DROP_IN,
    has_separate_pods,
    kubelet_config,
    kubelet_drop_in,
    kubelet_file,
    member_config,
    member_file,
)
from haconsole.inventory.schema import Etcd, Host, Kubernetes
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, StepId

PHASE = "etcd"
UNIT = "kubelet.service"
MANIFEST_S, START_S = 60.0, 240.0
MADE = r"""[ -s "$1" ] && [ ! "$2" -nt "$1" ]"""
MEMBER_WHY = "kubeadm makes the manifest from this configuration: name, addresses, certificates and initial cluster."
MANIFEST_WHY = (
    "The manifest names the etcd image of the kubeadm release, and the probes by which kubelet decides to restart etcd."
)
KUBELET_WHY = "On a host that runs only etcd, kubelet needs no API server: it runs the pods of its manifest folder."
START_WHY = (
    "A member becomes ready when it reaches a majority, so all members start in parallel. kubelet restarts a "
    "member that exits or fails its probe."
)
UNDO = Irreversible("to remove the member again: kubeadm reset on this host, which deletes its data")


def pod_steps(
    ctx: PlanContext, version: str, certificates: tuple[Step, ...], after: tuple[StepId, ...]
) -> tuple[Step, ...]:
    """Files and manifests of every member, then their starts."""
    files = tuple(step for host in ctx.etcd for step in _files(ctx, host, version, certificates, after))
    return (*files, *at_once(tuple(_start(ctx, host, files) for host in ctx.etcd)))


def _files(
    ctx: PlanContext, host: Host, version: str, certificates: tuple[Step, ...], after: tuple[StepId, ...]
) -> tuple[Step, ...]:
    inventory, kubernetes = ctx.inventory, ctx.inventory.kubernetes or Kubernetes()
    own = tuple(step.id for step in certificates if step.host == host.name)
    kubelet = File(kubelet_file(kubernetes), kubelet_config(inventory, version))
    drop_in = File(DROP_IN, kubelet_drop_in(inventory, version))
    member = File(member_file(kubernetes), member_config(inventory, host, version))
    title = "Write kubelet's settings"
    config = write_step("etcd.kubelet", host.name, kubelet, title=title, why=KUBELET_WHY, phase=PHASE, needs=after)
    title = "Write the drop-in of kubelet's unit"
    unit = write_step("etcd.kubelet-unit", host.name, drop_in, title=title, why=KUBELET_WHY, phase=PHASE, needs=after)
    title = "Write kubeadm's configuration of the member"
    write = write_step("etcd.member", host.name, member, title=title, why=MEMBER_WHY, phase=PHASE, needs=(*after, *own))
    return (config, unit, write, _manifest(ctx, host, member.path, write.id))


def _manifest(ctx: PlanContext, host: Host, config: str, need: StepId) -> Step:
    manifest = ctx.layout.etcd.manifest or ""
    is_made = script(
        MADE, "made", manifest, config, means=f"{manifest} is as new as {config}", problem=f"{manifest} is not made yet"
    )
    return Step(
        id=step_id("etcd.manifest", host.name),
        title="Make the member's manifest",
        why=MANIFEST_WHY,
        host=HostName(host.name),
        operation=RunCommand(("kubeadm", "init", "phase", "etcd", "local", "--config", config), timeout_s=MANIFEST_S),
        verification=(is_made,),
        undo=UNDO,
        needs=(need,),
        phase=PHASE,
    )


def _start(ctx: PlanContext, host: Host, files: tuple[Step, ...]) -> Step:
    kubernetes = ctx.inventory.kubernetes or Kubernetes()
    return start_step(
        "etcd.start",
        host.name,
        UNIT,
        title="Start etcd",
        why=START_WHY,
        phase=PHASE,
        newer_than=(DROP_IN, kubelet_file(kubernetes)),
        needs=tuple(step.id for step in files if step.host == host.name),
        undo=ran_before(UNIT) if ctx.runs(host, UNIT) else UNDO,
        also=(EtcdHealthy(len(ctx.etcd)),),
        verify_within_s=START_S,
    )


def why_no_pods(ctx: PlanContext) -> tuple[str, ...]:
    """Settings that kubeadm's manifest of a member cannot have."""
    kubernetes, etcd = ctx.inventory.kubernetes or Kubernetes(), ctx.inventory.etcd
    if not has_separate_pods(ctx.inventory):
        return ()
    reasons = []
    nodes = [host.name for host in ctx.etcd if {Role.CONTROL_PLANE, Role.WORKER} & set(host.roles)]
    if nodes:
        reasons.append(
            f"{', '.join(nodes)} would need two kubelets, one that registers a node and one that runs without "
            "an API server. Give the role etcd to all control planes and no other host, or only to hosts "
            "without other roles"
        )
    if (etcd.client_port, etcd.peer_port) != (Etcd().client_port, Etcd().peer_port):
        reasons.append("etcd.client_port and etcd.peer_port are fixed in kubeadm's manifest: remove both keys")
    quorum = etcd_view(ctx.snapshot).quorum
    if quorum is not None and quorum.holds:
        reasons.append(
            f"etcd runs ({quorum.sentence()}), but some members are not healthy: fix these members first. "
            "bootstrap sets up static pods only where etcd does not run"
        )
    folder = ctx.layout.etcd.pki.ca.cert.rpartition("/")[0] if ctx.layout.etcd.pki else ""
    if folder != f"{kubernetes.pki_dir}/etcd":
        reasons.append(f"kubeadm's manifest expects etcd's certificates in {kubernetes.pki_dir}/etcd: set etcd.pki_dir")
    return tuple(reasons)
