"""Missing requirements of a lab are named in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haconsole.lab import machine
from haconsole.lab.commands import run
from haconsole.lab.errors import LabError, LabImpossibleError
from haconsole.lab.lab import Lab
from haconsole.lab.machine import Need, check_room, check_root, unmet
from haconsole.lab.progress import Silent
from haconsole.lab.watched import watch


def test_needs_are_met_by_tools_and_by_paths(tmp_path: Path) -> None:
    absent = Need("no-such-tool", "some-package")
    assert unmet((Need("sh", "dash"), Need(str(tmp_path), "files"), absent)) == (absent,)


def test_without_apt_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "SEARCH_PATH", str(tmp_path))
    with pytest.raises(LabImpossibleError, match="needs debootstrap, ip; these can be installed only on Debian"):
        machine.meet((Need("debootstrap", "debootstrap"), Need("ip", "iproute2")), Silent())


def test_another_user_than_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabImpossibleError, match="needs root"):
        check_root()
    for request in (lambda: Lab("drill").status(), lambda: Lab("drill").down(), lambda: Lab("drill").read_inventory()):
        with pytest.raises(LabImpossibleError, match="needs root"):
            request()


def test_a_full_disk_is_found_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(LabImpossibleError, match=r"a lab needs 1000000000 MiB below .* are free"):
        check_room(tmp_path / "not/there/yet", 1_000_000_000, "a lab")
    check_room(tmp_path, 1, "a lab")


def test_too_few_inotify_instances_are_reported_before_a_boot_that_would_hang() -> None:
    machine.check_inotify(0)
    with pytest.raises(LabImpossibleError, match=r"100000000 more hosts need .*sysctl fs.inotify.max_user_instances="):
        machine.check_inotify(100_000_000)


def test_missing_control_groups_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "hierarchies", lambda mounts: ())
    with pytest.raises(LabImpossibleError, match="a writable control group tree"):
        machine.check_kernel()


def test_the_error_of_a_failed_command_has_its_output() -> None:
    with pytest.raises(LabError, match="`sh -c 'echo why >&2; exit 3'` failed: why"):
        run(("sh", "-c", "echo why >&2; exit 3"))
    with pytest.raises(LabError, match=r"did not end within 0.1 s"):
        run(("sleep", "10"), deadline_s=0.1)
    with pytest.raises(LabError, match="`no-such-tool` is not installed"):
        run(("no-such-tool",))


def test_a_watched_command_gives_its_lines_and_its_end() -> None:
    lines: list[str] = []
    with pytest.raises(LabError, match=r"ended with 4: one \| two"):
        watch(("sh", "-c", "echo one; echo two >&2; exit 4"), lines.append, deadline_s=5)
    assert lines == ["one", "two"]
    with pytest.raises(LabError, match="ended with -9"):
        watch(("sleep", "10"), lines.append, deadline_s=0.1)
