"""The lines of an API server's own log that give the reason why it is not ready: /readyz withholds it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from haconsole.inventory.schema import Host
from haconsole.probes.context import ClusterContext
from haconsole.probes.hosts.severe_lines import severe_lines
from haconsole.probes.script import with_arguments
from haconsole.scripts import load_script
from haconsole.transport.base import TransportError

WITHIN_S = 1.0
"""The answer about the readiness waits for the log, and itself must not be late."""
AGAIN_S = 30.0
_OF_CLIENTS = ("Unable to authenticate the request", "http: TLS handshake error")
"""Errors of clients, which are no reason for a failing check."""


class ServerLog:
    """Reads the log of one host's API server, once in `AGAIN_S` at most."""

    def __init__(self, context: ClusterContext, host: Host) -> None:
        self._context, self._host = context, host
        self._lines: tuple[str, ...] = ()
        self._read_at: float | None = None

    async def lines(self) -> tuple[str, ...]:
        """The severest lines of the last minutes; those of the last reading where the log cannot be read now."""
        loop = asyncio.get_running_loop()
        if self._read_at is not None and loop.time() - self._read_at < AGAIN_S:
            return self._lines
        self._read_at = loop.time()
        script = with_arguments(load_script("server-log"), "kube-apiserver").encode()
        try:
            result = await self._context.transport(self._host).run(
                ("sh", "-s"), stdin=script, root=True, deadline_s=WITHIN_S
            )
        except TransportError:
            return self._lines
        self._lines = severe_lines("\n".join(_entries(result.stdout)))
        return self._lines


def _entries(output: str) -> Iterator[str]:
    """Lines of a container's log in the journal's form too, without what clients are at fault for."""
    for line in output.splitlines():
        if not any(words in line for words in _OF_CLIENTS):
            yield line if line.startswith('{"') and '"MESSAGE"' in line else json.dumps({"MESSAGE": line})
