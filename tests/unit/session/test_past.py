"""Events from the hosts' journals: the script with a substitute for journalctl, corrected times, lanes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from haconsole.model.lanes import LaneKey, LaneKind, Lanes, LaneState
from haconsole.model.names import HostName
from haconsole.model.past import HostPast, PastEvent, PastKind
from haconsole.model.past_lanes import add_past, member_names
from haconsole.present.past import past_cell, past_changes
from haconsole.probes.hosts.past_events import MOST_LINES, parse, past_argv
from haconsole.probes.script import SectionAnswer
from haconsole.scripts import load_script
from haconsole.session.past import read_past
from tests.fakes.cluster import NOW, VIP, healthy
from tests.fakes.transport import FakeFleet

CP1, CP2 = HostName("cp1"), HostName("cp2")
SHELLS = (("dash",), ("busybox", "ash"))
CASE = yaml.safe_load((Path(__file__).parent.parent / "probes/cases/past-events/debian-12-kill.yaml").read_text())
ENTRIES = [line for line in CASE["output"].splitlines() if line.startswith("{")]
START_US = 1_795_980_000_000_000


def entry(
    text: str, fields: Mapping[str, str] | None = None, *, seconds: float = 0.0, boot: str = "b1", jump_s: float = 0.0
) -> str:
    """A line of the journal: `seconds` after its start, the clock then set by `jump_s`."""
    monotonic = int(seconds * 1e6) + 1_000_000
    at = START_US + monotonic + int(jump_s * 1e6)
    return json.dumps(
        {
            "__REALTIME_TIMESTAMP": str(at),
            "__MONOTONIC_TIMESTAMP": str(monotonic),
            "_BOOT_ID": boot,
            "MESSAGE": text,
            **(fields or {}),
        }
    )


def events(*lines: str, before: str = "before b1") -> tuple[PastEvent, ...]:
    """The events of lines in the order in which they were written."""
    output = "\n".join((*reversed(lines), before, "end"))
    return parse(SectionAnswer("past-events", output, "", 0), CP1).events


def kinds(*lines: str, **how: str) -> list[tuple[str, str]]:
    return [(event.kind.value, event.text) for event in events(*lines, **how)]


UNIT = {"_SYSTEMD_UNIT": "init.scope", "UNIT": "etcd.service"}


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        (
            '{"level":"info","logger":"raft","msg":"raft.node: a1 elected leader a2 at term 5"}',
            {"_SYSTEMD_UNIT": "etcd.service"},
            ("leader", "sees leader a2 since term 5"),
        ),
        (
            "raft2026/03/01 03:00:00 INFO: raft.node: a1 changed leader from a2 to a3 at term 7",
            {"_SYSTEMD_UNIT": "etcd.service"},
            ("leader", "sees leader a3 since term 7"),
        ),
        (
            "VRRP_Instance(VI_1) Entering FAULT STATE",
            {"_SYSTEMD_UNIT": "keepalived.service"},
            ("vrrp", "VI_1 entered FAULT"),
        ),
        ("etcd.service: Main process exited, code=exited, status=1/FAILURE", UNIT, ("ended", "exited with 1")),
        (
            "etcd.service: A process of this unit has been killed by the OOM killer.",
            UNIT,
            ("out-of-memory", "was OOM-killed"),
        ),
        (
            "Out of memory: Killed process 812 (etcd) total-vm:11GB, anon-rss:9GB, UID:0 oom_score_adj:0",
            {"_TRANSPORT": "kernel"},
            ("out-of-memory", "the kernel OOM-killed etcd"),
        ),
        (
            "System clock was stepped by -3600.123 seconds",
            {"_SYSTEMD_UNIT": "chrony.service"},
            ("clock", "the clock was changed by -3600.123 s"),
        ),
        (
            "Time jumped backwards, rotating.",
            {"_SYSTEMD_UNIT": "systemd-journald.service"},
            ("clock", "the clock was set"),
        ),
        (
            "slow fdatasync, took 2.1s, expected 1s",
            {"_SYSTEMD_UNIT": "etcd.service"},
            ("slow-disk", "waited over 1 s for the disk"),
        ),
    ],
)
def test_messages_of_programs_and_versions(text: str, fields: dict[str, str], expected: tuple[str, str]) -> None:
    assert kinds(entry(text, fields)) == [expected]


@pytest.mark.parametrize(
    "text", ["Started session-3.scope - Session 3 of User ops.", "elected leader of the choir", "", "{", "null", "[]"]
)
def test_other_messages_are_no_events(text: str) -> None:
    assert kinds(entry(text, {"_SYSTEMD_UNIT": "ssh.service"})) == []


def test_a_new_boot_is_an_event_and_the_first_one_of_the_journal_is_not() -> None:
    lines = (entry("x", boot="b1"), entry("x", seconds=9, boot="b2"))
    assert kinds(*lines) == [("boot", "the host booted")]
    assert kinds(lines[1], before="before b1") == [("boot", "the host booted")]
    assert kinds(lines[1], before="") == []


@pytest.mark.parametrize("jump_s", [-3600.0, -1.0, 1.0, 7200.0])
def test_a_clock_that_was_set_is_an_event_where_nothing_logs_it(jump_s: float) -> None:
    (event,) = events(entry("x"), entry("x", seconds=5, jump_s=jump_s))
    assert (event.kind, event.detail) == (PastKind.CLOCK, f"{jump_s:+.1f}")


def test_a_clock_that_is_adjusted_gradually_is_none() -> None:
    assert events(entry("x"), entry("x", seconds=7200, jump_s=3.0)) == ()


def test_equal_events_in_succession_are_one_and_a_restart_has_no_stop() -> None:
    slow = [entry("slow fdatasync", {"_SYSTEMD_UNIT": "etcd.service"}, seconds=n) for n in range(5)]
    (event,) = events(*slow)
    assert (event.times, event.at) == (5, datetime.fromtimestamp((START_US + 1_000_000) / 1e6, UTC))
    restart = (
        "etcd.service: Scheduled restart job, restart counter is at 1.",
        "Stopped etcd.service.",
        "Started etcd.service.",
    )
    assert [kind for kind, _ in kinds(*(entry(text, UNIT) for text in restart))] == ["restart", "started"]
    twice = ("Stopped etcd.service.", "Started etcd.service.", "Stopped etcd.service.")
    assert [kind for kind, _ in kinds(*(entry(text, UNIT) for text in twice))] == ["stopped", "started", "stopped"]


def test_a_list_without_its_end_is_not_complete() -> None:
    assert parse(SectionAnswer("x", ENTRIES[0], "", 0), CP1).problem == "the host ended the list of events early"
    assert not parse(SectionAnswer("x", f"{ENTRIES[0]}\nmore", "", 0), CP1).complete


def journalctl(folder: Path, *, patterns: bool) -> None:
    """A substitute that prints the captured entries among many others; `patterns` is whether it has -g."""
    (folder / "entries").write_text("".join(f"{line}\n" for line in ENTRIES))
    noise = entry("something else", {"_SYSTEMD_UNIT": "etcd.service"})
    program = f"""#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in
  *"-n 0 -g x"*) exit {0 if patterns else 1} ;;
  *--until*) echo '{{"_BOOT_ID":"c1d7"}}' ;;
  *" -g "*) cat {folder}/entries ;;
  *) for n in 1 2 3 4 5 6 7 8 9; do echo '{noise}'; done; cat {folder}/entries ;;
esac
"""
    (folder / "journalctl").write_text(program)
    (folder / "journalctl").chmod(0o755)


def run_script(shell: tuple[str, ...], folder: Path, lines: int) -> str:
    argv = (
        *shell,
        "-c",
        load_script("past-events"),
        "past-events",
        "3600",
        str(lines),
        "etcd.service",
        "keepalived.service",
    )
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(argv, capture_output=True, text=True, check=True, env={"PATH": path}).stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("patterns", [True, False])
def test_the_script_prints_the_entries_with_and_without_pattern_matching(
    shell: tuple[str, ...], patterns: bool, tmp_path: Path
) -> None:
    journalctl(tmp_path, patterns=patterns)
    *lines, boot, last = run_script(shell, tmp_path, 100).splitlines()
    assert lines == ENTRIES
    assert (boot, last) == ("before c1d7", "end")
    calls = (tmp_path / "calls").read_text()
    assert "_SYSTEMD_UNIT=etcd.service _SYSTEMD_UNIT=keepalived.service + _PID=1 UNIT=etcd.service" in calls


@pytest.mark.parametrize("shell", SHELLS)
def test_of_many_entries_the_newest_are_printed_and_marked_as_not_all(shell: tuple[str, ...], tmp_path: Path) -> None:
    journalctl(tmp_path, patterns=True)
    *lines, _, last = run_script(shell, tmp_path, 3).splitlines()
    assert lines == ENTRIES[:3]
    assert last == "more"


async def test_times_are_by_the_clock_of_this_machine_and_a_lost_host_has_a_problem() -> None:
    fleet = FakeFleet()
    argv = past_argv(3600, ("etcd.service",))
    assert argv[5] == str(MOST_LINES)
    fleet.host(CP1).when(*argv, say=f"{entry('Started etcd.service.', UNIT)}\nbefore b1\nend")
    fleet.host(CP2).cut()
    first, second = await read_past(fleet, {CP1: ("etcd",), CP2: ("etcd",)}, 3600, {CP1: 2500.0})
    assert first.events[0].at == datetime.fromtimestamp((START_US + 1_000_000) / 1e6, UTC) - timedelta(seconds=2.5)
    assert second.problem
    assert not second.complete


def past(*rows: tuple[float, HostName, PastKind, str, str]) -> tuple[HostPast, ...]:
    """Events by their age in seconds."""
    return (
        HostPast(
            CP1,
            tuple(
                PastEvent(NOW - timedelta(seconds=age_s), host, kind, source, "text", detail)
                for age_s, host, kind, source, detail in rows
            ),
        ),
    )


def test_lanes_begin_with_the_past_and_continue_with_the_present() -> None:
    lanes = Lanes()
    leader, vip = lanes.lane(LaneKey(LaneKind.LEADER)), lanes.lane(LaneKey(LaneKind.VIP, VIP))
    for lane in (leader, vip):
        lane.put(NOW, LaneState("cp1"))
    rows = past(
        (300, CP1, PastKind.LEADER, "etcd", "a2"),
        (200, CP1, PastKind.LEADER_LOST, "etcd", "a2"),
        (199, CP1, PastKind.LEADER, "etcd", "a1"),
        (250, CP2, PastKind.VRRP, "keepalived", "VI_51 MASTER"),
        (100, CP2, PastKind.STOPPED, "keepalived", ""),
        (98, CP1, PastKind.VRRP, "keepalived", "VI_51 MASTER"),
        (90, CP2, PastKind.STARTED, "keepalived", ""),
    )
    add_past(lanes, rows, healthy(), NOW)
    ages = (301, 260, 150, 99, 50, 0)
    assert [_text(leader.at(NOW - timedelta(seconds=age))) for age in ages] == [None, "cp2", "cp1", "cp1", "cp1", "cp1"]
    assert [_text(vip.at(NOW - timedelta(seconds=age))) for age in ages] == [None, None, "cp2", "?", "cp1", "cp1"]
    (mark,) = lanes.lane(LaneKey(LaneKind.SERVICES, "cp2")).marks
    assert mark.at == NOW - timedelta(seconds=90)
    assert len(leader.spans(NOW - timedelta(hours=1), NOW)) == 3, "the present state is no new change"


def test_states_that_the_console_observed_are_not_replaced() -> None:
    lanes = Lanes()
    leader = lanes.lane(LaneKey(LaneKind.LEADER))
    leader.put(NOW - timedelta(seconds=50), LaneState("cp1"))
    add_past(
        lanes, past((20, CP1, PastKind.LEADER, "etcd", "a2"), (60, CP1, PastKind.LEADER, "etcd", "a3")), healthy(), NOW
    )
    spans = leader.spans(NOW - timedelta(hours=1), NOW)
    assert [span.state.text for span in spans] == ["cp3", "cp1"]


def _text(state: LaneState | None) -> str | None:
    return state.text if state else None


def test_rows_of_the_timeline_name_members_and_are_older_than_the_start() -> None:
    event = PastEvent(NOW, CP1, PastKind.LEADER, "etcd", "sees leader a2 since term 5", "a2")
    assert past_cell(event.named(member_names(healthy()))).text == "etcd sees leader cp2 since term 5"
    rows = past_changes(
        past((9, CP1, PastKind.BOOT, "systemd", ""), (5, CP2, PastKind.BOOT, "systemd", "")), healthy(), NOW
    )
    assert [(row.number, row.subject) for row in rows] == [(0, "cp2"), (-1, "cp1")]
    assert past_changes(past((5, CP1, PastKind.BOOT, "systemd", "")), healthy(), NOW - timedelta(seconds=6)) == ()
