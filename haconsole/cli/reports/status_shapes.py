"""The shapes of ``haconsole/status/v1``: the fields of its JSON. Times are RFC 3339 in UTC."""

from __future__ import annotations

from haconsole.cli.reports.findings import FindingReport, Shape

SCHEMA = "haconsole/status/v1"


class HostStatusReport(Shape, frozen=True):
    """`reachable` is null when SSH was not tried; `connect_ms` is the time to connect and authenticate."""

    name: str
    address: str
    roles: tuple[str, ...]
    reachable: bool | None
    error: str | None
    connect_ms: float | None
    clock_offset_ms: float | None


class QuorumReport(Shape, frozen=True):
    """Voters listed, needed and answering, and how many more may fail."""

    voters: int
    needed: int
    healthy: int
    can_lose: int


class MemberReport(Shape, frozen=True):
    """One listed member. Values that it did not report are null; `error` is the reason, or why it is not healthy."""

    id: str
    name: str
    host: str | None
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool
    leader: bool
    healthy: bool
    started: bool
    version: str | None
    db_size_bytes: int | None
    db_in_use_bytes: int | None
    raft_term: int | None
    raft_index: int | None
    alarms: tuple[str, ...]
    error: str | None


class EtcdReport(Shape, frozen=True):
    """`quorum` is null while no member list is known; `leader` is a member's name."""

    quorum: QuorumReport | None
    leader: str | None
    cluster_id: str | None
    members: tuple[MemberReport, ...]


class VrrpReport(Shape, frozen=True):
    """keepalived on one balancer: the state it last entered for this VIP, its priority, its service's state."""

    host: str
    vrrp_state: str | None
    priority: int | None
    keepalived: str | None


class VipReport(Shape, frozen=True):
    """`state` is owned, unowned, split or unknown."""

    address: str
    state: str
    owners: tuple[str, ...]
    hosts: tuple[VrrpReport, ...]
    """The hosts that keepalived can move it to; none of a VIP of kube-vip's."""
    lease: str | None = None
    """Name of kube-vip's lease; null where keepalived moves the VIP."""
    lease_host: str | None = None
    """The host that holds the lease."""


class ServerReport(Shape, frozen=True):
    """`status` is haproxy's word, `admin_state` ready, drain, maint or unresolved, `check` the last check's code."""

    name: str
    address: str
    status: str
    admin_state: str
    check: str
    sessions: int
    last_change_s: int


class BackendReport(Shape, frozen=True):
    name: str
    servers: tuple[ServerReport, ...]


class EndpointReport(Shape, frozen=True):
    """The API's endpoint if its balancer is outside of the inventory; `answering` are control planes behind it.

    A control plane that is missing was not met by the few connections that were made. `unrecognised` counts
    certificates that no control plane is known to have.
    """

    address: str
    answering: tuple[str, ...]
    unrecognised: int


class HaproxyReport(Shape, frozen=True):
    """haproxy on one balancer; `state` is its service's, null when unknown."""

    host: str
    state: str | None
    error: str | None
    backends: tuple[BackendReport, ...] | None


class LeaseReport(Shape, frozen=True):
    """A leader lock; `host` is null when the holder is on no inventory host."""

    namespace: str
    name: str
    holder: str
    host: str | None
    state: str
    acquired_at: str | None
    renewed_at: str | None
    duration_s: int
    transitions: int
    source: str


class ConditionReport(Shape, frozen=True):
    """A condition of a node; `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str


class NodeReport(Shape, frozen=True):
    """A Node object; `host` is null where the inventory has none of its name. `ready` is null once kubelet is silent.

    `conditions` are those that are not as on a healthy node.
    """

    name: str
    host: str | None
    ready: bool | None
    conditions: tuple[ConditionReport, ...]
    kubelet_version: str
    unschedulable: bool
    lease_age_s: float | None
    control_plane: bool
    address: str
    taints: tuple[str, ...]


class ServiceReport(Shape, frozen=True):
    """A component on a host; `kind` is unit or static-pod, `state` systemd's word, `reason` why it does not run."""

    host: str
    name: str
    kind: str
    state: str
    since: str | None
    restarts: int
    reason: str | None


class CertificateReport(Shape, frozen=True):
    """A certificate in a file; `served_at` is the address of the process that presents it, `problem` its problem."""

    host: str
    path: str
    served_at: str | None
    subject: str
    issuer: str
    not_after: str
    days_left: int
    sans: tuple[str, ...]
    problem: str | None


class LockReport(Shape, frozen=True):
    """The cluster's lock: `holder` is login@machine; `since` and the heartbeat by the hosts' own clocks.

    `hosts` are those that have the claim; it holds the lock if they are `needed` or more. A `stale` one's console is
    gone or cut off.
    """

    holder: str
    pid: int
    run: str
    action: str
    since: str
    heartbeat_age_s: int
    stale: bool
    hosts: tuple[str, ...]
    needed: int


class FigureReport(Shape, frozen=True):
    """A figure of a host, of a server of a balancer, or of the cluster if both are null; `value` is null if unknown."""

    host: str | None
    server: str | None
    value: float | None


class ErrorReport(Shape, frozen=True):
    """The reason why a fact is unknown; `host` is null for facts of the complete cluster."""

    host: str | None
    fact: str
    reason: str


class ClusterInfoReport(Shape, frozen=True):
    """The ConfigMap cluster-info, which joining hosts trust; `authorities` are the SHA-256 of its CAs."""

    server: str
    authorities: tuple[str, ...]


class KubeletConfigReport(Shape, frozen=True):
    """The ConfigMap kubelet-config (`name` has its version up to 1.23), which joining hosts get.

    `cgroup_driver` is empty and the others are null where kubelet's defaults apply.
    """

    name: str
    cgroup_driver: str
    rotate_certificates: bool | None
    fail_swap_on: bool | None


class KubeadmReport(Shape, frozen=True):
    """kubeadm's own record, the ConfigMap kubeadm-config; empty where it has nothing.

    `control_planes` are those of ClusterStatus, which kubeadm keeps up to 1.21. `cluster_info` and `kubelet_config` are
    null where the cluster has no such ConfigMap.
    """

    version: str
    endpoint: str
    pod_cidr: str
    service_cidr: str
    external_etcd: tuple[str, ...]
    control_planes: tuple[str, ...]
    cluster_info: ClusterInfoReport | None
    kubelet_config: KubeletConfigReport | None


class StatusReport(Shape, frozen=True):
    """The cluster at `observed_at`. `etcd`, `leases`, `nodes` and `certificates` are null where unknown.

    `endpoint` is null where a VIP or a host of the inventory has its address, or nothing was read from it.
    `lock` is null when no queried host knows of a holder, `kubeadm` where kubeadm has no record or none was read.
    """

    schema: str
    cluster: str
    observed_at: str
    health: str
    hosts: tuple[HostStatusReport, ...]
    etcd: EtcdReport | None
    vips: tuple[VipReport, ...]
    endpoint: EndpointReport | None
    haproxy: tuple[HaproxyReport, ...]
    leases: tuple[LeaseReport, ...] | None
    nodes: tuple[NodeReport, ...] | None
    kubeadm: KubeadmReport | None
    services: tuple[ServiceReport, ...]
    certificates: tuple[CertificateReport, ...] | None
    lock: LockReport | None
    errors: tuple[ErrorReport, ...]
    findings: tuple[FindingReport, ...]
    figures: dict[str, tuple[FigureReport, ...]]
