"""How one host is reached, from the inventory and ssh_config together; the inventory has the last word."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import asyncssh

from haconsole.inventory.effective import DIRECT, Jump, OutsideHost, outside_host, ssh_for
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName
from haconsole.transport.ssh.known_hosts import name_in_known_hosts

_GLOBAL_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the inventory asks for. `address` is what a person would type after ``ssh``; None: ssh_config may say.

    `hops` are the jump hosts in the order they are passed; none leaves it to ssh_config, unless `direct`.
    `else_user` and `else_identity` hold where ssh_config says nothing.
    """

    label: HostName
    address: str
    user: str | None = None
    port: int | None = None
    identity_file: Path | None = None
    known_hosts: Path | None = None
    config: Path | None = None
    hops: tuple[Jump, ...] = ()
    direct: bool = False
    else_user: str | None = None
    else_identity: Path | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Everything needed to connect to `address`, which ssh_config may know under an `alias`.

    `known_as` is the name looked up in `known_hosts`, whose first file takes new keys: HostKeyAlias as it is, else the
    address with its port. `jumps` are hops in the order
    they are passed. `identities` are key files in the order they are tried; `explicit` tells that they were asked for
    by name, so that the agent may offer no others. `proxy_command` and `host_key_algorithms` tell that ssh_config
    has some.
    """

    label: HostName
    alias: str
    address: str
    user: str
    port: int
    known_as: str
    by_alias: bool
    known_hosts: tuple[Path, ...]
    config: tuple[Path, ...]
    jumps: tuple[Jump, ...]
    identities: tuple[Path, ...]
    certificates: tuple[Path, ...]
    explicit: bool
    agent: bool
    proxy_command: bool
    host_key_algorithms: bool

    @property
    def where(self) -> str:
        """For messages: ``user@address:port``."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.user}@{address}:{self.port}"


async def resolve(wanted: Wanted) -> Route:
    """Read ssh_config (in a thread: it may be large, and `Match exec` runs commands) and put the inventory over it.

    Raises asyncssh.ConfigParseError, or OSError when a file the inventory names cannot be read.
    """
    return await asyncio.to_thread(_resolve, wanted)


def _resolve(wanted: Wanted) -> Route:
    config = _config_files(wanted)
    said = asyncssh.SSHClientConnectionOptions(
        host=wanted.address,
        port=wanted.port or (),
        username=wanted.user or (),
        config=[str(file) for file in config],
        client_keys=None,
        known_hosts=b"",
    )
    get = said.config.get
    own, other = wanted.identity_file, wanted.else_identity
    named = (own,) if own else _paths(get("IdentityFile")) or ((other,) if other else ())
    alias = cast("str | None", get("HostKeyAlias"))
    jump = said.tunnel if isinstance(said.tunnel, str) else None
    return Route(
        label=wanted.label,
        alias=wanted.address,
        address=said.host,
        user=wanted.user or cast("str | None", get("User")) or wanted.else_user or said.username,
        port=said.port,
        known_as=alias.lower() if alias else name_in_known_hosts(said.host, said.port),
        by_alias=alias is not None,
        known_hosts=_known_hosts(wanted, _paths(get("UserKnownHostsFile")), _paths(get("GlobalKnownHostsFile"))),
        config=config,
        jumps=_jumps(wanted, jump),
        identities=named or _default_keys(),
        certificates=_paths(get("CertificateFile")),
        explicit=named in ((own,), (other,)) or bool(get("IdentitiesOnly")),
        agent=bool(get("IdentityAgent", os.environ.get("SSH_AUTH_SOCK"))),
        proxy_command=bool(said.proxy_command) and not wanted.hops and not wanted.direct,
        host_key_algorithms=bool(get("HostKeyAlgorithms")),
    )


def _config_files(wanted: Wanted) -> tuple[Path, ...]:
    if wanted.config is not None:
        return (wanted.config.expanduser(),)
    usual = (Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config"))
    return tuple(file for file in usual if os.access(file, os.R_OK))


def _paths(said: object) -> tuple[Path, ...]:
    return tuple(Path(text).expanduser() for text in cast("list[str]", said or ()))


def _default_keys() -> tuple[Path, ...]:
    return tuple(path for name in _DEFAULT_KEYS if (path := Path("~/.ssh", name).expanduser()).is_file())


def _known_hosts(wanted: Wanted, user: tuple[Path, ...], everyone: tuple[Path, ...]) -> tuple[Path, ...]:
    if wanted.known_hosts is not None:
        return (wanted.known_hosts.expanduser(),)
    return (user or (Path("~/.ssh/known_hosts").expanduser(),)) + (everyone or _GLOBAL_KNOWN_HOSTS)


def _jumps(wanted: Wanted, said: str | None) -> tuple[Jump, ...]:
    if wanted.hops or wanted.direct or said is None:
        return wanted.hops
    return tuple(outside_host(hop.strip().removeprefix("ssh://")) for hop in said.split(","))


def wanted_for(inventory: Inventory, host: Host) -> Wanted:
    """What the inventory says of one of its hosts."""
    ssh = ssh_for(inventory, host)
    return Wanted(
        label=HostName(host.name),
        address=ssh.address,
        user=ssh.user,
        port=ssh.port if ssh.port_given else None,
        identity_file=ssh.identity_file,
        known_hosts=ssh.known_hosts,
        config=ssh.config,
        hops=() if ssh.jump is None else (ssh.jump,),
        direct=(host.ssh.jump or inventory.ssh.jump) == DIRECT,
    )


def wanted_outside(host: OutsideHost, hops: tuple[Jump, ...], behind: Wanted) -> Wanted:
    """A jump host that is not in the inventory: ssh_config first, then as for the host behind it."""
    return Wanted(
        label=HostName(host.host),
        address=host.host,
        user=host.user,
        port=host.port,
        known_hosts=behind.known_hosts,
        config=behind.config,
        hops=hops,
        else_user=behind.user,
        else_identity=behind.identity_file,
    )
