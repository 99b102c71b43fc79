"""Settings in the palette: their values, and where each is set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haconsole.inventory.load import load
from tests.fakes.cluster import healthy
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

HOSTS = "hosts: [{name: cp1, address: 10.0.0.1, roles: [etcd]}]\n"
GUARDED = """\
cluster: prod
guardrails:
  - rule: refuse
    actions: [restore]
    reason: Rebuilt by the pipeline.
"""


def inventory(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prod.yaml"
    path.write_text(text + HOSTS)
    os.utime(path, (0, 86400))
    return path


@pytest.mark.parametrize(
    ("text", "typed", "lines"),
    [
        (GUARDED, "guardrail", ("restore: refused", "prod.yaml:3", "Rebuilt by the pipeline.")),
        ("cluster: prod\n", "guardrail", ("none", "not set in", "prod.yaml")),
        ("cluster: prod\nread_only: true\n", "read", ("on", "prod.yaml:2", "hides and refuses")),
        ("cluster: prod\n", "read_only", ("off", "not set in", "hides and refuses")),
        ("cluster: prod\n", "hook", ("none", "not set by --hook or HACONSOLE_HOOK")),
    ],
)
async def test_the_palette_finds_a_setting_and_enter_shows_where_it_is_set(
    tmp_path: Path, text: str, typed: str, lines: tuple[str, ...]
) -> None:
    path = inventory(tmp_path, text)
    app = console(FakeSession(healthy(), inventory=load(path)), file=path)
    async with running(app, (80, 24)) as pilot:
        await pilot.press("colon", *(("underscore" if sign == "_" else sign) for sign in typed))
        await shows(pilot, "setting ")
        await settled(pilot)
        await pilot.press("enter")
        await shows(pilot, "▸setting ")
        text_now = " ".join(screen_text(app).replace("│", " ").split())
        assert [line for line in lines if line not in text_now] == []
        assert ("1970-01-02" in text_now) is (typed != "hook")


async def test_the_option_that_makes_a_console_read_only_is_named(tmp_path: Path) -> None:
    path = inventory(tmp_path, "cluster: prod\n")
    app = console(FakeSession(healthy(), inventory=load(path)), file=path, read_only=True)
    async with running(app, (80, 24)) as pilot:
        await pilot.press("colon", *"read")
        await settled(pilot)
        assert "Set by the option --read-only of this console." in screen_text(app)
