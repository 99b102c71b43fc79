"""The record of a run: what is written, when, how it reads back, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.events import Outcome, RunDone, RunId
from haconsole.execution.log.run_log import OUTPUT_KEPT, Operator, RunHeader, RunLog, RunLogError, run_id, runs_folder
from haconsole.execution.log.run_record import StepState, read_run, run_paths
from haconsole.model.names import HostName, StepId
from haconsole.model.secret import Secret
from haconsole.transport.redact import MASK, redact
from tests.unit.execution.local import FastClock

ONE, TWO = StepId("one@cp1"), StepId("two@cp1")
HEADING = RunHeader(RunId("r1"), datetime.now(UTC), Operator("root", "laptop", 42), "/etc/lab.yaml", "ab" * 32)


def step(name: StepId) -> Step:
    return Step(id=name, title="t", why="w", host=HostName("cp1"), operation=RunCommand(("true",)))


PLAN = Plan("bootstrap", "lab", (step(ONE), step(TWO)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runs" / "r1.jsonl"


@pytest.fixture
def run_log(path: Path) -> RunLog:
    return RunLog(path, FastClock(), lambda text: text.replace("hunter2", "***"))


async def test_a_complete_run_reads_back(run_log: RunLog, path: Path) -> None:
    await run_log.log_run(HEADING, PLAN)
    await run_log.log_already_done(ONE)
    await run_log.log_intent(TWO, 1)
    await run_log.log_result(TWO, Outcome.DONE, "said", None)
    await run_log.log_verification(TWO, ())
    end = RunDone(RunId("r1"), FastClock().now(), Outcome.DONE, 2.5, 1, 1, 0)
    await run_log.log_end(end)
    read = read_run(path)
    assert read.plan == PLAN
    assert (read.header.run, read.header.operator, read.header.inventory) == (
        "r1",
        HEADING.operator,
        "/etc/lab.yaml",
    )
    assert [(one.state, one.attempts) for one in read.steps] == [(StepState.ALREADY, 0), (StepState.VERIFIED, 1)]
    assert read.step(TWO).output == "said"
    assert read.outcome is Outcome.DONE
    assert read.end == replace(end, at=read.end.at if read.end else end.at)
    assert read.torn_lines == 0


async def test_folder_and_file_are_private(run_log: RunLog, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_each_line_is_on_disk_before_the_call_returns(
    run_log: RunLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    really = os.fsync

    def fsync(file: int) -> None:
        really(file)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    await run_log.log_intent(ONE, 1)
    assert synced == [path.stat().st_size]
    await run_log.log_result(ONE, Outcome.DONE, "", None)
    assert synced == [synced[0], path.stat().st_size]


async def test_an_intent_without_outcome_is_unknown(run_log: RunLog, path: Path) -> None:
    await run_log.log_run(HEADING, PLAN)
    await run_log.log_intent(ONE, 1)
    read = read_run(path)
    assert read.step(ONE).state is StepState.UNKNOWN
    assert read.step(TWO).state is StepState.NOT_STARTED
    assert read.outcome is None


@pytest.mark.parametrize(
    ("outcome", "problems", "state"),
    [
        (Outcome.FAILED, None, StepState.FAILED),
        (Outcome.UNKNOWN, None, StepState.UNKNOWN),
        (Outcome.DONE, None, StepState.PERFORMED),
        (Outcome.DONE, ("not there",), StepState.FAILED),
        (Outcome.UNKNOWN, (), StepState.VERIFIED),
        (Outcome.UNKNOWN, ("not there",), StepState.UNKNOWN),
    ],
)
async def test_states_stay_apart(
    run_log: RunLog, path: Path, outcome: Outcome, problems: tuple[str, ...] | None, state: StepState
) -> None:
    await run_log.log_run(HEADING, PLAN)
    await run_log.log_intent(ONE, 1)
    await run_log.log_result(ONE, outcome, "", None)
    if problems is not None:
        await run_log.log_verification(ONE, problems)
    assert read_run(path).step(ONE).state is state


async def test_a_torn_last_line_is_tolerated_and_closed_by_the_next_writer(run_log: RunLog, path: Path) -> None:
    await run_log.log_run(HEADING, PLAN)
    with path.open("ab") as file:
        file.write(b'{"kind": "intent", "at": "20')
    assert read_run(path).torn_lines == 1
    run_log.close()
    second = RunLog(path, FastClock(), str)
    await second.log_intent(ONE, 2)
    read = read_run(path)
    assert (read.torn_lines, read.step(ONE).attempts) == (1, 2)


async def test_secrets_are_redacted_and_endless_output_is_shortened(run_log: RunLog, path: Path) -> None:
    await run_log.log_result(ONE, Outcome.FAILED, "x" * 10_000_000 + "password hunter2", "output hunter2")
    text = path.read_text()
    assert "hunter2" not in text
    assert len(text) < 100_000
    assert json.loads(text)["output"].endswith("password ***")


async def test_a_line_that_did_not_fit_leaves_no_half_behind(
    run_log: RunLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run_log.log_run(HEADING, PLAN)
    before = path.read_bytes()
    really, room = os.write, [7]

    def nearly_full(file: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(file, data[: room.pop()])

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(RunLogError):
        await run_log.log_intent(ONE, 1)
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "write", really)
    await run_log.log_intent(ONE, 2)
    assert (read_run(path).torn_lines, read_run(path).step(ONE).attempts) == (0, 2)


WORDS = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxABCDEF0123456789!$%&/()=?+#@-_.:;<>|"), min_size=6, max_size=40
)


@given(WORDS, st.text("é ü\n", max_size=200), st.integers(OUTPUT_KEPT - 60, OUTPUT_KEPT + 60))
@settings(max_examples=80, deadline=None)
def test_no_part_of_a_known_secret_reaches_the_record_wherever_the_text_is_cut(
    word: str, around: str, after: int
) -> None:
    assume(word not in MASK and not word.startswith("-----"))
    message = f"{around} {word}{'Y' * after}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r1.jsonl"
        run_log = RunLog(path, FastClock(), partial(redact, secrets=(Secret(word),)))
        asyncio.run(run_log.log_result(ONE, Outcome.FAILED, message, f"error: {message}"))
        run_log.close()
        line = json.loads(path.read_text())
    for text in (line["output"], line["error"]):
        assert word not in text
        assert not any(text.startswith(f"{word[n:]}Y") for n in range(len(word)))


async def test_the_error_of_a_full_disk_has_a_hint(
    run_log: RunLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunLogError, match="No space left on device; free up space"):
        await run_log.log_intent(ONE, 1)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunLogError, match="Not a directory"):
        RunLog(tmp_path / "file" / "runs" / "r1.jsonl", FastClock(), str)


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b'{"kind": "intent", "at": "2026-01-01T00:00:00+00:00"}\n'])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(HaconsoleError, match="does not begin like a run log"):
        read_run(path)


def test_runs_are_named_and_listed_by_time(tmp_path: Path) -> None:
    old = run_id("bootstrap", datetime(2026, 1, 1, 3, tzinfo=UTC), "4f1c")
    new = run_id("bootstrap", datetime(2026, 1, 2, 3, tzinfo=UTC), "0000")
    assert old == "20260101T030000Z-bootstrap-4f1c"
    for name in (old, new):
        (tmp_path / f"{name}.jsonl").touch()
    assert [path.stem for path in run_paths(tmp_path)] == [new, old]
    assert run_paths(tmp_path / "none") == ()


def test_where_runs_are_kept() -> None:
    assert runs_folder({"HOME": "/root"}) == Path("/root/.local/state/haconsole/runs")
    assert runs_folder({}) == Path.home() / ".local/state/haconsole/runs"
    assert runs_folder({"HOME": "/root", "XDG_STATE_HOME": "/s"}) == Path("/s/haconsole/runs")
