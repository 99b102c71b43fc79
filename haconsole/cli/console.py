"""`haconsole INVENTORY`: opens the console on a cluster."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.cli.completing import inventories
from haconsole.errors import UsageError

if TYPE_CHECKING:
    from haconsole.session import Session
    from haconsole.ui.controllers.prompts import Prompter


@click.command("open", hidden=True)
@click.argument("inventory", type=click.Path(path_type=Path), shell_complete=inventories)
@click.option("--read-only", is_flag=True, help="Hide and refuse everything that changes a host.")
@click.option(
    "--theme", metavar="THEME", help="A theme's name, or a theme file. Default: the inventory's theme, otherwise dark."
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.option(
    "--notify",
    type=click.Choice(("auto", "osc9", "osc777", "osc99", "bell", "none")),
    default="none",
    envvar="HACONSOLE_NOTIFY",
    help="The kind of terminal notice for ends of runs and for findings. HACONSOLE_NOTIFY sets it too. Default: none.",
)
@click.option(
    "--hook",
    default="",
    metavar="CMD",
    help="Run CMD, JSON on stdin, when a run ends or a finding opens or closes; or set HACONSOLE_HOOK.",
)
def open_console(inventory: Path, read_only: bool, theme: str | None, ascii_only: bool, notify: str, hook: str) -> int:
    """Open the console on the cluster of INVENTORY; `haconsole INVENTORY` does the same."""
    return show(inventory, read_only=read_only, theme=theme, ascii_only=ascii_only, notify=notify, hook=hook)


open = open_console  # noqa: A001


def show(
    inventory: Path,
    *,
    read_only: bool = False,
    theme: str | None = None,
    ascii_only: bool = False,
    notify: str = "none",
    hook: str = "",
) -> int:
    """Run the console on an inventory's cluster until it is left; returns the exit status.

    Raises InventoryError, ThemeError and UsageError before anything is painted.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the console needs a terminal", hint="use `haconsole status` in scripts and pipes")
    gc.disable()  # objects made before the first paint stay; the console switches garbage collection on again
    from haconsole.inventory.load import load
    from haconsole.ui.controllers.prompts import Prompter
    from haconsole.ui.launch import launch

    asker = Prompter()
    return launch(
        load(inventory),
        lambda: live_session(inventory, asker, read_only=read_only),
        theme=theme,
        read_only=read_only,
        ascii_only=ascii_only,
        environment=os.environ,
        encoding=sys.stdout.encoding,
        asker=asker,
        file=inventory,
        notify=notify,
        hook=hook,
    )


def live_session(inventory: Path, asker: Prompter, *, read_only: bool) -> AbstractAsyncContextManager[Session]:
    """A session with the real hosts, opened while the screen is already up."""
    from haconsole.cli.malloc_arenas import limit_arenas
    from haconsole.session.opening import open_session

    limit_arenas()
    return open_session(inventory, asker, read_only=read_only)
