"""The steps of a join or removal for etcd: the leaving member first, then the new one."""

from __future__ import annotations

from hashlib import sha256

from msgspec.structs import replace

from haconsole.actions.bootstrap import etcd as bootstrap
from haconsole.actions.build import File, look_step, start_step, write_step
from haconsole.actions.checks import AnyOf, Check, EtcdHealthy, FileIs, FilesAbsent, MemberGone, MemberIs, MemberStage
from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.step import Step
from haconsole.actions.steps.etcd import (
    add_step,
    leader_step,
    promote_step,
    remove_step,
    snapshot_path,
    snapshot_step,
)
from haconsole.actions.steps.order import Group, steps_named, steps_on
from haconsole.actions.steps.services import rewrite_step, set_aside_step
from haconsole.configs.etcd import ClusterState, etcd_env
from haconsole.inventory.effective import etcd_name, etcd_peer_url
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName, MemberId

PHASE = "etcd"
WAIT_S = 60.0

ASIDE_WHY = (
    "A new member cannot use data of an earlier membership: etcd would refuse to start with it. The data is kept "
    "under another name."
)
JOINING_WHY = "The initial cluster must be the current members plus the new member. etcd uses it only at this start."
START_WHY = "The member fetches all data from the leader now; the cluster stays available."
SETTLED_WHY = (
    "The initial cluster is used only at the first start. With state `new` a member that lost its data is rejected; "
    "with `existing` it would return as the same voter with an empty log. The file keeps its timestamp, so "
    "nothing restarts."
)
HEALTHY_WHY = "Every member completes a linearizable read and lists the same voters, before anything else is changed."


def snapshot(change: MembershipChange) -> Group:
    """Before any change of the members, through one that stays and, if possible, does not lead."""
    host = change.inventory.find(change.ask[0]) if change.ask else None
    if host is None or not (change.leaving or change.brings_member):
        return ()
    path = snapshot_path(change.inventory, change.snapshot.observed_at)
    return (snapshot_step(change.inventory, change.layout.etcd, host, path),)


def member_out(change: MembershipChange) -> tuple[Group, ...]:
    """Hand leadership over if needed, then remove the member from the list."""
    leaving = change.leaving
    if leaving is None:
        return ()
    groups: list[Group] = []
    out = change.out
    if out is not None and change.out_answers and leaving.endpoint is not None:
        groups.append((_leader_elsewhere(out, leaving.member.id, change.ask),))
    counted = all(row.member.started or row.member.learner for row in change.view.members)
    name = leaving.member.name or leaving.host or "unstarted"
    groups.append((remove_step(leaving.member, change.voters_now if counted else None, change.ask, name),))
    groups.append(healthy(change, "left", len(change.staying), change.ask))
    return tuple(groups)


def _leader_elsewhere(out: Host, member: MemberId, to: tuple[HostName, ...]) -> Step:
    """Leadership handed over, unless the member has left: its replacement may lead since."""
    step = leader_step(out, to)
    return replace(step, verification=(AnyOf((step.verification, (MemberGone(member, to),))),))


def member_files(change: MembershipChange) -> tuple[Group, ...]:
    """Preparations of the new host before its member starts; changes nothing on other hosts."""
    into = change.into
    if into is None or not change.brings_member:
        return ()
    unit = steps_named(steps_on(bootstrap.etcd_steps(change.after, ()), into), "etcd.unit")
    return ((*unit, _stale_data(change, into)), (_joining_env(change, into),))


def member_in(change: MembershipChange) -> tuple[Group, ...]:
    """Added as a learner, started, promoted; every member healthy after it."""
    into = change.into
    if into is None or not change.brings_member:
        return ()
    url = etcd_peer_url(change.inventory, into)
    hosts = (*change.ask, HostName(into.name))
    return (
        (add_step(into, url, len(change.staying), change.ask),),
        (_start(change, into, url),),
        (promote_step(into, url, change.ask),),
        healthy(change, "joined", change.voters_after, hosts),
    )


def settled(change: MembershipChange) -> Group:
    """Every member's settings as bootstrap would write them for the current members."""
    etcd = change.layout.etcd
    if etcd.env_file is None or not (change.moves(Role.ETCD) or change.ghost):
        return ()
    hosts = change.others(Role.ETCD)
    if change.into is not None and Role.ETCD in change.into.roles:
        hosts += (change.into,)
    return tuple(
        rewrite_step(
            "etcd.env-settled",
            host.name,
            File(etcd.env_file, etcd_env(change.after.inventory, host)),
            title="Update the initial cluster",
            why=SETTLED_WHY,
            phase=PHASE,
        )
        for host in hosts
    )


def healthy(change: MembershipChange, what: str, voters: int, hosts: tuple[HostName, ...]) -> Group:
    """Verify on each of `hosts` that etcd is healthy with so many voters, or with as many as after the change."""
    counts = tuple(dict.fromkeys((voters, change.voters_after)))
    checks: tuple[Check, ...] = (EtcdHealthy(voters),)
    if len(counts) > 1:
        checks = (AnyOf(tuple((EtcdHealthy(count),) for count in counts)),)
    return tuple(
        look_step(
            f"etcd.healthy-{what}",
            host,
            checks,
            title=f"Verify that etcd is healthy with {voters} voter{'s' if voters != 1 else ''}",
            why=HEALTHY_WHY,
            phase=PHASE,
            wait_s=WAIT_S,
        )
        for host in hosts
    )


def _stale_data(change: MembershipChange, into: Host) -> Step:
    """Rename leftovers of an earlier membership, unless the data is that of the new member."""
    etcd = change.layout.etcd
    url = etcd_peer_url(change.inventory, into)
    backup = set_aside_step(
        "etcd.stale-data",
        into.name,
        (etcd.member_dir,),
        f"{change.snapshot.observed_at:%Y%m%dT%H%M%SZ}",
        title="Rename data of an earlier membership",
        why=ASIDE_WHY,
        phase=PHASE,
        stop=etcd.unit,
    )
    absent = FilesAbsent((etcd.member_dir,), "data of an earlier membership")
    own = MemberIs(url, MemberStage.LISTED, change.ask)
    return replace(backup, verification=(AnyOf(((absent,), (own,))),))


def _joining_env(change: MembershipChange, into: Host) -> Step:
    etcd = change.layout.etcd
    text = etcd_env(change.after.inventory, into, state=ClusterState.EXISTING, members=_members(change, into))
    later = etcd_env(change.after.inventory, into)
    file = File(etcd.env_file or "", text)
    step = write_step("etcd.env", into.name, file, title="Write etcd's settings", why=JOINING_WHY, phase=PHASE)
    (first,) = step.verification
    settled_file = FileIs(file.path, sha256(later.encode()).hexdigest(), file.mode, file.owner)
    started = MemberIs(etcd_peer_url(change.inventory, into), MemberStage.STARTED, change.ask)
    return replace(step, verification=(AnyOf(((first,), (settled_file, started))),))


def _members(change: MembershipChange, into: Host) -> tuple[tuple[str, str], ...]:
    """Name and peer URL of the members at the time of its start."""
    joining = change.joining.member.id if change.joining else None
    leaving = change.leaving.member.id if change.leaving else None
    there = (row.member for row in change.view.members if row.member.id not in (joining, leaving))
    pairs = tuple((member.name, url) for member in there for url in member.peer_urls)
    return (*pairs, (etcd_name(into), etcd_peer_url(change.inventory, into)))


def _start(change: MembershipChange, into: Host, url: str) -> Step:
    etcd = change.layout.etcd
    return start_step(
        "etcd.start",
        into.name,
        etcd.unit or "",
        title="Start etcd",
        why=START_WHY,
        phase=PHASE,
        newer_than=bootstrap.files_of(change.after),
        needs=(),
        undo=bootstrap.take_down(etcd),
        test=f"systemctl reset-failed {etcd.unit} 2>/dev/null || :" if change.ghost else "",
        also=(MemberIs(url, MemberStage.STARTED, change.ask),),
    )
