"""How far a host's clock is from ours, by asking it the time and halving the way there and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from haconsole.inventory.schema import Host
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.asking import asked, repeat
from haconsole.probes.board import Board
from haconsole.probes.errors import ProbeError
from haconsole.probes.site import Site
from haconsole.transport.base import HostTransport

ARGV = ("date", "+%s.%N")
SAMPLES = 4
GOOD_ENOUGH_MS = 5.0


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The host said `host_time` (seconds since 1970) somewhere between our `asked` and `heard`."""

    asked: float
    heard: float
    host_time: float

    @property
    def offset_ms(self) -> float:
        """Positive when the host's clock is ahead of ours."""
        return (self.host_time - (self.asked + self.heard) / 2) * 1000

    @property
    def uncertainty_ms(self) -> float:
        return (self.heard - self.asked) / 2 * 1000


def best(samples: tuple[ClockSample, ...]) -> ClockSample:
    """The sample that leaves least room for error: the one that was answered fastest."""
    return min(samples, key=lambda sample: sample.uncertainty_ms)


def parse(text: str) -> float:
    """Seconds since 1970. A `date` that knows no ``%N`` (BusyBox) gives whole seconds; then half of one is added."""
    seconds, _, fraction = text.strip().partition(".")
    if not seconds.isdecimal():
        raise ProbeError(f"date: not a time: {text.strip()[:100]!r}", Cause.UNREADABLE)
    return float(f"{seconds}.{fraction}") if fraction.isdecimal() else int(seconds) + 0.5


async def offset_ms(transport: HostTransport, now: Callable[[], datetime], *, deadline_s: float = 5.0) -> float:
    """Believe the fastest of a few answers; a fast one ends the asking."""
    samples: list[ClockSample] = []
    while len(samples) < SAMPLES and not any(sample.uncertainty_ms <= GOOD_ENOUGH_MS for sample in samples):
        asked = now().timestamp()
        done = await transport.run(ARGV, deadline_s=deadline_s)
        heard = now().timestamp()
        if not done.ok:
            raise ProbeError(f"date: ended with status {done.exit_status}: {done.stderr.strip()[:200]}")
        samples.append(ClockSample(asked, heard, parse(done.stdout)))
    return best(tuple(samples)).offset_ms


class ClockProbe:
    """Keeps a host's clock offset on the board."""

    def __init__(self, site: Site, board: Board, host: Host) -> None:
        self._site, self._board, self._host = site, board, host

    async def once(self) -> None:
        transport, deadline_s = self._site.transport(self._host), self._site.pace.fact_s
        question = offset_ms(transport, self._site.now, deadline_s=deadline_s)
        fact = await asked(self._site, self._host, "clock", question, deadline_s)
        self._board.put(HostName(self._host.name), "clock_offset_ms", fact)

    async def follow(self) -> None:
        await repeat(self.once, self._site.pace.slow_round_s)
