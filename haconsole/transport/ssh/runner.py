"""Commands over a link: sessions limited in number, bounded in time, ended on the host when nobody waits any more."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncssh

from haconsole.inventory.schema import Sudo
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.transport.base import Argv, Completed, TransportError
from haconsole.transport.ssh.channel import Lines, Output, SshSession
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.link import Link
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.sudo import SudoPassword, become_for, is_wrong_password, refused
from haconsole.transport.ssh.tuning import Tuning
from haconsole.transport.ssh.wrapping import GO, Become, command, ending, stream

_STOPPED = (124, 137)
_NOT_FOUND = 127
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5
_HEARD_BEFORE_S = 0.3
_REAP_S = 5.0
_REAP_BYTES = 4096


class Runner:
    """Runs commands on one host."""

    def __init__(self, link: Link, sudo: Sudo, questions: Questions, tuning: Tuning) -> None:
        self._link = link
        self._sudo = sudo
        self.password = SudoPassword(link.label, questions, self._fits)
        self._tuning = tuning
        self._commands = asyncio.Semaphore(tuning.commands_at_once)
        self._urgent = asyncio.Semaphore(1)
        self._streams = asyncio.Semaphore(tuning.streams_at_once)
        self._reaping = asyncio.Lock()
        self.sessions_refused = 0
        """The number of times that the host opened no further session on the connection."""

    async def run(self, argv: Argv, stdin: bytes, deadline: Deadline, *, root: bool, urgent: bool = False) -> Completed:
        """See HostTransport.run."""
        turns = self._urgent if urgent else self._commands
        while True:
            become, password = await self._become(deadline, root=root)
            output = Output(self._tuning.output_bytes, self._tuning.linger_s)
            await self._take_turn(turns, deadline, argv)
            given_up = False
            try:
                result = await self._run_once(output, argv, stdin, deadline, become, password)
            except asyncio.CancelledError:
                given_up = self._link.background(self._reap(output, become, password, turns))
                raise
            finally:
                if not given_up:
                    _end(output)
                    turns.release()
            if self._answered(output, become, password):
                return result

    @asynccontextmanager
    async def lines(self, argv: Argv, stdin: bytes, *, root: bool) -> AsyncIterator[AsyncIterator[str]]:
        """See HostTransport.lines."""
        deadline = Deadline(self._tuning.start_s)
        await self._take_turn(self._streams, deadline, argv)
        try:
            session, become = await self._stream(argv, stdin, deadline, root=root)
            try:
                yield _EachLine(session, lambda: self._ended(argv, session, become))
            finally:
                _end(session)
        finally:
            self._streams.release()

    async def _take_turn(self, sessions: asyncio.Semaphore, deadline: Deadline, argv: Argv) -> None:
        try:
            async with deadline.limit():
                await sessions.acquire()
        except TimeoutError:
            raise self._not_started(argv, deadline, "other commands on this host blocked this command") from None

    async def _become(self, deadline: Deadline, *, root: bool) -> tuple[Become, Secret | None]:
        if root:
            await self._link.connection(deadline)
        become = become_for(self._sudo, self._link.user, root=root)
        if become is Become.BY_PASSWORD and not self._link.verified:
            reason = "the host key has changed, so no password is sent to the host"
            raise refused(self._link.label, reason, "find out why the key has changed, then correct known_hosts")
        return become, await self.password.get(deadline) if become is Become.BY_PASSWORD else None

    async def _run_once(
        self,
        output: Output,
        argv: Argv,
        stdin: bytes,
        deadline: Deadline,
        become: Become,
        password: Secret | None,
    ) -> Completed:
        loop = asyncio.get_running_loop()
        began, limit_s = loop.time(), max(0.001, deadline.remaining_s - min(_HEARD_BEFORE_S, deadline.remaining_s / 10))
        await self._start(output, command(argv, become, limit_s), argv, deadline)
        with suppress(TimeoutError):
            async with deadline.limit():
                await _feed(output, stdin, password, end=True)
                await output.closed
        in_time = output.closed.done() and not output.closed.cancelled()
        if output.too_much:
            what = f"{argv[0]} wrote more than the {self._tuning.output_bytes} bytes that are kept, and was stopped"
            raise TransportError(self._link.label, Cause.UNREADABLE, what)
        if output.status in _STOPPED and loop.time() - began >= limit_s:
            return _completed(argv, output, None, Cause.TIMED_OUT)
        cause = None if output.status is not None else Cause.CONNECTION_LOST if in_time else Cause.TIMED_OUT
        return _completed(argv, output, output.status, cause)

    async def _fits(self, password: Secret, deadline: Deadline) -> bool:
        """Try a password on a command that does nothing."""
        output = Output(self._tuning.output_bytes, self._tuning.linger_s)
        try:
            result = await self._run_once(output, ("true",), b"", deadline, Become.BY_PASSWORD, password)
        finally:
            _end(output)
        if result.cut is not None:
            what = f"sudo received the password, but gave no result: {output.refusal or 'no output'}"
            raise TransportError(self._link.label, result.cut, what)
        if output.passed or is_wrong_password(output.refusal):
            return output.passed
        raise self._refused(output, Become.BY_PASSWORD)

    async def _stream(self, argv: Argv, stdin: bytes, deadline: Deadline, *, root: bool) -> tuple[Lines, Become]:
        """A stream that sudo has allowed, if it prompts for a password."""
        while True:
            become, password = await self._become(deadline, root=root)
            session = Lines(self._tuning.line_bytes, self._tuning.line_backlog, self._tuning.linger_s)
            try:
                await self._start(session, stream(argv, become, len(stdin)), argv, deadline)
                async with deadline.limit():
                    await _feed(session, stdin, password, end=False)
            except TimeoutError:
                _end(session)
                raise self._not_started(argv, deadline, session.refusal) from None
            except BaseException:
                _end(session)
                raise
            if password is None or self._answered(session, become, password):
                return session, become
            _end(session)

    async def _reap(self, output: Output, become: Become, password: Secret | None, turns: asyncio.Semaphore) -> None:
        """End a command nobody waits for any more: its process on the host, then its channel, then its turn.

        One at a time, so that there is a session left for it while all turns are taken.
        """
        killing = Output(_REAP_BYTES, self._tuning.linger_s)
        deadline = Deadline(_REAP_S)
        try:
            async with deadline.limit(), self._reaping:
                if output.open:
                    await asyncio.wait((output.gate,))
                if output.pid is not None and output.open:
                    await self._run_once(killing, ending(output.pid), b"", deadline, become, password)
        except (TransportError, TimeoutError):
            return
        finally:
            _end(killing)
            _end(output)
            turns.release()

    def _answered(self, session: SshSession, become: Become, password: Secret | None) -> bool:
        """Whether the command had its chance; False to try again with another password. Raises what was refused."""
        if session.passed or session.status is None:
            return True
        if password is not None and is_wrong_password(session.refusal):
            self.password.was_wrong(password)
            return False
        raise self._refused(session, become)

    def _refused(self, session: SshSession, become: Become) -> TransportError:
        if become is not Become.NOT:
            return refused(self._link.label, session.refusal)
        what = f"the login's shell started no command: {session.refusal or 'no output'}"
        return TransportError(self._link.label, Cause.AUTH_FAILED, what, hint="give the login a POSIX shell")

    async def _start(self, session: SshSession, line: str, argv: Argv, deadline: Deadline) -> None:
        """Open a session for the line. Returns once it may have been started; before that it is safe to try again."""
        pause, reason = _FIRST_PAUSE_S, ""
        while True:
            try:
                await self._link.open(
                    deadline,
                    lambda connection: connection.create_session(
                        lambda: session,
                        line,
                        encoding=None,
                        request_pty=False,
                        x11_forwarding=False,
                        env={},
                        send_env=[],
                    ),
                    unwanted=lambda pair: None,
                )
            except TimeoutError:
                if session.channel is None:
                    raise self._not_started(argv, deadline, reason) from None
            except asyncssh.Error as error:
                reason = error.reason
                self.sessions_refused += _is_refusal(reason)
            if session.channel is not None:
                return
            if deadline.remaining_s <= pause:
                raise self._not_started(argv, deadline, reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _ended(self, argv: Argv, session: Lines, become: Become) -> TransportError:
        """The reason why a stream ended unexpectedly."""
        words = shlex.join(argv)
        if session.status is None:
            what = f"the connection was lost while {words} was running"
            return TransportError(self._link.label, Cause.CONNECTION_LOST, what)
        if not session.passed:
            return self._refused(session, become)
        cause = Cause.NOT_INSTALLED if session.status == _NOT_FOUND else Cause.OTHER
        message = session.stderr or "no output"
        return TransportError(self._link.label, cause, f"{words} ended with status {session.status}: {message}")

    def _not_started(self, argv: Argv, deadline: Deadline, reason: str) -> TransportError:
        what = f"{argv[0]} was not started within {deadline.seconds:g} s" + (f": {reason}" if reason else "")
        full = _is_refusal(reason)
        hint = "sshd may allow fewer parallel sessions than are needed (MaxSessions)" if full else ""
        return TransportError(self._link.label, Cause.NO_SESSION if full else Cause.TIMED_OUT, what, hint=hint)


def _is_refusal(reason: str) -> bool:
    """Whether sshd opened no further session, by its own words; a lost connection opens none either."""
    return "open failed" in reason


class _EachLine:
    """Iterates over a stream's lines; its end is an error unless the command ended well or nobody listens any more."""

    def __init__(self, session: Lines, why: Callable[[], TransportError]) -> None:
        self._session = session
        self._why = why

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        line = await self._session.next()
        if line is not None:
            return line
        if self._session.status == 0 or self._session.ended_here:
            raise StopAsyncIteration
        raise self._why()


async def _feed(session: SshSession, stdin: bytes, password: Secret | None, *, end: bool) -> None:
    """Send the input; where sudo wants a password, nothing but that before it has let the command through."""
    channel = session.channel
    assert channel is not None
    with suppress(BrokenPipeError):
        if password is not None:
            channel.write(password.reveal().encode() + b"\n")
            await session.gate
            if session.passed:
                channel.write(GO)
        let_through = session.passed or password is None
        if let_through:
            channel.write(stdin)
        if end or not let_through:
            channel.write_eof()


def _end(session: SshSession) -> None:
    """Listen no more. Closing the channel ends a stream on the host; a command ends at its limit, or is reaped."""
    session.ended_here = True
    if session.channel is not None and session.open:
        session.channel.close()
    session.finish()


def _completed(argv: Argv, output: Output, status: int | None, cut: Cause | None) -> Completed:
    raw = output.stdout
    stderr = (output.stderr or output.refusal.encode()).decode(errors="replace")
    return Completed(argv, status, raw.decode(errors="replace"), stderr, raw, cut)
