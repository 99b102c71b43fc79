"""etcd of a kubeadm cluster as systemd units: the members, and the first API server's etcd client certificate."""

from __future__ import annotations

from dataclasses import replace

from haconsole.actions.bootstrap.certificates import authority_needs, certificates, issue_step, trust_steps
from haconsole.actions.bootstrap.etcd import account_steps, etcd_steps
from haconsole.actions.bootstrap.leaves import ETCD_CA, apiserver_etcd_client
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step, StepId
from haconsole.inventory.schema import Host


def external_etcd(ctx: PlanContext, first: Host, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """The steps before kubeadm init on `first`; only the pair if etcd exists and is not requested."""
    own = replace(ctx, parts=ctx.parts & {BootstrapPart.ETCD})
    members: tuple[Step, ...] = ()
    if own.parts:
        members = (*account_steps(own, after), *certificates(own, after), *etcd_steps(own, after))
    return (*members, *_client_pair(ctx, first, after, earlier={step.id for step in members}))


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
