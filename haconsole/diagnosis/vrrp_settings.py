"""Rules about VRRP settings: compared between all balancers, and compared with the balancer's own host."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, QUORUM_LOST, Candidate, on
from haconsole.diagnosis.causes import setup_causes
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Known, value_of
from haconsole.model.provenance import Owner
from haconsole.model.vip import VrrpInstance, VrrpState

CHECK_SCRIPT = "/check-apiserver"
"""The end of the path of keepalived's check in every layout."""


def rules(balancers: tuple[HostFacts, ...], health_port: int | None = None) -> Iterator[Candidate]:
    """Candidates about the instances of every balancer."""
    yield from _config(balancers)
    addresses = frozenset(facts.address for facts in balancers)
    for facts in balancers:
        keepalived = value_of(facts.keepalived)
        for instance in keepalived.instances if keepalived else ():
            yield from _own(facts, instance, addresses)
            yield from _fault(facts, instance, health_port)


def _own(facts: HostFacts, instance: VrrpInstance, balancers: frozenset[str]) -> Iterator[Candidate]:
    """An interface that the host does not have, or peers that are not the other balancers."""
    system = value_of(facts.system)
    links = dict(system.hardware) if system else {}
    if links and instance.interface and instance.interface.partition("@")[0] not in links:
        what = f"{facts.host} uses interface {instance.interface}, which it does not have"
        yield _wrong(facts, instance, what, f"interfaces of {facts.host}: {', '.join(sorted(links))}")
    peers, others = set(instance.unicast_peers), balancers - {facts.address}
    if peers and peers != others:
        lines = [f"not a balancer: {one}" for one in sorted(peers - others)]
        lines += [f"missing: {one}" for one in sorted(others - peers)]
        yield _wrong(facts, instance, f"the unicast peers of {facts.host} are not exactly the other balancers", *lines)


def _wrong(facts: HostFacts, instance: VrrpInstance, what: str, *evidence: str) -> Candidate:
    vip = instance.vips[0] if instance.vips else instance.name
    return Candidate(
        Finding(
            "vip.config-mismatch",
            Severity.WARNING,
            f"{vip}@{facts.host}",
            f"keepalived's settings for {vip}: {what}",
            "The host's adverts do not reach the other balancers, or the host cannot hold the VIP.",
            evidence,
            (call("bootstrap", "write the settings again", only="keepalived"),),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _fault(facts: HostFacts, instance: VrrpInstance, health_port: int | None) -> Iterator[Candidate]:
    """An instance in FAULT although keepalived runs: its check fails, or its interface is down."""
    unit = facts.service("keepalived")
    if instance.state is not VrrpState.FAULT or unit is None or not unit.running:
        return
    if isinstance(facts.keepalived, Known) and facts.keepalived.value.forced_down:
        return
    vip = instance.vips[0] if instance.vips else instance.name
    changed = _changed_checks(facts)
    yield Candidate(
        Finding(
            "vip.fault",
            Severity.WARNING,
            facts.host,
            f"keepalived on {facts.host} is in FAULT: this host cannot take {vip}",
            "The VRRP instance's check script fails, or its interface is down or missing.",
            tuple(f"{path} was not written by haconsole, or was changed since" for path in changed),
            (
                *(_by_hand(facts, path) for path in changed),
                *(() if changed else _compare_haproxy(facts, health_port)),
                *(() if changed else _unblock(facts, health_port)),
                advice(
                    f"on {facts.host}: find the failed check with journalctl -u keepalived and run it by hand. "
                    "Also check the firewall of the loopback interface and the state of the VIP's interface"
                ),
                call("bootstrap", "write keepalived's files again, including its check script", only="keepalived"),
            ),
        ),
        (
            NOT_BOOTSTRAPPED,
            QUORUM_LOST,
            ("haproxy.backend-down", "all"),
            ("haproxy.backend-down", f"haproxy@{facts.host}"),
            *setup_causes(facts.host, "keepalived"),
            *setup_causes(facts.host, "haproxy"),
            *on(
                facts.host,
                "haproxy.backend-mismatch",
                "haproxy.down",
                "vip.config-mismatch",
                "host.link-down",
                "host.slow",
                "host.unreachable",
                "vip.forced-down",
            ),
            ("service.hung", f"haproxy@{facts.host}"),
            ("service.masked", f"haproxy@{facts.host}"),
            ("config.invalid", f"keepalived@{facts.host}"),
        ),
    )


def _changed_checks(facts: HostFacts) -> tuple[str, ...]:
    """keepalived's check, where somebody else wrote or changed it."""
    files = value_of(facts.balancer_files) or ()
    return tuple(
        one.path for one in files if one.owner in (Owner.CHANGED, Owner.FOREIGN) and one.path.endswith(CHECK_SCRIPT)
    )


def _compare_haproxy(facts: HostFacts, port: int | None) -> Iterator[Remedy]:
    """keepalived's check queries a port of haproxy, which a changed file may not have."""
    changed = (one.path for one in value_of(facts.balancer_files) or () if one.owner is Owner.CHANGED)
    path = next((one for one in changed if "haproxy" in one), None)
    if path is not None and port is not None:
        yield advice(
            f"on {facts.host}: {path} was changed since haconsole wrote it. Compare its frontend on 127.0.0.1:{port}, "
            "which keepalived's check queries, with another balancer; then reload haproxy"
        )


def _by_hand(facts: HostFacts, path: str) -> Remedy:
    return advice(
        f"on {facts.host}: run {path} and look at its exit status; to have haconsole write it again, move it away, "
        "then run bootstrap with only = keepalived"
    )


def _config(balancers: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Instances that serve the same VIP must agree on everything but the priority; one must have the highest.

    Equal priorities below the highest are normal: VRRP prefers the higher address (RFC 5798, 6.4.3). A balancer whose
    keepalived is unknown may have the highest.
    """
    complete = all(value_of(facts.keepalived) for facts in balancers)
    by_vip: dict[str, list[Settings]] = {}
    for facts in balancers:
        keepalived = value_of(facts.keepalived)
        for each in keepalived.instances if keepalived else ():
            settings = (each.router_id, each.auth_fingerprint, each.advert_int_s, tuple(sorted(each.vips)))
            for vip in each.vips:
                by_vip.setdefault(vip, []).append((facts.host, settings, each.priority))
    yield from _other_address(balancers, by_vip)
    for address, entries in by_vip.items():
        priorities = sorted(priority for _, _, priority in entries)
        if len({settings for _, settings, _ in entries}) > 1:
            yield _mismatch(address, "router ID, password, interval or addresses differ between hosts", entries)
        elif complete and priorities[-1:] == priorities[-2:-1]:
            yield _mismatch(address, "two hosts share the highest priority", entries)


Settings = tuple[HostName, tuple[object, ...], int]
"""A host, the settings that must be equal, and its priority."""


def _other_address(balancers: tuple[HostFacts, ...], by_vip: dict[str, list[Settings]]) -> Iterator[Candidate]:
    """An instance with the router ID of a VIP and another address: its host cannot take the VIP over."""
    ids = {address: {settings[0] for _, settings, _ in entries} for address, entries in by_vip.items()}
    hosts = {address: {host for host, _, _ in entries} for address, entries in by_vip.items()}
    for facts in balancers:
        keepalived = value_of(facts.keepalived)
        for instance in keepalived.instances if keepalived else ():
            for address in by_vip:
                others = hosts[address] - {facts.host}
                alone = all(len(hosts[own]) == 1 for own in instance.vips)
                if instance.router_id in ids[address] and alone and len(others) == len(hosts[address]) > 1:
                    own = ", ".join(instance.vips) or "no address"
                    what = (
                        f"{facts.host} has a different address in the VRRP instance with router ID {instance.router_id}"
                    )
                    yield _wrong(facts, replace(instance, vips=(Vip(address),)), what, f"{facts.host}: {own}")


def _mismatch(vip: str, what: str, entries: list[Settings]) -> Candidate:
    evidence = tuple(f"{host}: router ID {settings[0]}, priority {priority}" for host, settings, priority in entries)
    return Candidate(
        Finding(
            "vip.config-mismatch",
            Severity.WARNING,
            vip,
            f"keepalived's settings for {vip}: {what}",
            "Hosts with different settings ignore each other's adverts, or both claim the address.",
            evidence,
            (call("bootstrap", "write the same settings on every balancer", only="keepalived"),),
        )
    )


def _unblock(facts: HostFacts, port: int | None) -> Iterator[Remedy]:
    """haproxy runs, so a check that fails cannot reach its port."""
    unit = facts.service("haproxy")
    if port is not None and unit is not None and unit.running:
        text = f"allow the check's port {port} in the firewall"
        yield call("repair", text, setting="firewall", host=facts.host, target=str(port))
