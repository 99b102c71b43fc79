"""Events from before the console was opened: on the timeline and in the graphs, read once in the background."""

from __future__ import annotations

from tests.fakes.cluster import changed, etcd_silent, healthy
from tests.fakes.past import PAST
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows


async def test_the_timeline_begins_before_the_start() -> None:
    fake = FakeSession(healthy(), pasts=PAST)
    async with running(console(fake), (100, 30)) as pilot:
        await shows(pilot, "HEALTHY")
        fake.snapshot_queue.put_nowait(changed(healthy(), 2, etcd_silent))
        await pilot.press("e")
        await shows(pilot, "etcd was killed by signal 9/KILL")
        text = screen_text(pilot.app)
        assert "2 before" in text
        lines = text.splitlines()
        newest = next(place for place, line in enumerate(lines) if "member cp2 is not healthy" in line)
        killed = next(place for place, line in enumerate(lines) if "was killed" in line)
        elected = next(place for place, line in enumerate(lines) if "became leader" in line)
        assert newest < killed < elected
        await pilot.press("escape", "v")
        await shows(pilot, "┃cp2")
        assert "▲" in next(line for line in screen_text(pilot.app).splitlines() if "services cp2" in line)
