"""Opens the session of a live cluster: its hosts are connected while the rest of the program is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from haconsole.inventory.load import load, read
from haconsole.transport.answers import Answers, NoAnswers

if TYPE_CHECKING:
    from haconsole.inventory.schema import Inventory
    from haconsole.session.live import LiveSession
    from haconsole.transport.ssh import SshFleet


def open_session(
    inventory: Path, answers: Answers | None = None, *, read_only: bool = False
) -> AbstractAsyncContextManager[LiveSession]:
    """A session of the inventory in a file; raises InventoryError for an invalid file.

    A host that cannot be reached now is tried again at each query.
    """
    loaded, digest = load(inventory), sha256(read(inventory)).hexdigest()
    return _open(loaded, str(inventory.resolve()), digest, answers or NoAnswers(), read_only=read_only)


@asynccontextmanager
async def _open(
    loaded: Inventory, source: str, digest: str, prompter: Answers, *, read_only: bool
) -> AsyncGenerator[LiveSession, None]:
    fleet = (await asyncio.to_thread(_fleet_class))(loaded, prompter)
    try:
        fleet.begin()
        session_class = await asyncio.to_thread(_session_class)
        yield session_class(loaded, fleet, source=source, digest=digest, read_only=read_only, answers=prompter)
    finally:
        await fleet.close()


def _fleet_class() -> type[SshFleet]:
    from haconsole.transport.ssh import SshFleet

    return SshFleet


def _session_class() -> type[LiveSession]:
    from haconsole.session.live import LiveSession

    return LiveSession
