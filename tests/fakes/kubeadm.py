"""The healthy cluster of `tests.fakes.cluster` as kubeadm would have made it, with a worker, its nodes and kubelets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, Host, Kubernetes
from haconsole.model.hosts import ApiserverFacts, DiskSpace, HostFacts, Reach, Role, ServiceKind, ServiceState
from haconsole.model.kubelet import ContainerdConfig, KubeletFacts, StaticPodState
from haconsole.model.names import HostName
from haconsole.model.node import NodeCondition, NodeState
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import NOW

WORKER = HostName("w1")
PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
UNITS = ("haproxy", "keepalived", "kubelet", "containerd")
SINCE = NOW - timedelta(hours=1)

INVENTORY = msgspec.structs.replace(
    cluster.INVENTORY,
    hosts=(*cluster.INVENTORY.hosts, Host(name=WORKER, address="10.99.0.51", roles=(Role.WORKER,))),
    etcd=Etcd(placement=EtcdPlacement.STATIC_POD),
    kubernetes=Kubernetes(endpoint="10.99.0.100:8443", deployment=Deployment.KUBEADM),
)


def static_pod(name: str) -> StaticPodState:
    return StaticPodState(
        file=f"{name}.yaml",
        namespace="kube-system",
        name=name,
        containers=(name,),
        command=(name,),
        running=True,
        started_at=SINCE,
    )


def kubelet(*pods: str) -> KubeletFacts:
    return KubeletFacts(
        static_pod_folder="/etc/kubernetes/manifests",
        config_file="/var/lib/kubelet/config.yaml",
        flags=("--config=/var/lib/kubelet/config.yaml",),
        cgroup_driver="systemd",
        runtime_endpoint="unix:///run/containerd/containerd.sock",
        static_pods=tuple(map(static_pod, pods)),
        containerd=ContainerdConfig((), True, "registry.k8s.io/pause:3.9"),
    )


def unit(name: str, active: str = "active", **rest: object) -> ServiceState:
    service = ServiceState(name, True, active, "running" if active == "active" else "dead", SINCE, 100)
    return replace(service, **rest)


def node(name: str, *, control_plane: bool = True) -> NodeState:
    conditions = (
        *(NodeCondition(f"{what}Pressure", "False") for what in ("Memory", "Disk", "PID")),
        NodeCondition("Ready", "True", "KubeletReady", "kubelet is posting ready status", SINCE),
    )
    taints = ("node-role.kubernetes.io/master:NoSchedule",) if control_plane else ()
    renewed = NOW - timedelta(seconds=4)
    return NodeState(name, HostName(name), control_plane, conditions, "v1.20.2", False, taints, "", renewed)


def healthy() -> ClusterSnapshot:
    """Three stacked control planes behind haproxy and keepalived, and a worker."""

    def stacked(facts: HostFacts) -> HostFacts:
        pods = (unit(name, kind=ServiceKind.STATIC_POD, enabled=True) for name in PODS)
        services = Known((*(unit(name, enabled=True) for name in UNITS), *pods), NOW)
        api = Known(ApiserverFacts(True, (), "v1.20.2", ("https://127.0.0.1:2379",)), NOW)
        return replace(facts, services=services, kubelet=Known(kubelet(*PODS), NOW), apiserver=api)

    worker = HostFacts(
        host=WORKER,
        address="10.99.0.51",
        roles=(Role.WORKER,),
        reach=Known(Reach(40.0), NOW),
        clock_offset_ms=Known(0.2, NOW),
        addresses=Known((), NOW),
        services=Known((unit("kubelet", enabled=True), unit("containerd", enabled=True)), NOW),
        disks=Known((DiskSpace("/", 100 << 30, 60 << 30),), NOW),
        kubelet=Known(kubelet(), NOW),
        certificates=Known((), NOW),
    )
    snapshot = cluster.healthy()
    nodes = (*(node(facts.host) for facts in snapshot.hosts), node(WORKER, control_plane=False))
    return replace(snapshot, hosts=(*map(stacked, snapshot.hosts), worker), nodes=Known(nodes, NOW))


def changed(snapshot: ClusterSnapshot, host: str, change: Callable[[HostFacts], HostFacts]) -> ClusterSnapshot:
    """The snapshot with one host changed."""
    hosts = tuple(change(facts) if facts.host == host else facts for facts in snapshot.hosts)
    return replace(snapshot, hosts=hosts)


def with_service(snapshot: ClusterSnapshot, host: str, service: ServiceState) -> ClusterSnapshot:
    """The snapshot with this state of one component."""

    def change(facts: HostFacts) -> HostFacts:
        services = value_of(facts.services) or ()
        return replace(
            facts, services=Known(tuple(service if one.name == service.name else one for one in services), NOW)
        )

    return changed(snapshot, host, change)


def with_kubelet(
    snapshot: ClusterSnapshot, host: str, change: Callable[[KubeletFacts], KubeletFacts]
) -> ClusterSnapshot:
    """The snapshot with kubelet's facts of one host changed."""

    def of_host(facts: HostFacts) -> HostFacts:
        result = value_of(facts.kubelet)
        assert result is not None
        return replace(facts, kubelet=Known(change(result), NOW))

    return changed(snapshot, host, of_host)


def with_pod(snapshot: ClusterSnapshot, host: str, pod: StaticPodState) -> ClusterSnapshot:
    """The snapshot with this state of one static pod, and of the component that it is."""
    states = {"active": pod.running, "activating": not pod.running}
    active = next(name for name, holds in states.items() if holds)
    service = unit(pod.name, active, kind=ServiceKind.STATIC_POD, enabled=True)

    def change(facts: KubeletFacts) -> KubeletFacts:
        return replace(facts, static_pods=tuple(pod if one.file == pod.file else one for one in facts.static_pods))

    return with_kubelet(with_service(snapshot, host, service), host, change)


def with_node(snapshot: ClusterSnapshot, name: str, change: Callable[[NodeState], NodeState]) -> ClusterSnapshot:
    """The snapshot with one node changed."""
    nodes = value_of(snapshot.nodes) or ()
    return replace(snapshot, nodes=Known(tuple(change(one) if one.name == name else one for one in nodes), NOW))
