"""What an action's success means for the inventory file: shown as a diff, applied only when asked to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from haconsole.errors import HaconsoleError
from haconsole.inventory.edit import diff, without_host
from haconsole.inventory.load import read


def tell_change(inventory: Path, host: str, *, apply: bool) -> None:
    """Say what taking `host` out of the file looks like, on stderr; with `apply` do it."""
    before = read(inventory).decode("utf-8-sig")
    after = without_host(before, host, file=str(inventory), base=inventory.resolve().parent)
    if after is None:
        if f"name: {host}" in before:
            click.echo(f"{host} has left: take it out of {inventory}, and whatever refers to it", err=True)
        return
    if apply:
        _write(inventory, after)
        click.echo(f"{inventory} is changed:\n{diff(before, after, str(inventory))}", err=True, nl=False)
        return
    click.echo(f"{inventory} should follow; --update-inventory applies this:", err=True)
    click.echo(diff(before, after, str(inventory)), err=True, nl=False)


def _write(path: Path, text: str) -> None:
    """Replace the file in one go, keeping its mode; a link stays a link."""
    path = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise HaconsoleError(f"cannot write {path}: {error.strerror}", mend="change it by hand as shown") from error
