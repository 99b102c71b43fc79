"""The output of one command: complete, or line by line as it comes."""

from __future__ import annotations

import asyncio
import signal
from collections import deque

import asyncssh

from haconsole.transport.ssh.wrapping import READY

_AGAIN = b"try again"
_STDERR_KEPT = 64 << 10


class SshSession(asyncssh.SSHClientSession[bytes]):
    """The result of the command, sudo's messages, and the end of the channel.

    `channel` is None until the host has opened one, and no command was started before; it is `open` until it is gone.
    `status` is None until received. `pid` is the command's number on the host, known once it was started; `gate` is
    done once that is decided, `closed` once no more data follows. `ended_here` is true once nobody listens any more.
    """

    def __init__(self, linger_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.status: int | None = None
        self.open = False
        self.ended_here = False
        self.pid: int | None = None
        self.gate: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._before = bytearray()
        self._linger_s = linger_s
        self._linger: asyncio.TimerHandle | None = None

    @property
    def passed(self) -> bool:
        """Whether the command was started; sudo or the login's shell may refuse it."""
        return self.pid is not None

    @property
    def refusal(self) -> str:
        """The message of sudo or the shell, if they started no command."""
        return "" if self.passed else self._before.decode(errors="replace").strip()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Take the channel, before the command is requested; if nobody listens any more it never is."""
        if self.ended_here:
            chan.abort()
        else:
            self.channel, self.open = chan, True

    def out(self, data: bytes) -> None:
        """Take a piece of stdout."""
        raise NotImplementedError

    def err(self, data: bytes) -> None:
        """Take a piece of the command's own stderr."""
        raise NotImplementedError

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype is None:
            self.out(data)
        elif self.passed:
            self.err(data)
        else:
            self._hear_before(data)
        if self._linger is not None:
            self._wait_for_rest()

    def exit_status_received(self, status: int) -> None:
        self.status = status
        self._wait_for_rest()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.status = _status_of(signal)
        self._wait_for_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self.finish()

    def finish(self) -> None:
        """No more data follows, or nobody listens any more."""
        if self._linger is not None:
            self._linger.cancel()
        for future in (self.gate, self.closed):
            if not future.done():
                future.set_result(None)

    def _hear_before(self, data: bytes) -> None:
        self._before = (self._before + data)[-_STDERR_KEPT:]
        ready = READY.search(self._before)
        if ready is not None:
            self.pid = int(ready[1])
            self.err(bytes(self._before[ready.end() :]))
        if (ready is not None or _AGAIN in self._before) and not self.gate.done():
            self.gate.set_result(None)

    def _wait_for_rest(self) -> None:
        """A process left behind may keep the output open for ever: some quiet seconds after the end are enough."""
        if self._linger is not None:
            self._linger.cancel()
        self._linger = asyncio.get_running_loop().call_later(self._linger_s, self.finish)


class Output(SshSession):
    """The complete output of a command, up to `keep_bytes` in all; `too_much` when there was more."""

    def __init__(self, keep_bytes: int, linger_s: float) -> None:
        super().__init__(linger_s)
        self._room = keep_bytes
        self._out: list[bytes] = []
        self._err: list[bytes] = []
        self.too_much = False

    @property
    def stdout(self) -> bytes:
        return b"".join(self._out)

    @property
    def stderr(self) -> bytes:
        return b"".join(self._err)

    def out(self, data: bytes) -> None:
        self._keep(self._out, data)

    def err(self, data: bytes) -> None:
        self._keep(self._err, data)

    def _keep(self, pieces: list[bytes], data: bytes) -> None:
        self._room -= len(data)
        if self._room >= 0:
            pieces.append(data)
        elif not self.too_much:
            self.too_much = True
            self.finish()


class Lines(SshSession):
    """Lines of stdout, to be taken one by one; the host is held back while `backlog` lines wait.

    A line longer than `line_bytes` is cut there, its rest is dropped. Of stderr the last 64 KiB are kept.
    """

    def __init__(self, line_bytes: int, backlog: int, linger_s: float) -> None:
        super().__init__(linger_s)
        self._line_bytes = line_bytes
        self._backlog = backlog
        self._lines: deque[bytes] = deque()
        self._part = bytearray()
        self._err = bytearray()
        self._wake = asyncio.Event()
        self._is_paused = False

    @property
    def stderr(self) -> str:
        return self._err.decode(errors="replace").strip()

    def out(self, data: bytes) -> None:
        first, *others = data.split(b"\n")
        self._extend(first)
        for piece in others:
            self._lines.append(bytes(self._part))
            self._part.clear()
            self._extend(piece)
        if others:
            self._wake.set()
        if len(self._lines) >= self._backlog and not self._is_paused and self.channel is not None:
            self._is_paused = True
            self.channel.pause_reading()

    def err(self, data: bytes) -> None:
        self._err = (self._err + data)[-_STDERR_KEPT:]

    def finish(self) -> None:
        super().finish()
        self._wake.set()

    async def next(self) -> str | None:
        """The next line without its end; None when there are no more. An unfinished last line counts."""
        while not self._lines:
            if self.closed.done():
                return self._last()
            self._wake.clear()
            await self._wake.wait()
        line = self._lines.popleft()
        if self._is_paused and self.channel is not None and len(self._lines) <= self._backlog // 2:
            self._is_paused = False
            self.channel.resume_reading()
        return line.decode(errors="replace")

    def _last(self) -> str | None:
        part = bytes(self._part)
        self._part.clear()
        return part.decode(errors="replace") or None

    def _extend(self, piece: bytes) -> None:
        self._part += piece[: max(0, self._line_bytes - len(self._part))]


def _status_of(name: str) -> int:
    """128 and the number, as in a shell for a death by signal; 255 for a signal unknown here."""
    number = getattr(signal, f"SIG{name}", None)
    return 255 if number is None else 128 + int(number)
