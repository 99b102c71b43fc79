"""Holds every text to the project's wording: python -m tests.lint.language [PATH...]

Any problem fails; `exceptions.yaml` lists the texts that the rules leave alone, with the reasons.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import yaml

from .rules import Problem, problems_of
from .texts import texts_of

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
EXCEPTIONS = HERE / "exceptions.yaml"
READ = (
    "*.py",
    "*.md",
    "*.sh",
    "sample-inventories/*.yaml",
    "themes/*.yaml",
    "Makefile",
    "pyproject.toml",
    "tests/tools/*",
)

Exceptions = tuple[Mapping[str, str], ...]


def main(paths: list[str]) -> int:
    problems = problems_in(paths or tracked_files(), load_exceptions())
    print("\n".join(map(str, problems)) or "language: no problem")
    return 1 if problems else 0


def tracked_files() -> list[str]:
    """Paths of all files that are read, relative to the repository."""
    listed = subprocess.run(("git", "ls-files", *READ), cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(set(listed.stdout.split()))


def load_exceptions() -> Exceptions:
    return tuple(yaml.safe_load(EXCEPTIONS.read_text()))


def problems_in(paths: Iterable[str], exceptions: Exceptions) -> list[Problem]:
    """All problems of the files, without those that an exception allows."""
    return [
        problem
        for path in paths
        if (ROOT / path).is_file()
        for text in texts_of(path, (ROOT / path).read_text())
        for problem in problems_of(text)
        if not any(_allows(exception, problem) for exception in exceptions)
    ]


def _allows(exception: Mapping[str, str], problem: Problem) -> bool:
    """An exception allows a word within a phrase (`in`), in some files (`files`), or both."""
    return (
        fnmatch(problem.text.path, exception.get("files", "*"))
        and fnmatch(problem.words.lower(), exception.get("word", "*"))
        and exception.get("in", "").lower() in problem.text.content.lower()
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
