"""Builders of steps for every action: write a file, start a unit, check something."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from haconsole.actions.checks import Check, CommandSucceeds, FileIs, ServiceRunning
from haconsole.actions.operations import (
    LeftByUndo,
    Nothing,
    RunCommand,
    Undo,
    UndoByCommand,
    UndoByRestoringFiles,
    WriteFile,
)
from haconsole.actions.step import Step
from haconsole.model.hosts import ServiceState
from haconsole.model.names import HostName, StepId
from haconsole.scripts import load_script

START_S = 120.0

STOPPED = load_script("check-units-stopped")


NOT_ACTIVE = '! systemctl is-active --quiet "$1"'


class File(msgspec.Struct, frozen=True):
    """A file to put in place."""

    path: str
    content: str
    mode: int = 0o644
    owner: str = "root:root"


def step_id(what: str, host: str) -> StepId:
    """``etcd.unit@cp1``: the operation and its host."""
    return StepId(f"{what}@{host}")


def write_step(
    what: str,
    host: str,
    file: File,
    *,
    title: str,
    why: str,
    phase: str,
    needs: tuple[StepId, ...] = (),
    precondition: tuple[Check, ...] = (),
) -> Step:
    """Write `file` on `host`; done if the same file already exists."""
    digest = sha256(file.content.encode()).hexdigest()
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=WriteFile(file.path, file.content, file.mode, file.owner),
        precondition=precondition,
        verification=(FileIs(file.path, digest, file.mode, file.owner),),
        undo=UndoByRestoringFiles((file.path,)),
        needs=needs,
        phase=phase,
    )


def start_step(
    what: str,
    host: str,
    unit: str,
    *,
    title: str,
    why: str,
    phase: str,
    newer_than: tuple[str, ...],
    needs: tuple[StepId, ...],
    undo: Undo | None = None,
    test: str = "",
    also: tuple[Check, ...] = (),
    verify_within_s: float = 60.0,
    reloads: bool = False,
    vips_pause: bool = False,
    precondition: tuple[Check, ...] = (),
    companions: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Step:
    """Run `unit` with its current files: enabled, and started after each of `newer_than` was written.

    Units `companions` it, each with its own such files, are started in the same command: systemd orders them. `test` is
    a command that must accept the configuration first; `also` are checks beyond the unit's own state. With `reloads` a
    reload since then is as good as a start. For `vips_pause` see `RunCommand`. Enabling also has systemd reload its
    files (systemctl(1)). If the unit does not start, its last log lines are shown.
    """
    every = {unit: newer_than, **companions}
    units = " ".join(every)
    own = " ".join(f"_SYSTEMD_UNIT={one}" for one in every)
    why_not = f"{{ journalctl -q --no-pager -o cat -n 5 {own} >&2; exit 1; }}"
    lines = (test, f"systemctl enable --quiet {units}", f"systemctl restart {units} || {why_not}")
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", "; ".join(filter(None, lines))), timeout_s=START_S, vips_pause=vips_pause),
        precondition=precondition,
        verification=(*(ServiceRunning(one, files, reloads) for one, files in every.items()), *also),
        undo=undo or stop_unit(unit),
        needs=needs,
        verify_within_s=verify_within_s,
        phase=phase,
    )


def at_once(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Starts that wait for each other, like etcd members for a majority: none ends before the others have begun."""
    ids = tuple(step.id for step in steps)
    return tuple(replace(step, starts_with=tuple(one for one in ids if one != step.id)) for step in steps)


def stop_unit(unit: str) -> UndoByCommand:
    return UndoByCommand(RunCommand(("systemctl", "disable", "--now", unit), timeout_s=START_S), (stopped(unit),))


def stopped(*units: str) -> CommandSucceeds:
    """None of `units` runs or starts with its host."""
    means = f"{', '.join(units)} stopped and disabled"
    return script(STOPPED, "stopped", *units, means=means, problem="a unit still runs or is enabled")


def stopped_now(unit: str) -> CommandSucceeds:
    """`unit` does not run; whether it is enabled does not change."""
    return script(NOT_ACTIVE, "stopped", unit, means=f"{unit} is stopped", problem=f"{unit} still runs")


RESTORE_UNIT = load_script("restore-unit")

UNIT_RESTORED = load_script("check-unit-restored")


def restore_unit(unit: str, before: ServiceState | None, files: tuple[str, ...], folder: str = "") -> UndoByCommand:
    """Undo for setting up a distribution's unit: enabled or not and running or not as it was `before`.

    Its `files` are restored first. `folder` is the folder under /run that the unit's processes need, if any.
    """
    enabled = {True: "yes", False: "no", None: "-"}[before.enabled if before and before.exists else False]
    words = (unit, enabled, "yes" if before is not None and before.running else "no", folder)
    folders = tuple(dict.fromkeys(path.rpartition("/")[0] for path in files))
    state = f"{'enabled' if enabled == 'yes' else 'not enabled'} and {'running' if words[2] == 'yes' else 'stopped'}"
    restored = script(
        UNIT_RESTORED,
        "restored",
        *words,
        *folders,
        means=f"{unit} is {state} as before",
        problem="the unit's state is not as before",
    )
    command = RunCommand(("sh", "-ec", RESTORE_UNIT, "restore", *words), timeout_s=START_S)
    return UndoByCommand(command, (restored,), after_files=True)


def ran_before(unit: str) -> LeftByUndo:
    """Undo for the restart of a unit that ran before: stopping it would not restore that state."""
    return LeftByUndo(
        f"the unit ran before this step; after its files are restored, restart it: systemctl restart {unit}"
    )


def look_step(
    what: str,
    host: str,
    checks: tuple[Check, ...],
    *,
    title: str,
    why: str,
    phase: str,
    needs: tuple[StepId, ...] = (),
    wait_s: float = 0.0,
) -> Step:
    """A step without changes that waits up to `wait_s` until `checks` hold.

    Without a wait the checks are also preconditions, so that a failure is the reason not to start.
    """
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=Nothing(),
        precondition=() if wait_s else checks,
        verification=checks,
        needs=needs,
        verify_within_s=wait_s,
        phase=phase,
    )


def script(text: str, name: str, *words: str, means: str, problem: str, timeout_s: float = 15.0) -> CommandSucceeds:
    """A shell script as a check; `words` are its ``$1 …`` and `name` is its name in messages."""
    return CommandSucceeds(("sh", "-c", text.strip(), name, *words), problem, timeout_s, means)
