"""`discover`: an inventory found from one host of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from haconsole.inventory.importers.draft import Draft
    from haconsole.transport.base import Fleet


@click.command()
@click.argument("host", metavar="[USER@]HOST")
@click.option("-p", "--port", type=click.IntRange(1, 65535), help="sshd's port.")
@click.option("-i", "--identity-file", type=click.Path(), help="Private key.")
@click.option("-J", "--jump", metavar="[USER@]HOST[:PORT]", help="Host to go through.")
@click.option("--known-hosts", type=click.Path(), help="Known host keys, instead of ssh's own files.")
@click.option(
    "--sudo",
    type=click.Choice(("none", "passwordless", "password")),
    help="How root is reached; without it none for the login root, else passwordless.",
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

    HOST is asked what runs there and how it is configured, its etcd for the members, its API server for the nodes; then
    the others that were found are asked the same. Nothing is changed. What to look at stands in the first lines; exit
    status 5 when the inventory cannot be used as it is, with what to mend on standard error.
    """
    from haconsole.cli.importers import print_draft

    user, _, name = host.rpartition("@")
    ssh = {
        "user": user or None,
        "port": port,
        "identity_file": from_here(identity_file),
        "known_hosts": from_here(known_hosts),
        "sudo": sudo or ("none" if user == "root" else None),
    }
    return print_draft(asyncio.run(_discovered(host, name, ssh, jump, accept_host_key)))


def from_here(path: str | None) -> str | None:
    """The file by its full path: an inventory takes others to be beside itself, wherever that will be."""
    return path if path is None or path.startswith("~") else str(Path(path).absolute())


@asynccontextmanager
async def closed_after(fleet: Fleet) -> AsyncGenerator[Fleet]:
    try:
        yield fleet
    finally:
        await fleet.close()


async def _discovered(
    given: str, name: str, ssh: dict[str, str | int | None], jump: str | None, accepted: tuple[str, ...]
) -> Draft:
    from haconsole.errors import UsageError
    from haconsole.inventory.importers.draft import Draft, HostDraft, host_name
    from haconsole.model.names import HostName
    from haconsole.probes.discovery.ask import ask_others, inventory_of, log_in, read_host
    from haconsole.probes.discovery.draft import draft_of, own_address
    from haconsole.probes.discovery.host_report import Others
    from haconsole.transport.ssh import SshFleet
    from haconsole.transport.terminal import TerminalAnswers

    called = HostName(host_name(name))
    unknown = HostDraft(called, "192.0.2.1", ("etcd",), ssh=ssh, ssh_address=name)
    inventory = inventory_of(Draft("", "found", (unknown,), jump=jump))
    if isinstance(inventory, str):
        raise UsageError(inventory)
    source = f"what {name} tells of its cluster (haconsole discover {given})"
    answers = TerminalAnswers(accepted)
    async with closed_after(SshFleet(inventory, answers)) as fleet:
        told = await read_host(fleet.host(called))
        draw = partial(draft_of, told, source=source, ssh=ssh, jump=jump, reached_by=name)
        others = await ask_others(told, draw(Others((), ())), fleet, called)
    found = inventory_of(draw(others))
    if isinstance(found, str):
        return draw(others)
    async with closed_after(SshFleet(found, answers)) as fleet:
        hosts, silent = await log_in(tuple(host for host in found.hosts if host.address != own_address(told)), fleet)
    return draw(replace(others, hosts=hosts, notes=(*others.notes, *silent)))
