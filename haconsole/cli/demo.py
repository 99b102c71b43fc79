"""`demo`: the console on a practice cluster that is created, installed and verified live."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import click

from haconsole.cli.actions import perform, print_plan
from haconsole.cli.console import show
from haconsole.cli.lab_progress import progress_on
from haconsole.cli.recording import show_recording
from haconsole.errors import ExitCode
from haconsole.lab.errors import LabImpossibleError
from haconsole.lab.lab import Lab
from haconsole.lab.shape import LabShape

SHIPPED = Path(__file__).parents[1] / "recording" / "failovers.jsonl.gz"
"""Recorded from three lab hosts: keepalived stopped on the VIP's owner and started; another host off and on."""


@click.command()
@click.option("--name", default="demo", show_default=True, metavar="NAME", help="The lab's name; other labs are kept.")
@click.option("--console/--no-console", default=True, help="Open the console at the end, or only leave the cluster up.")
def demo(name: str, console: bool) -> int:
    """Create three real hosts on this machine, bootstrap them, and open the console on them (Linux, root).

    The hosts stay until `haconsole lab down --name NAME`; the next demo finds them and starts at once. If no hosts can
    be created, it reports the reason and shows a recording of such hosts with two failovers.
    """
    try:
        inventory = _hosts(name)
    except LabImpossibleError as error:
        if not console:
            raise
        click.echo(f"haconsole: {error}\nno hosts here: this is a recording, two failovers on three hosts", err=True)
        return show_recording(SHIPPED, repeats=True)
    ended = asyncio.run(_bootstrap(inventory))
    if ended == ExitCode.OK and console:
        ended = show(inventory)
    click.echo(f"the hosts are still up; to remove them: {_program()} lab down --name {name}", err=True)
    return ended


def _program() -> str:
    """The command of this program as a person can type it here: `make demo` runs one that is not on the path."""
    own = Path(sys.executable).with_name("haconsole")
    if shutil.which("haconsole") or not own.exists():
        return "haconsole"
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


async def _bootstrap(inventory: Path) -> int:
    from haconsole.actions.step import Refusal
    from haconsole.session.opening import open_session

    async with open_session(inventory) as session:
        planned = await session.planner.plan("bootstrap", {})
        if isinstance(planned, Refusal):
            return print_plan(planned, as_json=False)
        return await perform(session.start(planned), as_json=False)


def _hosts(name: str) -> Path:
    lab = Lab(name)
    progress = progress_on(sys.stderr)
    try:
        lab.up(LabShape(), progress)
    finally:
        progress.finish()
    return lab.inventory_path
