"""Shell completion of inventories, hosts of the inventory in the command line, and runs; the script to enable it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.cli.output import INVENTORY_ENDINGS
from haconsole.errors import HaconsoleError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VARIABLE = "_HACONSOLE_COMPLETE"


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> int:
    """Print the script that completes commands, actions, hosts, runs and inventories in a shell.

    SHELL is bash, zsh or fish. The file's folder must exist (`mkdir -p`). Shells that start afterwards use the script.

    \b
    bash: haconsole completion bash >~/.local/share/bash-completion/completions/haconsole
    zsh:  haconsole completion zsh >~/.zfunc/_haconsole (a folder of fpath)
    fish: haconsole completion fish >~/.config/fish/completions/haconsole.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    root = click.get_current_context().find_root().command
    click.echo(script(root, {}, "haconsole", VARIABLE).source())
    return 0


def inventories(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Folders, and files whose names end as inventories do."""
    folder, _, start = incomplete.rpartition("/")
    base = Path(folder or ("/" if incomplete.startswith("/") else ".")).expanduser()
    try:
        entries = sorted(base.iterdir())
    except OSError:
        return []
    prefix = f"{folder}/" if "/" in incomplete else ""
    names = [entry for entry in entries if entry.name.startswith(start) and (start or not entry.name.startswith("."))]
    return [
        f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in names
        if entry.is_dir() or entry.name.endswith(INVENTORY_ENDINGS)
    ]


def hosts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Hosts of the inventory that the line names; none if it cannot be read."""
    from click.shell_completion import CompletionItem

    from haconsole.inventory.load import load

    inventory = ctx.params.get("inventory") or _inventory_on_the_line()
    try:
        names = [(host.name, host.address) for host in load(Path(inventory)).hosts] if inventory else []
    except HaconsoleError:
        return []
    return [CompletionItem(name, help=address) for name, address in names if name.startswith(incomplete)]


def _inventory_on_the_line() -> str | None:
    """The inventory among the words that the shell passes on; click gives none behind an option without its value."""
    words = os.environ.get("COMP_WORDS", "").split()
    return next((word for word in words if word.endswith(INVENTORY_ENDINGS) and Path(word).is_file()), None)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Runs recorded for this account, newest first."""
    from haconsole.execution.log.run_log import runs_folder

    folder = runs_folder(dict(os.environ))
    names = sorted((path.stem for path in folder.glob("*.jsonl")), reverse=True)
    return [name for name in names if name.startswith(incomplete)]
