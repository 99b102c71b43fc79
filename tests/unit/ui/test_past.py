"""Events from before the console was opened: on the timeline and in the graphs, read once in the background."""

from __future__ import annotations

from datetime import timedelta

from haconsole.model.names import HostName
from haconsole.model.past import HostPast, PastEvent, PastKind
from tests.fakes.cluster import NOW, changed, etcd_silent, healthy
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

CP2 = HostName("cp2")
PAST = (
    HostPast(
        CP2,
        (
            PastEvent(NOW - timedelta(seconds=90), CP2, PastKind.LEADER, "etcd", "became leader in term 3", "a2"),
            PastEvent(
                NOW - timedelta(seconds=40), CP2, PastKind.ENDED, "etcd", "was killed by signal 9/KILL", "signal 9"
            ),
        ),
    ),
)


async def test_the_timeline_begins_before_the_start() -> None:
    fake = FakeSession(healthy(), pasts=PAST)
    async with running(console(fake), (100, 30)) as pilot:
        await shows(pilot, "HEALTHY")
        fake.heard.put_nowait(changed(healthy(), 2, etcd_silent))
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
