"""The report of `status --json`, in the format ``haconsole/status/v1``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from haconsole.cli.reports.findings import finding_report, stamp
from haconsole.cli.reports.status_shapes import (
    SCHEMA,
    BackendReport,
    CertificateReport,
    ClusterInfoReport,
    ConditionReport,
    EndpointReport,
    ErrorReport,
    EtcdReport,
    FigureReport,
    HaproxyReport,
    HostStatusReport,
    KubeadmReport,
    KubeletConfigReport,
    LeaseReport,
    LockReport,
    MemberReport,
    NodeReport,
    QuorumReport,
    ServerReport,
    ServiceReport,
    StatusReport,
    VipReport,
    VrrpReport,
)
from haconsole.model.endpoint_view import EndpointView, endpoint_view
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.findings import Finding, Health
from haconsole.model.haproxy import HaproxyServer
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.lease import Lease
from haconsole.model.lock_view import LockView, lock_view
from haconsole.model.measures import MEASURES
from haconsole.model.node import NodeState
from haconsole.model.observed import Failed, NotAsked, Observed, reason_of, value_of
from haconsole.model.quorum import needed_for
from haconsole.model.roles import LOCK_ROLES
from haconsole.model.series import Measurements
from haconsole.model.service_view import ServiceRow, service_rows
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipView
from haconsole.model.vip_view import lease_of, possible_holders, vip_views


def status_report(
    snapshot: ClusterSnapshot,
    findings: tuple[Finding, ...],
    health: Health,
    now: datetime,
    measurements: Measurements | None = None,
) -> StatusReport:
    """The snapshot, its findings and figures in their JSON shape; `now` decides what has expired."""
    return StatusReport(
        schema=SCHEMA,
        cluster=snapshot.cluster,
        observed_at=stamp(snapshot.observed_at),
        health=health.value,
        hosts=tuple(_host(facts) for facts in snapshot.hosts),
        etcd=_etcd(snapshot),
        vips=tuple(_vip(view, snapshot) for view in vip_views(snapshot)),
        endpoint=_endpoint(endpoint_view(snapshot)),
        haproxy=tuple(_haproxy(facts) for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER)),
        leases=_leases(value_of(snapshot.leases), now),
        nodes=_nodes(value_of(snapshot.nodes), now),
        kubeadm=_kubeadm(value_of(snapshot.kubeadm)),
        services=tuple(_service(row) for row in service_rows(snapshot)),
        certificates=_certificates(snapshot, now),
        lock=_lock(lock_view(snapshot), snapshot),
        errors=tuple(_errors(snapshot)),
        findings=tuple(finding_report(finding) for finding in findings),
        figures=_figures(measurements, now) if measurements is not None else {},
    )


def _kubeadm(record: ClusterConfiguration | None) -> KubeadmReport | None:
    if record is None:
        return None
    info, kubelet = record.cluster_info, record.kubelet
    return KubeadmReport(
        record.version,
        record.endpoint,
        record.pod_cidr,
        record.service_cidr,
        record.external_etcd,
        record.control_planes,
        ClusterInfoReport(info.server, info.authorities) if info else None,
        KubeletConfigReport(kubelet.name, kubelet.cgroup_driver, kubelet.rotates_certificates, kubelet.fail_swap_on)
        if kubelet
        else None,
    )


def _figures(measurements: Measurements, now: datetime) -> dict[str, tuple[FigureReport, ...]]:
    reports = {
        measure.full_name: tuple(
            FigureReport(key.host or None, key.item or None, measurements.latest(key, now))
            for key in measurements.keys(measure)
        )
        for measure in MEASURES
    }
    return {name: figures for name, figures in reports.items() if figures}


def _host(facts: HostFacts) -> HostStatusReport:
    reach = value_of(facts.reach)
    reachable = None if isinstance(facts.reach, NotAsked) else reach is not None
    return HostStatusReport(
        facts.host,
        facts.address,
        tuple(role.value for role in facts.roles),
        reachable,
        reason_of(facts.reach),
        reach.connect_ms if reach else None,
        value_of(facts.clock_offset_ms),
    )


def _etcd(snapshot: ClusterSnapshot) -> EtcdReport | None:
    view = etcd_view(snapshot)
    if view.quorum is None:
        return None
    quorum = QuorumReport(view.quorum.voters, view.quorum.needed, view.quorum.healthy, view.quorum.can_lose)
    members = tuple(_member(row) for row in view.members)
    return EtcdReport(quorum, _leader_name(view), view.cluster_id, members)


def _leader_name(view: EtcdView) -> str | None:
    return next((row.member.name for row in view.members if row.leader), None)


def _member(row: EtcdMemberView) -> MemberReport:
    endpoint = row.endpoint
    return MemberReport(
        id=row.member.id,
        name=row.member.name,
        host=row.host,
        peer_urls=row.member.peer_urls,
        client_urls=row.member.client_urls,
        learner=row.member.learner,
        leader=row.leader,
        healthy=row.healthy,
        started=row.member.started,
        version=endpoint.version if endpoint else None,
        db_size_bytes=endpoint.db_size_bytes if endpoint else None,
        db_in_use_bytes=endpoint.db_in_use_bytes if endpoint else None,
        raft_term=endpoint.raft_term if endpoint else None,
        raft_index=endpoint.raft_index if endpoint else None,
        alarms=row.alarms,
        error=row.error,
    )


def _vip(view: VipView, snapshot: ClusterSnapshot) -> VipReport:
    leased = snapshot.leased_vip
    if leased is not None and leased.address == view.address:
        lease = lease_of(snapshot, leased)
        return VipReport(view.address, view.state.value, view.owners, (), leased.lease, lease.host if lease else None)
    hosts = tuple(_vrrp(facts, view) for facts in possible_holders(snapshot, view.address))
    return VipReport(view.address, view.state.value, view.owners, hosts)


def _endpoint(view: EndpointView | None) -> EndpointReport | None:
    return EndpointReport(view.address, view.answering, view.unrecognised) if view else None


def _vrrp(facts: HostFacts, view: VipView) -> VrrpReport:
    keepalived = value_of(facts.keepalived)
    instances = keepalived.instances if keepalived else ()
    instance = next((each for each in instances if view.address in each.vips), None)
    state = instance.state.value if instance and instance.state else None
    return VrrpReport(facts.host, state, instance.priority if instance else None, _active(facts, "keepalived"))


def _active(facts: HostFacts, name: str) -> str | None:
    unit = facts.service(name)
    return unit.active if unit else None


def _haproxy(facts: HostFacts) -> HaproxyReport:
    haproxy = value_of(facts.haproxy)
    backends = tuple(
        BackendReport(backend.name, tuple(_server(server) for server in backend.servers))
        for backend in (haproxy.backends if haproxy else ())
    )
    return HaproxyReport(facts.host, _active(facts, "haproxy"), reason_of(facts.haproxy), backends if haproxy else None)


def _server(server: HaproxyServer) -> ServerReport:
    return ServerReport(
        server.name,
        server.address,
        server.status,
        server.admin_state.value,
        server.check,
        server.sessions,
        server.last_change_s,
    )


def _leases(leases: tuple[Lease, ...] | None, now: datetime) -> tuple[LeaseReport, ...] | None:
    if leases is None:
        return None
    return tuple(
        LeaseReport(
            lease.namespace,
            lease.name,
            lease.holder,
            lease.host,
            lease.state(now).value,
            stamp(lease.acquired_at) if lease.acquired_at else None,
            stamp(lease.renewed_at) if lease.renewed_at else None,
            lease.duration_s,
            lease.transitions,
            lease.source.value,
        )
        for lease in leases
    )


def _nodes(nodes: tuple[NodeState, ...] | None, now: datetime) -> tuple[NodeReport, ...] | None:
    if nodes is None:
        return None
    return tuple(
        NodeReport(
            node.name,
            node.host,
            node.ready,
            tuple(ConditionReport(each.type, each.status, each.reason, each.message) for each in node.abnormal),
            node.kubelet_version,
            node.unschedulable,
            node.lease_age_s(now),
            node.control_plane,
            node.address,
            node.taints,
        )
        for node in nodes
    )


def _service(row: ServiceRow) -> ServiceReport:
    unit = row.service
    since = stamp(unit.since) if unit.since else None
    return ServiceReport(row.host, unit.name, unit.kind.value, unit.active, since, row.restarts, row.reason or None)


def _certificates(snapshot: ClusterSnapshot, now: datetime) -> tuple[CertificateReport, ...] | None:
    if all(value_of(facts.certificates) is None for facts in snapshot.hosts):
        return None
    return tuple(
        CertificateReport(
            each.host,
            each.path,
            each.served_at,
            each.subject,
            each.issuer,
            stamp(each.not_after),
            each.days_left(now),
            each.sans,
            each.problem,
        )
        for facts in snapshot.hosts
        for each in value_of(facts.certificates) or ()
    )


def _lock(view: LockView | None, snapshot: ClusterSnapshot) -> LockReport | None:
    if view is None:
        return None
    keeping = sum(bool(set(facts.roles) & set(LOCK_ROLES)) for facts in snapshot.hosts)
    return LockReport(
        holder=view.claim.holder,
        pid=view.claim.pid,
        run=view.claim.run,
        action=view.claim.action,
        since=stamp(snapshot.observed_at - timedelta(seconds=view.held_s)),
        heartbeat_age_s=view.heartbeat_s,
        stale=view.stale,
        hosts=view.hosts,
        needed=needed_for(keeping),
    )


def _errors(snapshot: ClusterSnapshot) -> Iterator[ErrorReport]:
    for facts in snapshot.hosts:
        for name, fact in (*facts.facts(), *facts.readings()):
            yield from _error(facts.host, name, fact)
    yield from _error(None, "leases", snapshot.leases)
    yield from _error(None, "nodes", snapshot.nodes)
    yield from _error(None, "kubeadm", snapshot.kubeadm)
    yield from _error(None, "endpoint_ms", snapshot.endpoint_ms)


def _error(host: str | None, name: str, fact: Observed[object]) -> Iterator[ErrorReport]:
    if isinstance(fact, Failed):
        yield ErrorReport(host, name, fact.reason)
