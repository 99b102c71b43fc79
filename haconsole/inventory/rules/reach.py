"""Rules about the operator's connections to the hosts: jump hosts, distinct logins, root."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Host, Inventory, Sudo
from haconsole.model.roles import Role


def jumps_lead_somewhere(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    if inventory.ssh.jump is not None:
        yield from _dangling(inventory, inventory.ssh.jump, marks, ("ssh", "jump"))
    for number, host in enumerate(inventory.hosts):
        where = ("hosts", number, "ssh", "jump")
        if host.name == effective.DIRECT:
            what = f"a host has the name {host.name}, but `jump: {host.name}` means no jump host"
            yield Fault(marks.at("hosts", number, "name"), what, "choose another name")
        if host.ssh.jump is not None:
            yield from _dangling(inventory, host.ssh.jump, marks, where)
        if host.ssh.jump == host.name:
            yield Fault(marks.at(*where), f"host {host.name} is its own jump host", "write another host, or `none`")
        elif circle := _circle(inventory, host):
            what = f"the jump hosts go in a circle: {' -> '.join(circle)}"
            yield Fault(marks.at(*where), what, "set `jump: none` for one of these hosts")


def logins_are_distinct(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """Two hosts at one address and port, by one way, are one machine."""
    host_by_login: dict[tuple[str, int, str], Host] = {}
    for number, host in enumerate(inventory.hosts):
        ssh = effective.ssh_for(inventory, host)
        other = host_by_login.setdefault((ssh.address, ssh.port, str(ssh.jump)), host)
        if other is not host and other.address != host.address:
            what = f"host {other.name} and host {host.name} are both reached at {ssh.address} port {ssh.port}"
            yield Fault(
                marks.at("hosts", number, "ssh_address"), what, "correct the ssh_address or ssh.port of one of them"
            )


def root_is_reachable(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    for number, host in enumerate(inventory.hosts):
        ssh = effective.ssh_for(inventory, host)
        if Role.BASTION not in host.roles and ssh.sudo is Sudo.NONE and ssh.user not in (None, "root"):
            what = f"the login to host {host.name} is {ssh.user} without sudo, so commands cannot run as root"
            hint = "write `user: root`, or `sudo: passwordless` or `sudo: password`"
            where = ("hosts", number, "ssh") if host.ssh.sudo or host.ssh.user else ("ssh", "sudo")
            yield Fault(marks.at(*where), what, hint, Level.WARNING)


def _dangling(inventory: Inventory, jump: str, marks: Marks, where: tuple[str | int, ...]) -> Iterator[Fault]:
    """A single word that is almost a host's name is taken as a slip; others may be names outside the inventory."""
    names = [host.name for host in inventory.hosts]
    if jump == effective.DIRECT or jump in names or any(char in jump for char in "@:."):
        return
    if close := get_close_matches(jump, names, n=1, cutoff=0.75):
        what = f"jump host {jump} is not in this inventory"
        yield Fault(
            marks.at(*where), what, f"did you mean {close[0]}? A host outside this inventory is written as {jump}:22"
        )


def _circle(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The names from `host` back to itself, when its jump hosts lead there; only for the first in the file."""
    names = [host.name]
    current: Host | None = host
    while current is not None:
        jump = effective.jump_for(inventory, current)
        current = inventory.find(jump) if isinstance(jump, str) else None
        if current is None or (current.name in names and current is not host):
            return ()
        names.append(current.name)
        if current is host:
            order = [each.name for each in inventory.hosts]
            return tuple(names) if min(names, key=order.index) == host.name else ()
    return ()
