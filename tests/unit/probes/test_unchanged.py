"""The guards that keep facts without a query: units whose processes are the same, and a free lock."""

from __future__ import annotations

import subprocess
from pathlib import Path

from haconsole.scripts import load_script

FOLDERS = "/sys/fs/cgroup/system.slice /sys/fs/cgroup/systemd/system.slice"


def rounds(script: str, arguments: str, *between: str, first: str = "") -> list[bool]:
    """Whether the guard kept the fact: before each of `between`, and after the last."""
    body = "\n".join(
        (
            first,
            f"guard() {{ set -- {arguments}\n{script}\n}}",
            "round=1",
            *(f"guard && echo kept || echo asked\n{change}\nround=$((round + 1))" for change in between),
            "guard && echo kept || echo asked",
        )
    )
    result = subprocess.run(["sh", "-c", body], capture_output=True, text=True, timeout=20)
    assert result.stderr == ""
    return [line == "kept" for line in result.stdout.split()]


def test_a_unit_with_another_process_is_queried(tmp_path: Path) -> None:
    script = load_script("units-unchanged").replace(FOLDERS, str(tmp_path))
    for unit in ("a.service", "b.service"):
        (tmp_path / unit).mkdir()
    a, b = (f"{tmp_path}/{unit}/cgroup.procs" for unit in ("a.service", "b.service"))
    content = rounds(
        script,
        "a.service b.service",
        ":",
        f"echo $p >{b}",
        ":",
        "kill -STOP $p; sleep 0.2",
        "kill -CONT $p; sleep 0.2",
        ":",
        f"rm {b}",
        first=f"sleep 20 >/dev/null & p=$!; trap 'kill $p' EXIT; echo $$ >{a}; echo $$ >{b}",
    )
    assert content == [False, True, False, True, False, False, True, False]


def test_a_unit_without_a_process_is_queried_every_fifth_round(tmp_path: Path) -> None:
    script = load_script("units-unchanged").replace(FOLDERS, str(tmp_path))
    content = rounds(script, "gone.service", *[":"] * 10)
    assert [number for number, one in enumerate(content, 1) if not one] == [1, 5, 10]


def test_nothing_is_kept_where_control_groups_cannot_be_read(tmp_path: Path) -> None:
    script = load_script("units-unchanged").replace(FOLDERS, str(tmp_path / "none"))
    assert rounds(script, "a.service", ":") == [False, False]


def test_a_lock_is_read_while_it_is_taken_and_once_after(tmp_path: Path) -> None:
    holder = tmp_path / "holder"
    content = rounds(load_script("lock-unchanged"), str(holder), f"touch {holder}", ":", f"rm {holder}", ":")
    assert content == [True, False, False, False, True]


def test_files_are_read_again_when_one_of_them_changed(tmp_path: Path) -> None:
    a, b = tmp_path / "a b", tmp_path / "absent"
    a.write_text("one")
    content = rounds(
        load_script("files-unchanged"),
        f"'{a}' {b}",
        ":",
        f"echo two >'{a}'",
        ":",
        f"touch {b}",
        f"cp -p '{a}' {b}; touch -r '{a}' {b}",
        f"touch {tmp_path}/new; touch -d 2020-01-01 {tmp_path}/new; mv {tmp_path}/new '{a}'",
        ":",
        f"rm '{a}' {b}",
        ":",
    )
    assert content == [False, True, False, True, False, False, False, True, False, True]


def test_files_are_read_at_each_call_where_no_program_knows_their_times(tmp_path: Path) -> None:
    assert rounds(load_script("files-unchanged"), str(tmp_path), ":", ":", first="PATH=/none") == [False] * 3
