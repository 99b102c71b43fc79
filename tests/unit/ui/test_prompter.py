"""Prompts of the transport, shown on the screen and answered by keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.ui.controllers.prompts import Prompter
from tests.fakes.cluster import healthy
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

CP1, CP2 = HostName("cp1"), HostName("cp2")
FINGERPRINT = "SHA256:Zm9yIHRlc3RzIG9ubHksIG5vIGtleSBvZiBhbnkgaG9zdA"


async def test_a_host_key_is_shown_and_accepted_or_not() -> None:
    asker = Prompter()
    app = console(FakeSession(healthy()), asker=asker)
    async with running(app) as pilot:
        for key, message in (("y", True), ("n", False), ("escape", False)):
            task = asyncio.create_task(asker.accept_host_key(CP1, "10.99.0.11:22", "ssh-ed25519", FINGERPRINT))
            await settled(pilot)
            text = screen_text(app)
            assert "is this cp1's key?" in text
            assert FINGERPRINT in text
            await pilot.press(key)
            assert await task is message


async def test_questions_wait_for_one_another() -> None:
    asker = Prompter()
    app = console(FakeSession(healthy()), asker=asker)
    async with running(app) as pilot:
        first = asyncio.create_task(asker.accept_host_key(CP1, "10.99.0.11:22", "ssh-ed25519", FINGERPRINT))
        second = asyncio.create_task(asker.accept_host_key(CP2, "10.99.0.12:22", "ssh-ed25519", FINGERPRINT))
        await settled(pilot)
        await pilot.press("y")
        assert await first
        await settled(pilot)
        assert "is this cp2's key?" in screen_text(app)
        await pilot.press("n")
        assert not await second


async def test_a_password_is_never_on_the_screen() -> None:
    asker = Prompter()
    app = console(FakeSession(healthy()), asker=asker)
    async with running(app) as pilot:
        task = asyncio.create_task(asker.sudo_password(CP1))
        await settled(pilot)
        await pilot.press(*"hunter2")
        await settled(pilot)
        text = screen_text(app)
        assert "sudo password on cp1" in text
        assert "hunter2" not in text
        await pilot.press("enter")
        assert await task == Secret("hunter2")


async def test_a_refused_passphrase_is_none() -> None:
    asker = Prompter()
    app = console(FakeSession(healthy()), asker=asker)
    async with running(app) as pilot:
        task = asyncio.create_task(asker.passphrase(Path("/root/.ssh/id_ed25519")))
        await settled(pilot)
        await pilot.press("x", "escape")
        assert await task is None


async def test_a_cancelled_question_leaves_the_screen() -> None:
    asker = Prompter()
    app = console(FakeSession(healthy()), asker=asker)
    async with running(app) as pilot:
        task = asyncio.create_task(asker.sudo_password(CP1))
        await settled(pilot)
        task.cancel()
        await settled(pilot)
        assert "sudo password" not in screen_text(app)


async def test_without_a_screen_every_question_is_refused() -> None:
    asker = Prompter()
    assert await asker.sudo_password(CP1) is None
    assert not await asker.accept_host_key(CP1, "10.99.0.11:22", "ssh-ed25519", FINGERPRINT)
