"""Holds every text to the project's wording: python -m tests.lint.language [--update] [PATH...]

`baseline.txt` has the number of problems still allowed for each file. It may only shrink: a file with more problems
fails, and so does a number that is higher than what is left.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import yaml

from .rules import Problem, problems_of
from .texts import texts_of

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
BASELINE = HERE / "baseline.txt"
EXCEPTIONS = HERE / "exceptions.yaml"
READ = ("*.py", "*.md", "sample-inventories/*.yaml", "themes/*.yaml", "Makefile", "pyproject.toml", "tests/tools/*")

Exceptions = tuple[Mapping[str, str], ...]


def main(arguments: list[str]) -> int:
    paths = [argument for argument in arguments if not argument.startswith("--")]
    problems = problems_in(paths or tracked_files(), load_exceptions())
    if "--update" in arguments:
        write_baseline(Counter(problem.text.path for problem in problems))
        return 0
    failures = list(map(str, problems)) if paths else compared(problems, read_baseline())
    print("\n".join(failures) or "language: no new problem")
    return 1 if failures else 0


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
        and fnmatch(problem.found.lower(), exception.get("word", "*"))
        and exception.get("in", "").lower() in problem.text.content.lower()
    )


def read_baseline() -> Counter[str]:
    """Problems still allowed, by path."""
    lines = BASELINE.read_text().splitlines() if BASELINE.exists() else []
    return Counter({path: int(count) for count, path in (line.split(maxsplit=1) for line in lines)})


def write_baseline(counts: Counter[str]) -> None:
    BASELINE.write_text("".join(f"{count} {path}\n" for path, count in sorted(counts.items()) if count))


def compared(problems: list[Problem], baseline: Counter[str]) -> list[str]:
    """A line for each problem of a file that has more than its baseline, and for each number that can be lowered."""
    counts = Counter(problem.text.path for problem in problems)
    grown = [str(problem) for problem in problems if counts[problem.text.path] > baseline[problem.text.path]]
    high = [
        f"{BASELINE.name}: {path} has {counts[path]} problems, not {allowed}: python -m tests.lint.language --update"
        for path, allowed in sorted(baseline.items())
        if counts[path] < allowed
    ]
    return grown + high


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
