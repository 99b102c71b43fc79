"""Steps for a kubeadm cluster without stacked etcd: its members are systemd units, or outside the inventory.

The first control plane gets the client pair of API servers; kubeadm copies it to the control planes that join.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.certificates import authority_needs, certificates, issue_step, trust_steps
from haconsole.actions.bootstrap.etcd import account_steps, etcd_steps
from haconsole.actions.bootstrap.leaves import ETCD_CA, apiserver_etcd_client
from haconsole.actions.bootstrap.scripts import REACH
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import EtcdHealthy, SameFile
from haconsole.actions.kubeadm.etcd_pods import pod_steps
from haconsole.actions.operations import EnsureAuthority, LeftByUndo, SendFile
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.etcd_pods import has_separate_pods
from haconsole.configs.layout import is_stacked
from haconsole.inventory.effective import external_etcd_urls, split_url
from haconsole.inventory.external_etcd import ExternalEtcd
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import etcd_view
from haconsole.model.names import HostName, StepId

PHASE = "etcd"
SEND_WHY = (
    "API servers authenticate to etcd with this certificate and key, which the owner of etcd issued. Both go from "
    "this machine to the first control plane; kubeadm copies them to the others."
)
REACH_WHY = "API servers keep all their state in this etcd, which this run does not set up."
HEALTHY_WHY = (
    "kubeadm init fails late and with an unclear message if etcd refuses the client certificate and key, or "
    "has no quorum."
)


def external_etcd(ctx: PlanContext, first: Host, version: str, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The steps before kubeadm init on `first`; only the pair if etcd exists and is not requested."""
    if ctx.inventory.etcd.external is not None:
        return _outside(ctx, ctx.inventory.etcd.external, first, after)
    own = replace(ctx, parts=ctx.parts & {BootstrapPart.ETCD})
    members: tuple[Step, ...] = ()
    if own.parts and has_separate_pods(ctx.inventory):
        issued = certificates(own, after)
        members = (*issued, *pod_steps(own, version, issued, after))
    elif own.parts:
        members = (*account_steps(own, after), *certificates(own, after), *etcd_steps(own, after))
    elif first not in ctx.etcd:
        members = _authority(ctx, after)
    return (*members, *_client_pair(ctx, first, after, earlier={step.id for step in members}))


def _authority(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The CA of an etcd that is kept on other hosts: the first control plane gets its certificate."""
    etcd = replace(ctx, parts=frozenset({BootstrapPart.ETCD}))
    return tuple(step for step in certificates(etcd, after) if isinstance(step.operation, EnsureAuthority))


def keeps_etcd(ctx: PlanContext) -> bool:
    """Whether a running etcd is used as it is: every member is healthy, and no API server runs yet.

    Static pods are kept even then, because a changed manifest restarts a member at once.
    """
    if not {BootstrapPart.ETCD, BootstrapPart.KUBERNETES} <= ctx.parts or is_stacked(ctx.inventory):
        return False
    view = etcd_view(ctx.snapshot)
    members = {row.host for row in view.members if row.healthy and not row.member.learner}
    complete = len(view.members) == len(ctx.etcd) and members == {host.name for host in ctx.etcd}
    is_new = not any(ctx.runs(host, "kube-apiserver") for host in ctx.control_planes)
    return view.current and complete and (is_new or has_separate_pods(ctx.inventory))


def reach_of_endpoints(inventory: Inventory, host: Host) -> tuple[Step, ...]:
    """The connections of a control plane to an etcd outside the inventory."""
    urls = external_etcd_urls(inventory)
    words = [word for url in urls for word in (*map(str, split_url(url)), f"etcd at {url}")]
    if not words:
        return ()
    problem = "an endpoint of etcd does not answer; open its port (firewall, security group), or correct its URL"
    check = script(REACH, "reach", *words, means=f"{', '.join(urls)} answer", problem=problem)
    title = "Check connections to etcd"
    return (look_step("preflight.etcd-endpoints", host.name, (check,), title=title, why=REACH_WHY, phase="preflight"),)


def _outside(ctx: PlanContext, external: ExternalEtcd, first: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The CA and the pair from the operator's machine, then a read through each endpoint with them."""
    kubernetes = ctx.layout.kubernetes
    if kubernetes is None or kubernetes.etcd_ca is None:
        return ()
    pair = kubernetes.apiserver_etcd_client
    files = (
        ("etcd.send-ca", "Copy the CA of etcd", external.ca_cert, kubernetes.etcd_ca, 0o644),
        ("etcd.send-client", "Copy the etcd client certificate", external.client_cert, pair.cert, 0o644),
        ("etcd.send-key", "Copy the key of the etcd client certificate", external.client_key, pair.key, 0o600),
    )
    sends = tuple(
        _send(first, what, title, SendFile(here, path, mode), after) for what, title, here, path, mode in files
    )
    title = "Verify that etcd is healthy"
    healthy = look_step(
        "etcd.healthy-outside",
        first.name,
        (EtcdHealthy(len(external.endpoints)),),
        title=title,
        why=HEALTHY_WHY,
        phase=PHASE,
        needs=tuple(step.id for step in sends),
    )
    return (*sends, healthy)


def _send(first: Host, what: str, title: str, operation: SendFile, after: tuple[StepId, ...]) -> Step:
    return Step(
        id=step_id(what, first.name),
        title=title,
        why=SEND_WHY,
        host=HostName(first.name),
        operation=operation,
        verification=(SameFile(operation.here, operation.path),),
        undo=LeftByUndo("the file gives access to etcd; delete it when it is no longer needed"),
        needs=after,
        phase=PHASE,
    )


def _client_pair(ctx: PlanContext, first: Host, after: tuple[StepId, ...], earlier: set[StepId]) -> tuple[Step, ...]:
    pki, kubernetes = ctx.layout.etcd.pki, ctx.layout.kubernetes
    if pki is None or kubernetes is None:
        return ()
    trusts = tuple(
        replace(step, needs=(*(need for need in step.needs if need in earlier), *after))
        for step in trust_steps(ctx, ETCD_CA, pki.ca.cert, (first,))
    )
    known = earlier | {step.id for step in trusts}
    needs = (*(need for need in authority_needs(ctx, ETCD_CA, first) if need in known), *after)
    return (*trusts, issue_step(first, apiserver_etcd_client(kubernetes, pki), needs))
