"""Rules about an etcd outside the inventory: what its endpoints report; no action changes it."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import QUORUM_LOST, Candidate, Key, on
from haconsole.diagnosis.remedies import advice
from haconsole.model.etcd import ExternalEndpoint
from haconsole.model.etcd_view import EtcdView
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Failed, Known, NotAsked, reason_of
from haconsole.model.quorum import needed_for
from haconsole.model.snapshot import ClusterSnapshot

OWNER = "fix it where this etcd runs: haconsole changes only members on hosts of the inventory"


def external_rules(snapshot: ClusterSnapshot, view: EtcdView, planes: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Candidates about the endpoints, the quorum and the alarms."""
    endpoints = snapshot.external_etcd
    if any(isinstance(one.etcd, NotAsked) for one in endpoints):
        return
    unreached = tuple(cause for facts in planes for cause in on(facts.host, "host.unreachable"))
    silent = tuple(one for one in endpoints if isinstance(one.etcd, Failed))
    if view.current and view.quorum is not None and not view.quorum.holds:
        yield _no_quorum(view, endpoints)
    yield from (_silent(one, unreached) for one in silent)
    yield from _alarms(view)


def _no_quorum(view: EtcdView, endpoints: tuple[ExternalEndpoint, ...]) -> Candidate:
    assert view.quorum is not None
    voters = view.quorum.voters
    return Candidate(
        Finding(
            QUORUM_LOST[0],
            Severity.CRITICAL,
            QUORUM_LOST[1],
            "etcd, which is outside the inventory, has lost its quorum",
            f"A majority of the voters must agree to each write: {needed_for(voters)} of {voters}.",
            tuple(f"{one.url}: {_state(one)}" for one in endpoints),
            (advice(OWNER),),
        ),
        already_covers=tuple(("etcd.external-endpoint", one.url) for one in endpoints),
    )


def _state(one: ExternalEndpoint) -> str:
    match one.etcd:
        case Known(value=endpoint):
            return endpoint.health_error or "answers"
        case _:
            return reason_of(one.etcd) or "not queried"


def _silent(one: ExternalEndpoint, unreached: tuple[Key, ...]) -> Candidate:
    return Candidate(
        Finding(
            "etcd.external-endpoint",
            Severity.WARNING,
            one.url,
            f"etcd at {one.url} does not answer the control planes",
            "API servers use the other members; each member that is missing brings the loss of the quorum closer.",
            (reason_of(one.etcd) or "not queried",),
            (
                advice(
                    "check that the member runs, that its port is open, and that it accepts the client "
                    "certificate and key"
                ),
                advice(OWNER),
            ),
        ),
        (QUORUM_LOST, *unreached),
    )


def _alarms(view: EtcdView) -> Iterator[Candidate]:
    for row in view.members:
        for kind in row.alarms:
            name = row.member.name or row.member.id
            yield Candidate(
                Finding(
                    "etcd.external-alarm",
                    Severity.CRITICAL,
                    name,
                    f"etcd member {name} has raised the alarm {kind}",
                    "With NOSPACE etcd refuses every write; with CORRUPT the members' data differs.",
                    (f"client URLs: {', '.join(row.member.client_urls)}",),
                    (advice(OWNER),),
                )
            )
