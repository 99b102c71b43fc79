"""The operator's pager and editor get the text of the screen, or a host's units and configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.session.host_texts import HostText
from haconsole.ui.console import Console
from haconsole.ui.controllers.pager import NOTHING, program
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import settled
from tests.unit.ui.test_app import console, running


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], str]]:
    texts: list[tuple[tuple[str, ...], str]] = []

    async def note(app: Console, argv: tuple[str, ...], text: str) -> None:
        texts.append((argv, text))

    monkeypatch.setattr("haconsole.ui.controllers.pager.show_outside", note)
    monkeypatch.setenv("PAGER", "less -S")
    monkeypatch.setenv("EDITOR", "nano")
    monkeypatch.delenv("VISUAL", raising=False)
    return texts


async def test_the_text_of_a_finding_opens(opened: list[tuple[tuple[str, ...], str]]) -> None:
    async with running(console(FakeSession(critical()))) as pilot:
        await pilot.press("f", "enter")
        await settled(pilot)
        await pilot.press("P")
        await settled(pilot)
        ((argv, text),) = opened
        assert argv == ("less", "-S")
        assert "Every balancer was queried and none has the address" in text


@pytest.mark.parametrize("width", [60, 80])
async def test_a_text_fits_the_terminal_of_the_pager(opened: list[tuple[tuple[str, ...], str]], width: int) -> None:
    """A pager breaks longer lines within words."""
    async with running(console(FakeSession(critical())), (width, 24)) as pilot:
        await pilot.press("f", "P")
        await settled(pilot)
        ((_, text),) = opened
        assert max(len(line) for line in text.splitlines()) in range(width - 20, width + 1)


async def test_units_and_configurations_of_a_host_open(opened: list[tuple[tuple[str, ...], str]]) -> None:
    texts = (HostText("etcd.service", "[Unit]"), HostText("/etc/haproxy/haproxy.cfg", "", "no such file"))
    async with running(console(FakeSession(critical(), host_texts=texts))) as pilot:
        await pilot.press("5", "E")
        await settled(pilot)
        ((argv, text),) = opened
        assert argv == ("nano",)
        assert text == "==> cp1: etcd.service <==\n[Unit]\n\n==> cp1: /etc/haproxy/haproxy.cfg <==\nno such file\n"


async def test_without_a_text_nothing_opens(opened: list[tuple[tuple[str, ...], str]]) -> None:
    async with running(console(FakeSession())) as pilot:
        await pilot.press("P")
        await settled(pilot)
        assert opened == []
        assert [note.message for note in pilot.app._notifications][-1].endswith(NOTHING)


def test_the_programs_come_from_the_environment(tmp_path: Path) -> None:
    assert program({}, editor=False) == ("less",)
    assert program({"PAGER": "less 'open"}, editor=False) == ("less",)
    assert program({"VISUAL": "code -w", "EDITOR": "vi"}, editor=True) == ("code", "-w")
