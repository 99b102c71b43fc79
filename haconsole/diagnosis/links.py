"""Rules about network interfaces that carry no traffic, although the host's components need them."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

LOOPBACK = "lo"


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """One candidate for each loopback interface, and each interface of a VIP, that is down; others may be unused."""
    for facts in snapshot.hosts:
        system = value_of(facts.system)
        for link, state in system.links_down if system else ():
            if link == LOOPBACK or link in _of_vips(facts):
                yield _down(facts, link, state)


def _of_vips(facts: HostFacts) -> frozenset[str]:
    keepalived = value_of(facts.keepalived)
    return frozenset(one.interface.partition("@")[0] for one in keepalived.instances) if keepalived else frozenset()


def _down(facts: HostFacts, link: str, state: str) -> Candidate:
    if state == "no-carrier":
        problem = "has no carrier"
        remedies: tuple[Remedy, ...] = (advice(f"check the cable or the switch port of {link} on {facts.host}"),)
    else:
        problem = "is down"
        remedies = (
            call("repair", "switch the interface on", setting="link", host=facts.host, target=link),
            advice(f"then find out what switched it off: journalctl -k on {facts.host}, and its network settings"),
        )
    why = "Components of this host do not reach each other." if link == LOOPBACK else "This host cannot hold the VIP."
    return Candidate(
        Finding(
            "host.link-down",
            Severity.WARNING,
            facts.host,
            f"the interface {link} of {facts.host} {problem}",
            why,
            (),
            remedies,
        ),
        (NOT_BOOTSTRAPPED,),
    )
