"""`haconsole INVENTORY`: the console."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from haconsole.inventory.schema import Inventory
    from haconsole.session import Session


@click.command("open")
@click.argument("inventory", type=click.Path(path_type=Path))
@click.option("--read-only", is_flag=True, help="Hide and refuse everything that changes a host.")
@click.option("--theme", help="A theme's name, or a theme file; else the inventory's, else dark.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
def open_console(inventory: Path, read_only: bool, theme: str | None, ascii_only: bool) -> int:
    """Open the console on the cluster of INVENTORY. `haconsole INVENTORY` does the same."""
    from haconsole.inventory.load import load
    from haconsole.ui.launch import launch

    loaded = load(inventory)
    return launch(
        loaded,
        lambda: live_session(loaded, read_only=read_only or loaded.read_only),
        theme=theme,
        read_only=read_only,
        ascii_only=ascii_only,
        environment=os.environ,
        encoding=sys.stdout.encoding,
    )


@asynccontextmanager
async def live_session(inventory: Inventory, *, read_only: bool) -> AsyncIterator[Session]:
    """A session with the real hosts; its libraries are loaded in a thread, the screen being up already."""
    opening = await asyncio.to_thread(_opening)
    async with opening(inventory) as session:
        yield session
