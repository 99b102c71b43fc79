"""A run on the screen: watched, left and found again, stopped, reported at its end."""

from __future__ import annotations

from haconsole.execution.events import Outcome
from haconsole.ui.screens.dashboard import Dashboard
from tests.fakes.plans import ended
from tests.fakes.session import critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_acting import planned, tell, to_plan
from tests.unit.ui.test_app import console, running


async def test_a_run_is_watched_to_its_end() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r")
        await settled(pilot)
        assert "run bootstrap on lab?" in screen_text(app)
        await pilot.press("y")
        await settled(pilot)
        text = screen_text(app)
        assert "PHASE     cp1       cp2    cp3" in text
        assert "▸ running" in text
        assert "1/4, 1 running, 2 to come" in text
        assert "Created symlink etcd.service" in text
        assert "^[[31mnot red" in text
        tell(session, *ended())
        await settled(pilot)
        assert "● done after 7 s: 4 changed, 0 already right, 0 failed" in screen_text(app)
        await pilot.press("w")
        await settled(pilot)
        assert "Changes on the cluster, before and after" in screen_text(app)


async def test_a_failed_run_shows_the_error_and_what_to_do_next() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r", "y")
        tell(session, *ended(Outcome.FAILED))
        await settled(pilot)
        assert "✖ failed" in screen_text(app)
        await pilot.press("w")
        await settled(pilot)
        text = " ".join(screen_text(app).split())
        assert "disk full; free space" in text
        assert "fix the failure, then run bootstrap again" in text


async def test_a_run_goes_on_beside_the_dashboard_and_is_found_again() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r", "y")
        await settled(pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, Dashboard)
        assert "RUN bootstrap 1/4" in screen_text(app)
        session.looked_at = critical()
        session.snapshot_queue.put_nowait(critical())
        await settled(pilot)
        assert "✖ CRITICAL" in screen_text(app)
        tell(session, *ended())
        await settled(pilot)
        await pilot.press("R")
        await settled(pilot)
        assert "● done after 7 s" in screen_text(app)
        await pilot.press("w")
        await settled(pilot)
        assert "owner cp1 → nobody" in screen_text(app)


async def test_stop_is_confirmed_once_and_leaving_steps_to_their_hosts_twice() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r", "y")
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert session.stops[-1] == "after these"
        assert "stopping" in screen_text(app)
        await pilot.press("s")
        await settled(pilot)
        assert "end the run now, and let its running steps continue on their hosts?" in screen_text(app)
        await pilot.press("y")
        await settled(pilot)
        assert session.stops[-1] == "at once"
        tell(session)
        await settled(pilot)
        assert "the run ended without a result" in screen_text(app)


async def test_quitting_with_a_running_run_prompts_first() -> None:
    session = planned()
    app = console(session)
    async with running(app) as pilot:
        await to_plan(app, pilot)
        await pilot.press("r", "y")
        await settled(pilot)
        await pilot.press("escape", "q")
        await settled(pilot)
        assert "a run is running: close the console?" in screen_text(app)
        await pilot.press("n")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        tell(session, *ended())
