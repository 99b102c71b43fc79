"""Steps that stop services, reload them, set things aside, and rewrite a file that need not be taken up."""

from __future__ import annotations

from hashlib import sha256

from haconsole.actions.build import START_S, File, ran_before, step_id, stopped
from haconsole.actions.checks import Check, FileIs, FilesAbsent, ServiceRunning
from haconsole.actions.operations import PutBack, RunCommand, TakeBack
from haconsole.actions.step import Step
from haconsole.model.names import HostName

STOP = r"""
for unit in "$@"; do
  [ "$(systemctl show -p LoadState --value -- "$unit")" = not-found ] || systemctl disable --now --quiet "$unit"
done
"""
"""Words: units; one that does not exist needs no stopping."""

SET_ASIDE = r"""
end=$1; shift
for path in "$@"; do [ ! -e "$path" ] || mv -T -- "$path" "$path.$end"; done
"""
"""Words: what to add to the names, and paths; those that are not there are fine."""

BRING_BACK = r"""
end=$1; shift
for path in "$@"; do [ ! -e "$path.$end" ] || mv -T -- "$path.$end" "$path"; done
"""
"""Words: what was added to the names, and paths."""

REWRITE = r"""
path=$1 mode=$2 owner=$3; folder=${path%/*} name=${path##*/}
umask 077; cat >"$path.new"; chmod "$mode" "$path.new"; chown "$owner" "$path.new"
if [ -f "$path" ]; then
  aside=$folder/.$name.$HACONSOLE_ASIDE; [ -e "$aside" ] || cp -a -- "$path" "$aside"
  touch -r "$path" -- "$path.new"
  echo "wrote $path; the file before it is $aside"
fi
sync -- "$path.new"; mv -T -- "$path.new" "$path"
"""
"""Words: file, mode, owner; the content is read from standard input, the time of the file before it is kept.

HACONSOLE_ASIDE is what the name of the file's copy ends with; whoever performs commands sets it.
"""


def stop_step(what: str, host: str, units: tuple[str, ...], *, title: str, why: str, phase: str) -> Step:
    """Stop `units` on `host` and keep them from starting with it."""
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", STOP.strip(), "stop", *units), timeout_s=START_S),
        verification=(stopped(*units),),
        undo=TakeBack(
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
    """Have `unit`, which runs, take up its files without an interruption; `test` must accept them first."""
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
    command = f"systemctl stop {stop} 2>/dev/null || :\n{SET_ASIDE.strip()}" if stop else SET_ASIDE.strip()
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", command, "aside", end, *paths)),
        verification=(FilesAbsent(paths, "not set aside"),),
        undo=RunCommand(("sh", "-ec", BRING_BACK.strip(), "back", end, *paths)),
        phase=phase,
    )


def rewrite_step(what: str, host: str, file: File, *, title: str, why: str, phase: str) -> Step:
    """Put `file` in place with the time of the one before it, so that nothing needs to be started again for it."""
    digest = sha256(file.content.encode()).hexdigest()
    words = ("rewrite", file.path, f"{file.mode:o}", file.owner)
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=RunCommand(("sh", "-ec", REWRITE.strip(), *words), stdin=file.content),
        verification=(FileIs(file.path, digest, file.mode, file.owner),),
        undo=PutBack((file.path,)),
        phase=phase,
    )
