"""Plans the maintenance of etcd's storage: compaction, defragmentation member by member, disarming of alarms."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import look_step, step_id
from haconsole.actions.checks import EtcdHealthy, HasRoom, NoAlarm
from haconsole.actions.operations import CompactHistory, Defragment, DisarmAlarm, Irreversible, LeftByUndo
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.etcd import PHASE, leader_step, snapshot_path, snapshot_step
from haconsole.actions.steps.order import Group, in_order
from haconsole.configs.layout import layout
from haconsole.inventory.schema import Inventory
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot

DEFRAG, DISARM = "defrag", "disarm-alarm"
NOSPACE = "NOSPACE"
WAIT_S = 60.0

DEFRAG_WHY = (
    "Defragmentation returns free pages to the file system. Meanwhile the member does not answer, for a few seconds "
    "per GiB; the others serve."
)
GATE_WHY = "One member at a time: the next member follows only when all members complete linearizable reads again."
COMPACT_WHY = "Compaction is what frees pages: every key keeps its newest value and loses its history."
ROOM_WHY = "If the alarm is disarmed while space is short, the next write raises the alarm again."
DISARM_WHY = "etcd refuses every write until the alarm is disarmed explicitly, however much space is free."
QUIET_WHY = "Every member reports that the alarm is disarmed, so writes are accepted again."


def tending_actions() -> tuple[Action, ...]:
    """In the order of a menu."""
    host = Argument("host", ArgumentKind.HOST, "the host of one member; by default all members", positional=True)
    return (
        Action(
            DEFRAG,
            "Defragment etcd",
            (
                "Return etcd's free pages to the disk, one member at a time. The leader is last, after its "
                "leadership is moved. Shows the sizes before and after."
            ),
            (host,),
            plan_defrag,
        ),
        Action(
            DISARM,
            "Disarm etcd's NOSPACE alarm",
            (
                "When etcd refuses writes because its quota is full: take a snapshot and compact the history. "
                "Defragment one member at a time, verify free space, and disarm the alarm. "
                "Shows the sizes before and after."
            ),
            (),
            plan_disarm,
        ),
    )


def plan_defrag(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """One member, or every voter, the leader last; refused unless all are healthy."""
    view, target = etcd_view(snapshot), request.get("host")
    rows = tuple(row for row in _voters(view) if target in (None, row.host))
    reasons = list(_unfit(view))
    if target and not rows:
        there = ", ".join(str(row.host) for row in _voters(view)) or "none"
        reasons.append(f"no voter of etcd runs on {target}; they run on: {there}")
    if reasons:
        return Refusal(DEFRAG, inventory.cluster, tuple(reasons))
    return Plan(DEFRAG, inventory.cluster, in_order(_defragmented(view, inventory, rows)), _sizes(rows))


def plan_disarm(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Snapshot, compaction, defragmentation, then the alarm; refused for the CORRUPT alarm."""
    view = etcd_view(snapshot)
    alarms = {(row.member.name, kind) for row in view.members for kind in row.alarms}
    reasons = [
        (
            f"{name} has raised the alarm {kind}, which is not about space: the member's data differs from the "
            f"other members' data. Remove the member and join it again: run remove {name}, then run join {name}"
        )
        for name, kind in sorted(alarms)
        if kind != NOSPACE
    ]
    if not alarms:
        reasons.append("no member has raised an alarm")
    reasons += _unfit(view)
    first = inventory.find(str(_followers_first(_voters(view))[0].host)) if _voters(view) else None
    if reasons or first is None:
        return Refusal(DISARM, inventory.cluster, tuple(reasons))
    path = snapshot_path(inventory, snapshot.observed_at)
    hosts = tuple(HostName(str(row.host)) for row in _followers_first(_voters(view)))
    groups: tuple[Group, ...] = (
        (snapshot_step(inventory, layout(inventory).etcd, first, path),),
        (_compact(hosts),),
        *_defragmented(view, inventory, _voters(view)),
        tuple(
            _look("room", host, HasRoom(inventory.etcd.quota_bytes), "Verify free space", ROOM_WHY) for host in hosts
        ),
        (_disarm(hosts),),
        tuple(_look("quiet", host, NoAlarm(NOSPACE), "Verify that the alarm is disarmed", QUIET_WHY) for host in hosts),
    )
    summary = f"{_sizes(_voters(view))}\na snapshot is kept on {first.name}: {path}"
    return Plan(DISARM, inventory.cluster, in_order(groups), summary)


def _defragmented(view: EtcdView, inventory: Inventory, rows: tuple[EtcdMemberView, ...]) -> tuple[Group, ...]:
    """Each member in its turn, all of them healthy before and after it; a leader hands over first."""
    voters = _voters(view)
    groups: list[Group] = [_gate("before", voters)]
    for row in _followers_first(rows):
        host = inventory.find(str(row.host))
        others = tuple(HostName(str(one.host)) for one in voters if one is not row)
        if host is None:
            continue
        if row.leader and others:
            groups.append((leader_step(host, others),))
        groups += [(_defragment(HostName(host.name)),), _gate(f"after-{host.name}", voters)]
    return tuple(groups)


def _defragment(host: HostName) -> Step:
    """Runs at every request: neither a database's size nor its free pages, updated late, show that it was done."""
    return Step(
        id=step_id("etcd.defrag", host),
        title=f"Defragment {host}'s member",
        why=DEFRAG_WHY,
        host=host,
        operation=Defragment(),
        undo=LeftByUndo("there is nothing to undo: the data is the same"),
        phase=PHASE,
    )


def _compact(ask: tuple[HostName, ...]) -> Step:
    return Step(
        id=step_id("etcd.compact", ask[0]),
        title="Compact etcd's history",
        why=COMPACT_WHY,
        host=ask[0],
        operation=CompactHistory(ask),
        undo=Irreversible(
            "old revisions are removed permanently; the snapshot from before the compaction still has them"
        ),
        phase=PHASE,
    )


def _disarm(ask: tuple[HostName, ...]) -> Step:
    return Step(
        id=step_id("etcd.disarm", ask[0]),
        title="Disarm the alarm",
        why=DISARM_WHY,
        host=ask[0],
        operation=DisarmAlarm(NOSPACE, ask),
        verification=(NoAlarm(NOSPACE),),
        undo=LeftByUndo("etcd raises the alarm automatically when its database reaches the quota"),
        phase=PHASE,
    )


def _gate(when: str, voters: tuple[EtcdMemberView, ...]) -> Group:
    title = f"Verify that etcd is healthy with {len(voters)} voter{'s' if len(voters) != 1 else ''}"
    return tuple(
        _look(f"healthy-{when}", row.host, EtcdHealthy(len(voters)), title, GATE_WHY) for row in voters if row.host
    )


def _look(what: str, host: HostName, check: EtcdHealthy | HasRoom | NoAlarm, title: str, why: str) -> Step:
    return look_step(f"etcd.{what}", host, (check,), title=title, why=why, phase=PHASE, wait_s=WAIT_S)


def _unfit(view: EtcdView) -> tuple[str, ...]:
    """The reason why no member may be busy now."""
    if view.quorum is None or not view.current:
        return ("no etcd member answers, so the member list is unknown: fix etcd first, or restore it",)
    sums = view.quorum.sentence()
    return tuple(
        (
            f"etcd member {row.member.name or row.member.id} on {row.host or 'no host of the inventory'} is not "
            f"healthy ({row.error or 'it does not answer'}): {sums}; fix this member first: "
            "defragmenting makes one more member stop answering for a time"
        )
        for row in view.members
        if not row.healthy or row.host is None
    )


def _voters(view: EtcdView) -> tuple[EtcdMemberView, ...]:
    return tuple(row for row in view.members if not row.member.learner)


def _followers_first(rows: tuple[EtcdMemberView, ...]) -> tuple[EtcdMemberView, ...]:
    return tuple(sorted(rows, key=lambda row: row.leader))


def _sizes(rows: tuple[EtcdMemberView, ...]) -> str:
    """The size of each database now, in MiB."""
    lines = []
    for row in _followers_first(rows):
        if row.endpoint is not None:
            used = row.endpoint.db_in_use_bytes
            in_use = "unknown" if used is None else f"{used / (1 << 20):.1f} MiB"
            lines.append(f"{row.host}: {row.endpoint.db_size_bytes / (1 << 20):.1f} MiB, in use {in_use}")
    return "\n".join(lines)
