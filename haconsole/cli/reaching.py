"""What verbs that reach hosts have in common: their options, and a session that is always closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from haconsole.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")


def reaching(command: Command) -> Command:
    """INVENTORY and the options that say how its hosts may be reached."""
    command = click.option(
        "--accept-host-key",
        metavar="FINGERPRINT",
        multiple=True,
        help="Accept an unknown host key that has this SHA256:… fingerprint, and remember it.",
    )(command)
    return click.argument("inventory", type=click.Path(path_type=Path))(command)


def with_session(inventory: Path, accepted: tuple[str, ...], use: Callable[[Session], Awaitable[Result]]) -> Result:
    """Open a session on the inventory, use it, close it whatever happens."""
    from haconsole.session.live import open_session
    from haconsole.transport.terminal import TerminalAnswers

    async def used() -> Result:
        async with open_session(inventory, TerminalAnswers(accepted)) as session:
            return await use(session)

    return asyncio.run(used())
