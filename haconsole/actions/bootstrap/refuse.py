"""Refusals of a bootstrap: settings of the inventory that it does not support, and obstacles on the hosts."""

from __future__ import annotations

from haconsole.actions.balancer_files import not_replaceable
from haconsole.actions.kubeadm.refuse import refusals as kubeadm_refusals
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.configs.balancer_files import haproxy_files, keepalived_files
from haconsole.configs.keepalived import vrrp_version
from haconsole.configs.layout import is_kubeadm, is_stacked
from haconsole.inventory.effective import vip_address
from haconsole.inventory.schema import EtcdPlacement, EtcdTls
from haconsole.model.balancer_files_view import any_foreign
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.hosts import HostFacts, reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, value_of

MAX_SKEW_MS = 500.0
"""Between two hosts: etcd and leases compare clocks."""

MAX_OFFSET_MS = 60_000.0
"""Between a host and this machine: certificates are dated here and back-dated by a few minutes only."""


def refusals(ctx: PlanContext) -> tuple[str, ...]:
    """All reasons; none if the bootstrap can be planned."""
    return (
        *unsupported(ctx),
        *_missing_parts(ctx),
        *_contradictions(ctx),
        *unreachable(ctx),
        *clocks(ctx),
        *interfaces(ctx),
        *_other_etcd(ctx),
        *balancer_files(ctx),
    )


def by_kubeadm(ctx: PlanContext) -> bool:
    """Whether kubeadm makes the requested parts: the control plane, or its stacked etcd."""
    parts = {BootstrapPart.KUBERNETES, BootstrapPart.ETCD} if is_stacked(ctx.inventory) else {BootstrapPart.KUBERNETES}
    return is_kubeadm(ctx.inventory) and bool(parts & ctx.parts)


def unsupported(ctx: PlanContext) -> tuple[str, ...]:
    """Settings of the inventory that this version does not set up."""
    if by_kubeadm(ctx):
        return kubeadm_refusals(ctx)
    if BootstrapPart.ETCD in ctx.parts and ctx.inventory.etcd.placement is EtcdPlacement.STATIC_POD:
        return (
            (
                "etcd.placement is static-pod, but without kubeadm this version of haconsole can set up etcd only "
                "as a systemd unit"
            ),
        )
    return ()


def _missing_parts(ctx: PlanContext) -> tuple[str, ...]:
    inventory = ctx.inventory
    if not ctx.parts:
        return ("the inventory gives no host the role etcd, control-plane or load-balancer: there is nothing to do",)
    reasons = [
        f"no host has the role that {part} runs on: {role}"
        for part, role in _ROLE_NAMES.items()
        if part in ctx.parts and not ctx.hosts_of(part)
    ]
    if ctx.parts - {BootstrapPart.ETCD} and inventory.kubernetes is None:
        reasons.append("the inventory has no kubernetes section, which haproxy, keepalived and the control plane need")
    if BootstrapPart.KEEPALIVED in ctx.parts and not inventory.vips:
        reasons.append("the inventory has no vips: keepalived would have nothing to move")
    if BootstrapPart.KUBERNETES in ctx.parts and not ctx.etcd and inventory.etcd.external is None:
        reasons.append("no host has the role etcd, where the control plane keeps its state")
    return tuple(reasons)


_ROLE_NAMES = {
    BootstrapPart.ETCD: "etcd",
    BootstrapPart.HAPROXY: "load-balancer",
    BootstrapPart.KEEPALIVED: "load-balancer",
    BootstrapPart.KUBERNETES: "control-plane",
}


def _contradictions(ctx: PlanContext) -> tuple[str, ...]:
    inventory = ctx.inventory
    reasons = []
    if BootstrapPart.KUBERNETES in ctx.parts and inventory.etcd.tls is EtcdTls.AUTO:
        reasons.append(
            "etcd.tls is auto: an API server cannot verify self-signed certificates; set etcd.tls to certificates"
        )
    if BootstrapPart.KEEPALIVED in ctx.parts:
        reasons += [
            f"vips: {vip.address} has an auth_pass, but VRRP version 3 (IPv6, or advert_int_s with a fraction) has no "
            "authentication; remove auth_pass, or the fraction"
            for vip in inventory.vips
            if vip.auth_pass is not None and vrrp_version(vip) == 3
        ]
    return tuple(reasons)


def _facts(ctx: PlanContext) -> tuple[HostFacts, ...]:
    facts_of_hosts = (ctx.snapshot.host(HostName(host.name)) for host in ctx.hosts)
    return tuple(facts for facts in facts_of_hosts if facts is not None)


def unreachable(ctx: PlanContext) -> tuple[str, ...]:
    """The hosts that did not answer."""
    return tuple(
        f"{facts.host} cannot be reached: {reach_problem(facts)}"
        for facts in _facts(ctx)
        if isinstance(facts.reach, Failed)
    )


def clocks(ctx: PlanContext) -> tuple[str, ...]:
    """Hosts whose clocks differ too much from this machine's or from each other."""
    offset_by_host = {facts.host: value_of(facts.clock_offset_ms) for facts in _facts(ctx)}
    offsets = {host: offset for host, offset in offset_by_host.items() if offset is not None}
    far = tuple(
        (
            f"{host}'s clock is {offset / 1000:+.1f} s off from this machine, whose clock dates new certificates; "
            "set it right (chrony)"
        )
        for host, offset in offsets.items()
        if abs(offset) > MAX_OFFSET_MS
    )
    if far or not offsets:
        return far
    low, high = min(offsets, key=lambda host: offsets[host]), max(offsets, key=lambda host: offsets[host])
    difference = offsets[high] - offsets[low]
    if difference <= MAX_SKEW_MS:
        return ()
    return (
        (
            f"the clocks of {low} and {high} are {difference:.0f} ms apart, and at most {MAX_SKEW_MS:.0f} are allowed; "
            "run chrony on both"
        ),
    )


def interfaces(ctx: PlanContext) -> tuple[str, ...]:
    """VIPs without a known interface on a balancer."""
    if BootstrapPart.KEEPALIVED not in ctx.parts:
        return ()
    return tuple(
        f"{host.name}: the interface of the VIP {vip_address(vip)} is unknown; set hosts[].interface"
        for host in ctx.balancers
        for vip in ctx.inventory.vips
        if ctx.interface(host, vip_address(vip)) is None
    )


def balancer_files(ctx: PlanContext) -> tuple[str, ...]:
    """Files of the balancers that somebody else wrote, or changed; keepalived's check needs haconsole's haproxy.cfg."""
    writes: tuple[str, ...] = ()
    if BootstrapPart.HAPROXY in ctx.parts:
        writes += haproxy_files(ctx.layout)
    if BootstrapPart.KEEPALIVED in ctx.parts:
        writes += keepalived_files(ctx.layout)
    reached = tuple(host.name for host in ctx.balancers if _is_reached(ctx, host.name))
    reasons = not_replaceable(ctx.snapshot, ctx.layout, ((host, writes) for host in reached))
    return (*reasons, *_heedless_haproxy(ctx, reached), *_other_parts(ctx, reasons))


def _heedless_haproxy(ctx: PlanContext, hosts: tuple[str, ...]) -> tuple[str, ...]:
    haproxy = ctx.layout.haproxy
    if BootstrapPart.KEEPALIVED not in ctx.parts or BootstrapPart.HAPROXY in ctx.parts or haproxy is None:
        return ()
    foreign = [host for host in hosts if any_foreign(ctx.snapshot, host, (haproxy.config_file,))]
    if not foreign:
        return ()
    reason = (
        f"keepalived's check queries haproxy's health port {haproxy.health_port}, but "
        f"{haproxy.config_file} on {', '.join(foreign)} is not haconsole's and may lack that port. Then no balancer "
        "would hold the VIP"
    )
    return (reason,)


def _other_parts(ctx: PlanContext, reasons: tuple[str, ...]) -> tuple[str, ...]:
    separate = () if by_kubeadm(ctx) else (BootstrapPart.ETCD,)
    others = [part for part in (*separate, BootstrapPart.KUBERNETES) if part in ctx.parts]
    if not reasons or not others:
        return ()
    options = " or ".join(f"only = {part}" for part in others)
    return (f"to keep the balancers as they are, set up only the other parts: {options}",)


def _is_reached(ctx: PlanContext, host: str) -> bool:
    facts = ctx.snapshot.host(HostName(host))
    return facts is not None and isinstance(facts.reach, Known)


def _other_etcd(ctx: PlanContext) -> tuple[str, ...]:
    """A running etcd must be the one of the inventory."""
    if BootstrapPart.ETCD not in ctx.parts:
        return ()
    view = etcd_view(ctx.snapshot)
    if len(view.cluster_ids) > 1:
        ids = ", ".join(view.cluster_ids)
        where = "on the host with the wrong cluster ID"
        return (f"the hosts belong to different etcd clusters ({ids}): first rename etcd's data directory {where}",)
    return (*_strangers(view), *(() if by_kubeadm(ctx) else _not_members(view)))


def _strangers(view: EtcdView) -> tuple[str, ...]:
    strangers = tuple(row.member.name or row.member.id for row in view.members if row.host is None)
    if not strangers:
        return ()
    others = ", ".join(strangers)
    return (
        (
            f"etcd cluster {view.cluster_id} also has the members {others}, which are not in the inventory: "
            "add them to the inventory, or remove them from etcd"
        ),
    )


def _not_members(view: EtcdView) -> tuple[str, ...]:
    if not view.members:
        return ()
    unstarted = tuple(row.host for row in view.members if not row.member.started and row.host)
    return tuple(
        f"{host} is not a member of the etcd cluster {view.cluster_id} that runs on other hosts: run join {host}"
        for host in (*view.unlisted, *unstarted)
    )


def lost_members(ctx: PlanContext) -> tuple[EtcdMemberView, ...]:
    """Members that once ran and do not answer now: their data must exist when they start.

    A member publishes its client URLs once it runs; founders that never started are listed only by name.
    """
    return tuple(row for row in etcd_view(ctx.snapshot).members if row.member.client_urls and row.endpoint is None)
