"""Shell scripts run as root on a host; they are sent on standard input, so that no process list or log repeats them."""

from __future__ import annotations

from haconsole.scripts import TAKE_IN
from haconsole.transport.base import Completed, HostTransport


async def run_script(
    transport: HostTransport,
    script: str,
    words: tuple[str, ...],
    *,
    stdin: bytes = b"",
    deadline_s: float = 10.0,
    urgent: bool = False,
) -> Completed:
    """Run `script` as root with `words` as its ``$1 …``; `stdin` is its standard input."""
    data = script.encode()
    argv = ("sh", "-c", TAKE_IN, "haconsole", str(len(data)), *words)
    return await transport.run(argv, stdin=data + stdin, root=True, deadline_s=deadline_s, urgent=urgent)
