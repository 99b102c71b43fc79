"""Shared by verbs that reach hosts: their options, and a session that is always closed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haconsole.cli.completing import inventories
from haconsole.session import Session

if TYPE_CHECKING:
    from haconsole.transport.terminal import TerminalAnswers

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")


def reaching(command: Command) -> Command:
    """INVENTORY and the options for connections to its hosts."""
    command = click.option(
        "--accept-host-key",
        metavar="FINGERPRINT",
        multiple=True,
        help="Accept an unknown host key that has this SHA256:… fingerprint, and remember it.",
    )(command)
    return click.argument("inventory", type=click.Path(path_type=Path), shell_complete=inventories)(command)


TAKE_OVER_NAMES = ("--take-over-lock", "--adopt-lock")
"""The option's name, and the hidden one that it had before."""


class TakeOverLock(click.Option):
    """Names a run whose stale lock is taken over; help lists the option by its first name only."""

    def __init__(self, names: Sequence[str], **settings: Any) -> None:
        text = "Take over the stale lock of this run; make sure first that its console is gone."
        super().__init__(names, multiple=True, metavar="RUN", help=text, **settings)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0].replace(", --adopt-lock", ""), record[1])


def terminal_answers(accepted: Iterable[str], take_over: Iterable[str], *, as_json: bool) -> TerminalAnswers:
    """Answers of a verb that runs plans; only on a terminal they prompt before a lock is taken over."""
    from haconsole.transport.terminal import TerminalAnswers

    asks = not as_json and sys.stdin.isatty()
    return TerminalAnswers(accepted, take_over=take_over, asks_take_over=asks)


def with_session(inventory: Path, accepted: tuple[str, ...], use: Callable[[Session], Awaitable[Result]]) -> Result:
    """Open a session on the inventory, use it, close it in any case."""
    from haconsole.cli.malloc_arenas import limit_arenas
    from haconsole.session.opening import open_session
    from haconsole.transport.terminal import TerminalAnswers

    limit_arenas()

    async def used() -> Result:
        async with open_session(inventory, TerminalAnswers(accepted)) as session:
            return await use(session)

    return asyncio.run(used())
