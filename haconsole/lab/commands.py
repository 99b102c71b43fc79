"""Commands on this machine: run with a deadline; failures raise a readable error."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from haconsole.lab.errors import LabError

SEARCH_PATH = ":".join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""Where tools are looked for: the caller's PATH, and where Debian keeps root's tools."""


def run(
    argv: tuple[str, ...],
    *,
    stdin: str | None = None,
    deadline_s: float = 30.0,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a command and return its standard output; raises LabError with its standard error when it fails."""
    result = attempt(argv, stdin=stdin, deadline_s=deadline_s, environment=environment, folder=folder)
    if result.returncode != 0:
        message = result.stderr.strip() or result.stdout.strip() or f"exit status {result.returncode}"
        raise LabError(f"`{shlex.join(argv)}` failed: {message}")
    return result.stdout


def attempt(
    argv: tuple[str, ...],
    *,
    stdin: str | None = None,
    deadline_s: float = 30.0,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command that may fail; raises LabError only when it is missing or takes longer than `deadline_s`."""
    try:
        return subprocess.run(
            argv,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_s,
            env=environment or {**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
            cwd=folder,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"`{argv[0]}` is not installed on this machine", hint="run `haconsole lab prepare`") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{shlex.join(argv)}` did not end within {deadline_s:g} s") from None
