"""The client certificates of kubelets: those that a rotation renews, and those that it leaves to kubelet.

A kubelet's certificate is replaced if its kubeconfig names the cluster's own CA file and separate files for certificate
and key, or embeds those two. A single file with both is made and renewed by kubelet; kubelet uses that file whatever
pair its kubeconfig has (rotateCertificates). It is replaced only if kubelet failed to renew it in time.
"""

from __future__ import annotations

from haconsole.actions.bootstrap.leaves import CLIENT, KUBERNETES_CA, DesiredLeaf
from haconsole.actions.build import look_step, ran_before, start_step
from haconsole.actions.checks import NodeRenewed
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.kubeadm import is_overdue, kubelet_pair
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import KeyPairFiles, KubernetesLayout, is_kubeadm
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, reason_of, value_of

ROLE = "kubelet"
UNIT = "kubelet.service"
WHY = "Kubelet's identity in the API: without it the cluster loses the node."
RESTART_WHY = "Kubelet reads changed files only at its start; pods keep running meanwhile."
RENEWED_WHY = (
    "kubelet renews its node's lease every 10 s while it trusts the API server and the API server accepts "
    "kubelet's certificate."
)
RENEWED_WITHIN_S = 90.0
BY_ITSELF = "renews this certificate automatically, so this action does not replace it"
OF_ITS_OWN = (
    "; before a CA rotation: set a certificate and a key in separate files in kubelet's kubeconfig, set "
    "rotateCertificates: false, restart kubelet"
)
CLIENTS = ("admin", "controller-manager", "scheduler", ROLE)


def certificates_on(ctx: PlanContext, host: Host) -> tuple[Certificate, ...]:
    """Those that were read on the host."""
    facts = ctx.snapshot.host(HostName(host.name))
    return (value_of(facts.certificates) or ()) if facts else ()


def workers(ctx: PlanContext) -> tuple[Host, ...]:
    """Hosts where only a kubelet matters."""
    return tuple(host for host in ctx.inventory.with_role(Role.WORKER) if host not in ctx.hosts)


def kubelet_leaf(ctx: PlanContext, host: Host) -> DesiredLeaf | None:
    """The kubelet's client certificate with its names; None if a rotation replaces none."""
    certificate, kubernetes = _certificate_of(ctx, host), ctx.layout.kubernetes
    if certificate is None or kubernetes is None:
        return None
    if is_kubeadm(ctx.inventory) or _is_kept_by_kubelet(certificate):
        return kubelet_pair(ctx, certificate, kubernetes)
    if _why_left(ctx, host, certificate, kubernetes):
        return None
    files = KeyPairFiles(certificate.path, certificate.key_path or "")
    if certificate.in_kubeconfig:
        files = KeyPairFiles(f"{kubernetes.pki_dir}/{ROLE}.crt", f"{kubernetes.pki_dir}/{ROLE}.key")
    named = [part.partition("=") for part in certificate.subject.split(",")]
    name = next((value for key, _, value in named if key == "CN"), f"system:node:{host.name}")
    groups = tuple(value for key, _, value in named if key == "O")
    return DesiredLeaf(ROLE, files, KUBERNETES_CA, kubernetes.ca, name, CLIENT, WHY, organizations=groups)


def left_to_kubelet(ctx: PlanContext) -> tuple[str, ...]:
    """Kubelets whose certificates a rotation does not replace: the host, the reason, and the change that would include
    them.
    """
    kubernetes = ctx.layout.kubernetes
    if kubernetes is None:
        return ()
    if is_kubeadm(ctx.inventory):
        return _renewed_by_kubelet(ctx)
    reasons = (
        (host, _why_left(ctx, host, certificate, kubernetes))
        for host in ctx.inventory.hosts
        if (certificate := _certificate_of(ctx, host)) is not None
    )
    return tuple(f"{host.name}: {why}" for host, why in reasons if why)


def _renewed_by_kubelet(ctx: PlanContext) -> tuple[str, ...]:
    """One note: that is how kubeadm sets up every kubelet."""
    pairs = ((host.name, _certificate_of(ctx, host)) for host in ctx.inventory.hosts)
    hosts = ", ".join(name for name, one in pairs if one is not None and not is_overdue(ctx, one))
    return (
        (f"the kubelets on {hosts} renew their certificates automatically, so this action does not replace them",)
        if hosts
        else ()
    )


def against_a_new_ca(ctx: PlanContext) -> tuple[str, ...]:
    """Kubelets that a new Kubernetes CA would cut off: those that trust a copy of the old one, or did not answer."""
    kubernetes = ctx.layout.kubernetes
    if kubernetes is None:
        return ()
    copies = tuple(
        f"{host.name}: {_names_another(one, kubernetes)}"
        for host in (() if is_kubeadm(ctx.inventory) else ctx.inventory.hosts)
        for one in certificates_on(ctx, host)
        if _is_copy(one, kubernetes) and one.role != f"{ROLE}-ca"
    )
    unheard = tuple(
        (
            f"{host.name} is a worker whose certificates are not known: {why}. Its kubelet would reject every new "
            "certificate; fix the host, or remove it from the inventory"
        )
        for host in workers(ctx)
        if (why := _why_unread(ctx, host))
    )
    staying = () if is_kubeadm(ctx.inventory) else left_to_kubelet(ctx)
    stay = (one + OF_ITS_OWN if one.endswith(BY_ITSELF) else one for one in staying)
    return (*stay, *dict.fromkeys(copies), *unheard)


def kubelet_restart(host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Step:
    return start_step(
        f"kubernetes.{ROLE}-{what}",
        host.name,
        UNIT,
        title="Restart kubelet",
        why=RESTART_WHY,
        phase=phase,
        newer_than=newer_than,
        needs=(),
        undo=ran_before(UNIT),
    )


def nodes_renewed(ctx: PlanContext, what: str, phase: str, hosts: tuple[Host, ...] | None = None) -> Group:
    """Verify that the kubelets of `hosts`, or of all, reach the API with their current files."""
    ask = tuple(HostName(host.name) for host in ctx.control_planes)
    every = ((host, kubelet_leaf(ctx, host)) for host in hosts or ctx.inventory.hosts)
    return tuple(
        look_step(
            f"kubernetes.node-{what}",
            host.name,
            (NodeRenewed(leaf.common_name.removeprefix("system:node:"), ask),),
            title="Verify that kubelet renews its node's lease",
            why=RENEWED_WHY,
            phase=phase,
            wait_s=RENEWED_WITHIN_S,
        )
        for host, leaf in every
        if leaf is not None
    )


def _certificate_of(ctx: PlanContext, host: Host) -> Certificate | None:
    return next((one for one in certificates_on(ctx, host) if one.role == ROLE and not one.is_ca), None)


def _why_left(ctx: PlanContext, host: Host, certificate: Certificate, kubernetes: KubernetesLayout) -> str:
    """The reason why its certificate is not replaced; empty if it is."""
    if _is_kept_by_kubelet(certificate):
        if is_overdue(ctx, certificate):
            return ""
        return f"kubelet keeps its certificate in {certificate.path} and {BY_ITSELF}"
    copies = (one for one in certificates_on(ctx, host) if one.role == f"{ROLE}-ca")
    return next((_names_another(one, kubernetes) for one in copies if _is_copy(one, kubernetes)), "")


def _is_kept_by_kubelet(certificate: Certificate) -> bool:
    """Whether kubelet makes and renews the pair, in one file."""
    return certificate.key_path is None or (certificate.key_path == certificate.path and not certificate.in_kubeconfig)


def _is_copy(one: Certificate, kubernetes: KubernetesLayout) -> bool:
    """Whether it is a CA that a client's kubeconfig embeds, or names, besides the file that every rotation changes."""
    return one.is_ca and one.role in {f"{role}-ca" for role in CLIENTS} and one.path != kubernetes.ca.cert


def _names_another(one: Certificate, kubernetes: KubernetesLayout) -> str:
    where = f"{one.path} embeds the CA" if one.in_kubeconfig else f"the kubeconfig uses the CA file {one.path}"
    return f"{one.role.removesuffix('-ca')}: {where}: in the kubeconfig set certificate-authority: {kubernetes.ca.cert}"


def _why_unread(ctx: PlanContext, host: Host) -> str | None:
    facts = ctx.snapshot.host(HostName(host.name))
    if facts is None:
        return "it was not queried"
    return reason_of(facts.certificates) if isinstance(facts.certificates, Failed) else None
