"""Every screen at the smallest and at a wide size: the keys that lead to it, and the session it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot

from haconsole.execution.events import Outcome
from haconsole.execution.log.run_record import RunStatus
from haconsole.model.command import HostCommand, Purpose
from haconsole.model.journal import JournalLine
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.session import Session
from haconsole.ui.app import ConsoleApp
from haconsole.ui.console import Setting
from haconsole.ui.theming import find_theme, theme_folders
from haconsole.ui.widgets.journal import JournalPane
from tests.fakes.cluster import INVENTORY, NAMES, NOW, healthy
from tests.fakes.past import PAST
from tests.fakes.path import on_path
from tests.fakes.plans import FINAL, PLAN, REFUSED, ended, paused_events, recorded, running_events
from tests.fakes.player import FakePlayer
from tests.fakes.session import FakeSession, aged, critical, degraded
from tests.unit.ui.driver import settled
from tests.unit.ui.test_certificates import LEAF, with_certificates

SMALL, WIDE = (80, 24), (160, 45)
SHOW = HostCommand(NAMES[1], NOW, Purpose.PROBE, "systemctl show etcd", root=True, exit_status=0, seconds=0.2, times=9)
RESTART = HostCommand(NAMES[2], NOW, Purpose.STEP, "systemctl restart etcd", root=True, exit_status=1, seconds=2.0)
FAILED = recorded(RunStatus.ENDED, Outcome.FAILED, hours_ago=1)
BROKEN = recorded(RunStatus.BROKEN_OFF, hours_ago=2)
SAID = tuple(
    JournalLine(NAMES[number % 3], NOW - timedelta(seconds=90 - number), source, text, priority)
    for number, (source, text, priority) in enumerate(
        (
            ("etcd", '{"level":"info","msg":"cp1 became leader at term 4"}', 6),
            ("keepalived", "(VI_1) Entering BACKUP STATE", 6),
            ("etcd", '{"level":"warn","msg":"apply request took too long","took":"214 ms","expected":"100 ms"}', 4),
            ("haproxy", "Server k8s_server_6443/cp2 is DOWN, reason: Layer7 wrong status, code: 500", 3),
            ("kube-apiserver", "\x1b[2Jfailed to list *v1.Lease: context deadline exceeded", 3),
            ("systemd", "keepalived.service: Main process exited, code=exited, status=1/FAILURE", 4),
        )
        * 3
    )
)


def console(snapshot: ClusterSnapshot | None, theme: str, **value: Any) -> ConsoleApp:
    """`given` are further attributes of its session; `then` is the second snapshot."""
    later = value.pop("then", None)
    player: FakePlayer | None = value.get("player")
    session = {
        "first": snapshot,
        "plans": {"bootstrap": PLAN},
        "events": running_events(),
        "records": (FAILED, BROKEN),
        "logged": SAID,
        **value,
    }

    @asynccontextmanager
    async def opened() -> AsyncIterator[Session]:
        fake = FakeSession(more=asyncio.Queue(), **session)
        if later is not None:
            fake.snapshot_queue.put_nowait(later)
        yield fake

    clock = player.now if player is not None else lambda: NOW + timedelta(seconds=1)
    setting = Setting(INVENTORY, find_theme(theme, theme_folders()), theme, opened, clock=clock)
    return ConsoleApp(replace(setting, recorded=player is not None))


CERTIFIED = with_certificates(
    LEAF,
    replace(LEAF, path="/etc/etcd/pki/peer.crt", role="etcd-peer", not_after=NOW + timedelta(days=12)),
    replace(
        LEAF,
        path="/etc/kubernetes/pki/apiserver.crt",
        role="apiserver",
        not_before=NOW - timedelta(days=367),
        not_after=NOW - timedelta(days=2),
    ),
)
TO_PLAN = "a b o o t s enter enter"
FLOWS: dict[str, tuple[str, dict[str, Any]]] = {
    "dashboard-healthy": ("", {"first": healthy(), "records": ()}),
    "dashboard-degraded": ("", {"first": degraded(), "records": ()}),
    "dashboard-critical": ("", {"records": ()}),
    "dashboard-waiting": ("", {"first": None, "records": ()}),
    "dashboard-silent": ("", {"first": aged(healthy(), 75), "records": ()}),
    "findings": ("f", {}),
    "finding": ("f enter", {}),
    "events": ("e", {"first": healthy(), "then": critical()}),
    "certificates": ("c", {"first": CERTIFIED}),
    "certificate": ("c enter", {"first": CERTIFIED}),
    "member": ("1 j enter", {}),
    "server": ("3 j enter", {}),
    "lease": ("4 j enter", {}),
    "vip": ("2 enter", {}),
    "host": ("5 enter", {}),
    "graphs": ("v", {"first": on_path(healthy()), "then": critical(), "pasts": PAST}),
    "graphs-zoomed": ("v minus minus left left j", {"first": on_path(healthy()), "then": critical(), "pasts": PAST}),
    "only-host": ("5 j H", {"records": ()}),
    "replay": ("full_stop full_stop", {"first": healthy(), "records": (), "player": "recorded"}),
    "replay-graphs": ("full_stop full_stop v", {"first": healthy(), "records": (), "player": "recorded"}),
    "columns": ("5 w j j enter", {}),
    "frozen": ("space", {"first": healthy(), "records": ()}),
    "path-healthy": ("p", {"first": on_path(healthy())}),
    "path-broken": ("p right down", {"first": on_path(critical())}),
    "path-node": ("p right right right enter", {"first": on_path(degraded())}),
    "journals": ("L", {}),
    "journals-filtered": ("L slash s e r v e r enter", {}),
    "filter": ("slash c p 2", {}),
    "help": ("question_mark", {}),
    "palette": ("colon", {}),
    "actions": ("a b o o t s", {}),
    "form": ("a b o o t s enter right", {}),
    "plan": (TO_PLAN, {}),
    "plan-taught": (f"{TO_PLAN} t", {}),
    "refusal": (TO_PLAN, {"plans": {"bootstrap": REFUSED}}),
    "agreement": (f"{TO_PLAN} r", {}),
    "agreement-typed": (f"{TO_PLAN} t r", {"plans": {"bootstrap": FINAL}}),
    "run": (f"{TO_PLAN} r y", {}),
    "run-taught": (f"{TO_PLAN} t r y", {"events": paused_events()}),
    "run-stopping": (f"{TO_PLAN} r y s s", {}),
    "run-failed": (f"{TO_PLAN} r y", {"events": (*running_events(), *ended(Outcome.FAILED))}),
    "outcome": (f"{TO_PLAN} r y w", {"events": (*running_events(), *ended(Outcome.FAILED))}),
    "runs": ("h", {}),
    "commands": ("C", {"commands": (SHOW, RESTART)}),
    "setting": ("colon r e a d underscore o n l y enter", {}),
    "record": ("h enter j", {}),
    "carry-on": ("h j r", {}),
    "offer": ("", {"records": (BROKEN, FAILED)}),
    "leave": (f"{TO_PLAN} r y escape q", {}),
}
"""Each screen: the keys that lead to it, and what its session knows besides."""


def led(flow: str, theme: str) -> tuple[ConsoleApp, Callable[[Pilot[None]], Awaitable[None]]]:
    """A console, and what leads it to the screen."""
    keys, value = FLOWS[flow]
    if "player" in value:
        value = {**value, "player": FakePlayer((healthy(), healthy(), critical(), healthy(), degraded()))}

    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        if "player" in value:
            await pilot.app.workers.wait_for_complete()
        for key in keys.split():
            await pilot.press(key)
            if len(key) > 1:
                await settled(pilot)
            if "player" in value:
                await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        for pane in pilot.app.screen.query(JournalPane):
            pane._draw_if_due()
        pilot.app.clear_notifications()
        await settled(pilot)

    return console(critical(), theme, **value), press
