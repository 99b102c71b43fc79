"""Details of VIPs, keepalived and haproxy."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.haproxy import HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName, Vip
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP, KeepalivedFacts, VrrpInstance
from haconsole.model.vip_view import is_leased, lease_of, possible_holders, vip_view
from haconsole.present.ages import span
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.details.common import known, listed, observation, optional, yes_no
from haconsole.present.haproxy import BalancerSight, server_state, server_views, sight_cell, silent_state
from haconsole.present.vips import holds, service_cell, vip_sentences


def about_vip(snapshot: ClusterSnapshot, address: Vip, host: HostName, now: datetime) -> Detail | None:
    """The owner of the address, on every host that could hold it, and the VRRP instance of the selected host."""
    facts = snapshot.host(host)
    if facts is None:
        return None
    view = vip_view(snapshot, address)
    everywhere = tuple(Fact(facts.host, holds(facts, view)) for facts in possible_holders(snapshot, address))
    return Detail(
        f"VIP {address} on {host}",
        (
            Sentence(vip_sentences(view)[0]),
            Heading("Owner of the address"),
            *everywhere,
            Heading(f"{host}'s addresses"),
            *observation(facts.addresses, now),
            *(_kube_vip(snapshot, facts, now) if is_leased(snapshot, address) else _keepalived(facts, now)),
        ),
    )


def _keepalived(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    return (
        Heading(f"keepalived on {facts.host}"),
        Fact("service", service_cell(facts.services, "keepalived")),
        *observation(facts.keepalived, now),
        *known(facts.keepalived, keepalived),
    )


def _kube_vip(snapshot: ClusterSnapshot, facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    """kube-vip on the host, and the lease by which it decides."""
    lease = lease_of(snapshot, snapshot.leased_vip) if snapshot.leased_vip else None
    return (
        Heading(f"kube-vip on {facts.host}"),
        Fact("service", service_cell(facts.services, KUBE_VIP)),
        Heading("Its lease"),
        *observation(snapshot.leases, now),
        Fact("holder", optional(lease.holder if lease else None)),
        Fact("state", optional(lease.state(now) if lease else None)),
    )


def keepalived(value: KeepalivedFacts) -> tuple[Item, ...]:
    forced = Fact("forced down", yes_no(value.forced_down, bad=True))
    instances = tuple(item for each in value.instances for item in _instance(each))
    return (Fact("version", optional(value.version)), forced, *instances)


def _instance(instance: VrrpInstance) -> tuple[Item, ...]:
    peers = listed(instance.unicast_peers) if instance.unicast_peers else Cell("multicast")
    return (
        Heading(f"VRRP instance {instance.name}"),
        Fact("state", optional(instance.state)),
        Fact("priority", Cell(str(instance.priority))),
        Fact("router ID", Cell(str(instance.router_id))),
        Fact("interface", Cell(instance.interface)),
        Fact("adverts every", Cell(f"{instance.advert_int_s:g} s")),
        Fact("peers", peers),
        Fact("addresses", listed(instance.vips)),
        Fact("preempts", yes_no(not instance.nopreempt)),
        Fact("check weights", listed(tuple(f"{weight:+d}" for weight in instance.track_weights))),
    )


def about_server(snapshot: ClusterSnapshot, backend: str, name: str, now: datetime) -> Detail | None:
    """A server as each balancer reports it; None when no balancer has it any more."""
    view = next((each for each in server_views(snapshot) if (each.backend, each.name) == (backend, name)), None)
    if view is None:
        return None
    return Detail(
        f"haproxy server {name}",
        (
            Fact("state", server_state(view)),
            Fact("backend", Cell(backend)),
            *(item for sight in view.sights for item in _sight_items(snapshot, sight, now)),
        ),
    )


def _sight_items(snapshot: ClusterSnapshot, sight: BalancerSight, now: datetime) -> tuple[Item, ...]:
    server = sight.server
    facts = snapshot.host(sight.balancer)
    observed = observation(facts.haproxy, now) if facts else ()
    return (
        Heading(f"As reported by haproxy on {sight.balancer}"),
        Fact("status", sight_cell(sight)),
        Fact("address", Cell(server.address)),
        Fact("last check", Cell(" ".join((server.check, server.check_detail)).strip() or "none yet")),
        Fact("since", Cell(f"{span(server.last_change_s)} ago")),
        Fact("set to", Cell(str(server.admin_state))),
        Fact("sessions", Cell(str(server.sessions))),
        *observed,
    )


def about_balancer(snapshot: ClusterSnapshot, host: HostName, now: datetime) -> Detail | None:
    """haproxy on one host."""
    facts = snapshot.host(host)
    return Detail(f"haproxy on {host}", balancer_items(facts, now)) if facts else None


def balancer_items(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    return (
        Fact("answer", silent_state(facts)),
        Fact("service", service_cell(facts.services, "haproxy")),
        *observation(facts.haproxy, now),
        *known(facts.haproxy, haproxy),
    )


def haproxy(value: HaproxyFacts) -> tuple[Item, ...]:
    servers = tuple(
        Fact(f"{backend.name}/{server.name}", Cell(server.status, Tone.GOOD if server.up else Tone.CRITICAL))
        for backend in value.backends
        for server in backend.servers
    )
    return (Fact("version", Cell(value.version)), Fact("up for", Cell(span(value.uptime_s))), *servers)
