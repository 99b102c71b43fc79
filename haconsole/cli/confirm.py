"""Confirmations at the terminal, on stderr: yes or no, or a typed name. Ctrl-C ends the prompt at once."""

from __future__ import annotations

import asyncio
import sys

import click

from haconsole.errors import UsageError


async def confirmed_by_name(what: str, name: str) -> None:
    """Show `what` on stderr and return when `name` is typed. Raises UsageError when it is not, or no terminal is
    available.
    """
    hint = f"type {name} at the prompt, or pass --confirm {name}"
    if not sys.stdin.isatty():
        raise UsageError("confirmation needs a typed cluster name, and stdin is not a terminal", hint=hint)
    click.echo(f"{what}\nType {name} to carry it out: ", nl=False, err=True)
    if (await line()).strip() != name:
        raise UsageError("not started: the plan was not confirmed", hint=hint)


async def confirmed(question: str) -> bool:
    """Prompt on stderr, read a line of stdin: y or yes confirms, anything else does not.

    Raises UsageError if stdin is no terminal.
    """
    if not sys.stdin.isatty():
        raise UsageError("confirmation needs a terminal, and stdin is not a terminal", hint="pass --yes")
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    return (await line()).strip().lower() in ("y", "yes")


async def line(*, ends: str = "") -> str:
    """The next line of stdin without its end, or `ends` where stdin has ended; waiting for it can be cancelled."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    read = sys.stdin.readline()
    return read.rstrip("\r\n") if read else ends
