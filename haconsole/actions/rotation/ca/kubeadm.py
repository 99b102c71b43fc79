"""CA rotation on kubeadm clusters: the other files and ConfigMaps that hold the Kubernetes CA, for each phase.

1. kubeconfigs embed the CA: they get what the CA's file holds.
2. kube-controller-manager signs with the CA's file, but refuses one with two certificates. While the file holds two,
   its manifest names a file with only the first.
3. cluster-info, by which new nodes trust the cluster, embeds the CA.
4. extension-apiserver-authentication holds the CAs for extension API servers. API servers only add theirs to it.
5. Pods load the CA and their tokens at their start: see `workloads`.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.certificates import signing_step
from haconsole.actions.bootstrap.leaves import FRONT_PROXY_CA, KUBERNETES_CA
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import Check, FilesAbsent
from haconsole.actions.operations import Irreversible, RunCommand, UndoByCommand, UndoByRestoringFiles
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase, or_after_last_phase, run_step
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.kubelet import certificates_on, kubelet_leaf
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.static_pods import static_pod
from haconsole.configs.layout import KubernetesLayout, is_kubeadm
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.scripts import load_script

SYNC = load_script("kubeconfig-sync-ca")

IN_SYNC = load_script("kubeconfig-check-ca")

SET_FLAG = load_script("manifest-set-flag")

HAS_FLAG = load_script("manifest-check-flag")

INFO = load_script("cluster-info-sync-ca")

AUTHENTICATION = load_script("authentication-sync-ca")

FLAG = "cluster-signing-cert-file"
MANAGER = "kube-controller-manager"
SYNC_WHY = "kubeconfigs of kubeadm embed the CA, so a change of the CA's file does not reach their users."
ONE_WHY = (
    "kube-controller-manager refuses to sign with a file that contains two certificates, as the CA's file does now."
)
CA_WHY = (
    "The CA's file contains only one certificate again, so kube-controller-manager signs with it, as kubeadm set it up."
)
REMOVE_WHY = "kube-controller-manager signs with the CA's file again, so nothing reads the separate signing file."
INFO_WHY = "New nodes trust the cluster by this ConfigMap."
AUTHENTICATION_WHY = (
    "Extension API servers take the CAs for verifying clients from this ConfigMap. API servers add their CAs to "
    "the ConfigMap and never remove any CA."
)
KUBECTL_WHY = "ConfigMaps and workloads are changed by kubectl, with admin.conf, on this host."
KUBECTL_S = 180.0


def embedded(now: CaReplacement, host: Host, phase: str) -> Group:
    """The host's kubeconfigs embed what the CA's file holds."""
    ca, kubernetes = _concerned(now, host)
    if ca is None or kubernetes is None:
        return ()
    paths = _kubeconfigs(now, host, kubernetes)
    in_sync = script(
        IN_SYNC,
        "in-sync",
        ca.files.cert,
        *paths,
        means=f"kubeconfigs embed the content of {ca.files.cert}",
        problem="a kubeconfig embeds another CA",
    )
    step = run_step(
        f"pki.kubeconfigs-{phase}",
        host,
        "Set the CA that kubeconfigs embed",
        SYNC_WHY,
        Phase.DROP,
        SYNC,
        (ca.files.cert, now.end, *paths),
        (in_sync,),
        UndoByRestoringFiles(paths),
    )
    return (replace(step, phase=phase),)


def _concerned(now: CaReplacement, host: Host) -> tuple[CaState | None, KubernetesLayout | None]:
    ca = now.of(KUBERNETES_CA)
    if ca is None or not is_kubeadm(now.ctx.inventory):
        return None, None
    has_kubelet = kubelet_leaf(now.ctx, host) is not None
    return (ca, now.ctx.layout.kubernetes) if host in now.ctx.control_planes or has_kubelet else (None, None)


def _kubeconfigs(now: CaReplacement, host: Host, kubernetes: KubernetesLayout) -> tuple[str, ...]:
    """Those that were observed with a CA in them, and kubelet's."""
    observed = (one.path for one in certificates_on(now.ctx, host) if one.in_kubeconfig)
    return tuple(dict.fromkeys((*observed, f"{kubernetes.config_dir}/kubelet.conf")))


def signs_with_one(now: CaReplacement, host: Host) -> Group:
    """kube-controller-manager signs with the old CA's certificate in a file of its own."""
    if not _signs_with_bundle(now, host):
        return ()
    ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    assert ca is not None
    assert kubernetes is not None
    signing = signing_step(now.ctx, host, ())
    only = or_after_last_phase(ca, *signing.verification)
    flag = _flag_step(now, host, kubernetes.signing_ca, ca.files.cert, ONE_WHY, Phase.TRUST)
    flag = replace(flag, verification=or_after_last_phase(ca, *flag.verification), needs=(signing.id,))
    return replace(signing, phase=Phase.TRUST, verification=only), flag


def signs_with_ca(now: CaReplacement, host: Host, phase: str = Phase.DROP) -> Group:
    """kube-controller-manager signs with the CA's file again."""
    if not _signs_with_bundle(now, host):
        return ()
    ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    assert ca is not None
    assert kubernetes is not None
    return (_flag_step(now, host, ca.files.cert, kubernetes.signing_ca, CA_WHY, phase),)


def no_signing_file(now: CaReplacement, phase: str = Phase.DROP) -> Group:
    """The file with only the first certificate is removed: no manifest names it any more."""
    kubernetes = now.ctx.layout.kubernetes
    hosts = tuple(host for host in now.ctx.control_planes if _signs_with_bundle(now, host))
    return tuple(
        Step(
            id=step_id(f"pki.kubernetes-signing-{phase}", host.name),
            title="Remove the separate signing certificate",
            why=REMOVE_WHY,
            host=HostName(host.name),
            operation=RunCommand(("rm", "-f", "--", kubernetes.signing_ca)),
            verification=(FilesAbsent((kubernetes.signing_ca,), "not removed"),),
            undo=Irreversible("the CA's file has the same certificate; a later rotation makes the separate file again"),
            phase=phase,
        )
        for host in hosts
        if kubernetes is not None
    )


def _signs_with_bundle(now: CaReplacement, host: Host) -> bool:
    """Whether the manifest names the CA's file, or, in a later phase, the file with only the first."""
    ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    if ca is None or kubernetes is None or host not in now.ctx.control_planes or not is_kubeadm(now.ctx.inventory):
        return False
    facts = now.ctx.snapshot.host(HostName(host.name))
    kubelet = value_of(facts.kubelet) if facts else None
    pod = kubelet.pod(MANAGER) if kubelet else None
    return pod is None or pod.flag(FLAG) in (ca.files.cert, kubernetes.signing_ca)


def _flag_step(now: CaReplacement, host: Host, value: str, before: str, why: str, phase: str) -> Step:
    pod = static_pod(now.ctx.snapshot, now.ctx.layout, host, MANAGER)
    assert pod is not None
    undo = RunCommand(("sh", "-ec", SET_FLAG, "flag", pod.manifest, FLAG, before))
    return Step(
        id=step_id(f"kubernetes.signing-{phase}", host.name),
        title="Set the certificate that kube-controller-manager signs with",
        why=why,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", SET_FLAG, "flag", pod.manifest, FLAG, value)),
        verification=(_has_flag(pod.manifest, value),),
        undo=UndoByCommand(undo, (_has_flag(pod.manifest, before),)),
        phase=phase,
    )


def _has_flag(manifest: str, value: str) -> Check:
    means = f"{MANAGER} signs with {value}"
    return script(HAS_FLAG, "flag", manifest, FLAG, value, means=means, problem=f"{manifest} has another --{FLAG}")


def has_kubectl(now: CaReplacement) -> Group:
    """The program that later steps need, before anything is changed."""
    if now.of(KUBERNETES_CA) is None or not is_kubeadm(now.ctx.inventory):
        return ()
    there = script("command -v kubectl", "kubectl", means="kubectl is there", problem="kubectl is not installed")
    host = now.ctx.control_planes[0].name
    title = "Verify that kubectl is installed"
    return (look_step("kubernetes.kubectl", host, (there,), title=title, why=KUBECTL_WHY, phase=Phase.TRUST),)


def cluster_info(now: CaReplacement, phase: str) -> Group:
    """cluster-info embeds what the CA's file holds."""
    ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    if ca is None or kubernetes is None or not is_kubeadm(now.ctx.inventory):
        return ()
    host, words = now.ctx.control_planes[0], (kubernetes.admin.kubeconfig, ca.files.cert)
    in_sync = script(
        INFO,
        "info",
        *words,
        "check",
        means="cluster-info embeds this CA",
        problem="cluster-info embeds another CA",
        timeout_s=60.0,
    )
    return (
        Step(
            id=step_id(f"kubernetes.cluster-info-{phase}", host.name),
            title="Set the CA in cluster-info",
            why=INFO_WHY,
            host=HostName(host.name),
            operation=RunCommand(("sh", "-ec", INFO, "info", *words, "set"), timeout_s=KUBECTL_S),
            verification=(in_sync,),
            undo=Irreversible("a later phase sets the CA again, and so does rotate-certs with ca = yes, back = yes"),
            phase=phase,
        ),
    )


def authentication(now: CaReplacement, phase: str) -> Group:
    """Extension API servers accept clients of only the remaining CAs."""
    kubernetes = now.ctx.layout.kubernetes
    concerned = now.of(KUBERNETES_CA) or now.of(FRONT_PROXY_CA)
    if concerned is None or kubernetes is None or not is_kubeadm(now.ctx.inventory):
        return ()
    host = now.ctx.control_planes[0]
    words = (kubernetes.admin.kubeconfig, kubernetes.ca.cert, kubernetes.front_proxy_ca.cert)
    in_sync = script(
        AUTHENTICATION,
        "authentication",
        *words,
        "check",
        means="extension-apiserver-authentication contains only the current CAs",
        problem="the ConfigMap contains other CAs",
        timeout_s=60.0,
    )
    return (
        Step(
            id=step_id(f"kubernetes.authentication-{phase}", host.name),
            title="Set the CAs in extension-apiserver-authentication",
            why=AUTHENTICATION_WHY,
            host=HostName(host.name),
            operation=RunCommand(("sh", "-ec", AUTHENTICATION, "authentication", *words, "set"), timeout_s=KUBECTL_S),
            verification=(in_sync,),
            undo=Irreversible("API servers add the CAs that they trust to this ConfigMap automatically"),
            phase=phase,
        ),
    )
