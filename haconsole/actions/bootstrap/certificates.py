"""The steps of a bootstrap that make CAs, keys and certificates on the hosts."""

from __future__ import annotations

from haconsole.actions.bootstrap.leaves import ETCD_CA, FRONT_PROXY_CA, KUBERNETES_CA, DesiredLeaf, leaves_on
from haconsole.actions.build import script, step_id
from haconsole.actions.checks import AuthorityInPlace, CertificateInPlace
from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    LeftByUndo,
    RunCommand,
    TrustAuthority,
    UndoByRestoringFiles,
)
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.haproxy import check_verifies
from haconsole.configs.layout import KeyPairFiles, KubernetesLayout
from haconsole.inventory.schema import CaKeyPlace, Host
from haconsole.model.names import HostName, StepId
from haconsole.scripts import load_script

PHASE = "certificates"
KEPT = LeftByUndo(
    "without the CA all certificates that it signed, here and on other hosts, would be invalid; an unused CA does no "
    "harm"
)


def certificates(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    """Authorities first, then the leaves of the requested parts."""
    authorities = _authorities(ctx, after)
    ready = {step.id for step in authorities}
    leaves = (
        issue_step(host, leaf, (*_needs(ctx, leaf, host, ready), *after))
        for host in ctx.hosts
        for leaf in leaves_on(ctx, host)
    )
    return (*authorities, *leaves)


def authority_needs(ctx: PlanContext, authority: str, host: Host) -> tuple[StepId, ...]:
    """The steps after which `host` has the certificate of `authority`."""
    holders = _holders(ctx, authority)
    makers = (step_id(f"pki.{authority}", holders[0].name),) if holders else ()
    trusts = (step_id(f"pki.{authority}-trust", host.name),) if host not in holders else ()
    return makers + trusts


def _holders(ctx: PlanContext, authority: str) -> tuple[Host, ...]:
    return ctx.etcd if authority == ETCD_CA else ctx.control_planes


def _needs(ctx: PlanContext, leaf: DesiredLeaf, host: Host, ready: set[StepId]) -> tuple[StepId, ...]:
    owner = (step_id("etcd.user", host.name),) if leaf.owner.startswith("etcd:") else ()
    return (*(step for step in authority_needs(ctx, leaf.authority, host) if step in ready), *owner)


def _authorities(ctx: PlanContext, after: tuple[StepId, ...]) -> tuple[Step, ...]:
    etcd, kubernetes = ctx.layout.etcd.pki, ctx.layout.kubernetes
    steps: list[Step] = []
    if etcd and ctx.parts & {BootstrapPart.ETCD, BootstrapPart.KUBERNETES}:
        steps.append(_authority(ctx, ETCD_CA, "etcd-ca", etcd.ca, ETCD_CA_WHY, after))
        if BootstrapPart.KUBERNETES in ctx.parts:
            steps += trust_steps(ctx, ETCD_CA, etcd.ca.cert, ctx.control_planes)
    if kubernetes is None:
        return tuple(steps)
    if BootstrapPart.KUBERNETES in ctx.parts or (BootstrapPart.HAPROXY in ctx.parts and check_verifies(ctx.inventory)):
        steps.append(_authority(ctx, KUBERNETES_CA, "kubernetes", kubernetes.ca, KUBERNETES_CA_WHY, after))
    if BootstrapPart.HAPROXY in ctx.parts and check_verifies(ctx.inventory):
        steps += trust_steps(ctx, KUBERNETES_CA, kubernetes.ca.cert, ctx.balancers)
    if BootstrapPart.KUBERNETES in ctx.parts:
        steps.append(
            _authority(ctx, FRONT_PROXY_CA, "front-proxy-ca", kubernetes.front_proxy_ca, FRONT_PROXY_WHY, after)
        )
        steps.append(_service_account(ctx, kubernetes, after))
        if ctx.inventory.pki.ca_key is CaKeyPlace.HOSTS:
            planes = ctx.control_planes
            steps += (signing_step(ctx, host, authority_needs(ctx, KUBERNETES_CA, host)) for host in planes)
    return tuple(steps)


ETCD_CA_WHY = "etcd trusts only certificates of this CA, between members and from clients."
KUBERNETES_CA_WHY = (
    "This CA authenticates API servers to clients and clients to API servers. It is the same on every control plane."
)
FRONT_PROXY_WHY = (
    "Extension API servers accept user names from the front proxy only if it presents a certificate of this "
    "CA. The CA signs nothing else."
)
SIGNING_WHY = (
    "The controller manager needs a file with exactly one certificate to sign with. During a CA rotation the "
    "CA's file contains two."
)
SERVICE_ACCOUNT_WHY = (
    "This key signs service-account tokens, and every API server verifies them: all control planes need the same key."
)


def _authority(
    ctx: PlanContext, authority: str, common_name: str, files: KeyPairFiles, why: str, after: tuple[StepId, ...]
) -> Step:
    holders = tuple(HostName(host.name) for host in _holders(ctx, authority))
    return Step(
        id=step_id(f"pki.{authority}", holders[0]),
        title=f"Install the {authority.removesuffix('-ca')} CA on {', '.join(holders)}",
        why=why,
        host=holders[0],
        operation=EnsureAuthority(authority, common_name, files.cert, files.key, holders),
        verification=(AuthorityInPlace(),),
        undo=KEPT,
        needs=after,
        phase=PHASE,
    )


def trust_steps(ctx: PlanContext, authority: str, cert_path: str, hosts: tuple[Host, ...]) -> tuple[Step, ...]:
    """Hosts that verify with a CA without holding its key."""
    holders = _holders(ctx, authority)
    return tuple(
        Step(
            id=step_id(f"pki.{authority}-trust", host.name),
            title=f"Install the {authority.removesuffix('-ca')} CA's certificate",
            why="This host verifies certificates of the CA and signs none, so it gets no key.",
            host=HostName(host.name),
            operation=TrustAuthority(authority, cert_path),
            verification=(AuthorityInPlace(),),
            undo=UndoByRestoringFiles((cert_path,)),
            needs=(step_id(f"pki.{authority}", holders[0].name),),
            phase=PHASE,
        )
        for host in hosts
        if host not in holders
    )


def _service_account(ctx: PlanContext, kubernetes: KubernetesLayout, after: tuple[StepId, ...]) -> Step:
    holders = tuple(HostName(host.name) for host in ctx.control_planes)
    files = kubernetes.service_account
    return Step(
        id=step_id("pki.service-account", holders[0]),
        title=f"Install the same service-account key on {', '.join(holders)}",
        why=SERVICE_ACCOUNT_WHY,
        host=holders[0],
        operation=EnsureKeyPair(files.cert, files.key, holders),
        verification=(AuthorityInPlace(),),
        undo=LeftByUndo("without the key all tokens that it signed would be invalid; an unused key does no harm"),
        needs=after,
        phase=PHASE,
    )


FIRST_IS = load_script("signing-ca-is")
FIRST = load_script("extract-signing-ca")


def signing_step(ctx: PlanContext, host: Host, needs: tuple[StepId, ...]) -> Step:
    """Install the CA certificate that kube-controller-manager signs with, in a separate file."""
    assert ctx.layout.kubernetes is not None
    ca, alone = ctx.layout.kubernetes.ca.cert, ctx.layout.kubernetes.signing_ca
    return Step(
        id=step_id("pki.kubernetes-signing", host.name),
        title="Install the signing CA",
        why=SIGNING_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", FIRST, "first", ca, alone)),
        verification=(
            script(
                FIRST_IS,
                "first",
                ca,
                alone,
                means=f"{alone} contains only the first certificate of {ca}",
                problem=f"{alone} does not contain exactly the first certificate of {ca}",
            ),
        ),
        undo=UndoByRestoringFiles((alone,)),
        needs=needs,
        phase=PHASE,
    )


def issue_step(host: Host, leaf: DesiredLeaf, needs: tuple[StepId, ...]) -> Step:
    """Issue a leaf that no host has yet."""
    return Step(
        id=step_id(f"pki.{leaf.name}", host.name),
        title=f"Issue the {leaf.name} certificate",
        why=f"{leaf.why} The key is generated on this host and never leaves it.",
        host=HostName(host.name),
        operation=leaf.issue(),
        verification=(CertificateInPlace(),),
        undo=UndoByRestoringFiles((leaf.files.cert, leaf.files.key)),
        needs=needs,
        phase=PHASE,
    )
