"""Columns that a person chose: left out, remembered in a file, and still part of filters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.present.etcd import etcd_table
from haconsole.present.fitting import text_table
from haconsole.present.table_filter import TableFilter, granted, next_order
from haconsole.ui.column_choice import choice_file, read_choice, write_choice
from haconsole.ui.screens.columns import ColumnWindow
from tests.fakes.cluster import healthy
from tests.fakes.session import FakeSession, critical
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

HIDDEN = frozenset({"ROLE", "MEMBER"})


def test_hidden_columns_are_left_out_but_the_first_one_stays() -> None:
    text = text_table(granted(etcd_table(healthy()), TableFilter(hidden_titles=HIDDEN)), 80)
    assert text.startswith("MEMBER  STATE")
    assert "leader" not in text


def test_filters_and_only_wrong_still_see_hidden_columns() -> None:
    view = etcd_table(critical())
    wish = TableFilter(hidden_titles=frozenset({"STATE", "ROLE"}))
    assert len(granted(view, replace(wish, wrong=True)).rows) == 1
    assert len(granted(view, replace(wish, needle="ROLE=leader")).rows) == 1


def test_hidden_columns_are_skipped_when_sorting() -> None:
    view, wish = etcd_table(healthy()), TableFilter(hidden_titles=HIDDEN)
    columns = []
    for _ in range(4):
        wish = next_order(view, wish)
        columns.append((view.columns[wish.column or 0].title, wish.backwards))
    assert columns == [("MEMBER", False), ("MEMBER", True), ("STATE", False), ("STATE", True)]


async def test_a_choice_is_seen_at_once_and_by_the_next_console(tmp_path: Path) -> None:
    file = tmp_path / "state" / "columns.json"
    app = console(FakeSession(healthy()), columns=file)
    async with running(app) as pilot:
        assert "SSH" in screen_text(app)
        await pilot.press("5", "w", "j", "enter", "escape")
        await settled(pilot)
        assert "SSH" not in screen_text(app)
        assert "SERVICES" in screen_text(app)
    assert json.loads(file.read_text()) == {"hosts": ["SSH"]}
    app = console(FakeSession(healthy()), columns=file)
    async with running(app) as pilot:
        assert "SSH" not in screen_text(app)
        await pilot.press("5", "w", "j", "space", "w")
        await settled(pilot)
        assert "SSH" in screen_text(app)
    assert json.loads(file.read_text()) == {}


async def test_the_first_column_cannot_be_hidden() -> None:
    app = console(FakeSession(healthy()))
    async with running(app) as pilot:
        await pilot.press("1", "w", "enter")
        await settled(pilot)
        assert isinstance(app.screen, ColumnWindow)
        assert not any(app.hidden_columns.values())


@pytest.mark.parametrize("text", ["[]", "{", "\xff"])
async def test_a_damaged_file_is_reported_and_nothing_is_hidden(tmp_path: Path, text: str) -> None:
    file = tmp_path / "columns.json"
    file.write_bytes(text.encode("latin-1"))
    app = console(FakeSession(healthy()), columns=file)
    async with running(app):
        assert app.hidden_columns == {}
        assert [each.title for each in app._notifications] == ["▲ all columns are shown"]


async def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    app = console(FakeSession(healthy()), columns=tmp_path / "columns.json")
    async with running(app) as pilot:
        app.setting = replace(app.setting, columns=tmp_path / "state" / "columns.json")
        await pilot.press("5", "w", "j", "enter")
        await settled(pilot)
        assert [each.title for each in app._notifications] == ["▲ columns not saved"]
        assert app.hidden_columns == {"hosts": frozenset({"SSH"})}


def test_the_file_is_in_the_users_state_folder(tmp_path: Path) -> None:
    assert choice_file({"XDG_STATE_HOME": "/s"}) == Path("/s/haconsole/columns.json")
    assert choice_file({"HOME": "/home/ops"}) == Path("/home/ops/.local/state/haconsole/columns.json")
    path = tmp_path / "a" / "columns.json"
    assert read_choice(path) == {}
    write_choice(path, {"etcd": frozenset({"DB"}), "hosts": frozenset()})
    assert read_choice(path) == {"etcd": frozenset({"DB"})}
