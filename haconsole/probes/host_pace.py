"""The pace of one host's script: how long its rounds take, and how long its silence is normal.

1. The script itself waits after a round for at least as long as the round took (`wait-for-round.sh`).
2. The reader counts a host as silent, or as lost, after a multiple of the time between its rounds.
3. A script that was given up without an answer is started again with twice the patience, so that a slow host is not
   loaded by scripts that never come to their end.
"""

from __future__ import annotations

from haconsole.probes.context import ProbeTimings

LONGEST_S = 60.0
"""The longest silence that is waited for."""
ROUNDS = 3
"""So many rounds without an answer are a silence."""


class HostPace:
    """Counts in seconds of the event loop's clock."""

    def __init__(self, timings: ProbeTimings) -> None:
        self._timings = timings
        self._interval_s = timings.round_s
        self._began_at: float | None = None
        self._patience_s = timings.silence_s

    @property
    def silence_s(self) -> float:
        """A script without any line for this long is given up, and the host is connected to again."""
        return min(max(self._patience_s, ROUNDS * self._interval_s), max(LONGEST_S, self._timings.silence_s))

    @property
    def late_s(self) -> float:
        """Facts of a host without an answer for this long are old."""
        slowest = max(self._timings.late_s, ROUNDS * self._timings.round_s)
        return min(max(slowest, ROUNDS * self._interval_s), max(LONGEST_S, slowest))

    def begin(self, at: float) -> None:
        """A script was started."""
        self._began_at = at

    def end_round(self, at: float) -> None:
        """A round's last answer is there."""
        if self._began_at is not None:
            self._interval_s = max(self._timings.round_s, at - self._began_at)
        self._began_at = at
        if self._interval_s < self._timings.silence_s:
            self._patience_s = self._timings.silence_s

    def give_up(self) -> None:
        """The script was silent for too long."""
        self._patience_s = min(2 * self.silence_s, max(LONGEST_S, self._timings.silence_s))


def pause_after(took_s: float, usual_s: float) -> float:
    """The pause after an answer that took so long: half of the time at most is spent on answers."""
    return max(usual_s, min(took_s, LONGEST_S))
