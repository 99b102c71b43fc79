"""Steps that change etcd's members: a snapshot before, leadership moved, members removed, added and promoted."""

from __future__ import annotations

from datetime import datetime

from haconsole.actions.build import script, step_id
from haconsole.actions.checks import AnyOf, Check, EtcdHealthy, LeaderAmong, MemberGone, MemberIs, MemberStage
from haconsole.actions.operations import (
    AddMember,
    Irreversible,
    LeftByUndo,
    MoveLeader,
    PromoteMember,
    RemoveMember,
    RunCommand,
    SaveSnapshot,
    UndoByCommand,
)
from haconsole.actions.step import Step
from haconsole.configs.layout import EtcdLayout
from haconsole.inventory.effective import etcd_client_url, snapshot_folder
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd import EtcdMember
from haconsole.model.names import HostName
from haconsole.scripts import load_script

PHASE = "etcd"
SNAPSHOT_S = 600.0

SNAPSHOT = load_script("save-snapshot")

SNAPSHOT_WHOLE = load_script("check-snapshot")

SNAPSHOT_WHY = (
    "If everything else fails, the cluster is restored from this snapshot. It is taken now, kept on its host, "
    "and verified by the checksum that etcd sent with it."
)
LEADER_WHY = (
    "Stopping a leader forces an election, during which writes fail; moving the leader first avoids the election. "
    "Requests to a VIP wait briefly meanwhile, because etcd fails reads during a hand-over."
)
REMOVE_WHY = "One member at a time; the others keep the majority before and after, so no write is lost."
ADD_WHY = "A learner receives the data but does not vote. If it never starts, the others still have their majority."
PROMOTE_WHY = "The learner becomes a voter only after it has the leader's data, so the new majority works at once."


def snapshot_path(inventory: Inventory, at: datetime) -> str:
    """The path of the snapshot of a plan made at `at`, on its host."""
    return f"{snapshot_folder(inventory)}/{inventory.cluster}-{at:%Y%m%dT%H%M%SZ}.db"


def snapshot_step(inventory: Inventory, etcd: EtcdLayout, host: Host, path: str) -> Step:
    """Take a snapshot through the member on `host`, keep it there at `path`, and verify it."""
    whole = script(
        SNAPSHOT_WHOLE,
        "whole",
        path,
        means=f"{path} is complete",
        problem="the snapshot is not there",
        timeout_s=120.0,
    )
    return Step(
        id=step_id("etcd.snapshot", host.name),
        title="Take a snapshot of etcd and verify it",
        why=SNAPSHOT_WHY,
        host=HostName(host.name),
        operation=_save_snapshot(inventory, etcd, host, path),
        verification=(whole,),
        undo=LeftByUndo("a snapshot does no harm; delete it when you no longer need it"),
        verify_within_s=0.0,
        phase=PHASE,
    )


def _save_snapshot(inventory: Inventory, etcd: EtcdLayout, host: Host, path: str) -> SaveSnapshot | RunCommand:
    """By etcdctl on the host; hosts of static pods need not have it."""
    if etcd.manifest is not None:
        return SaveSnapshot(path)
    tool = f"{etcd.binary.rpartition('/')[0]}/etcdctl"
    flags = [f"--endpoints={etcd_client_url(inventory, host)}"]
    if etcd.pki:
        pki = etcd.pki.on(host)
        flags += [f"--cacert={pki.ca.cert}", f"--cert={pki.client.cert}", f"--key={pki.client.key}"]
    elif etcd.scheme == "https":
        flags.append("--insecure-skip-tls-verify")
    return RunCommand(("sh", "-ec", SNAPSHOT, "snapshot", path, tool, *flags), timeout_s=SNAPSHOT_S)


def leader_step(away: Host, to: tuple[HostName, ...], *, phase: str = PHASE, stays: bool = False) -> Step:
    """Move leadership to one of `to`, if the member on `away` may lead now; it can lead again if it `stays`."""
    here = (HostName(away.name),)
    return Step(
        id=step_id("etcd.leader", away.name),
        title="Hand over etcd's leadership",
        why=LEADER_WHY,
        host=HostName(away.name),
        operation=MoveLeader(to, here),
        verification=(LeaderAmong(to),),
        undo=UndoByCommand(MoveLeader(here, to), (LeaderAmong(here),)) if stays else LeftByUndo("any member may lead"),
        phase=phase,
    )


def remove_step(member: EtcdMember, voters: int | None, ask: tuple[HostName, ...], name: str) -> Step:
    """Remove `member` from the list; before that the queried members must be healthy with `voters` voters, if given."""
    member_gone = MemberGone(member.id, ask)
    return Step(
        id=step_id(f"etcd.remove-{name}", ask[0]),
        title=f"Remove {name} ({member.id}) from etcd's members",
        why=REMOVE_WHY,
        host=ask[0],
        operation=RemoveMember(member.id, ask),
        precondition=(EtcdHealthy(voters),) if voters is not None else (),
        verification=(member_gone,),
        undo=Irreversible("a removed member's ID is never used again; join its host again"),
        phase=PHASE,
    )


def add_step(host: Host, peer_url: str, voters: int, ask: tuple[HostName, ...]) -> Step:
    """Add the host's member to the list as a learner."""
    return Step(
        id=step_id("etcd.add", host.name),
        title="Add the new etcd member as a learner",
        why=ADD_WHY,
        host=ask[0],
        operation=AddMember(peer_url, ask),
        precondition=(EtcdHealthy(voters),),
        verification=(MemberIs(peer_url, MemberStage.LISTED, ask),),
        undo=LeftByUndo("to remove the new member: run remove"),
        phase=PHASE,
    )


def promote_step(host: Host, peer_url: str, ask: tuple[HostName, ...]) -> Step:
    """Promote the learner on `host` once it has caught up."""
    return Step(
        id=step_id("etcd.promote", host.name),
        title="Promote the learner to a voter",
        why=PROMOTE_WHY,
        host=HostName(host.name),
        operation=PromoteMember(peer_url, ask),
        verification=(MemberIs(peer_url, MemberStage.VOTING, ask),),
        undo=LeftByUndo("a voter does not become a learner again; remove it with: run remove"),
        phase=PHASE,
    )


def either_healthy(counts: tuple[int, ...]) -> Check:
    """Healthy with one of these numbers of voters: before a change, and after it if a run is resumed."""
    distinct = tuple(dict.fromkeys(counts))
    return EtcdHealthy(distinct[0]) if len(distinct) == 1 else AnyOf(tuple((EtcdHealthy(one),) for one in distinct))
