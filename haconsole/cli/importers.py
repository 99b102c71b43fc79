"""`import`: an inventory made from another tool's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haconsole.errors import ExitCode

if TYPE_CHECKING:
    from haconsole.inventory.importers.draft import Draft

MAX_FILES = 100


@click.group("import")
def import_() -> None:
    """Print an inventory made from another tool's file.

    What is left to mend goes to standard error; exit status 5 when the inventory cannot be used as it is.
    """


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
def kubespray(file: Path) -> int:
    """FILE is kubespray's inventory.ini or hosts.yaml; the group_vars beside it are read too."""
    from haconsole.inventory.importers.kubespray import from_kubespray
    from haconsole.inventory.load import read

    data = read(file)
    return print_draft(
        from_kubespray(data, str(file), file.resolve().parent.name, _group_vars(file.parent / "group_vars"))
    )


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
def k0sctl(file: Path) -> int:
    """FILE is the k0sctl.yaml of a cluster."""
    from haconsole.inventory.importers.k0sctl import from_k0sctl
    from haconsole.inventory.load import read

    return print_draft(from_k0sctl(read(file), str(file)))


def print_draft(draft: Draft) -> int:
    """Print the inventory, and on standard error what is left to mend; the exit status."""
    from haconsole.inventory.importers.draft import write
    from haconsole.inventory.load import examine

    text = write(draft)
    click.echo(text, nl=False)
    examined = examine(text, "<inventory>", Path.cwd())
    for problem in examined.problems:
        click.echo(problem, err=True)
    return ExitCode.INVALID_INVENTORY if examined.inventory is None else ExitCode.OK


def _group_vars(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The variables of ``GROUP.yml`` and of the files in ``GROUP/``; files that are not plain YAML are left out."""
    from haconsole.inventory.importers.plain import mapping, read_yaml
    from haconsole.inventory.load import read
    from haconsole.inventory.problems import InventoryError

    merged: dict[str, dict[str, Any]] = {}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".yml", ".yaml", ""))
    for path in files[:MAX_FILES]:
        try:
            variables = mapping(read_yaml(read(path), str(path)))
        except InventoryError as error:
            if "the file is empty" not in str(error):
                click.echo(f"{error.problems[0]} (left out)", err=True)
            continue
        group = path.relative_to(folder).parts[0].removesuffix(path.suffix)
        merged.setdefault(group, {}).update(variables)
    return merged
