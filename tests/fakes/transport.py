"""Hosts that exist only in memory: scripted answers, files, and a record of the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from haconsole.model.hosts import Reach
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import Argv, Completed, TransportError

Answer = Completed | TransportError | Callable[[Argv, bytes], Completed]


@dataclass(frozen=True, slots=True)
class Call:
    """One command as the caller gave it."""

    argv: Argv
    stdin: bytes
    root: bool
    deadline_s: float


@dataclass(frozen=True, slots=True)
class StoredFile:
    data: bytes
    mode: int = 0o644
    owner: str = "root:root"


def completed(stdout: str = "", *, stderr: str = "", status: int | None = 0, raw: bytes | None = None) -> Completed:
    """An answer to any command; its argv is filled in when it is given."""
    return Completed((), status, stdout, stderr, stdout.encode() if raw is None else raw)


@dataclass
class FakeHost:
    """A host. Commands without an answer fail the test; `down` makes everything raise it."""

    name: str
    files: dict[str, StoredFile] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    down: TransportError | None = None
    closed: bool = False
    _answers: list[tuple[Argv, list[Answer]]] = field(default_factory=list)
    _streams: dict[Argv, tuple[str, ...]] = field(default_factory=dict)
    _sockets: dict[tuple[str, int], Path] = field(default_factory=dict)

    @property
    def host(self) -> HostName:
        return HostName(self.name)

    def when(self, *argv: str, say: Answer | str) -> None:
        """Answer commands that start with `argv`; several calls give their answers in turn, the last one for ever."""
        answer = completed(say) if isinstance(say, str) else say
        for start, answers in self._answers:
            if start == argv:
                answers.append(answer)
                return
        self._answers.insert(0, (argv, [answer]))

    def when_followed(self, *argv: str, lines: Iterable[str]) -> None:
        """The lines that a command prints before it succeeds."""
        self._streams[argv] = tuple(lines)

    def when_forwarded(self, address: str, port: int, socket: Path) -> None:
        """The socket that a forward to this address leads to."""
        self._sockets[address, port] = socket

    def cut(self, cause: Cause = Cause.CONNECTION_LOST) -> TransportError:
        """Be down from now on, for this reason."""
        self.down = TransportError(self.host, cause, f"made to fail: {cause}")
        return self.down

    async def connect(self) -> Reach:
        self._be_up()
        return Reach(1.0)

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        self._be_up()
        self.calls.append(Call(argv, stdin or b"", root, deadline_s))
        for start, answers in self._answers:
            if argv[: len(start)] == start:
                return self._give(answers.pop(0) if len(answers) > 1 else answers[0], argv, stdin or b"")
        raise AssertionError(f"{self.name} has no answer to {argv}")

    async def read_file(self, path: str, *, root: bool = True, deadline_s: float = 10.0) -> bytes | None:
        self._be_up()
        return self.files[path].data if path in self.files else None

    async def write_file(
        self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root", deadline_s: float = 10.0
    ) -> None:
        self._be_up()
        self.files[path] = StoredFile(data, mode, owner)

    @asynccontextmanager
    async def lines(
        self, argv: Argv, *, stdin: bytes | None = None, root: bool = False
    ) -> AsyncIterator[AsyncIterator[str]]:
        self._be_up()
        self.calls.append(Call(argv, stdin or b"", root, 0.0))
        yield self._each(self._streams[argv])

    @asynccontextmanager
    async def forward(self, address: str, port: int) -> AsyncIterator[Path]:
        self._be_up()
        yield self._sockets[address, port]

    def refusal(self, socket: Path) -> str | None:
        return None

    async def close(self) -> None:
        self.closed = True

    async def _each(self, lines: tuple[str, ...]) -> AsyncIterator[str]:
        for line in lines:
            self._be_up()
            yield line

    def _be_up(self) -> None:
        if self.down is not None:
            raise self.down

    @staticmethod
    def _give(answer: Answer, argv: Argv, stdin: bytes) -> Completed:
        match answer:
            case TransportError():
                raise answer
            case Completed():
                return Completed(argv, answer.exit_status, answer.stdout, answer.stderr, answer.raw, answer.cut)
            case _:
                return answer(argv, stdin)


@dataclass
class FakeFleet:
    """Hosts by name, made at their first mention."""

    hosts: dict[str, FakeHost] = field(default_factory=dict)

    def host(self, name: HostName) -> FakeHost:
        return self.hosts.setdefault(name, FakeHost(name))

    async def close(self) -> None:
        for host in self.hosts.values():
            await host.close()
