"""The snapshot of a restore: its place, its copy to the host of the first member, and the check of its completeness."""

from __future__ import annotations

import re

import msgspec

from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import SameFile, SnapshotHere
from haconsole.actions.operations import RunCommand, SendFile
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.step import Step
from haconsole.actions.steps.etcd import SNAPSHOT_WHOLE
from haconsole.actions.steps.order import Group
from haconsole.inventory.effective import snapshot_folder
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName

PHASE = "etcd"
_PLACE = re.compile(r"(?P<host>[^:/]+):(?P<path>/[A-Za-z0-9._/-]+)")

BRING_WHY = (
    "The first member is made from the snapshot, so its host needs the file. "
    "The copy is used only if its SHA-256 is right."
)
WHOLE_WHY = (
    "The snapshot ends with the checksum that etcd sent: a damaged snapshot is found before anything is stopped."
)


class Source(msgspec.Struct, frozen=True):
    """The snapshot: a file on a host that will be the first member; `here` is the original of a copy."""

    host: Host
    path: str
    mark: str
    here: str = ""


def source_of(ctx: PlanContext, file: str, stamp: str) -> Source | str:
    """The snapshot's place, current or future; otherwise the mistake in the argument."""
    match = _PLACE.fullmatch(file)
    if match is None and file.startswith("/") and ctx.etcd:
        path = f"{snapshot_folder(ctx.inventory)}/{ctx.inventory.cluster}-brought-{stamp}.db"
        return Source(ctx.etcd[0], path, f"{path} {stamp}", file)
    if match is None:
        return (
            f"{file} is not the path of a snapshot: give a file on this machine, or HOST:PATH, e.g. cp1:/var/lib/x.db"
        )
    first = ctx.inventory.find(match["host"])
    if first is None or Role.ETCD not in first.roles:
        hosts = ", ".join(host.name for host in ctx.etcd)
        return f"{match['host']} is not one of the etcd hosts that remain: copy the snapshot to one of {hosts}"
    return Source(first, match["path"], f"{match['path']} {stamp}")


def send_steps(source: Source) -> tuple[Group, ...]:
    """The operator's file on the host, after its verification."""
    if not source.here:
        return ()
    step = Step(
        id=step_id("restore.bring", source.host.name),
        title="Copy the snapshot to the host",
        why=BRING_WHY,
        host=HostName(source.host.name),
        operation=SendFile(source.here, source.path),
        precondition=(SnapshotHere(source.here),),
        verification=(SameFile(source.here, source.path),),
        undo=RunCommand(("rm", "-f", "--", source.path)),
        verify_within_s=0.0,
        phase=PHASE,
    )
    return ((step,),)


def completeness_step(source: Source) -> Step:
    check = script(
        SNAPSHOT_WHOLE,
        "whole",
        source.path,
        means=f"{source.path} is complete",
        problem="no snapshot",
        timeout_s=300.0,
    )
    return look_step(
        "restore.whole",
        source.host.name,
        (check,),
        title="Verify that the snapshot is complete",
        why=WHOLE_WHY,
        phase=PHASE,
    )
