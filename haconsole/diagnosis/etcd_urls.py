"""Rules about the URLs that etcd's members have in the member list."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from haconsole.diagnosis.candidate import QUORUM_LOST, Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.unit_settings import correct_settings
from haconsole.inventory.effective import is_address
from haconsole.inventory.schema import Inventory
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, is_listed_at
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of


def rules(view: EtcdView, hosts: tuple[HostFacts, ...], inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about the URLs of members that answer."""
    by_host = {facts.host: facts for facts in hosts}
    for row in view.members:
        if row.host in by_host and row.endpoint is not None:
            yield from _peer_url(row, by_host[row.host], hosts)
            yield from _client_url(row, by_host[row.host], hosts, inventory)


def _peer_url(row: EtcdMemberView, facts: HostFacts, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    if is_listed_at(row.member, facts) or not _leads_elsewhere(row, hosts):
        return
    yield Candidate(
        Finding(
            "etcd.peer-url-mismatch",
            Severity.WARNING,
            facts.host,
            f"the member on {facts.host} is listed with another host's peer URL",
            "The other members connect to the listed URL.",
            ("listed " + ", ".join(row.member.peer_urls), f"the host's address is {facts.address}"),
            (
                call("update-member", "correct the peer URL in the member list", host=facts.host),
                advice("then correct etcd's own configuration on the host, if it has the wrong URL too"),
            ),
        )
    )


def _leads_elsewhere(row: EtcdMemberView, hosts: tuple[HostFacts, ...]) -> bool:
    """Only an address, or the name of another host: any other name in DNS may be this host's."""
    names = [urlsplit(url).hostname or "" for url in row.member.peer_urls]
    return any(map(is_address, names)) or any(is_listed_at(row.member, facts) for facts in hosts)


def _client_url(
    row: EtcdMemberView, facts: HostFacts, hosts: tuple[HostFacts, ...], inventory: Inventory
) -> Iterator[Candidate]:
    """etcd writes the URLs that it advertises into the member list at its start."""
    strange = tuple(url for url in row.member.client_urls if _is_elsewhere(urlsplit(url).hostname or "", facts, hosts))
    if not strange:
        return
    yield Candidate(
        Finding(
            "etcd.client-url-mismatch",
            Severity.WARNING,
            facts.host,
            f"the member on {facts.host} advertises a client URL that leads to another place: {', '.join(strange)}",
            "Clients that read the member list connect to this URL. The member works, but these clients do not "
            "reach it.",
            (f"the host's address is {facts.address}",),
            (
                *correct_settings(facts, "etcd", inventory),
                advice(f"on {facts.host}: correct --advertise-client-urls of etcd, then restart etcd"),
            ),
        ),
        (QUORUM_LOST,),
    )


def _is_elsewhere(name: str, facts: HostFacts, hosts: tuple[HostFacts, ...]) -> bool:
    """An address that the host does not have, or the name of another host; another name may be this host's."""
    if not is_address(name):
        return any(name == one.host or name.startswith(f"{one.host}.") for one in hosts if one is not facts)
    addresses = value_of(facts.addresses)
    return addresses is not None and name not in (facts.address, *(one.address for one in addresses))
