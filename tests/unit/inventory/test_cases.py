"""Each file of `cases` gets exactly the problems in the text file beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.inventory.load import examine

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SECRET = "hunter2"


def problem_lines(path: Path) -> str:
    problems = examine(path.read_bytes(), path.name, Path("/base")).problems
    return "".join(f"{problem}\n" for problem in problems)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_problems_are_those_that_were_written_down(path: Path) -> None:
    assert problem_lines(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_message_repeats_a_secret(path: Path) -> None:
    assert SECRET not in problem_lines(path)
    assert SECRET in path.read_bytes().decode("utf-8", "replace") or "secrets" not in path.stem


def test_there_are_cases() -> None:
    assert len(CASES) > 30
