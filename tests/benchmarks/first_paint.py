"""Seconds from starting the console to its first painted frame, in a terminal of 80x24.

    python tests/benchmarks/first_paint.py INVENTORY [--runs N]

The frame counts as painted once the etcd pane's name has come through the terminal. The hosts need not exist: the
first frame is drawn before any host is queried. Prints every run, the median, and the time of an empty Textual app,
started in turn with the console; ends with 1 above RATIO of that. The processor time, which a busy machine does not
blur, is printed beside the time on the clock. Bytecode is kept as an installed program's is: in a folder of the
benchmark's own, filled by a start that is not counted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

LIMIT_S = 0.35
"""On a machine that is otherwise idle."""
RATIO = 1.4
"""Of the time of an empty Textual app in the same run."""
EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    BINDINGS = [("q", "quit")]
    def compose(self):
        yield Static("etcd")
Empty().run()
"""
PAINTED = b"etcd"
GIVE_UP_S = 60.0


def first_paint(arguments: tuple[str, ...], bytecode: str) -> tuple[float, float]:
    """One start: seconds on the clock and of the processor until the frame; the program is then left by its key."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        os.execve(sys.executable, [sys.executable, *arguments], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    reading = b""
    while PAINTED not in reading:
        ready, _, _ = select.select([terminal], [], [], GIVE_UP_S)
        if not ready:
            os.kill(pid, signal.SIGKILL)
            raise SystemExit(f"nothing was painted within {GIVE_UP_S:.0f} s; the terminal got {reading[-200:]!r}")
        reading += os.read(terminal, 65536)
    took = time.perf_counter() - began
    used = _processor_seconds(pid)
    os.write(terminal, b"q")
    _drain(terminal)
    os.waitpid(pid, 0)
    return took, used


def _processor_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        os.close(terminal)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inventory")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as bytecode:
        console, empty = ("-m", "haconsole", options.inventory), ("-c", EMPTY)
        first_paint(console, bytecode)
        first_paint(empty, bytecode)
        pairs = [(first_paint(console, bytecode), first_paint(empty, bytecode)) for _ in range(options.runs)]
    runs = [run for run, _ in pairs]
    median = statistics.median(took for took, _ in runs)
    print(" ".join(f"{took:.3f}" for took, _ in sorted(runs)))
    used = statistics.median(used for _, used in runs)
    print(f"first paint: median {median:.3f} s of {len(runs)} ({used:.2f} s of processor), limit {LIMIT_S} s")
    reference = statistics.median(took for _, (took, _) in pairs)
    print(f"an empty Textual app: median {reference:.3f} s; the console takes {median / reference:.2f} of it")
    return 0 if median <= RATIO * reference else 1


if __name__ == "__main__":
    sys.exit(main())
