"""`discover`: an inventory from one host of a cluster."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import click

from haconsole.cli.arguments import Number
from haconsole.errors import UsageError


@click.command()
@click.argument("host", metavar="[USER@]HOST")
@click.option("-p", "--port", type=Number(1, 65535, integer=True), metavar="PORT", help="sshd's port.")
@click.option("-i", "--identity-file", type=click.Path(), metavar="FILE", help="Private key.")
@click.option("-J", "--jump", metavar="[USER@]HOST[:PORT]", help="Jump host.")
@click.option(
    "--known-hosts",
    type=click.Path(),
    metavar="FILE",
    help="A file of known host keys, used instead of ssh's own files.",
)
@click.option(
    "--sudo",
    type=click.Choice(("none", "passwordless", "password")),
    help="How to become root by sudo; default: passwordless, or none if the login is root.",
)
@click.option(
    "--accept-host-key",
    metavar="FINGERPRINT",
    multiple=True,
    help="Accept an unknown host key that has this SHA256:… fingerprint, and remember it.",
)
def discover(
    host: str,
    port: int | None,
    identity_file: str | None,
    jump: str | None,
    known_hosts: str | None,
    sudo: str | None,
    accept_host_key: tuple[str, ...],
) -> int:
    """Print an inventory of the cluster that HOST belongs to.

    The processes and configuration of HOST are read, the members from its etcd, the nodes from its API server; then the
    same from the other hosts. Nothing is changed. The first lines list what to check. Exit status 5 when the inventory
    cannot be used as it is, with the fixes on standard error.
    """
    from haconsole.cli.discovery import StartHost, discovered
    from haconsole.cli.importers import print_draft
    from haconsole.transport.terminal import TerminalAnswers

    user, name = login_of(host)
    ssh = {
        "user": user or None,
        "port": port,
        "identity_file": from_here(identity_file),
        "known_hosts": from_here(known_hosts),
        "sudo": sudo or ("none" if user == "root" else None),
    }
    start = StartHost(name, ssh, jump, TerminalAnswers(accept_host_key))
    return print_draft(asyncio.run(discovered(start, f"haconsole discover {host}")))


def login_of(target: str) -> tuple[str, str]:
    """The user, empty where there is none, and the host of ``[USER@]HOST``, without brackets around an address."""
    user, at, name = target.rpartition("@")
    bracketed = re.fullmatch(r"\[([^\[\]]+)\](:[0-9]+)?", name)
    host, port = (bracketed[1], bracketed[2]) if bracketed else name.partition(":")[::2]
    if port and (bracketed or port.isdecimal()):
        raise UsageError(f"{target!r} has a port in it", hint=f"write {user}{at}{host} --port {port.lstrip(':')}")
    if not name or (at and not user):
        raise UsageError(f"{target!r} names no {'host' if not name else 'user'}", hint="write HOST or USER@HOST")
    return user, host if bracketed else name


def from_here(path: str | None) -> str | None:
    """The file by its absolute path: an inventory resolves other files relative to itself, wherever that will be."""
    return path if path is None or path.startswith("~") else str(Path(path).absolute())
