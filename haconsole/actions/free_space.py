"""Delete old journals and snapshots of a host that is short of space, only those that a person names."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import step_id
from haconsole.actions.checks import FilesAbsent
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.model.observed import reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import OldFile
from haconsole.scripts import load_script

FREE_SPACE = "free-space"
WHY = "Nothing reads these files any more: systemd archived the journals, and a newer snapshot exists."
DELETE = load_script("delete-old-files")


def free_space_action() -> Action:
    """One host, and the names of the files."""
    return Action(
        FREE_SPACE,
        "Free disk space",
        (
            "List the old journals and snapshots of a host that is short of disk space, and delete those that are "
            "named. The newest snapshot is never deleted. Without names: only the list."
        ),
        (
            Argument("host", ArgumentKind.HOST, "the host", positional=True, required=True),
            Argument("files", ArgumentKind.TEXT, "names from the list, separated by commas", positional=True),
        ),
        plan_free_space,
        dangerous=True,
        synonyms=("disk full", "no space", "vacuum", "journal", "delete"),
    )


def plan_free_space(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused with the list where no name is given, and where a name is not in it."""
    host = HostName(request["host"])
    facts = snapshot.host(host)
    names = tuple(dict.fromkeys(name.strip() for name in request.get("files", "").split(",") if name.strip()))
    if facts is None or value_of(facts.old_files) is None:
        reason = (facts and reason_of(facts.old_files)) or "not queried"
        return Refusal(FREE_SPACE, inventory.cluster, (f"the old files of {host} are unknown: {reason}",))
    files = value_of(facts.old_files) or ()
    selection = tuple(file for file in files if file.name in names)
    if not selection or len({file.name for file in selection}) < len(names):
        return Refusal(FREE_SPACE, inventory.cluster, _reasons(host, files, names))
    what = f"{', '.join(file.name for file in selection)} on {host}"
    summary = f"frees {sum(file.size_bytes for file in selection) >> 20} MiB on {host}"
    return Plan(FREE_SPACE, inventory.cluster, (_step(host, selection),), summary, data_loss=what)


def _reasons(host: HostName, files: tuple[OldFile, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    if not files:
        return (f"{host} has no old journal or snapshot to delete on a full file system",)
    known = {file.name for file in files}
    strange = tuple(f"{name} is not in the list of old files on {host}" for name in names if name not in known)
    listed = tuple(f"{host} has {file}" for file in files)
    return (*strange, f"name the files to delete: run free-space {host} NAME,NAME", *listed)


def _step(host: HostName, files: tuple[OldFile, ...]) -> Step:
    words = tuple(
        word for file in files for word in (f"{file.written_at.timestamp():.0f}", f"{file.size_bytes}", file.path)
    )
    return Step(
        id=step_id("files.delete", host),
        title=f"Delete {len(files)} old files" if len(files) > 1 else f"Delete {files[0].name}",
        why=WHY,
        host=host,
        operation=RunCommand(("sh", "-ec", DELETE, "delete-old-files", *words), timeout_s=120.0),
        verification=(FilesAbsent(tuple(file.path for file in files), "it still exists"),),
        undo=Irreversible("the files are deleted"),
        phase="files",
    )
