"""The ssh command line that opens a shell on a host of the inventory, over the console's connection settings."""

from __future__ import annotations

import shlex

from haconsole.inventory.effective import OutsideHost, ssh_for
from haconsole.inventory.schema import Host, Inventory


def shell_argv(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Arguments for ssh(1); a jump host is reached by a separate ssh, with its own key and known hosts."""
    return ("ssh", "-t", *_options(inventory, host), ssh_for(inventory, host).address)


def _options(inventory: Inventory, host: Host) -> tuple[str, ...]:
    ssh = ssh_for(inventory, host)
    words: list[str] = ["-F", str(ssh.config)] if ssh.config else []
    if ssh.user:
        words += ["-l", ssh.user]
    if ssh.port_given:
        words += ["-p", str(ssh.port)]
    if ssh.identity_file:
        words += ["-i", str(ssh.identity_file), "-o", "IdentitiesOnly=yes"]
    if ssh.known_hosts:
        words += ["-o", f"UserKnownHostsFile={ssh.known_hosts}"]
    if ssh.connect_timeout_given:
        words += ["-o", f"ConnectTimeout={ssh.connect_timeout_s:.0f}"]
    words += _jump(inventory, host)
    return tuple(words)


def _jump(inventory: Inventory, host: Host) -> tuple[str, ...]:
    jump = ssh_for(inventory, host).jump
    if jump is None:
        return ()
    if isinstance(jump, OutsideHost):
        user = f"{jump.user}@" if jump.user else ""
        port = f":{jump.port}" if jump.port else ""
        return ("-J", f"{user}{jump.host}{port}")
    through = inventory.find(jump)
    if through is None:
        return ()
    command = ("ssh", *_options(inventory, through), "-W", "[%h]:%p", ssh_for(inventory, through).address)
    return ("-o", f"ProxyCommand={shlex.join(command)}")
