"""haproxy on loopback with a stats socket of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
"""None where haproxy is not installed."""

_DEFAULTS = """\
defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    default-server inter 50ms fall 1 rise 1
"""


@contextmanager
def running(folder: Path, backends: str, *, level: str = "admin") -> Iterator[Path]:
    """The stats socket of a haproxy that serves `backends`; it is open once the block starts."""
    socket, config = folder / "admin.sock", folder / "haproxy.cfg"
    config.write_text(f"global\n    node cp1\n    stats socket {socket} mode 600 level {level}\n{_DEFAULTS}{backends}")
    process = subprocess.Popen((HAPROXY or "haproxy", "-W", "-db", "-f", config), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        messages = []
        for line in process.stderr:
            messages.append(line)
            if "Loading success" in line:
                break
        else:
            raise AssertionError("".join(messages))
        yield socket
    finally:
        process.terminate()
        process.communicate(timeout=10)
