"""The rule about hosts with files of a kubeadm init or join that is not finished, or of a membership that ended."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.configs.layout import is_kubeadm
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import EtcdPlacement, Inventory
from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.lock_view import lock_view
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

_INIT = "haconsole-init-unfinished"
_BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
_KUBECONFIG = "/etc/kubernetes/kubelet.conf"


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """At most one candidate for each host that runs a kubelet; none while a console changes the cluster."""
    lock = lock_view(snapshot)
    if not is_kubeadm(inventory) or (lock is not None and not lock.stale):
        return
    for facts in snapshot.hosts:
        kubelet = value_of(facts.kubelet)
        if kubelet is None:
            continue
        if any(path.endswith(f"/{_INIT}") for path in kubelet.kubeadm_files):
            yield _unfinished_init(facts, kubelet)
        elif reason := _unfinished_join(facts, kubelet, snapshot, inventory):
            yield _of_join(facts, kubelet, reason)


def _unfinished_join(facts: HostFacts, kubelet: KubeletFacts, snapshot: ClusterSnapshot, inventory: Inventory) -> str:
    """Why the host's files are those of no node; empty where it is one, or where the nodes are not known."""
    nodes = value_of(snapshot.nodes)
    if not nodes or any(node.host == facts.host for node in nodes):
        return ""
    if _BOOTSTRAP in kubelet.kubeadm_files:
        return "kubelet has not received its own certificate, so a join was interrupted"
    unit = facts.service("kubelet")
    if _KUBECONFIG in kubelet.kubeadm_files and unit is not None and not unit.running:
        return "kubelet is set up for the cluster and does not run"
    view = etcd_view(snapshot)
    stacked = inventory.etcd.placement is EtcdPlacement.STATIC_POD and not view.external
    if stacked and facts.has(Role.ETCD) and view.current and facts.host in view.unlisted and kubelet.pod("etcd"):
        return "its etcd is not a member either: the host was removed without a reset, or its join was interrupted"
    return ""


def _of_join(facts: HostFacts, kubelet: KubeletFacts, reason: str) -> Candidate:
    host = facts.host
    return Candidate(
        Finding(
            "kubeadm.leftovers",
            Severity.WARNING,
            host,
            f"{host} has files of kubeadm, and is not a node of the cluster: {reason}",
            "kubeadm refuses to join a host that has such files. haconsole's join renames them first.",
            _files(kubelet),
            (
                call("join", "rename what is left, and join the host again", host=host),
                advice(
                    f"or, if {host} is to leave the cluster: kubeadm reset on {host}, and remove it from the inventory"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED, QUORUM_LOST),
    )


def _unfinished_init(facts: HostFacts, kubelet: KubeletFacts) -> Candidate:
    return Candidate(
        Finding(
            "kubeadm.leftovers",
            Severity.WARNING,
            facts.host,
            f"kubeadm init on {facts.host} was interrupted before its end",
            "The control plane may run while parts of the cluster's setup are missing.",
            _files(kubelet),
            (call("bootstrap", "complete the init, or undo it and start again"),),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _files(kubelet: KubeletFacts) -> tuple[str, ...]:
    folder = kubelet.static_pod_folder
    return (*kubelet.kubeadm_files, *(f"{folder}/{pod.file}" for pod in kubelet.static_pods))
