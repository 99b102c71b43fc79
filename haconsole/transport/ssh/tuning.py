"""Time-outs and limits of SSH connections."""

from __future__ import annotations

import msgspec


class Tuning(msgspec.Struct, frozen=True):
    """Limits of a fleet; the defaults suit sshd as it is installed (MaxSessions 10).

    A peer that does not answer is given up after `keepalive_s` times (`keepalive_misses` + 1) seconds.
    `commands_at_once` and `streams_at_once` bound the sessions open on one connection. `output_bytes` is the limit of a
    command's output, on both streams; `line_bytes` what is kept of a line of a stream, `line_backlog` how many may wait
    to be read. A stream and a forwarded connection have `start_s` to come up. After a command's end its output is read
    until no data came for `linger_s`, if a process left behind keeps it open.
    """

    keepalive_s: float = 5.0
    keepalive_misses: int = 2
    commands_at_once: int = 4
    streams_at_once: int = 4
    output_bytes: int = 32 << 20
    line_bytes: int = 64 << 10
    line_backlog: int = 1000
    start_s: float = 15.0
    linger_s: float = 3.0
