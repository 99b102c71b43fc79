"""A command that haconsole ran on a host: its purpose, time and result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from haconsole.model.names import HostName


class Purpose(StrEnum):
    """The reason for a command. Only STEP changes hosts for an action; LOCK writes the cluster's lock."""

    PROBE = "probe"
    CHECK = "check"
    """Before or after a step: its preconditions, or its verification."""
    JOURNAL = "journal"
    LOCK = "lock"
    STEP = "step"


READS = frozenset({Purpose.PROBE, Purpose.CHECK, Purpose.JOURNAL})


class HostCommand(msgspec.Struct, frozen=True):
    """One command, or the same command `times` times, the last time at `at`; no secret is in it.

    `text` is a shell's line; of a script it is the name and the arguments.
    """

    host: HostName
    at: datetime
    purpose: Purpose
    text: str
    root: bool = False
    script: str = ""
    """The shell script that ran, complete; empty for a program with arguments."""
    input_bytes: int = 0
    """Further standard input, which is not kept."""
    exit_status: int | None = None
    """None if the result did not arrive, or there is none yet."""
    problem: str = ""
    """The reason why there is no result, or of a failure."""
    seconds: float | None = None
    """None while it runs."""
    run: str = ""
    times: int = 1
    operation: bool = False
    """Whether `text` is no command but describes a step that works by several commands or through an API."""
    is_failure: bool = False
    """Whether the problem is a known failure, and not a result that did not arrive."""
