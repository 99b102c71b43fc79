"""The lock of a cluster: the console that may change it, by the hosts' own records."""

from __future__ import annotations

import msgspec

HEARTBEAT_S = 10.0
STALE_S = 30.0
"""A lock whose heartbeat is older than this is stale: its console is gone or cut off."""


class LockClaim(msgspec.Struct, frozen=True):
    """The owner of a claim: `token` distinguishes this claim from every other, `holder` is ``login@machine``.

    `process` identifies the process and the boot of that machine, so that the machine itself can detect that it is
    gone; empty if a machine cannot provide it.
    """

    token: str
    holder: str
    pid: int
    run: str
    action: str
    process: str = ""


class HostLock(msgspec.Struct, frozen=True):
    """The record on one host: whole seconds since the claim and since the heartbeat, by the host's own clock.

    After a reboot of the host the heartbeat is at least as old as the reboot.
    """

    claim: LockClaim
    held_s: int
    heartbeat_s: int
