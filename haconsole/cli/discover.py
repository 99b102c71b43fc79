"""`discover`: an inventory from one host of a cluster."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haconsole.errors import UsageError

if TYPE_CHECKING:
    from haconsole.inventory.importers.draft import Draft
    from haconsole.inventory.schema import Inventory
    from haconsole.transport.base import Fleet


@click.command()
@click.argument("host", metavar="[USER@]HOST")
@click.option("-p", "--port", type=click.IntRange(1, 65535), help="sshd's port.")
@click.option("-i", "--identity-file", type=click.Path(), help="Private key.")
@click.option("-J", "--jump", metavar="[USER@]HOST[:PORT]", help="Jump host.")
@click.option("--known-hosts", type=click.Path(), help="Known host keys, instead of ssh's own files.")
@click.option(
    "--sudo",
    type=click.Choice(("none", "passwordless", "password")),
    help="Use of sudo to become root; default: none for the login root, otherwise passwordless.",
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
    from haconsole.cli.importers import print_draft

    user, name = login_of(host)
    ssh = {
        "user": user or None,
        "port": port,
        "identity_file": from_here(identity_file),
        "known_hosts": from_here(known_hosts),
        "sudo": sudo or ("none" if user == "root" else None),
    }
    return print_draft(asyncio.run(_discovered(host, name, ssh, jump, accept_host_key)))


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


async def _discovered(
    target: str, name: str, ssh: dict[str, str | int | None], jump: str | None, accepted: tuple[str, ...]
) -> Draft:
    from haconsole.inventory.importers.draft import Draft, HostDraft
    from haconsole.model.names import HostName
    from haconsole.probes.discovery.ask import api_servers, ask_others, inventory_of, log_in, read_host
    from haconsole.probes.discovery.control_plane import find_control_plane
    from haconsole.probes.discovery.draft import address_among, draft_of, own_address
    from haconsole.probes.discovery.host_report import Others
    from haconsole.transport.ssh import SshFleet
    from haconsole.transport.terminal import TerminalAnswers

    answers = TerminalAnswers(accepted)

    def fleet_of(address: str, ssh_address: str) -> SshFleet:
        """One host of which only the login is known."""
        host = HostDraft("host", address, ("etcd",), ssh=ssh, ssh_address=ssh_address)
        return SshFleet(_usable(Draft("", "found", (host,), jump=jump)), answers)

    source = f"the report of {name} on its cluster (haconsole discover {target})"
    only = HostName("host")
    async with AsyncExitStack() as fleets:

        def reach(address: str, ssh_address: str | None = None) -> Fleet:
            fleet = fleet_of(address, ssh_address or address)
            fleets.push_async_callback(fleet.close)
            return fleet

        first = reach("192.0.2.1", name)
        report = await read_host(first.host(only))
        alone = draft_of(report, Others((), ()), source=source, ssh=ssh, jump=jump, reached_by=name)
        of_etcd = await api_servers(report, alone, first, only)
        search = await find_control_plane(report, first.host(only), lambda one: reach(one).host(only), of_etcd)
        host_report = search.report or report
        way = reach(own_address(host_report)) if search.report else first
        draw = partial(draft_of, host_report, source=source, ssh=ssh, jump=jump, reached_by=name, named=report)
        others = await ask_others(host_report, draw(Others((), ())), way, only)
        others = replace(others, notes=(*search.notes, *others.notes))
        if search.report:
            others = replace(others, hosts={address_among(others.nodes, report): report})
        cluster_fleet = SshFleet(inventory_of(draw(others)), answers)
        fleets.push_async_callback(cluster_fleet.close)
        there = [host for host in inventory_of(draw(others)).hosts if host.address != own_address(host_report)]
        hosts, silent = await log_in(there, cluster_fleet)
    return draw(replace(others, hosts={**others.hosts, **hosts}, notes=(*others.notes, *silent)))


def _usable(draft: Draft) -> Inventory:
    """The draft as an inventory; its mistakes come from an argument."""
    from haconsole.inventory.importers.draft import write
    from haconsole.inventory.load import examine

    examined = examine(write(draft), "<arguments>", Path("/"))
    if examined.inventory is None:
        raise UsageError("; ".join(f"{problem.what}; {problem.hint}" for problem in examined.errors))
    return examined.inventory
