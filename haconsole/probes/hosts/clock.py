"""The difference of a host's clock to ours, from its time and half of the round trip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.fact_store import FactStore
from haconsole.probes.observe import observe, repeat
from haconsole.transport.base import HostTransport

ARGV = ("date", "+%s.%N")
SAMPLES = 4
GOOD_ENOUGH_MS = 5.0


class ClockSample(msgspec.Struct, frozen=True):
    """The host reported `host_time` (seconds since 1970) between our `sent_at` and `received_at`."""

    sent_at: float
    received_at: float
    host_time: float

    @property
    def offset_ms(self) -> float:
        """Positive when the host's clock is ahead of ours."""
        return (self.host_time - (self.sent_at + self.received_at) / 2) * 1000

    @property
    def certain_offset_ms(self) -> float:
        """The smallest offset that the answer allows: a slow answer proves no small one."""
        return self.offset_ms - max(-self.uncertainty_ms, min(self.uncertainty_ms, self.offset_ms))

    @property
    def uncertainty_ms(self) -> float:
        return (self.received_at - self.sent_at) / 2 * 1000


def best(samples: tuple[ClockSample, ...]) -> ClockSample:
    """The sample that leaves least room for error: the one that was answered fastest."""
    return min(samples, key=lambda sample: sample.uncertainty_ms)


def parse(text: str) -> float:
    """Seconds since 1970. A `date` without ``%N`` (BusyBox) returns whole seconds; then half of one is added."""
    seconds, _, fraction = text.strip().partition(".")
    if not seconds.isdecimal():
        raise ProbeError(f"date: the output is not a time: {text.strip()[:100]!r}", Cause.UNREADABLE)
    return float(f"{seconds}.{fraction}") if fraction.isdecimal() else int(seconds) + 0.5


async def offset_ms(transport: HostTransport, now: Callable[[], datetime], *, deadline_s: float = 5.0) -> float:
    """Use the fastest of a few answers; a fast one ends the queries. Of a slow one only the certain part counts."""
    samples: list[ClockSample] = []
    while len(samples) < SAMPLES and not any(sample.uncertainty_ms <= GOOD_ENOUGH_MS for sample in samples):
        sent_at = now().timestamp()
        result = await transport.run(ARGV, deadline_s=deadline_s)
        received_at = now().timestamp()
        if not result.ok:
            raise ProbeError(f"date: ended with status {result.exit_status}: {result.stderr.strip()[:200]}")
        samples.append(ClockSample(sent_at, received_at, parse(result.stdout)))
    fastest = best(tuple(samples))
    return fastest.offset_ms if fastest.uncertainty_ms <= GOOD_ENOUGH_MS else fastest.certain_offset_ms


class ClockProbe:
    """Keeps a host's clock offset in the fact store."""

    def __init__(self, context: ClusterContext, store: FactStore, host: Host) -> None:
        self._context, self._store, self._host = context, store, host

    async def once(self) -> None:
        transport, deadline_s = self._context.transport(self._host), self._context.timings.fact_s
        question = offset_ms(transport, self._context.now, deadline_s=deadline_s)
        fact = await observe(self._context, self._host, "clock", question, deadline_s)
        self._store.put(HostName(self._host.name), "clock_offset_ms", fact)

    async def follow(self) -> None:
        await repeat(self.once, self._context.timings.slow_round_s)
