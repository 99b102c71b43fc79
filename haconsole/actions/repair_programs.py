"""Repairs of programs' own settings: a unit's drop-ins and limits, sshd's sessions."""

from __future__ import annotations

from haconsole.actions.build import script
from haconsole.actions.checks import Check, ServiceRunning
from haconsole.actions.repair_step import repair_step, undo_by
from haconsole.actions.restart import SERVICES
from haconsole.actions.step import Step
from haconsole.model.hosts import HostFacts
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

KEPT = "haconsole-removed"
"""Suffix of renamed drop-ins; systemd reads only files that end in ``.conf``."""
LIMITS = (
    "CPUQuota|CPUQuotaPeriodSec|AllowedCPUs|CPUWeight|CPUShares|MemoryMax|MemoryHigh|MemoryLimit|MemorySwapMax|TasksMax"
    "|IOWeight|IOReadBandwidthMax|IOWriteBandwidthMax|IOReadIOPSMax|IOWriteIOPSMax|BlockIO[A-Za-z]*"
)
"""Settings of systemd.resource-control(5) that limit a unit."""
MAX_SESSIONS = "10"
"""sshd's default."""

DROP_INS, SESSIONS = load_script("rename-drop-ins"), load_script("ssh-sessions")


def drop_ins(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """The drop-ins of a failing unit."""
    why = f"The unit fails with these settings. The drop-ins stay in their folders, with .{KEPT} added to their names."
    return _renamed(facts, target, "drop-ins", f"Rename the drop-ins of {target} and restart it", why)


def limits(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """Only drop-ins that set nothing but limits; one that sets more is a person's to edit."""
    why = (
        f"The limits throttle the unit, or its processes are killed. The drop-ins stay in their folders, with .{KEPT} "
        "added to their names."
    )
    return _renamed(facts, target, "limits", f"Rename the drop-ins that limit {target} and restart it", why, LIMITS)


def _renamed(facts: HostFacts, target: str, setting: str, title: str, why: str, *only: str) -> Step | str:
    if target not in SERVICES:
        return f"repair renames drop-ins only of the units {', '.join(SERVICES)}, not of {target}"
    name = f"{target}.service"
    reload = f"systemctl daemon-reload; systemctl reset-failed {name} 2>/dev/null || :"

    def argv(mode: str) -> tuple[str, ...]:
        failure = " || :" if mode == "back" else ""  # the unit failed before the repair, too
        restart = f"{reload}; systemctl restart {name}{failure}"
        return ("sh", "-ec", f"( {DROP_INS.strip()}\n)\n{restart}", "rename-drop-ins", mode, name, KEPT, *only)

    def check(mode: str, means: str, problem: str) -> Check:
        return script(DROP_INS, "rename-drop-ins", mode, name, KEPT, *only, means=means, problem=problem)

    what = "drop-in that only sets limits" if only else "drop-in"
    missing = f"{target} on {facts.host} has no {what}" + (": compare systemctl cat with another host" if only else "")
    some = check("some", f"{target} has a {what}", missing)
    mixed = check("mixed", "each drop-in sets only limits", "a drop-in has other settings too") if only else None
    return repair_step(
        facts,
        setting,
        title=title,
        why=why,
        command=argv("rename"),
        precondition=(*((mixed,) if mixed else ()), some),
        verification=(check("none", f"no {what} is left", f"a {what} is still there"), ServiceRunning(name)),
        undo=undo_by(some, *argv("back")),
        verify_within_s=90.0,
    )


def sessions(_: ClusterSnapshot, facts: HostFacts, __: str) -> Step | str:
    """A file of haconsole's own; no file of somebody else's is changed."""

    def check(mode: str, means: str, problem: str) -> Check:
        return script(SESSIONS, "ssh-sessions", mode, MAX_SESSIONS, means=means, problem=problem)

    enough = f"sshd allows {MAX_SESSIONS} sessions on one connection"
    return repair_step(
        facts,
        "sessions",
        title=f"Allow {MAX_SESSIONS} sessions on one SSH connection",
        why="haconsole sends several queries in parallel over one connection. A reload of sshd keeps all connections.",
        command=("sh", "-ec", SESSIONS, "ssh-sessions", "allow", MAX_SESSIONS),
        precondition=(check("few", "sshd allows fewer sessions", f"{enough} already"),),
        verification=(check("enough", enough, "sshd still allows fewer sessions"),),
        undo=undo_by(
            check("undone", "haconsole's file is gone", "haconsole's file is still there"),
            *("sh", "-ec", SESSIONS, "ssh-sessions", "undo", MAX_SESSIONS),
        ),
    )
