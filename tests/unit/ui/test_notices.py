"""Notices: findings that open and close and the end of a run, once each, to the terminal and to the hook."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.errors import UsageError
from haconsole.execution.events import Outcome
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.snapshot import PendingFact
from haconsole.model.status import ClusterStatus
from haconsole.present.notices import (
    FindingWatch,
    Notice,
    NoticeKind,
    TerminalSignal,
    run_ended,
    signal_for,
    signal_text,
)
from haconsole.session.hook import call_hook, hook_command
from tests.fakes.cluster import NOW, healthy
from tests.fakes.plans import PLAN, ended, running_events
from tests.fakes.session import FakeSession, critical, degraded
from tests.fakes.waiting import eventually
from tests.unit.ui.driver import settled
from tests.unit.ui.test_app import console, running

DOWN = Finding("etcd.member-down", Severity.WARNING, "cp2", "etcd member cp2 does not answer", "")
READING = replace(healthy(), pending=(PendingFact(None, "leases"),))


def status(*findings: Finding, reading: bool = False) -> ClusterStatus:
    return ClusterStatus(READING if reading else healthy(), findings, Health.DEGRADED)


def later(status: ClusterStatus, seconds: float) -> ClusterStatus:
    at = NOW + timedelta(seconds=seconds)
    return replace(status, snapshot=replace(status.snapshot, observed_at=at))


def texts(watch: FindingWatch, *statuses: ClusterStatus) -> list[str]:
    """The notices of these statuses, two seconds apart."""
    notices: list[Notice] = []
    for number, one in enumerate(statuses):
        watch, new = watch.after(later(one, 2 * number))
        notices += new
    return [notice.text for notice in notices]


def test_a_finding_is_noticed_once_when_it_opens_and_once_when_it_closes() -> None:
    assert texts(FindingWatch(), status(DOWN), status(DOWN), status(), status()) == [
        "warning: etcd member cp2 does not answer",
        "resolved: etcd member cp2 does not answer",
    ]


def test_a_finding_does_not_close_while_facts_are_read() -> None:
    assert texts(FindingWatch(), status(DOWN), status(reading=True), status(DOWN)) == [
        "warning: etcd member cp2 does not answer"
    ]


def test_findings_at_the_start_are_silent_where_a_person_sees_them() -> None:
    first = (status(DOWN, reading=True), status(DOWN))
    assert texts(FindingWatch(silent=True), *first) == []
    assert texts(FindingWatch(silent=True), *first, status()) == ["resolved: etcd member cp2 does not answer"]


def test_a_finding_of_a_moment_is_no_notice_and_one_that_lasted_is_noticed_though_it_has_ended() -> None:
    watch, notices = FindingWatch().after(later(status(DOWN), 0))
    watch, none = watch.after(later(status(), 0.3))
    assert (notices, none) == ((), ())
    watch, none = watch.after(later(status(DOWN), 10))
    _, both = watch.after(later(status(), 12))
    assert none == ()
    assert [notice.kind for notice in both] == [NoticeKind.FINDING_OPENED, NoticeKind.FINDING_CLOSED]


@pytest.mark.parametrize(
    ("environment", "signal"),
    [
        ({"TERM": "xterm-kitty"}, TerminalSignal.OSC99),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, TerminalSignal.BELL),
        ({"TERM": "foot-direct"}, TerminalSignal.OSC777),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, TerminalSignal.OSC9),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "VTE_VERSION": "7600"}, TerminalSignal.BELL),
        ({"TERM": "linux"}, TerminalSignal.BELL),
    ],
)
def test_the_terminal_decides_the_signal(environment: dict[str, str], signal: TerminalSignal) -> None:
    assert signal_for(environment) is signal


@pytest.mark.parametrize("signal", [TerminalSignal.OSC9, TerminalSignal.OSC777, TerminalSignal.OSC99])
def test_no_text_of_a_host_ends_the_sequence(signal: TerminalSignal) -> None:
    notice = replace(run_ended("lab", NOW, run="r", action="x", outcome="y"), text="a\x07\x1b\\\x1b]0;title\x9cb")
    text = signal_text(signal, notice)
    assert text.count("\x1b") == 1 + text.endswith("\x1b\\")
    assert text.count("\x07") == text.endswith("\x07")
    assert "\x9c" not in text


async def test_the_hook_gets_one_line_of_json(tmp_path: Path) -> None:
    notice = run_ended("lab", NOW, run="r1", action="backup", outcome="done")
    assert await call_hook(("sh", "-c", f"cat >{tmp_path}/line"), notice.json) == ""
    read = json.loads((tmp_path / "line").read_text())
    assert (read["schema"], read["kind"], read["outcome"]) == ("haconsole/notice/v1", "run-ended", "done")


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("sh", "-c", "echo broken >&2; exit 3"), "sh ended with status 3: broken"),
        (("/no/such/program",), "/no/such/program: No such file or directory"),
    ],
)
async def test_a_failing_hook_is_reported(argv: tuple[str, ...], problem: str) -> None:
    assert await call_hook(argv, "{}") == problem


async def test_a_hook_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haconsole.session.hook.WITHIN_S", 0.05)
    assert "was stopped" in await call_hook(("sleep", "60"), "{}")


def test_a_hook_that_is_no_command_is_wrong_usage() -> None:
    assert hook_command("notify 'two words'") == ("notify", "two words")
    for text in ("notify 'open", "   "):
        with pytest.raises(UsageError):
            hook_command(text)


async def test_the_console_calls_the_hook_and_signals_the_terminal(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    session = FakeSession(healthy(), plans={"bootstrap": PLAN}, events=(*running_events(), *ended(Outcome.DONE)))
    app = console(session, hook=("sh", "-c", f"cat >>{lines}"), signal="osc9")
    async with running(app) as pilot:
        file_text: list[str] = []
        driver: Any = app._driver
        driver.write = file_text.append
        for seconds, snapshot in ((2, critical()), (4, degraded())):
            session.snapshot_queue.put_nowait(replace(snapshot, observed_at=NOW + timedelta(seconds=seconds)))
        await settled(pilot)
        await pilot.press("a", *"boots", "enter", "enter")
        await settled(pilot)
        await pilot.press("r", "y")
        await eventually(lambda: lines.exists() and "run-ended" in lines.read_text())
        read = [json.loads(line) for line in lines.read_text().splitlines()]
        kinds = [each["kind"] for each in read]
        assert kinds.count("run-ended") == 1
        opened = [(each["code"], each["subject"]) for each in read if each["kind"] == NoticeKind.FINDING_OPENED]
        assert opened
        assert len(opened) == len(set(opened))
        assert NoticeKind.FINDING_CLOSED in kinds
        assert sum("\x1b]9;haconsole lab: bootstrap has ended: done\x07" in text for text in file_text) == 1
