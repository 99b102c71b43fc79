"""Steps that stop services, reload them, rename files, and rewrite a file without a reload."""

from __future__ import annotations

from hashlib import sha256

from haconsole.actions.build import START_S, File, ran_before, step_id, stopped
from haconsole.actions.checks import Check, FileIs, FilesAbsent, ServiceRunning
from haconsole.actions.operations import RunCommand, UndoByCommand, UndoByRestoringFiles
from haconsole.actions.step import Step
from haconsole.model.names import HostName
from haconsole.scripts import load_script

STOP = load_script("stop-units")

SET_ASIDE = load_script("rename-old")

BRING_BACK = load_script("rename-back")

REWRITE = load_script("rewrite-file")


def file_test(program: str, path: str) -> str:
    """The command by which haproxy or keepalived tests a file that may be the site's own.

    keepalived ends with 6 where its only complaint is that script_security is off: it loads such a file.
    """
    return f"haproxy -c -q -f {path}" if program == "haproxy" else f"keepalived -t -f {path} || [ $? -eq 6 ]"


def stop_step(what: str, host: str, units: tuple[str, ...], *, title: str, why: str, phase: str) -> Step:
    """Stop and disable `units` on `host`."""
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", STOP, "stop", *units), timeout_s=START_S),
        verification=(stopped(*units),),
        undo=UndoByCommand(
            RunCommand(("systemctl", "enable", "--now", *units), timeout_s=START_S),
            tuple(ServiceRunning(unit) for unit in units),
        ),
        phase=phase,
    )


def reload_step(
    what: str,
    host: str,
    unit: str,
    *,
    title: str,
    why: str,
    phase: str,
    newer_than: tuple[str, ...],
    test: str,
    also: tuple[Check, ...] = (),
    verify_within_s: float = 60.0,
) -> Step:
    """Reload the files of the running `unit` without an interruption; `test` must accept them first."""
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", f"{test}; systemctl reload-or-restart {unit}"), timeout_s=START_S),
        verification=(ServiceRunning(unit, newer_than, reloads=True), *also),
        undo=ran_before(unit),
        verify_within_s=verify_within_s,
        phase=phase,
    )


def set_aside_step(
    what: str,
    host: str,
    paths: tuple[str, ...],
    end: str,
    *,
    title: str,
    why: str,
    phase: str,
    stop: str | None = None,
) -> Step:
    """Rename `paths` on `host`, each getting ``.END`` at its end; the unit `stop` is stopped first."""
    command = f"systemctl stop {stop} 2>/dev/null || :\n{SET_ASIDE}" if stop else SET_ASIDE
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", command, "aside", end, *paths)),
        verification=(FilesAbsent(paths, "not renamed"),),
        undo=RunCommand(("sh", "-ec", BRING_BACK, "back", end, *paths)),
        phase=phase,
    )


def rewrite_step(what: str, host: str, file: File, *, title: str, why: str, phase: str) -> Step:
    """Write `file` with the timestamp of the previous one, so that nothing has to be started again for it."""
    digest = sha256(file.content.encode()).hexdigest()
    words = ("rewrite", file.path, f"{file.mode:o}", file.owner)
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", REWRITE, *words), stdin=file.content),
        verification=(FileIs(file.path, digest, file.mode, file.owner),),
        undo=UndoByRestoringFiles((file.path,)),
        phase=phase,
    )
