"""The lock of a cluster: which console may change it, as the hosts' own records tell."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.model.roles import Role

LOCK_ROLES = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)
"""Hosts with one of these roles keep the lock: they are what actions change, and what there is before any etcd."""
HEARTBEAT_S = 10.0
STALE_S = 30.0
"""A lock whose heartbeat is older than this is stale: its console is gone or cut off."""


@dataclass(frozen=True, slots=True)
class LockClaim:
    """Who claims the lock: `token` tells this claim from every other, `holder` is ``login@machine``.

    `process` says which process of which start of that machine it is, so that the machine itself can tell that it is
    gone; empty where a machine cannot tell.
    """

    token: str
    holder: str
    pid: int
    run: str
    action: str
    process: str = ""


@dataclass(frozen=True, slots=True)
class HostLock:
    """The record on one host: whole seconds since the claim and since the heartbeat, by the host's own clock.

    After a restart of the host the heartbeat is as old as that at least, and is told so.
    """

    claim: LockClaim
    held_s: int
    heartbeat_s: int
