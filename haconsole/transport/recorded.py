"""Records every command that a fleet runs: host, purpose and result."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic

import msgspec
from msgspec.structs import replace

from haconsole.model.command import HostCommand, Purpose
from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.scripts import TAKE_IN, script_name
from haconsole.transport.base import Argv, Completed, Fleet, HostTransport, TransportError
from haconsole.transport.redact import without_lock_tokens

INLINE_OPTIONS = ("-c", "-ec")
STDIN_SCRIPT = ("sh", "-s")


class CommandRecorder(msgspec.Struct, frozen=True):
    """Where commands are recorded: at their start if they are followed, otherwise at their end."""

    record: Callable[[HostCommand], None]
    now: Callable[[], datetime]
    redact: Callable[[str], str]
    purpose: Purpose
    run: str = ""


class RecordedFleet:
    """The hosts of `fleet`, whose commands `recorder` records."""

    def __init__(self, fleet: Fleet, recorder: CommandRecorder) -> None:
        self._fleet = fleet
        self._recorder = recorder

    def host(self, name: HostName) -> HostTransport:
        return RecordedHost(self._fleet.host(name), self._recorder)

    async def close(self) -> None:
        await self._fleet.close()


class RecordedHost:
    """HostTransport of another one; see there."""

    def __init__(self, transport: HostTransport, recorder: CommandRecorder) -> None:
        self._transport = transport
        self._recorder = recorder

    @property
    def host(self) -> HostName:
        return self._transport.host

    async def connect(self) -> Reach:
        return await self._transport.connect()

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        with self._recorded(self._command(argv, stdin or b"", root=root)) as end:
            result = await self._transport.run(argv, stdin=stdin, root=root, deadline_s=deadline_s, urgent=urgent)
            end(result)
            return result

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        with self._recorded(self._command(("cat", "--", path), b"", root=root)):
            return await self._transport.read_file(path, root=root, deadline_s=deadline_s)

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        argv = ("install", "-D", "-m", f"{mode:04o}", "-o", *owner.replace(":", " -g ").split(), "/dev/stdin", path)
        with self._recorded(replace(self._command(argv, b"", root=True), input_bytes=len(data))):
            await self._transport.write_file(path, data, mode=mode, owner=owner, deadline_s=deadline_s)

    def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        self._recorder.record(self._command(argv, stdin or b"", root=root))
        return self._transport.lines(argv, stdin=stdin, root=root)

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[Path]:
        return self._forward(address, port)

    def refusal(self, socket: Path) -> str | None:
        return self._transport.refusal(socket)

    async def close(self) -> None:
        await self._transport.close()

    @asynccontextmanager
    async def _forward(self, address: str, port: int) -> AsyncIterator[Path]:
        shown_address = f"[{address}]" if ":" in address else address
        self._recorder.record(self._command(("connect", f"{shown_address}:{port}"), b"", root=False))
        async with self._transport.forward(address, port) as socket:
            yield socket

    def _command(self, argv: Argv, stdin: bytes, *, root: bool) -> HostCommand:
        recorder = self._recorder
        words, script, data = _parts(argv, stdin)
        name = script_name(script) if script else ""
        text = recorder.redact(" ".join(filter(None, (name or "sh" if script else "", shlex.join(words)))))
        return HostCommand(
            self.host,
            recorder.now(),
            recorder.purpose,
            without_lock_tokens(text) if recorder.purpose is Purpose.LOCK else text,
            root,
            script if name else recorder.redact(script),
            data,
            run=recorder.run,
        )

    @contextmanager
    def _recorded(self, command: HostCommand) -> Iterator[Callable[[Completed], None]]:
        """Record the command at its end, however it ends."""
        start = monotonic()
        problem, exit_status = "", 0

        def end(result: Completed) -> None:
            nonlocal problem, exit_status
            problem = str(result.cut or "")
            exit_status = -1 if result.exit_status is None else result.exit_status

        try:
            yield end
        except TransportError as error:
            problem = str(error)
            raise
        except BaseException:
            problem = "cancelled"
            raise
        finally:
            status = None if problem or exit_status < 0 else exit_status
            seconds = monotonic() - start
            self._recorder.record(replace(command, exit_status=status, problem=problem, seconds=seconds))


def _parts(argv: Argv, stdin: bytes) -> tuple[Argv, str, int]:
    """The words to show, the script that they are arguments of (empty for a program), and the bytes of further input.

    Standard input is shown only if it is a script: otherwise it may be a key.
    """
    if argv[:3] == ("sh", "-c", TAKE_IN) and len(argv) > 4 and argv[4].isdecimal():
        size = int(argv[4])
        return argv[5:], stdin[:size].decode(errors="replace"), len(stdin) - size
    if argv[:1] == ("sh",) and len(argv) > 3 and argv[1] in INLINE_OPTIONS and script_name(argv[2]):
        return argv[4:], argv[2].strip(), len(stdin)
    if argv == STDIN_SCRIPT:
        return (), stdin.decode(errors="replace"), 0
    return argv, "", len(stdin)
