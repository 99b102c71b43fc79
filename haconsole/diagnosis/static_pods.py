"""Rules about static pods: manifests that are missing, doubled or unreadable, and pods that do not stay up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, Key, on
from haconsole.diagnosis.causes import HOST_CODES, POD_CODES, WAITS_FOR_API, first_causes
from haconsole.diagnosis.kubelet import kubelet_errors
from haconsole.diagnosis.remedies import advice
from haconsole.model.findings import Advice, Finding, Severity
from haconsole.model.hosts import HostFacts, ServiceKind, ServiceState
from haconsole.model.kubelet import KubeletFacts, StaticPodState
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP

STEADY = timedelta(seconds=60)
"""The age from which a container, or kubelet itself, counts as up."""
LOOPING_INTERVAL_S = 400.0
"""Two starts within this time are a crash loop's: kubelet waits 5 minutes at most between them."""
LOOPING_ATTEMPTS = 3
KUBEADM_PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about every static pod of every host."""
    for facts in snapshot.hosts:
        if not isinstance(facts.kubelet, Known):
            continue
        kubelet, at = facts.kubelet.value, facts.kubelet.at
        yield from _stray(facts, kubelet)
        yield from _missing(facts, kubelet)
        for pod in kubelet.static_pods:
            yield from _pod(facts, kubelet, pod, at)


def _stray(facts: HostFacts, kubelet: KubeletFacts) -> Iterator[Candidate]:
    """kubelet reads every file that does not begin with a dot, so a copy of a manifest is a second pod of its name."""
    for name in dict.fromkeys(pod.name for pod in kubelet.static_pods if pod.name):
        pods = [pod for pod in kubelet.static_pods if pod.name == name]
        if len(pods) < 2:
            continue
        main = kubelet.pod(name)
        strays = [pod.file for pod in pods if pod is not main]
        folder = kubelet.static_pod_folder
        yield Candidate(
            Finding(
                "static-pod.stray-manifest",
                Severity.WARNING,
                f"{name}@{facts.host}",
                f"{folder} on {facts.host} has {len(pods)} manifests of {name}: {', '.join(strays)} in "
                f"addition to {main.file}"
                if main
                else f"{folder} on {facts.host} has {len(pods)} manifests of {name}",
                "kubelet reads every file in that folder whose name does not begin with a dot, whatever its "
                "extension. Of two manifests of a pod, kubelet may run the wrong one. Upgrades then wait for a "
                "change of the pod that never happens.",
                tuple(f"{folder}/{pod.file} is a manifest of {pod.namespace}/{pod.name}" for pod in pods),
                (advice(f"on {facts.host}: move {' and '.join(f'{folder}/{file}' for file in strays)} elsewhere"),),
            )
        )


def _missing(facts: HostFacts, kubelet: KubeletFacts) -> Iterator[Candidate]:
    """A component whose manifest is not in kubelet's folder: stopped, or stopped once kubelet looks again."""
    names = {pod.name for pod in kubelet.static_pods}
    stems = {pod.file.partition(".")[0] for pod in kubelet.static_pods if pod.problem}
    for service in value_of(facts.services) or ():
        if service.kind is ServiceKind.STATIC_POD and service.name not in names | stems:
            yield _manifest_missing(facts, kubelet, service)


def _manifest_missing(facts: HostFacts, kubelet: KubeletFacts, service: ServiceState) -> Candidate:
    name, folder = service.name, kubelet.static_pod_folder
    state = "its process still runs until kubelet reads the folder again" if service.running else "it does not run"
    return Candidate(
        Finding(
            "static-pod.manifest-missing",
            Severity.WARNING,
            f"{name}@{facts.host}",
            f"{name} has no manifest in {folder} on {facts.host}: {state}",
            "kubelet runs a static pod only while its manifest is in this folder, and stops the pod when the "
            "manifest is gone.",
            (f"manifests in the folder: {', '.join(pod.file for pod in kubelet.static_pods) or 'none'}",),
            (
                advice(f"on {facts.host}: move {name}.yaml back into {folder}, if it was moved away"),
                advice(_written_again(name, facts.host)),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _written_again(name: str, host: str) -> str:
    """The way to a lost manifest; kubeadm writes only those of its own four components."""
    if name not in KUBEADM_PODS:
        return f"if the manifest is lost: copy it from another host, and adapt the copy to {host}"
    phase = "etcd local" if name == "etcd" else f"control-plane {name.removeprefix('kube-')}"
    return f"if the manifest is lost: kubeadm init phase {phase} on {host} writes it again"


def _pod(facts: HostFacts, kubelet: KubeletFacts, pod: StaticPodState, at: datetime) -> Iterator[Candidate]:
    if pod.problem:
        yield _unreadable(facts, kubelet, pod)
        return
    unit = facts.service("kubelet")
    working = unit is not None and unit.running
    if not working or _is_duplicate(kubelet, pod):
        return
    if not pod.running and creation_errors(facts, pod):
        yield _not_started(facts, kubelet, pod, at)
    elif _loops(pod, at):
        yield _crash_loop(facts, kubelet, pod)
    elif not pod.running and unit is not None and _is_older(unit.since, at):
        yield _not_started(facts, kubelet, pod, at)


_NOT_CREATED = re.compile(r"sandbox|ErrImage|ImagePull|CreateContainer(Config)?Error|RunContainerError")
"""The parts of kubelet's messages that name a failure before the first process of a container."""


def creation_errors(facts: HostFacts, pod: StaticPodState) -> tuple[str, ...]:
    """kubelet's errors about creating the pod since its last attempt ended, whose log explains nothing."""
    kubelet = value_of(facts.kubelet)
    return tuple(
        error.text
        for error in (kubelet.errors if kubelet else ())
        if f"{pod.name}-" in error.text
        and _NOT_CREATED.search(error.text)
        and (pod.ended_at is None or error.at > pod.ended_at)
    )


def _is_duplicate(kubelet: KubeletFacts, pod: StaticPodState) -> bool:
    return kubelet.pod(pod.name) is not pod


def _is_older(since: datetime | None, at: datetime) -> bool:
    return since is None or at - since > STEADY


def _loops(pod: StaticPodState, at: datetime) -> bool:
    """It ended and does not run, or it just began once more, shortly after the attempt before.

    A container that ended longer ago than kubelet ever waits is an earlier one: its log explains nothing. One that ran
    for long, or that ended normally, is in a loop only once it ended repeatedly.
    """
    if _was_stopped(pod):
        return False
    soon = pod.restart_interval_s is not None and pod.restart_interval_s < LOOPING_INTERVAL_S
    repeated = soon and pod.attempt >= LOOPING_ATTEMPTS
    if pod.running:
        return repeated and not _is_older(pod.started_at, at)
    if not _ended_lately(pod, at):
        return False
    return repeated or (pod.exit_status != 0 and (pod.ran_s is None or pod.ran_s < LOOPING_INTERVAL_S))


def _ended_lately(pod: StaticPodState, at: datetime) -> bool:
    return pod.ended_at is not None and (at - pod.ended_at).total_seconds() < LOOPING_INTERVAL_S


def _was_stopped(pod: StaticPodState) -> bool:
    """The manifest was put into the folder after the newest attempt ended: kubelet stopped that while it was absent."""
    return pod.ended_at is not None and pod.placed_at is not None and pod.placed_at >= pod.ended_at


def _unreadable(facts: HostFacts, kubelet: KubeletFacts, pod: StaticPodState) -> Candidate:
    path = f"{kubelet.static_pod_folder}/{pod.file}"
    return Candidate(
        Finding(
            "static-pod.unreadable-manifest",
            Severity.WARNING,
            f"{pod.file.partition('.')[0]}@{facts.host}",
            f"kubelet on {facts.host} cannot use {path} as a manifest: {pod.problem}",
            "kubelet reads every file in that folder whose name does not begin with a dot. This file starts no pod.",
            (f"{path}: {pod.problem}",),
            (advice(f"on {facts.host}: correct {path}, or move it out of the folder"),),
        )
    )


def _crash_loop(facts: HostFacts, kubelet: KubeletFacts, pod: StaticPodState) -> Candidate:
    times = f", restarted {pod.attempt} time{'s' * (pod.attempt > 1)}" if pod.attempt else ""
    log = tuple(f"{pod.name} logs: {line}" for line in pod.log)
    return Candidate(
        Finding(
            "static-pod.crash-loop",
            Severity.WARNING,
            f"{pod.name}@{facts.host}",
            f"static pod {pod.name} on {facts.host} does not stay up{times}",
            "The pod's container exits soon after each start; kubelet waits longer each time, 5 minutes at most.",
            (*log, *(() if log else kubelet_errors(facts))),
            (
                advice(
                    f"on {facts.host}: read the pod's log, and fix the error in "
                    f"{kubelet.static_pod_folder}/{pod.file} or in the files that the pod mounts. kubelet then "
                    "starts the pod again automatically"
                ),
                advice(f"read the pod's log: tail -n 50 {log_files(pod.name)} on {facts.host}"),
            ),
        ),
        (*first_causes(facts.host, pod.name), *_loop_causes(facts, pod)),
    )


def log_files(name: str) -> str:
    """The container logs of a static pod on its host, as a shell pattern."""
    return f"/var/log/pods/*_{name}-*/*/*.log"


_DEPENDENT = (
    "connection refused",
    "leaderelection lost",
    "context deadline exceeded",
    "no such host",
    "eof",
    "timeout",
)


def _loop_causes(facts: HostFacts, pod: StaticPodState) -> tuple[Key, ...]:
    """Causes of a crash loop outside of the pod, where its log complains of another component."""
    host, own = facts.host, (NOT_BOOTSTRAPPED, *on(facts.host, "runtime.cgroup-driver", "host.disk-full"))
    if not any(word in line.lower() for line in pod.log for word in _DEPENDENT):
        return own
    etcd = (("etcd.member-down", host), *((code, f"etcd@{host}") for code in POD_CODES))
    if pod.name == "kube-apiserver":
        return (QUORUM_LOST, *etcd, *own)
    if pod.name in ("kube-controller-manager", "kube-scheduler", KUBE_VIP):
        return (QUORUM_LOST, *on(host, "apiserver.down", "apiserver.not-ready"), *own)
    return (QUORUM_LOST, *own) if pod.name == "etcd" else own


_OWN_SERVER = advice(
    "if kubelet waits for the API: configure the balancer to refuse connections while no server is up. Or set "
    "the server: field in /etc/kubernetes/kubelet.conf to the host's own API server"
)


def _why_it_waits(pod: StaticPodState, facts: HostFacts, at: datetime) -> tuple[str, Advice | None]:
    """Why the pod of a container that ended is not running yet, and what to do; empty if that is not known."""
    if _was_stopped(pod):
        why = "Its manifest was put into the folder after its last container ended. kubelet starts it within 20 s."
        return why, advice(f"wait 20 s for kubelet on {facts.host}")
    if pod.exit_status == 0:
        why = "Its last container ended normally, with exit status 0. kubelet starts it again within 5 minutes."
        return why, advice(f"wait for kubelet on {facts.host}; to start the pod at once: systemctl restart kubelet")
    if _ended_lately(pod, at):
        why = "Its last container ended after it had run for more than 5 minutes. kubelet starts it again."
        return why, advice(f"read why it ended: tail -n 50 {log_files(pod.name)} on {facts.host}")
    return "", None


def _not_started(facts: HostFacts, kubelet: KubeletFacts, pod: StaticPodState, at: datetime) -> Candidate:
    failures = creation_errors(facts, pod)
    errors = tuple(f"kubelet logs: {text}" for text in failures) or kubelet_errors(facts)
    some_run = any(one.running for one in kubelet.static_pods)
    why, start = ("", None) if failures else _why_it_waits(pod, facts, at)
    logs = tuple(f"{pod.name} logs: {line}" for line in pod.log) if why else ()
    return Candidate(
        Finding(
            "static-pod.not-started",
            Severity.WARNING,
            f"{pod.name}@{facts.host}",
            f"kubelet on {facts.host} has a manifest of {pod.name} and runs no container of it",
            why or "The container was not created. The reason is in kubelet's journal.",
            (f"{kubelet.static_pod_folder}/{pod.file}", *logs, *errors),
            (
                *((start,) if start else ()),
                *(() if some_run else (_OWN_SERVER,)),
                advice(f"find the cause: journalctl -u kubelet on {facts.host}; look at image, runtime and disk"),
            ),
        ),
        (
            *on(facts.host, "kubeadm.leftovers"),
            NOT_BOOTSTRAPPED,
            *on(facts.host, *HOST_CODES, "host.disk-full", "host.slow"),
            *(() if some_run else (WAITS_FOR_API,)),
        ),
    )
