"""The account, the files and the limits of a unit."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class FileCondition(StrEnum):
    """Whether the account of a unit can use a file that the unit names."""

    USABLE = "usable"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNWRITABLE = "unwritable"
    EMPTY = "empty"
    NOT_EXECUTABLE = "not-executable"


class NeededFile(msgspec.Struct, frozen=True):
    """A file or folder that a unit names; `name` is the flag or variable, ``unit-file``, ``program`` or the like.

    A folder that etcd makes inside of its data folder has the name ``member-folder``.
    """

    name: str
    path: str
    state: FileCondition
    written_at: datetime | None = None
    servers: tuple[str, ...] = ()
    """The servers of a kubeconfig."""
    digest: str = ""
    """The SHA-256 of a unit or environment file that haconsole wrote, without etcd's initial cluster; else empty."""
    settings: tuple[str, ...] = ()
    """``NAME=VALUE`` of a unit file or drop-in that haconsole did not write, without values of environments."""


class Limits(msgspec.Struct, frozen=True):
    """The limits of a unit's control group, and how far they are used; None: no limit."""

    throttled_share: float | None = None
    """The share of the processor's periods in which the unit had to wait for its quota."""
    memory_bytes: int | None = None
    memory_used_bytes: int = 0
    memory_kills: int = 0
    tasks: int | None = None
    tasks_used: int = 0
    tasks_refused: int = 0


class UnitSetup(msgspec.Struct, frozen=True):
    """One unit, without ``.service``. `reload_needed`: systemd has an older version of its unit file in memory."""

    name: str
    files: tuple[NeededFile, ...] = ()
    limits: Limits = Limits()
    missing_account: str = ""
    reload_needed: bool = False
