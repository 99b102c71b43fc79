"""Renews the credentials of pods during a rotation of the Kubernetes CA and the token keys of a kubeadm cluster.

Pods load the CA and their tokens at their start. A token in a Secret stays valid only while its key is accepted.
1. Once the new key signs, Secrets get tokens of it: kube-controller-manager fills those whose token is removed.
2. Workloads are restarted: those of kube-system, or all.
3. The old CA and key are dropped only when no pod has or mounts old credentials, unless that is ignored.
4. Tokens that no pod mounted are signed again after that: nobody could use them any more.
A rollback does the same the other way round.
"""

from __future__ import annotations

from enum import StrEnum

from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import AnyOf, Check
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase, after_last_phase, after_rollback
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import is_kubeadm
from haconsole.model.names import HostName
from haconsole.scripts import load_script


class Workloads(StrEnum):
    """The pods that a rotation restarts; `IGNORE` also drops old credentials that pods still use."""

    SYSTEM = "kube-system"
    ALL = "all"
    IGNORE = "ignore"


RENEW = load_script("renew-workloads")

OLD = load_script("check-old-credentials")

TOKENS = load_script("renew-tokens")

AVAILABLE = load_script("check-workloads")

RENEW_WHY = (
    "Pods load the CA and their tokens at their start. Tokens in Secrets are signed again first; from then on the "
    "API rejects a pod with an old token until the pod is restarted."
)
TOKENS_WHY = (
    "Kubernetes does not renew a token whose key is dropped. API servers reject such a token, so a pod that "
    "mounts it later cannot use the API."
)
AVAILABLE_WHY = (
    "The rotation restarts these workloads and waits until their new pods are available. Pods that do not work now "
    "would stop it half-way."
)
AVAILABLE_REMEDY = (
    "these workloads are not available. Repair or delete them first. To rotate without waiting for pods: workloads = "
    "ignore"
)
OLD_WHY = (
    "Pods that still have the old CA or an old token can no longer use the API after the old CA and key are dropped."
)
OLD_REMEDY = (
    "some workloads use old credentials. To renew all: run rotate-certs with ca = yes, workloads = all. By hand: "
    "delete the token of each Secret, restart the pods, resume. To drop the old CA and key anyway: workloads = "
    "ignore"
)
ROLLOUT_S, RENEW_S, CHECK_S = 300.0, 240.0, 180.0
BOOT_S = 60.0
"""The pods of a cluster that was just started need about this long."""


def workloads_available(now: CaReplacement) -> Group:
    """The workloads that are restarted later are available, before anything is changed."""
    words = _words(now, back=False)
    if words is None or now.workloads == Workloads.IGNORE:
        return ()
    kubeconfig, _, ca_file, _ = words
    available = script(
        AVAILABLE,
        "available",
        *(kubeconfig, ca_file, now.workloads),
        means="they are available",
        problem=AVAILABLE_REMEDY,
        timeout_s=CHECK_S,
    )
    every = now.workloads == Workloads.ALL
    title = f"Check that the workloads{'' if every else ' of kube-system'} are available"
    host = now.ctx.control_planes[0].name
    step = look_step(
        "kubernetes.workloads", host, (available,), title=title, why=AVAILABLE_WHY, phase=Phase.TRUST, wait_s=BOOT_S
    )
    return (step,)


def renew_workloads(now: CaReplacement, phase: str, *, back: bool = False) -> Group:
    """The workloads run with the CAs of `phase` and with tokens of the key that signs."""
    words = _words(now, back=back)
    if words is None:
        return ()
    host, every = now.ctx.control_planes[0], now.workloads == Workloads.ALL
    argv = (*words, now.workloads)
    renewed = script(
        RENEW, "workloads", *argv, "check", means="they were restarted", problem="not restarted", timeout_s=CHECK_S
    )
    step = Step(
        id=step_id(f"kubernetes.workloads-{phase}", host.name),
        title="Restart all workloads" if every else "Restart the workloads of kube-system",
        why=RENEW_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", RENEW, "workloads", *argv, "renew"), timeout_s=RENEW_S),
        verification=_or_later(now, renewed, back=back),
        undo=Irreversible("restarted pods trust the old and the new CA, and their tokens stay valid"),
        verify_within_s=ROLLOUT_S,
        phase=phase,
    )
    return (step,)


def no_old_credentials(now: CaReplacement, phase: str, *, back: bool = False) -> Group:
    """No pod and no Secret needs what the next steps remove."""
    words = _words(now, back=back)
    if words is None or now.workloads == Workloads.IGNORE:
        return ()
    unused = script(OLD, "old", *words, means="no pod has old credentials", problem=OLD_REMEDY, timeout_s=CHECK_S)
    title = "Check that no pod has old credentials"
    checks = _or_later(now, unused, back=back)
    host = now.ctx.control_planes[0].name
    return (look_step("kubernetes.credentials", host, checks, title=title, why=OLD_WHY, phase=phase),)


def renew_tokens(now: CaReplacement, phase: str) -> Group:
    """No Secret keeps a token of the key that was dropped: later pods would mount it."""
    words = _words(now, back=False)
    if words is None or words[-1] == "-":
        return ()
    host, argv = now.ctx.control_planes[0], (words[0], words[-1])
    renewed = script(
        TOKENS,
        "tokens",
        *argv,
        "check",
        means="the current key signed every token",
        problem="tokens signed by another key still exist",
        timeout_s=CHECK_S,
    )
    step = Step(
        id=step_id(f"kubernetes.tokens-{phase}", host.name),
        title="Renew the tokens in Secrets that the dropped key signed",
        why=TOKENS_WHY,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", TOKENS, "tokens", *argv, "renew"), timeout_s=RENEW_S),
        verification=(renewed,),
        undo=Irreversible("the key that signed the previous tokens is no longer in use"),
        phase=phase,
    )
    return (step,)


def _or_later(now: CaReplacement, check: Check, *, back: bool) -> tuple[Check, ...]:
    """The check, or the state after the last phase, which removes the files that the check reads."""
    ca = now.of(KUBERNETES_CA)
    assert ca is not None
    return (AnyOf(((check,), (after_rollback(ca) if back else after_last_phase(ca),))),)


def _words(now: CaReplacement, *, back: bool) -> tuple[str, ...] | None:
    """The kubeconfig, the name of this restart, and the key whose tokens remain valid."""
    ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    if ca is None or kubernetes is None or not is_kubeadm(now.ctx.inventory):
        return None
    key = next((one.files.key for one in now.several if one.is_tokens), "-")
    return kubernetes.admin.kubeconfig, "old" if back else "new", ca.next.cert, key
