"""Commands that outlive the connection: started once on the host, awaited, and found again after a lost connection.

Each has a private folder on its host, ``RUN_DIR/RUN/STEP.ATTEMPT``: in, out, err, pid and status. The folder does not
survive a reboot of the host; the boot ID distinguishes that from a command that was never started. The first MiB of
each output stream is kept, so that no command fills the host, and space for the status is reserved before the command
starts. Creating that folder claims the command: a process that finds it waits for the status instead of starting the
command again. A command of another run at the same step is also awaited, and then looked up instead of run again. Under
systemd it has its own scope, so that it is not part of the login and killed with it (logind.conf(5),
KillUserProcesses).
"""

from __future__ import annotations

import re

import msgspec

from haconsole.execution.clock import Clock
from haconsole.execution.events import RunId
from haconsole.execution.host.script import run_script
from haconsole.model.names import StepId
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import Argv, Completed, HostTransport, TransportError

BEGIN = load_script("detached-begin")

SCRIPT = load_script("detached-start")

PICK_UP = load_script("detached-pick-up")

END = load_script("detached-remove")

KEEP_BYTES = 64 * 1024
LONGER_S = 30.0
STOPPED = (124, 137)
_UNSAFE = re.compile(r"[^A-Za-z0-9.@_-]")


class Exited(msgspec.Struct, frozen=True):
    """The command exited or was stopped at its limit; the last 64 KiB of each stream."""

    status: int
    stdout: str
    stderr: str


class ContactLost(msgspec.Struct, frozen=True):
    """The command was started and its result is unknown; `why` is a sentence, `stderr` its output so far."""

    why: str
    stdout: str = ""
    stderr: str = ""


class HostRebooted(msgspec.Struct, frozen=True):
    """The host was rebooted since; `began` is true if the command may have started before."""

    began: bool


class NeverStarted(msgspec.Struct, frozen=True):
    """An earlier process meant to start the command and never did: the host, not rebooted since, has no trace of it."""


class LaunchFailed(msgspec.Struct, frozen=True):
    """The host refused before the command was started."""

    why: str


def folder_of(run_dir: str, run: str) -> str:
    """A run's folder on its hosts."""
    return f"{run_dir}/{_UNSAFE.sub('_', run)}"


def place_in(folder: str, step: str, attempt: int) -> str:
    """The folder of one attempt at a step, in its run's."""
    return f"{folder}/{_UNSAFE.sub('_', step)}.{attempt}"


class DetachedCommands:
    """The commands of one run on one host."""

    def __init__(self, transport: HostTransport, clock: Clock, run_dir: str, run: RunId) -> None:
        self._transport = transport
        self._clock = clock
        self._folder = folder_of(run_dir, run)
        self._boot: str | None = None

    async def begin(self) -> str:
        """Create the run's folder on the host, once; returns the host's boot ID."""
        if self._boot is None:
            result = await run_script(self._transport, BEGIN, (self._folder,))
            if not result.ok:
                what = f"could not create {self._folder}: {result.stderr.strip()}"
                raise TransportError(self._transport.host, Cause.OTHER, what)
            self._boot = result.stdout.strip()
        return self._boot

    async def run(
        self, step: StepId, attempt: int, argv: Argv, *, stdin: str | None, timeout_s: float
    ) -> Exited | ContactLost | LaunchFailed:
        """Run `argv` as root, or wait for it if it was started before; survives lost connections.

        The command itself is stopped after `timeout_s`; its end is awaited for half a minute longer, across reconnects.
        """
        data = (stdin or "").encode()
        words = (place_in(self._folder, step, attempt), str(KEEP_BYTES), f"{timeout_s:g}", str(len(data)), *argv)
        end = await self._end_of(SCRIPT, (await self.begin(), *words), data, timeout_s)
        if isinstance(end, HostRebooted) and not end.began:
            self._boot = None
            end = await self._end_of(SCRIPT, (await self.begin(), *words), data, timeout_s)
        return _parsed_end(end)

    async def pick_up(
        self, step: StepId, attempt: int, boot: str, *, timeout_s: float
    ) -> Exited | ContactLost | NeverStarted | LaunchFailed:
        """Wait for the end of a command that an earlier process started, or meant to, when the host had `boot`."""
        words = (boot, place_in(self._folder, step, attempt), str(KEEP_BYTES))
        end = await self._end_of(PICK_UP, words, b"", timeout_s)
        if isinstance(end, Completed) and end.stdout.startswith("never"):
            return NeverStarted()
        return _parsed_end(end)

    async def _end_of(
        self, script: str, words: tuple[str, ...], stdin: bytes, timeout_s: float
    ) -> Completed | ContactLost | HostRebooted:
        """The script's final report, requested again after each loss of the connection."""
        until = self._clock.monotonic() + timeout_s + LONGER_S
        why = ""
        pause = 0.2
        while (remaining_s := until - self._clock.monotonic()) > 0:
            try:
                result = await run_script(self._transport, script, words, stdin=stdin, deadline_s=remaining_s)
            except TransportError as error:
                why = str(error)
            else:
                if result.stdout.startswith("rebooted"):
                    return HostRebooted(bool(why))
                if result.exit_status is not None:
                    return result
                why = f"{self._transport.host}: the connection was lost while the command ran"
            await self._clock.sleep(pause)
            pause = min(pause * 2, 3.0)
        return ContactLost(why or f"{self._transport.host}: the command's result did not arrive in time")

    async def end(self, *, earlier: bool = False) -> None:
        """Remove the run's folder from the host, if one was created, also by an `earlier` process."""
        if earlier or self._boot is not None:
            await run_script(self._transport, END, (self._folder,))


def _parsed_end(end: Completed | ContactLost | HostRebooted) -> Exited | ContactLost | LaunchFailed:
    if isinstance(end, HostRebooted):
        return ContactLost("the host was rebooted while the command ran")
    if isinstance(end, ContactLost):
        return end
    head, _, stdout = end.stdout.partition("\n")
    match head.split():
        case ["ended", status] if status.isdecimal():
            return Exited(int(status), stdout, end.stderr)
        case ["lost"]:
            return ContactLost("the command was killed before it ended", stdout, end.stderr)
        case ["elsewhere"]:
            return ContactLost(
                "this command was still running from an interrupted run; now it has ended, with an unknown result"
            )
        case _:
            return LaunchFailed(end.stderr.strip() or f"unexpected answer {head!r} (exit {end.exit_status})")
