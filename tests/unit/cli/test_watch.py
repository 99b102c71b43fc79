"""`watch`: one line for each finding that opens or closes and each run that ends, as text, as JSON and to a hook."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from tests.fakes.cluster import NOW, changed, healthy
from tests.fakes.session import FakeSession, degraded

CLAIM = LockClaim("token", "ops@desk", 7, "20260301T030000Z-backup-ab12", "backup", "")


def locked(snapshot: ClusterSnapshot, claim: LockClaim | None) -> ClusterSnapshot:
    lock = Known(HostLock(claim, 5, 1) if claim else None, NOW)
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, lambda facts: replace(facts, lock=lock))
    return snapshot


class Moments(FakeSession):
    async def __aenter__(self) -> Moments:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def watch(self) -> AsyncIterator[ClusterStatus]:
        for second, snapshot in enumerate(
            (
                healthy(),
                degraded(),
                degraded(),
                healthy(),
                locked(healthy(), CLAIM),
                locked(healthy(), None),
            )
        ):
            yield self.status_of(replace(snapshot, observed_at=NOW + timedelta(seconds=second)))


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: Moments())


def test_each_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert haconsole(["watch", "lab.yaml"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    closed = [line for line in lines if "● resolved " in line]
    opened = [line for line in lines if line not in closed][:-1]
    assert opened
    assert all("03:00:02Z ✖ critical" in line or "03:00:02Z ▲ warning" in line for line in opened)
    assert len(opened) == len(closed) == len(set(opened))
    assert lines[-1].endswith("■ backup has ended: unknown, run 20260301T030000Z-backup-ab12")


def test_the_hook_gets_what_json_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert haconsole(["watch", "lab.yaml", "--json", "--hook", f"sh -c 'cat >>{tmp_path}/lines'"]) == ExitCode.OK
    output = capsys.readouterr().out
    assert output == (tmp_path / "lines").read_text()
    assert {json.loads(line)["kind"] for line in output.splitlines()} == {
        "finding-opened",
        "finding-closed",
        "run-ended",
    }


def test_a_failing_hook_does_not_end_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert haconsole(["watch", "lab.yaml", "--hook", "false"]) == ExitCode.OK
    assert "hook: false ended with status 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "environment", "begin"),
    [
        (["--notify", "osc9"], {}, "\x1b]9;haconsole lab: "),
        (["--notify", "osc99"], {}, "\x1b]99;;haconsole lab: "),
        (["--notify", "auto"], {"TERM": "foot"}, "\x1b]777;notify;haconsole lab;"),
        ([], {"HACONSOLE_NOTIFY": "osc9"}, "\x1b]9;"),
        (["--bell"], {}, "\x07"),
    ],
)
def test_the_terminal_is_notified_once_for_each_event(
    words: list[str], environment: dict[str, str], begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, printed = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", printed)
    monkeypatch.delenv("TMUX", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert haconsole(["watch", "lab.yaml", *words]) == ExitCode.OK
    assert terminal.getvalue().count(begin) == len(printed.getvalue().splitlines())


def test_nothing_but_text_is_printed_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert haconsole(["watch", "lab.yaml", "--notify", "osc9"]) == ExitCode.OK
    assert "\x1b" not in capsys.readouterr().err
