"""Ends of the program: closed pipes, full disks, closed input, endless files and signals."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough
PROGRAM = (sys.executable, "-m", "haconsole")
INVENTORY = """
cluster: c
hosts:
  - {name: a, address: 127.0.0.1, ssh: {port: 1, config: /dev/null}, roles: [etcd]}
"""
MOMENTS = [random.Random(seed).uniform(0, 1.1) for seed in range(8)]
"""Seconds after the program has taken over the signals from Python."""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inv.yaml"
    path.write_text(INVENTORY)
    return path


def shell(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", script, "test", *PROGRAM, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("words", [("schema",), ("check", "INVENTORY"), ("--help",)])
def test_a_closed_pipe_ends_with_141(inventory: Path, words: tuple[str, ...]) -> None:
    arguments = [str(inventory) if word == "INVENTORY" else word for word in words]
    result = shell('"$@" | (exec <&-); exit "${PIPESTATUS[0]}"', *arguments)
    assert (result.returncode, result.stderr) == (141, "")


def test_a_full_disk_behind_standard_output_is_named() -> None:
    result = shell('"$@" >/dev/full', "schema")
    assert (result.returncode, result.stderr) == (6, result.stderr)
    assert result.stderr.startswith("haconsole: standard output: No space left on device; free up space")


@pytest.mark.parametrize("script", ['"$@" 2>/dev/full', '"$@" 2>&1 >/dev/null | (exec <&-); exit "${PIPESTATUS[0]}"'])
@pytest.mark.parametrize(("words", "status"), [(("check", "/nowhere.yaml"), 5), (("status",), 64)])
def test_errors_that_cannot_be_written_leave_the_status(script: str, words: tuple[str, ...], status: int) -> None:
    assert shell(script, *words).returncode == status


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_process_without_standard_output_does_its_work(closed: str) -> None:
    result = shell(f'"$@" {closed}', "doctor", "--explain", "etcd.quorum-lost")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_closed_standard_input_is_an_unreadable_file() -> None:
    result = shell('"$@" <&-', "check", "-")
    assert result.returncode == 5
    assert "<stdin>:1:1" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_an_endless_file_is_too_large() -> None:
    result = shell('ulimit -v 1500000; "$@"', "check", "/dev/zero")
    assert result.returncode == 5
    assert "more than 1048576 bytes" in result.stdout + result.stderr


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_ends_a_verb_without_a_traceback(
    inventory: Path, number: signal.Signals, moment: float
) -> None:
    with subprocess.Popen(
        [*PROGRAM, "status", inventory], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        await_handlers(process)
        time.sleep(moment)
        process.send_signal(number)
        errors = process.communicate(timeout=20)[1]
    assert "Traceback" not in errors
    assert process.returncode in (128 + number, -number, 2, 3), "Python gives the signals up again when it ends"


def await_handlers(process: subprocess.Popen[str]) -> None:
    """Until the process handles SIGTERM; a signal before that is Python's own affair."""
    status, handled = Path(f"/proc/{process.pid}/status"), 1 << signal.SIGTERM - 1
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        mask = re.search(r"^SigCgt:\s*([0-9a-f]+)", status.read_text(), re.MULTILINE)
        if mask and int(mask[1], 16) & handled:
            return
        time.sleep(0.005)


CALLBACK = """
import time, weakref
from haconsole.__main__ import repeat_lost_interrupts
class Object: pass
def interrupted(_): raise KeyboardInterrupt
repeat_lost_interrupts()
one = Object()
reference = weakref.ref(one, interrupted)
try:
    del one
    time.sleep(20)
except KeyboardInterrupt:
    raise SystemExit(130)
"""


def test_an_interrupt_that_python_ignores_is_repeated() -> None:
    """Python ignores one in a callback, e.g. while it frees the lock of an import."""
    result = subprocess.run([sys.executable, "-c", CALLBACK], capture_output=True, text=True, timeout=15)
    assert (result.returncode, result.stderr) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_connecting_decides_the_status(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        path = tmp_path / "inv.yaml"
        path.write_text(INVENTORY.replace("port: 1", f"port: {silent.getsockname()[1]}"))
        with (
            subprocess.Popen(
                [*PROGRAM, "status", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            ) as process,
            silent.accept()[0],
        ):
            process.send_signal(number)
            errors = process.communicate(timeout=20)[1]
    assert (process.returncode, errors.strip()) == (128 + number, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_of_the_console_as_it_was(inventory: Path, number: signal.Signals) -> None:
    status, output, before, after = console(inventory, "xterm-256color", number)
    assert status == 128 + number
    assert output.count(b"?1049h") == output.count(b"?1049l") == 1
    assert (b"?25h" in output, b"?1000l" in output) == (True, True)
    assert before == after


def test_a_terminal_that_is_closed_ends_the_console(inventory: Path) -> None:
    """The kernel then sends SIGHUP and SIGCONT, and every write to the terminal fails."""
    child, master = pty.fork()
    if child == 0:
        os.execvpe(PROGRAM[0], [*map(str, PROGRAM), str(inventory)], {**os.environ, "TERM": "xterm-256color"})
    output, until = b"", time.monotonic() + 20
    while b"?1049h" not in output and time.monotonic() < until:
        output += os.read(master, 65536)
    time.sleep(1)
    os.close(master)
    end = time.monotonic() + 15
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < end:
        time.sleep(0.1)
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the console still ran 15 s after its terminal was closed")
    assert os.waitstatus_to_exitcode(ended[1]) == 128 + signal.SIGHUP


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_place_text_is_refused(inventory: Path, term: str) -> None:
    status, output, _, _ = console(inventory, term, signal.SIGKILL)
    assert status == 64
    assert b"the console needs a terminal with cursor movement" in output


def console(inventory: Path, term: str, number: signal.Signals) -> tuple[int, bytes, list[object], list[object]]:
    """The console on a pseudo-terminal until `number` ends it: status, output, and the terminal before and after."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [*PROGRAM, inventory],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": term},
        start_new_session=True,
    )
    output, until, painted = b"", time.monotonic() + 20, False
    while time.monotonic() < until:
        if select.select([master], [], [], 0.1)[0]:
            output += os.read(master, 65536)
        elif process.poll() is not None:
            break
        if not painted and b"?1049h" in output and not select.select([master], [], [], 0.5)[0]:
            painted = True
            process.send_signal(number)
    process.kill()
    status, after = process.wait(), termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    return status, output, before, after
