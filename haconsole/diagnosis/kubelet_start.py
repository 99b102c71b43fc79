"""The rule about kubelets that run and start no static pod at all while no API server answers.

After a cold start of all hosts, kubelet first connects to the API through the cluster's endpoint. A balancer without a
ready server must refuse that connection. If the balancer accepts and holds it, kubelet waits, and the API server that
kubelet should start never comes (kubernetes/kubernetes 99602).
"""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.configs.layout import is_kubeadm
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, anywhere
from haconsole.diagnosis.causes import WAITS_FOR_API
from haconsole.diagnosis.kubelet import kubelet_errors
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.static_pods import STEADY, creation_errors
from haconsole.inventory.effective import endpoint, join_host_port
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """At most one candidate, while no API server answers anywhere."""
    balanced = endpoint(inventory)
    if not is_kubeadm(inventory) or balanced is None:
        return
    if any(isinstance(facts.apiserver, Known) for facts in snapshot.hosts):
        return
    waiting = tuple(facts for facts in snapshot.hosts if _starts_nothing(facts))
    if waiting:
        yield _waiting(waiting, snapshot, join_host_port(*balanced))


def _starts_nothing(facts: HostFacts) -> bool:
    """kubelet has run for a minute and has created no container of its manifests since the host started."""
    kubelet, unit = value_of(facts.kubelet), facts.service("kubelet")
    if kubelet is None or unit is None or not unit.running or not facts.has(Role.CONTROL_PLANE):
        return False
    if not isinstance(facts.kubelet, Known) or (unit.since is not None and facts.kubelet.at - unit.since <= STEADY):
        return False
    pods = tuple(pod for pod in kubelet.static_pods if not pod.problem)
    started = any(pod.running or pod.ended_at is not None for pod in pods)
    return (
        kubelet.pod("kube-apiserver") is not None
        and not started
        and not any(creation_errors(facts, pod) for pod in pods)
    )


def _waiting(hosts: tuple[HostFacts, ...], snapshot: ClusterSnapshot, address: str) -> Candidate:
    names = ", ".join(facts.host for facts in hosts)
    balancers = tuple(facts for facts in snapshot.hosts if (unit := facts.service("haproxy")) and unit.running)
    code, subject = WAITS_FOR_API
    release = " ".join(facts.host for facts in balancers)
    return Candidate(
        Finding(
            code,
            Severity.WARNING,
            subject,
            f"kubelet on {names} runs and starts no static pod: it may wait for the API at {address}",
            "kubelet connects to the API before it starts pods. A balancer that holds this connection without a ready "
            "server keeps every API server from starting.",
            (
                *(f"{facts.host}: no container of {_count(facts)} manifests was created" for facts in hosts),
                *(f"haproxy runs on {facts.host}" for facts in balancers),
                *(line for facts in hosts for line in kubelet_errors(facts)),
            ),
            (
                advice(
                    (f"on {release}: systemctl stop haproxy" if release else f"stop the balancer at {address}")
                    + ", so that connections are refused; start it again when an API server is ready"
                ),
                advice(
                    "afterwards: let the balancer refuse connections while no server is up. Or, in "
                    "/etc/kubernetes/kubelet.conf of each control plane, set `server` to its own API server"
                ),
            ),
        ),
        (
            NOT_BOOTSTRAPPED,
            *anywhere("runtime.cri-disabled", "runtime.down", "runtime.cgroup-driver", "host.disk-full"),
        ),
    )


def _count(facts: HostFacts) -> int:
    kubelet = value_of(facts.kubelet)
    return len(kubelet.static_pods) if kubelet else 0
