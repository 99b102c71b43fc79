"""`import`: an inventory made from another tool's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.errors import ExitCode

if TYPE_CHECKING:
    from haconsole.inventory.importers.draft import Draft


@click.group("import")
def import_() -> None:
    """Print an inventory made from another tool's file.

    Problems to fix are printed on standard error; exit status 5 when the inventory is not usable yet.
    """


@import_.command(short_help="Read kubespray's inventory.ini or hosts.yaml.")
@click.argument("file", type=click.Path(path_type=Path))
def kubespray(file: Path) -> int:
    """FILE is kubespray's inventory.ini or hosts.yaml; the group_vars and host_vars beside it are read too."""
    from haconsole.inventory.importers.ansible_files import read_variable_files
    from haconsole.inventory.importers.kubespray import from_kubespray
    from haconsole.inventory.load import read

    data, files = read(file), read_variable_files(file.parent)
    return print_draft(from_kubespray(data, str(file), file.resolve().parent.name, files))


@import_.command(short_help="Read the hosts file of a kubeasz cluster.")
@click.argument("file", type=click.Path(path_type=Path))
def kubeasz(file: Path) -> int:
    """FILE is the hosts file of a cluster of kubeasz; the config.yml beside it is read too."""
    from haconsole.inventory.importers.ansible_files import read_variable_files
    from haconsole.inventory.importers.kubeasz import ConfigFile, from_kubeasz, read_config
    from haconsole.inventory.load import read

    settings = file.parent / "config.yml"
    config = read_config(read(settings), str(settings)) if settings.is_file() else ConfigFile()
    files = read_variable_files(file.parent)
    return print_draft(from_kubeasz(read(file), str(file), file.resolve().parent.name, config, files))


@import_.command(short_help="Read a cluster file of kubekey.")
@click.argument("file", type=click.Path(path_type=Path))
def kubekey(file: Path) -> int:
    """FILE is the cluster file of kubekey (config-NAME.yaml)."""
    from haconsole.inventory.importers.kubekey import from_kubekey
    from haconsole.inventory.load import read

    return print_draft(from_kubekey(read(file), str(file)))


@import_.command(short_help="Read a k0sctl.yaml.")
@click.argument("file", type=click.Path(path_type=Path))
def k0sctl(file: Path) -> int:
    """FILE is the k0sctl.yaml of a cluster; variables in it are taken from the environment."""
    import os

    from haconsole.inventory.importers.k0sctl import from_k0sctl
    from haconsole.inventory.load import read

    return print_draft(from_k0sctl(read(file), str(file), os.environ))


def print_draft(draft: Draft) -> int:
    """Print the inventory, and on standard error what is left to fix; the exit status."""
    from haconsole.inventory.importers.draft import write
    from haconsole.inventory.load import examine

    text = write(draft)
    click.echo(text, nl=False)
    examined = examine(text, "<inventory>", Path.cwd())
    for problem in examined.problems:
        click.echo(problem, err=True)
    return ExitCode.INVALID_INVENTORY if examined.inventory is None else ExitCode.OK
