"""A question to the person at the terminal, on stderr; Ctrl-C ends it at once."""

from __future__ import annotations

import asyncio
import sys

import click

from haconsole.errors import UsageError


async def confirmed_by_name(what: str, name: str) -> None:
    """Tell `what` on stderr and return when `name` is typed. Raises UsageError when it is not, or nobody can."""
    hint = f"type {name} when asked, or say --confirm {name}"
    if not sys.stdin.isatty():
        raise UsageError("this is for good, and there is nobody to ask for agreement", hint=hint)
    click.echo(f"{what}\nType {name} to carry it out: ", nl=False, err=True)
    if (await _line()).strip() != name:
        raise UsageError("not carried out: it was not agreed to", hint=hint)


async def confirmed(question: str) -> bool:
    """Ask on stderr, read a line of stdin: y or yes agrees, anything else does not.

    Raises UsageError where stdin is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask for agreement", hint="say --yes")
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    return (await _line()).strip().lower() in ("y", "yes")


async def _line() -> str:
    """The next line of stdin without its end, read when it is there so that waiting for it can be cancelled."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline().rstrip("\r\n")
