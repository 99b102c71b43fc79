"""The etcd pane: one row per member, and hosts that should be one."""

from __future__ import annotations

from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd import EtcdEndpoint, ExternalEndpoint
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Failed, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone, remembered
from haconsole.present.facts import Shown, display_of, oldest, since_cell, size
from haconsole.present.row_keys import HostKey, MemberKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (
    Column("MEMBER", least=6),
    Column("ROLE"),
    Column("STATE"),
    Column("DB", rank=4, right=True),
    Column("VERSION", rank=5),
    Column("INDEX", rank=6, right=True),
    Column("TERM", rank=7, right=True),
    Column("ID", rank=8),
    Column("REASON", rank=9, least=12),
)


def etcd_table(snapshot: ClusterSnapshot) -> TableView:
    """Members as the best informed of them lists them, then hosts with the etcd role that are not listed."""
    view = etcd_view(snapshot)
    rows = tuple(_row(snapshot, each) for each in view.members)
    own = (facts.etcd for facts in snapshot.hosts if facts.has(Role.ETCD))
    return TableView(
        title="etcd",
        columns=COLUMNS,
        rows=rows + tuple(_unlisted(snapshot, name) for name in view.unlisted),
        at=oldest((*own, *(one.etcd for one in snapshot.external_etcd))),
        summaries=_summaries(view),
        empty=Cell("no host of the inventory has the etcd role", Tone.MUTED),
    )


def endpoint_of(snapshot: ClusterSnapshot, member: EtcdMemberView) -> Shown[EtcdEndpoint]:
    """The member's own report, remembered if it does not answer; nothing if its host runs another member."""
    facts = snapshot.host(member.host) if member.host else None
    outside = (one.etcd for one in snapshot.external_etcd if _is_of(one, member))
    endpoint = display_of(facts.etcd if facts else next(outside, NOT_ASKED))
    return (
        endpoint
        if endpoint.value is not None and endpoint.value.member_id == member.member.id
        else Shown(None, None, None)
    )


def _is_of(endpoint: ExternalEndpoint, member: EtcdMemberView) -> bool:
    """The endpoint outside the inventory answered as this member."""
    report = display_of(endpoint.etcd).value
    return report is not None and report.member_id == member.member.id


def state_of(snapshot: ClusterSnapshot, member: EtcdMemberView) -> Cell:
    """The member's state as a sign and a word."""
    if member.alarms:
        return Cell(f"▲ {member.alarms[0]}", Tone.CRITICAL)
    if member.healthy:
        return Cell("● healthy", Tone.GOOD)
    if member.endpoint is not None:
        return Cell("✖ no quorum", Tone.CRITICAL)
    if not member.member.started:
        return Cell("▲ unstarted", Tone.WARNING)
    if snapshot.external_etcd:
        return Cell("? no answer", Tone.UNKNOWN) if member.unknown else Cell("✖ down", Tone.CRITICAL)
    if member.host is None:
        return Cell("▲ ghost", Tone.WARNING)
    facts = snapshot.host(member.host)
    if facts is not None and _is_unknown(facts):
        return Cell("? no answer", Tone.UNKNOWN)
    return Cell("✖ down", Tone.CRITICAL)


def _is_unknown(facts: HostFacts) -> bool:
    """Whether nothing shows that the host's etcd is down, although it gave no answer."""
    return isinstance(facts.reach, Failed) or verdict(facts, "etcd", facts.etcd) is not Verdict.DOWN


def role_of(member: EtcdMemberView) -> Cell:
    if member.member.learner:
        return Cell("learner", Tone.PLAIN)
    return Cell("★ leader", Tone.ACCENT) if member.leader else Cell("follower")


def _row(snapshot: ClusterSnapshot, member: EtcdMemberView) -> Row:
    endpoint = endpoint_of(snapshot, member)
    value = endpoint.value
    state = state_of(snapshot, member)
    version = since_cell(endpoint.since) if endpoint.since else Cell(value.version) if value else UNKNOWN
    cells = (
        Cell(member.member.name or f"({member.member.id})"),
        role_of(member),
        state,
        Cell(size(value.db_size_bytes)) if value else UNKNOWN,
        version,
        Cell(str(value.raft_index)) if value else UNKNOWN,
        Cell(str(value.raft_term)) if value else UNKNOWN,
        Cell(member.member.id, Tone.MUTED),
        Cell(member.error or "", Tone.WARNING),
    )
    return Row(MemberKey(member.member.id), dimmed(cells, keep=2) if endpoint.stale else cells)


def dimmed(cells: tuple[Cell, ...], *, keep: int) -> tuple[Cell, ...]:
    """Cells in the tone of remembered facts, except the one at `keep`, which is current."""
    return tuple(cell if index == keep else remembered(cell) for index, cell in enumerate(cells))


def _unlisted(snapshot: ClusterSnapshot, name: HostName) -> Row:
    facts = snapshot.host(name)
    endpoint: Observed[EtcdEndpoint] = facts.etcd if facts else NOT_ASKED
    state = unlisted_state(facts)
    reason = endpoint.reason if isinstance(endpoint, Failed) else "in no known member list"
    blanks = (NOTHING,) * 5
    return Row(HostKey(name), (Cell(name), NOTHING, state, *blanks, Cell(reason, Tone.WARNING)))


def unlisted_state(facts: HostFacts | None) -> Cell:
    """The state of a host that should have a member and is in no member list."""
    endpoint: Observed[EtcdEndpoint] = facts.etcd if facts else NOT_ASKED
    if isinstance(endpoint, Known):
        return Cell("▲ not listed", Tone.WARNING)
    if isinstance(endpoint, Failed) and facts is not None and _is_unknown(facts):
        return Cell("? no answer", Tone.UNKNOWN)
    return Cell("✖ no etcd", Tone.CRITICAL) if isinstance(endpoint, Failed) else Cell("? not queried yet", Tone.UNKNOWN)


def _summaries(view: EtcdView) -> tuple[Cell, ...]:
    quorum = view.quorum
    if quorum is None:
        return (Cell("? member list not read", Tone.UNKNOWN),)
    if not view.current:
        return (Cell("? old member list, no member answers", Tone.CRITICAL), Cell("? old list", Tone.CRITICAL))
    if not quorum.holds:
        count = quorum.healthy if quorum.answering is None else quorum.answering
        short = f"✖ NO QUORUM {count}/{quorum.voters} up"
        return tuple(Cell(text, Tone.CRITICAL) for text in (f"✖ {quorum.sentence()}", short, "✖ NO QUORUM"))
    tone = Tone.GOOD if quorum.can_lose else Tone.WARNING
    sign = "●" if quorum.can_lose else "▲"
    short = f"{sign} {quorum.healthy}/{quorum.voters} can lose {quorum.can_lose}"
    return (Cell(f"{sign} {quorum.sentence()}", tone), Cell(short, tone))
