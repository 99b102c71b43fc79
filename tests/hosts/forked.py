"""The program begun by a fork of this process: another process like any, without the second that loading it takes."""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import haconsole
from haconsole.cli.main import run
from tests.hosts.program import LONGEST_S, Program, Running

NOT_LOADED = ("haconsole.ui", "haconsole.lab", "haconsole.__main__", "haconsole.cli.console", "haconsole.cli.demo")
CRASHED = 70


def load() -> None:
    """Load what verbs load when they are used."""
    _walk(haconsole)


def _walk(package: ModuleType) -> None:
    for result in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if result.name not in NOT_LOADED:
            module = importlib.import_module(result.name)
            if result.ispkg:
                _walk(module)


class Fork:
    """A child of this process, to be killed and waited for like a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return status

    def kill(self) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def fork(work: Callable[[], int], environment: Mapping[str, str], out: Path, err: Path) -> Fork:
    """Have a child do `work`, whose result is its exit status; to be called while this process has one thread only."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(work, environment, out, err)
    return Fork(pid)


def _child(work: Callable[[], int], environment: Mapping[str, str], out: Path, err: Path) -> NoReturn:
    status = CRASHED
    try:
        os.setsid()
        for number, path in enumerate((Path(os.devnull), out, err)):
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(file, number)
            os.close(file)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.clear()
        os.environ.update(environment)
        status = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        with suppress(OSError):
            os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(status)


class ForkedProgram(Program):
    """`Program` whose processes are forks of this one, after `load`."""

    def start(self, verb: str, action: str, *words: str) -> Running:
        return self._forked((verb, action, str(self.inventory), *words), Path(os.devnull), Path(os.devnull))

    def __call__(
        self, verb: str, action: str, *words: str, deadline_s: float = LONGEST_S
    ) -> subprocess.CompletedProcess[str]:
        return self.verb(verb, action, str(self.inventory), *words, deadline_s=deadline_s)

    def verb(self, *words: str, deadline_s: float = LONGEST_S) -> subprocess.CompletedProcess[str]:
        self.state.mkdir(parents=True, exist_ok=True)
        out, err = self.state / "out", self.state / "err"
        out.write_text("")
        err.write_text("")
        running = self._forked(words, out, err)
        try:
            status = running.wait(deadline_s)
        finally:
            running.kill()
        return subprocess.CompletedProcess(words, status, out.read_text(), err.read_text())

    def _forked(self, words: tuple[str, ...], out: Path, err: Path) -> Fork:
        return fork(lambda: run(words), self.environment, out, err)
