"""Reading ssh_config through the operator's own ssh client (``ssh -G``).

Match, Include, canonical names and tokens thus mean what they mean to ssh. Without such a client asyncssh reads the
files, which knows most options and few conditions.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from haconsole.transport.ssh.builtin_config import read_builtin
from haconsole.transport.ssh.client_settings import Algorithms, ClientSettings, read_settings
from haconsole.transport.ssh.tokens import home

_KEPT_S = 60.0
_AT_ONCE = 8
_NOTHING = Path("none")
_NO_SUCH_OPTION = ("unknown option", "illegal option", "invalid option", "unknown argument")
_LINES_KEPT = 4


class ClientConfigError(Exception):
    """ssh refuses its own configuration; the text is its complaint."""


class Query(msgspec.Struct, frozen=True):
    """One host as it would be typed after ``ssh``, with the options that belong to it.

    `jump` is the argument of ``-J``; ``none`` forbids any proxy. `else_user` is the login where ssh_config has none.
    """

    host: str
    config: Path | None = None
    user: str | None = None
    port: int | None = None
    jump: str | None = None
    else_user: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """`default_keys`: no IdentityFile is set, these are ssh's own. `by_client`: an ssh client has read the files."""

    settings: ClientSettings
    default_keys: bool
    by_client: bool = True


class _Kept(msgspec.Struct, frozen=True):
    answer: Answer
    at: float


class ClientConfig:
    """Settings for hosts, read once a minute and host at most, a few hosts at a time; a refusal is not kept."""

    def __init__(self, program: str | None = None) -> None:
        """`program` is the ssh client; None takes the one in PATH."""
        self._program = program
        self._cache: dict[Query, _Kept] = {}
        self._defaults: ClientSettings | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._reading_defaults = asyncio.Lock()

    async def read(self, query: Query) -> Answer:
        """Raises ClientConfigError, or OSError where a file cannot be read."""
        now = asyncio.get_running_loop().time()
        cached = self._cache.get(query)
        if cached is None or now - cached.at > _KEPT_S:
            async with self._turns:
                cached = _Kept(await self._answer(query), now)
            self._cache[query] = cached
        return cached.answer

    def forget(self) -> None:
        """Read the files again for every host."""
        self._cache.clear()

    async def _answer(self, query: Query) -> Answer:
        program = self._program or shutil.which("ssh")
        if program is None:
            return await asyncio.to_thread(_builtin, query)
        try:
            return await self._by_client(program, query)
        except _NoClientError:
            return await asyncio.to_thread(_builtin, query)

    async def _by_client(self, program: str, query: Query) -> Answer:
        settings = await _ask(program, query)
        if query.user is None and query.else_user and settings.user == _own_name():
            with _with_login(query) as behind:
                settings = await _ask(program, behind)
        defaults = await self._defaults_of(program)
        own = settings.identity_files == defaults.identity_files
        return Answer(replace(settings, algorithms=_other(settings.algorithms, defaults.algorithms)), own)

    async def _defaults_of(self, program: str) -> ClientSettings:
        """The client's settings without any file, read once for all hosts."""
        async with self._reading_defaults:
            if self._defaults is None:
                self._defaults = await _ask(program, Query("localhost", _NOTHING))
            return self._defaults


class _NoClientError(Exception):
    """The program is no OpenSSH client of 6.8 or later."""


async def _ask(program: str, query: Query) -> ClientSettings:
    status, output, complaint = await _output((program, *_arguments(query)))
    if status != 0:
        if any(words in complaint.lower() for words in _NO_SUCH_OPTION):
            raise _NoClientError
        raise ClientConfigError(_short(complaint) or f"ssh -G ended with status {status}")
    try:
        return read_settings(output)
    except ValueError:
        raise _NoClientError from None


def _arguments(query: Query) -> tuple[str, ...]:
    words = ["-T", "-G"]
    if query.config is not None:
        words += ["-F", str(query.config)]
    if query.user is not None:
        words += ["-l", query.user]
    if query.port is not None:
        words += ["-p", str(query.port)]
    if query.jump == "none":
        words += ["-o", "ProxyJump=none", "-o", "ProxyCommand=none"]
    elif query.jump is not None:
        words += ["-J", query.jump]
    return (*words, "--", query.host)


async def _output(argv: tuple[str, ...]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr; what `Match exec` started is ended with it when the caller gives up.

    Both go to files: the end of a pipe would wait for whatever such a command leaves behind.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=complaint, start_new_session=True
        )
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return status, _content(output), _content(complaint)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return os.fsdecode(file.read())


def _short(complaint: str) -> str:
    """The lines that name a place; ssh counts them in a last one."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip() and ": terminating, " not in line]
    more = f"; and {len(lines) - _LINES_KEPT} more lines" if len(lines) > _LINES_KEPT else ""
    return "; ".join(lines[:_LINES_KEPT]) + more


@contextmanager
def _with_login(query: Query) -> Iterator[Query]:
    """The same query with `else_user` as the last entry of the configuration, where an earlier one wins."""
    usual = (home() / ".ssh" / "config", Path("/etc/ssh/ssh_config"))
    files = (query.config,) if query.config is not None else usual
    texts = [file.read_bytes() for file in files if query.config is not None or os.access(file, os.R_OK)]
    with tempfile.TemporaryDirectory(prefix="haconsole-ssh-") as folder:
        config = Path(folder, "config")
        config.write_bytes(b"\nMatch all\n".join((*texts, f"User {query.else_user}\n".encode())))
        yield replace(query, config=config)


def _other(algorithms: Algorithms, defaults: Algorithms) -> Algorithms:
    """Only the lists that ssh_config changes."""

    def other(mine: tuple[str, ...] | None, usual: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return mine if mine != usual else None

    return Algorithms(
        ciphers=other(algorithms.ciphers, defaults.ciphers),
        macs=other(algorithms.macs, defaults.macs),
        key_exchanges=other(algorithms.key_exchanges, defaults.key_exchanges),
        host_keys=other(algorithms.host_keys, defaults.host_keys),
        ca_signatures=other(algorithms.ca_signatures, defaults.ca_signatures),
    )


def _own_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _builtin(query: Query) -> Answer:
    settings, default_keys = read_builtin(query.host, query.config, query.user, query.port, query.jump, query.else_user)
    return Answer(settings, default_keys, by_client=False)
