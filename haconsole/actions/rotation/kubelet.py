"""Kubelets of control planes and workers: the client certificate of their kubeconfig, and the kubelets left out.

A kubelet's certificate is replaced if its kubeconfig names the cluster's own CA file and separate files for certificate
and key, or embeds those two. A single file with both is made and renewed by kubelet; kubelet uses that file whatever
pair its kubeconfig has (rotateCertificates).
"""

from __future__ import annotations

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import CLIENT, KUBERNETES_CA, LeafWanted
from haconsole.actions.build import look_step, ran_before, start_step
from haconsole.actions.checks import NodeRenewed
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import KeyPairFiles, KubernetesLayout
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
    "kubelet renews the lease every 10 s while it trusts the API server and the API server accepts its certificate."
)
RENEWED_WITHIN_S = 90.0
BY_ITSELF = "renews it automatically: it is not replaced"
OF_ITS_OWN = (
    "; for a new CA set a certificate and a key in separate files in its kubeconfig, set rotateCertificates: "
    "false and restart it"
)
CLIENTS = ("admin", "controller-manager", "scheduler", ROLE)


def certificates_on(found: Ground, host: Host) -> tuple[Certificate, ...]:
    """Those that were read on the host."""
    facts = found.snapshot.host(HostName(host.name))
    return (value_of(facts.certificates) or ()) if facts else ()


def workers(found: Ground) -> tuple[Host, ...]:
    """Hosts where only a kubelet matters."""
    return tuple(host for host in found.inventory.with_role(Role.WORKER) if host not in found.hosts)


def kubelet_leaf(found: Ground, host: Host) -> LeafWanted | None:
    """The kubelet's client certificate with its names; None if a rotation replaces none."""
    seen, kubernetes = _seen(found, host), found.layout.kubernetes
    if seen is None or kubernetes is None or _left(found, host, seen, kubernetes):
        return None
    files = KeyPairFiles(seen.path, seen.key_path or "")
    if seen.in_kubeconfig:
        files = KeyPairFiles(f"{kubernetes.pki_dir}/{ROLE}.crt", f"{kubernetes.pki_dir}/{ROLE}.key")
    named = [part.partition("=") for part in seen.subject.split(",")]
    name = next((value for key, _, value in named if key == "CN"), f"system:node:{host.name}")
    groups = tuple(value for key, _, value in named if key == "O")
    return LeafWanted(ROLE, files, KUBERNETES_CA, kubernetes.ca, name, CLIENT, WHY, organizations=groups)


def left(found: Ground) -> tuple[str, ...]:
    """Kubelets whose certificates a rotation does not replace: the host, the reason, and the change that would include
    them.
    """
    kubernetes = found.layout.kubernetes
    if kubernetes is None:
        return ()
    told = (
        (host, _left(found, host, seen, kubernetes))
        for host in found.inventory.hosts
        if (seen := _seen(found, host)) is not None
    )
    return tuple(f"{host.name}: {why}" for host, why in told if why)


def against_a_new_ca(found: Ground) -> tuple[str, ...]:
    """Kubelets that a new Kubernetes CA would cut off: those that trust a copy of the old one, or did not answer."""
    kubernetes = found.layout.kubernetes
    if kubernetes is None:
        return ()
    copies = tuple(
        f"{host.name}: {_names_another(one, kubernetes)}"
        for host in found.inventory.hosts
        for one in certificates_on(found, host)
        if _is_copy(one, kubernetes) and one.role != f"{ROLE}-ca"
    )
    unheard = tuple(
        (
            f"{host.name} is a worker whose certificates are not known: {why}. Its kubelet would reject every new "
            "certificate; fix it, or remove it from the inventory"
        )
        for host in workers(found)
        if (why := _unheard(found, host))
    )
    stay = (one + OF_ITS_OWN if one.endswith(BY_ITSELF) else one for one in left(found))
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


def nodes_renewed(found: Ground, what: str, phase: str, hosts: tuple[Host, ...] | None = None) -> Group:
    """Verify that the kubelets of `hosts`, or of all, reach the API with their current files."""
    ask = tuple(HostName(host.name) for host in found.control_planes)
    every = ((host, kubelet_leaf(found, host)) for host in hosts or found.inventory.hosts)
    return tuple(
        look_step(
            f"kubernetes.node-{what}",
            host.name,
            (NodeRenewed(leaf.common_name.removeprefix("system:node:"), ask),),
            title="Verify that its node's lease is renewed",
            why=RENEWED_WHY,
            phase=phase,
            wait_s=RENEWED_WITHIN_S,
        )
        for host, leaf in every
        if leaf is not None
    )


def _seen(found: Ground, host: Host) -> Certificate | None:
    return next((one for one in certificates_on(found, host) if one.role == ROLE and not one.is_ca), None)


def _left(found: Ground, host: Host, seen: Certificate, kubernetes: KubernetesLayout) -> str:
    """The reason why its certificate is not replaced; empty if it is."""
    if seen.key_path is None or (seen.key_path == seen.path and not seen.in_kubeconfig):
        return f"kubelet keeps its certificate in {seen.path} and {BY_ITSELF}"
    copies = (one for one in certificates_on(found, host) if one.role == f"{ROLE}-ca")
    return next((_names_another(one, kubernetes) for one in copies if _is_copy(one, kubernetes)), "")


def _is_copy(one: Certificate, kubernetes: KubernetesLayout) -> bool:
    """Whether it is a CA that a client's kubeconfig embeds, or names, besides the file that every rotation changes."""
    return one.is_ca and one.role in {f"{role}-ca" for role in CLIENTS} and one.path != kubernetes.ca.cert


def _names_another(one: Certificate, kubernetes: KubernetesLayout) -> str:
    where = f"{one.path} embeds the CA" if one.in_kubeconfig else f"its kubeconfig names the CA {one.path}"
    return f"{one.role.removesuffix('-ca')}: {where}: set certificate-authority: {kubernetes.ca.cert} in it"


def _unheard(found: Ground, host: Host) -> str | None:
    facts = found.snapshot.host(HostName(host.name))
    if facts is None:
        return "it was not queried"
    return reason_of(facts.certificates) if isinstance(facts.certificates, Failed) else None
