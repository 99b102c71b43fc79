"""Rules about virtual addresses and the keepalived that moves them."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis import repetitions, vrrp_settings
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, anywhere
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import restarts, service_down, service_evidence
from haconsole.model.findings import ActionCall, Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, InterfaceAddress, Role
from haconsole.model.names import HostName
from haconsole.model.observed import reason_of, value_of
from haconsole.model.services import is_suspended
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView
from haconsole.model.vip_view import disagreeing, disagreement_confirmed, is_leased, vip_views


def rules(snapshot: ClusterSnapshot, health_port: int | None = None) -> Iterator[Candidate]:
    """Candidates about every VIP and every keepalived, whose check queries `health_port`."""
    balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
    for facts in balancers:
        yield from service_down(facts, "keepalived", "the VIP cannot move to this host", ("vip.unowned", "vip"))
        yield from _forced_down(facts)
    for view in vip_views(snapshot):
        if is_leased(snapshot, view.address):
            continue
        yield from _vip(view, balancers)
        yield from _owner_unhealthy(view, balancers)
        yield from _not_master(view, snapshot)
    yield from vrrp_settings.rules(balancers, health_port)


def _owner_unhealthy(view: VipView, balancers: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """The owner's own host reports that its haproxy does not run or is suspended; a closed socket proves neither."""
    owner = next((facts for facts in balancers if (facts.host,) == view.owners), None)
    unit = owner.service("haproxy") if owner else None
    if owner is None or unit is None or (unit.alive and not is_suspended(unit)):
        return
    yield Candidate(
        Finding(
            "vip.owner-unhealthy",
            Severity.CRITICAL,
            owner.host,
            f"{owner.host} holds {view.address}, but its haproxy does not run",
            "Clients reach a host that forwards nothing, and keepalived on this host does not fail over.",
            service_evidence(owner, "haproxy"),
            (
                call("failover", "move the VIP to another balancer", vip=view.address),
                *restarts(owner, "haproxy", "haproxy"),
                call("bootstrap", "write a keepalived check that fails when haproxy does", only="keepalived"),
            ),
        ),
        (("haproxy.down", owner.host), ("service.hung", f"haproxy@{owner.host}")),
    )


def _not_master(view: VipView, snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """A host has the VIP although keepalived there is not its master, or lacks it although it is."""
    for host in disagreeing(snapshot, view.address):
        facts = snapshot.host(host)
        if facts is not None and disagreement_confirmed(facts):
            entries = value_of(facts.addresses) or ()
            yield _disagreement(view, facts, next((one for one in entries if one.address == view.address), None))


def _disagreement(view: VipView, facts: HostFacts, entry: InterfaceAddress | None) -> Candidate:
    restart = call("restart", "restart keepalived to set its addresses again", service="keepalived", host=facts.host)
    if entry is None:
        summary = f"keepalived on {facts.host} is MASTER of {view.address}, and the host does not have the address"
        why = (
            "A person or a program removed the address. keepalived does not add the address again, and the other "
            "balancers stay in BACKUP."
        )
        remedies: tuple[Remedy, ...] = (restart,)
    else:
        summary = f"{facts.host} has {view.address}, but keepalived on it is not MASTER"
        why = "The address was added by hand, or is left from a keepalived that was killed. The address does not move."
        remove = call("repair", "remove the address", setting="address", host=facts.host, target=entry.address)
        remedies = (remove, restart)
    return Candidate(
        Finding("vip.not-master", Severity.CRITICAL, facts.host, summary, why, (_vrrp_evidence(facts),), remedies),
        (NOT_BOOTSTRAPPED,),
    )


def _forced_down(facts: HostFacts) -> Iterator[Candidate]:
    keepalived = value_of(facts.keepalived)
    if keepalived is None or not keepalived.forced_down:
        return
    yield Candidate(
        Finding(
            "vip.forced-down",
            Severity.WARNING,
            facts.host,
            f"{facts.host} cannot own the VIP: its down file exists",
            "An administrator or an action created the file to keep the VIP off this host.",
            (),
            (
                call(
                    "failback",
                    f"when the work on {facts.host} is done: remove its down file, so that it can hold the VIP again",
                ),
            ),
        ),
        (repetitions.FLAPPING,) if repetitions.took_vip(facts) else (),
    )


def _vip(view: VipView, balancers: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    states = tuple(_vrrp_evidence(facts) for facts in balancers)
    if view.state is VipState.UNOWNED:
        finding = Finding(
            "vip.unowned",
            Severity.CRITICAL,
            "vip",
            f"no host holds {view.address}: clients that use it reach nothing",
            "Every balancer was queried and none has the address on an interface.",
            states,
            (
                *_starts_of_keepalived(balancers),
                advice(
                    "check why keepalived does not claim the VIP: haproxy must run, and at least one of its "
                    "servers must be UP"
                ),
            ),
        )
        explained = anywhere("vip.not-master", "vip.config-mismatch", "vip.fault")
        settings = tuple(("service.changed-settings", f"keepalived@{facts.host}") for facts in balancers)
        caused_by = (NOT_BOOTSTRAPPED, QUORUM_LOST, ("haproxy.backend-down", "all"), *settings, *explained)
        yield Candidate(
            finding, caused_by, already_covers=tuple(("keepalived.down", facts.host) for facts in balancers)
        )
    if view.state is VipState.SPLIT:
        owners = " and ".join(view.owners)
        deaf = tuple(facts.host for facts in balancers if _drops_adverts(facts))
        finding = Finding(
            "vip.split",
            Severity.CRITICAL,
            view.address,
            f"{owners} hold {view.address} at the same time",
            "The hosts do not receive each other's VRRP adverts, so each is MASTER; clients reach either at random. "
            "A firewall drops the adverts, or VRRP settings differ (haconsole found no difference).",
            (*states, *(f"{host}: a rule of its firewall drops VRRP" for host in deaf)),
            (
                *(_accept_adverts(host) for host in deaf),
                advice("check that no firewall drops IP protocol 112 between these hosts"),
                advice("compare router ID and auth_pass in keepalived.conf of these hosts"),
                advice("use unicast where the network drops multicast"),
            ),
        )
        suspensions = tuple(("service.hung", f"keepalived@{owner}") for owner in view.owners)
        yield Candidate(
            finding, (*suspensions, *anywhere("vip.config-mismatch", "vip.not-master", "host.duplicate-address"))
        )


def _drops_adverts(facts: HostFacts) -> bool:
    keepalived = value_of(facts.keepalived)
    return keepalived is not None and keepalived.adverts_dropped


def _accept_adverts(host: HostName) -> Remedy:
    return call("repair", "accept VRRP from the cluster's hosts", setting="firewall", host=host, target="vrrp")


def _starts_of_keepalived(balancers: tuple[HostFacts, ...]) -> tuple[Remedy, ...]:
    """One start of keepalived for every host where it is stopped; otherwise the missing part of a balancer."""
    remedies = tuple(one for facts in balancers for one in restarts(facts, "keepalived", "keepalived"))
    if any(isinstance(one, ActionCall) and one.action == "restart" for one in remedies):
        return (call("restart", "start stopped units", service="keepalived"),)
    return tuple(dict.fromkeys(remedies))


def _vrrp_evidence(facts: HostFacts) -> str:
    keepalived = value_of(facts.keepalived)
    unit = facts.service("keepalived")
    running = f"keepalived {unit.active}" if unit else "keepalived not queried"
    if keepalived is None and unit is not None and not unit.running:
        return f"{facts.host}: {running}"
    if keepalived is None:
        return f"{facts.host}: {running}, {reason_of(facts.keepalived) or reason_of(facts.reach) or 'state unknown'}"
    states = ", ".join(f"{each.name} {each.state or 'unknown'}" for each in keepalived.instances)
    return f"{facts.host}: {running}, {states or 'no VRRP instance'}"
