"""Commands that outlive the connection: started once on the host, waited for, and picked up again after a loss.

Each has a private folder on its host, ``RUN_DIR/RUN/STEP.ATTEMPT``: in, out, err, pid and status.
Making that folder claims the command: whoever finds it made waits for the status instead of starting again. A command
of another run that is still at the same step is waited for too, and then looked up instead of run once more. Under
systemd it has a scope of its own, so that it is not counted to the login and ended with it (logind.conf(5),
KillUserProcesses).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from haconsole.actions.step import StepId
from haconsole.execution.clock import Clock
from haconsole.execution.events import RunId
from haconsole.execution.script import run_script
from haconsole.model.observed import Cause
from haconsole.transport.base import Argv, Completed, HostTransport, TransportError

BEGIN = r"""umask 077; mkdir -p -- "$1" && cat /proc/sys/kernel/random/boot_id"""

SCRIPT = r"""
boot=$1; d=$2; limit=$3; keep=$4; shift 4
if [ "$(cat /proc/sys/kernel/random/boot_id)" != "$boot" ]; then echo rebooted; exit 0; fi
umask 077
keeper='d=$1; limit=$2; shift 2; echo $$ >"$d/pid"; umask 022
  timeout -k 5 "$limit" "$@" <"$d/in" >"$d/out" 2>"$d/err"
  echo $? >"$d/status.new"; mv -- "$d/status.new" "$d/status"'
runs() { [ -e "$1/pid" ] && [ ! -e "$1/status" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; }
name=${d##*/}
for other in "${d%/*/*}"/*/"${name%.*}".*; do
  if [ "$other" != "$d" ] && runs "$other"; then
    while runs "$other"; do sleep 0.1; done
    echo elsewhere; exit 0
  fi
done
if mkdir -- "$d" 2>/dev/null; then
  cat >"$d/in"
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
    setsid systemd-run --quiet --scope --collect -- sh -c "$keeper" step "$d" "$limit" "$@" </dev/null >/dev/null 2>&1 &
    wait $!
  fi
  if [ ! -e "$d/pid" ]; then
    setsid sh -c "$keeper" step "$d" "$limit" "$@" </dev/null >/dev/null 2>&1 &
    wait $!
  fi
else
  cat >/dev/null
  [ -d "$d" ] || { echo "cannot make $d: $(mkdir -- "$d" 2>&1)" >&2; exit 1; }
  tries=0
  while [ ! -e "$d/status" ]; do
    if [ -e "$d/pid" ] && ! kill -0 "$(cat "$d/pid")" 2>/dev/null && [ ! -e "$d/status" ]; then break; fi
    if [ ! -e "$d/pid" ] && [ "$tries" -ge 50 ]; then break; fi
    tries=$((tries + 1)); sleep 0.1
  done
fi
if [ -e "$d/status" ]; then echo "ended $(cat "$d/status")"; else echo lost; fi
tail -c "$keep" "$d/err" >&2 2>/dev/null
tail -c "$keep" "$d/out" 2>/dev/null
exit 0
"""

END = r"""rm -rf -- "$1"; rmdir -- "${1%/*}" 2>/dev/null; exit 0"""

KEEP_BYTES = 64 * 1024
STOPPED = (124, 137)
_UNSAFE = re.compile(r"[^A-Za-z0-9.@_-]")


@dataclass(frozen=True, slots=True)
class Ended:
    """The command ended by itself or was stopped at its limit; the last 64 KiB of each stream."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class NeverHeard:
    """The command was started and its end is not known; `why` is a sentence, `stderr` what it had said."""

    why: str
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The host refused before the command was started."""

    why: str


class DetachedCommands:
    """The commands of one run on one host."""

    def __init__(self, transport: HostTransport, clock: Clock, run_dir: str, run: RunId) -> None:
        self._transport = transport
        self._clock = clock
        self._folder = f"{run_dir}/{_UNSAFE.sub('_', run)}"
        self._boot: str | None = None

    async def begin(self) -> str:
        """Make the run's folder on the host, once; returns the host's boot ID."""
        if self._boot is None:
            done = await run_script(self._transport, BEGIN, (self._folder,))
            if not done.ok:
                what = f"could not make {self._folder}: {done.stderr.strip()}"
                raise TransportError(self._transport.host, Cause.OTHER, what)
            self._boot = done.stdout.strip()
        return self._boot

    async def run(
        self, step: StepId, attempt: int, argv: Argv, *, stdin: str | None, timeout_s: float
    ) -> Ended | NeverHeard | NotStarted:
        """Run `argv` as root, or wait for it where it was started before; survives lost connections.

        The command itself is stopped after `timeout_s`; its end is waited for half a minute longer, across reconnects.
        """
        boot = await self.begin()
        folder = f"{self._folder}/{_UNSAFE.sub('_', step)}.{attempt}"
        words = (boot, folder, f"{timeout_s:g}", str(KEEP_BYTES), *argv)
        until = self._clock.monotonic() + timeout_s + 30
        why = ""
        pause = 0.2
        while (left := until - self._clock.monotonic()) > 0:
            try:
                done = await run_script(self._transport, SCRIPT, words, stdin=(stdin or "").encode(), deadline_s=left)
            except TransportError as error:
                why = str(error)
            else:
                if done.exit_status is not None:
                    return _read(done)
                why = f"{self._transport.host}: the connection was lost while the command ran"
            await self._clock.sleep(pause)
            pause = min(pause * 2, 3.0)
        return NeverHeard(why or f"{self._transport.host}: the command's end was not heard in time")

    async def end(self) -> None:
        """Remove the run's folder from the host, if one was made."""
        if self._boot is not None:
            await run_script(self._transport, END, (self._folder,))


def _read(done: Completed) -> Ended | NeverHeard | NotStarted:
    head, _, stdout = done.stdout.partition("\n")
    match head.split():
        case ["ended", status] if status.isdecimal():
            return Ended(int(status), stdout, done.stderr)
        case ["lost"]:
            return NeverHeard("the command was killed before it ended", stdout, done.stderr)
        case ["elsewhere"]:
            return NeverHeard("a run that broke off had begun it, and it was still under way; it has ended since")
        case ["rebooted"]:
            return NeverHeard("the host was restarted while the command ran")
        case _:
            return NotStarted(done.stderr.strip() or f"unexpected answer {head!r} (exit {done.exit_status})")
