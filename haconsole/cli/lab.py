"""`haconsole lab`: the practice cluster on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.progress import Silent
from haconsole.lab.spec import DEFAULT_NAME, LabSpec

NAME = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab.")


@click.group()
def lab() -> None:
    """A practice cluster of real hosts on this machine (Debian, root)."""


@lab.command()
@NAME
@click.option("--hosts", default=3, show_default=True, help="Control planes.")
@click.option("--workers", default=0, show_default=True)
@click.option("--bastion", is_flag=True, help="Only a bastion can be reached from here; the hosts through it.")
@click.option("--kubernetes-bin", type=click.Path(file_okay=False, exists=True, path_type=Path))
def up(name: str, hosts: int, workers: int, bastion: bool, kubernetes_bin: Path | None) -> None:
    """Make the hosts and boot them; mends what is missing of a lab that is there."""
    from haconsole.lab.rootfs import build_base

    places = Places.of()
    build_base(places.cache, Silent())
    one = Lab(name, places=places)
    changed = one.up(LabSpec(name, 0, hosts, workers, bastion))
    click.echo(f"{'up' if changed else 'was up already'}; inventory: {one.inventory_path}", err=True)


@lab.command()
@NAME
def down(name: str) -> None:
    """Take the lab down; nothing of it is left."""
    Lab(name).down()


@lab.command()
@NAME
def inventory(name: str) -> None:
    """Print the path of the lab's inventory."""
    click.echo(Lab(name).inventory_path)


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@NAME
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, host: str, command: tuple[str, ...]) -> int:
    """Run a command as root on a host; ends with its exit status."""
    return subprocess.run(Lab(name).command(host, command), check=False).returncode
