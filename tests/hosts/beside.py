"""Steps of runs at the moment of a failed request, from the runs' logs: they show what the request ran into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StepTime:
    """When a step began, and when it was performed and verified or failed; None if it has not."""

    step: str
    start: float
    action_end: float | None
    end: float | None

    def relative_to(self, at: float) -> str:
        """The step with its times relative to the moment `at`."""
        times = (("began", self.start), ("performed", self.action_end), ("ended", self.end))
        return f"{self.step} ({', '.join(f'{what} {time - at:+.1f} s' for what, time in times if time is not None)})"


def steps_beside(folder: Path, begin: float, end: float) -> tuple[str, ...]:
    """Steps of all runs below `folder` that ran between `begin` and `end`, with their times relative to `begin`.

    Both are seconds since the epoch.
    """
    times = (one for path in sorted(folder.rglob("*.jsonl")) for one in _step_times(path))
    return tuple(one.relative_to(begin) for one in times if one.start <= end and (one.end or end) >= begin)


def _step_times(path: Path) -> Iterator[StepTime]:
    """Each attempt of each step."""
    open_steps: dict[str, StepTime] = {}
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        kind, step = entry.get("kind"), entry.get("step")
        if kind not in ("intent", "performed", "verified") or step is None:
            continue
        at = datetime.fromisoformat(entry["at"]).timestamp()
        before = open_steps.pop(step, None)
        if kind == "intent" or before is None:
            if before is not None:
                yield before
            open_steps[step] = StepTime(step, at, None, None)
        elif kind == "performed" and entry.get("outcome", "done") == "done":
            open_steps[step] = StepTime(step, before.start, at, None)
        else:
            yield StepTime(step, before.start, before.action_end, at)
    yield from open_steps.values()
