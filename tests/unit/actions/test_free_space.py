"""`free-space`: lists old files, and deletes only those that are named and did not change since."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import CommandSucceeds, FilesAbsent
from haconsole.actions.operations import Irreversible, RunCommand
from haconsole.actions.step import Plan, Refusal
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall
from haconsole.model.hosts import DiskSpace
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import OldFile
from haconsole.probes.hosts import old_files
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

FOLDER = "/var/lib/etcd-snapshots"
TEMPORARY = "/tmp /var/tmp /var/cache /var/crash /var/lib/php/sessions"
FILES = (
    OldFile(f"{FOLDER}/a.db", 3 << 20, NOW - timedelta(days=2)),
    OldFile("/var/log/journal/0a1b/system@0a1b.journal", 8 << 20, NOW - timedelta(days=1)),
)
DISKS = (
    DiskSpace(FOLDER, 100 << 20, 1 << 20, mount=FOLDER),
    DiskSpace("/", 100 << 20, 90 << 20, mount="/"),
)


def short(*files: OldFile) -> ClusterSnapshot:
    return changed(healthy(), 2, lambda facts: replace(facts, old_files=Known(files, NOW), disks=Known(DISKS, NOW)))


def planned(snapshot: ClusterSnapshot, files: str = "") -> Plan | Refusal:
    request = {"host": "cp2", **({"files": files} if files else {})}
    return plan_action("free-space", snapshot, INVENTORY, request)


def refusal(snapshot: ClusterSnapshot, files: str = "") -> str:
    result = planned(snapshot, files)
    assert isinstance(result, Refusal)
    return "; ".join(result.reasons)


def test_without_names_it_only_lists_the_files() -> None:
    reasons = refusal(short(*FILES))
    assert "run free-space cp2 NAME,NAME" in reasons
    assert "a.db, 3.0 MiB" in reasons
    assert "system@0a1b.journal, 8.0 MiB" in reasons


def test_only_named_files_are_deleted_and_the_loss_is_named() -> None:
    plan = planned(short(*FILES), "a.db")
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step.operation, RunCommand)
    assert step.operation.argv[-1] == f"{FOLDER}/a.db"
    assert "journal" not in str(step.operation.argv[4:])
    assert step.verification == (FilesAbsent((f"{FOLDER}/a.db",), "it still exists"),)
    assert isinstance(step.undo, Irreversible)
    assert plan.data_loss == "a.db on cp2"


def test_an_unknown_name_deletes_nothing() -> None:
    assert "b.db is not in the list of old files on cp2" in refusal(short(*FILES), "a.db,b.db")
    assert "no old journal, snapshot" in refusal(short(), "a.db")
    assert "are unknown: not queried" in refusal(healthy(), "a.db")
    failed: Failed[tuple[OldFile, ...]] = Failed("sudo refuses", NOW, Cause.SUDO_REFUSED)
    fault = changed(healthy(), 2, lambda facts: replace(facts, old_files=failed))
    assert "sudo refuses" in refusal(fault, "a.db")


def test_a_full_disk_lists_its_own_old_files_and_offers_the_action() -> None:
    (finding,) = diagnose(short(*FILES), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("host.disk-full", f"cp2:{FOLDER}")
    assert isinstance(finding.remedies[0], ActionCall)
    assert finding.remedies[0].request == {"host": "cp2"}
    assert [line for line in finding.evidence if "may be deleted" in line] == [f"may be deleted: {FILES[0]}"]
    (without,) = diagnose(short(FILES[1]), INVENTORY, NOW)
    assert not without.calls


@pytest.mark.parametrize(
    ("path", "word"),
    [(FOLDER, "backup"), ("/var/log", "Programs"), ("/", "Programs"), ("/var/lib/etcd", "etcd refuses writes")],
)
def test_a_full_disk_names_what_fails_by_the_folder_on_it(path: str, word: str) -> None:
    disk = replace(DISKS[0], path=path, mount=path, free_bytes=1)
    fault = changed(healthy(), 2, lambda facts: replace(facts, disks=Known((disk,), NOW)))
    (finding,) = diagnose(fault, INVENTORY, NOW)
    assert finding.why.startswith(word) or word in finding.why


def delete(*paths: Path, wrong_size: bool = False) -> subprocess.CompletedProcess[str]:
    listed = tuple(
        OldFile(str(path), path.stat().st_size + wrong_size, datetime.fromtimestamp(int(path.stat().st_mtime), UTC))
        for path in paths
    )
    plan = planned(short(*listed), ",".join(file.name for file in listed))
    assert isinstance(plan, Plan)
    operation = plan.steps[0].operation
    assert isinstance(operation, RunCommand)
    return subprocess.run(operation.argv, capture_output=True, text=True, check=False)


def test_the_script_deletes_what_was_listed_and_nothing_that_changed(tmp_path: Path) -> None:
    one, other = tmp_path / "a.db", tmp_path / "b c.db"
    for path in (one, other):
        path.write_text("x")
    assert "has changed" in delete(one, wrong_size=True).stderr
    assert one.exists()
    assert delete(one).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b c.db"]
    (tmp_path / "link.db").symlink_to(other)
    assert "is a link" in delete(tmp_path / "link.db").stderr
    assert other.exists()


def test_the_newest_snapshot_is_never_listed(tmp_path: Path) -> None:
    for name, age in (("old.db", 10), ("older.db", 20), ("newest.db", 0)):
        path = tmp_path / name
        path.write_text(name)
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    body = old_files.section(str(tmp_path)).body

    def listed(percent: int) -> list[str]:
        text = body.replace("percent=$1", f"percent={percent}")
        result = subprocess.run(("sh", "-c", text), capture_output=True, text=True, check=False)
        return [line.rpartition("/")[2] for line in result.stdout.splitlines() if str(tmp_path) in line]

    assert listed(101) == ["older.db", "old.db"]
    assert listed(0) == []


@pytest.mark.parametrize("output", ["x 1 /a", "1 y /a", "1 2"])
def test_lines_of_another_form_are_refused(output: str) -> None:
    from haconsole.probes.errors import ProbeError
    from haconsole.probes.script import SectionAnswer

    with pytest.raises(ProbeError):
        old_files.parse(SectionAnswer("old_files", output, "", 0))


def many(folder: Path, count: int = 12) -> OldFile:
    """A folder with a snapshot, a link and old empty files, as the host lists it."""
    folder.mkdir()
    for number in range(count):
        path = folder / f"part {number}"
        path.touch()
        os.utime(path, (1_700_000_000 + number / 100, 1_700_000_000 + number / 100))
    (folder / "kept.db").write_text("x")
    (folder / "link").symlink_to(folder / "kept.db")
    return OldFile(str(folder), 0, datetime.fromtimestamp(1_700_000_000, UTC), count)


def test_a_folders_temporary_files_are_deleted_and_nothing_that_is_newer(tmp_path: Path) -> None:
    group = many(tmp_path / "a b")
    newer = tmp_path / "a b" / "newer"
    newer.touch()
    plan = planned(short(group), group.name)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    (check,) = step.verification
    assert isinstance(check, CommandSucceeds)
    assert isinstance(step.operation, RunCommand)
    assert step.title == "Delete 12 old files"
    assert subprocess.run(check.argv, check=False).returncode == 1
    assert subprocess.run(step.operation.argv, check=False).returncode == 0
    assert sorted(path.name for path in (tmp_path / "a b").iterdir()) == ["kept.db", "link", "newer"]
    assert subprocess.run(check.argv, check=False).returncode == 0


def test_folders_with_many_files_are_listed_where_inodes_are_short(tmp_path: Path) -> None:
    many(tmp_path / "deep")
    body = old_files.section(str(tmp_path)).body

    def listed(percent: int) -> list[str]:
        text = body.replace("percent=$1", f"percent={percent}").replace(TEMPORARY, "")
        result = subprocess.run(("sh", "-c", text), capture_output=True, text=True, check=False)
        return [line for line in result.stdout.splitlines() if str(tmp_path) in line]

    assert listed(101) == [f"1700000000 0 files 12 {tmp_path}/deep"]
    assert listed(0) == []


def test_a_file_system_without_inodes_offers_the_folders(tmp_path: Path) -> None:
    group = OldFile(FOLDER, 0, NOW - timedelta(days=1), 19)
    disks = (DiskSpace(FOLDER, 100 << 20, 90 << 20, inodes=20, free_inodes=0, mount=FOLDER), DISKS[1])
    snapshot = changed(
        healthy(), 2, lambda facts: replace(facts, old_files=Known((group,), NOW), disks=Known(disks, NOW))
    )
    (finding,) = diagnose(snapshot, INVENTORY, NOW)
    assert finding.code == "host.inodes-full"
    assert finding.remedies[0] == ActionCall(
        "free-space", (("host", "cp2"),), "list old files, and delete those that you name"
    )
    assert f"may be deleted: {group}" in finding.evidence
