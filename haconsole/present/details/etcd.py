"""Details of an etcd member and of the etcd cluster."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.names import MemberId
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence
from haconsole.present.details.common import known, listed, observation, optional, yes_no
from haconsole.present.etcd import role_of, state_of
from haconsole.present.facts import size


def about_member(snapshot: ClusterSnapshot, member_id: MemberId, now: datetime) -> Detail | None:
    """Everything of one listed member; None when it is no longer listed."""
    view = etcd_view(snapshot)
    row = next((each for each in view.members if each.member.id == member_id), None)
    if row is None:
        return None
    name = row.member.name or row.member.id
    return Detail(f"etcd member {name}", (*_listing(snapshot, row), *_quorum(view), *_own_words(snapshot, row, now)))


def _listing(snapshot: ClusterSnapshot, row: EtcdMemberView) -> tuple[Item, ...]:
    member = row.member
    reason = (Fact("why", Cell(row.error, Tone.CRITICAL)),) if row.error else ()
    return (
        Fact("state", state_of(snapshot, row)),
        *reason,
        Fact("role", role_of(row)),
        Fact("host", _host_cell(snapshot, row)),
        Fact("member ID", Cell(member.id)),
        Fact("peer URLs", listed(member.peer_urls)),
        Fact("client URLs", listed(member.client_urls)),
        Fact("alarms", Cell(", ".join(row.alarms), Tone.CRITICAL) if row.alarms else Cell("none", Tone.MUTED)),
    )


def _host_cell(snapshot: ClusterSnapshot, row: EtcdMemberView) -> Cell:
    if row.host:
        return Cell(row.host)
    tone = Tone.MUTED if snapshot.external_etcd else Tone.WARNING
    return Cell("outside the inventory" if snapshot.external_etcd else "on no host of the inventory", tone)


def _quorum(view: EtcdView) -> tuple[Item, ...]:
    if view.quorum is None:
        return ()
    holds = view.quorum.holds
    items: tuple[Item, ...] = (
        Heading("Quorum"),
        Sentence(Cell(view.quorum.sentence(), Tone.PLAIN if holds else Tone.CRITICAL)),
    )
    if not view.current:
        items += (Sentence(Cell("No host with etcd answers now; the member list is remembered.", Tone.STALE)),)
    if len(view.cluster_ids) > 1:
        ids = ", ".join(view.cluster_ids)
        items += (Sentence(Cell(f"Hosts report different clusters: {ids}", Tone.CRITICAL)),)
    return items


def _own_words(snapshot: ClusterSnapshot, row: EtcdMemberView, now: datetime) -> tuple[Item, ...]:
    facts = snapshot.host(row.host) if row.host else None
    if facts is None:
        return _report_outside(snapshot, row, now)
    return (Heading(f"Reported by etcd on {facts.host}"), *observation(facts.etcd, now), *known(facts.etcd, endpoint))


def _report_outside(snapshot: ClusterSnapshot, row: EtcdMemberView, now: datetime) -> tuple[Item, ...]:
    one = next((one for one in snapshot.external_etcd if one.url in row.member.client_urls), None)
    if one is None:
        return ()
    return (Heading(f"Report of etcd at {one.url}"), *observation(one.etcd, now), *known(one.etcd, endpoint))


def endpoint(value: EtcdEndpoint) -> tuple[Item, ...]:
    """The report of one etcd about itself."""
    in_use = size(value.db_in_use_bytes) if value.db_in_use_bytes is not None else "not reported by this version"
    failure = (Fact("read failed", Cell(value.health_error, Tone.CRITICAL)),) if value.health_error else ()
    return (
        Fact("reads with quorum", yes_no(value.healthy, bad=False)),
        *failure,
        Fact("version", Cell(value.version)),
        Fact("database", Cell(f"{size(value.db_size_bytes)}, in use {in_use}")),
        Fact("raft term", Cell(str(value.raft_term))),
        Fact("raft index", Cell(f"{value.raft_index}, applied {value.raft_applied_index}")),
        Fact("store revision", Cell(str(value.revision))),
        Fact("learner", yes_no(value.learner)),
        Fact("leader it sees", optional(value.leader_id)),
        Fact("cluster ID", Cell(value.cluster_id)),
        *(Fact("reports", Cell(error, Tone.CRITICAL)) for error in value.errors),
    )
