"""The connection to one host, from the inventory and ssh_config together; the inventory takes precedence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from haconsole.inventory.effective import DIRECT, Jump, OutsideHost, outside_host, ssh_for
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName
from haconsole.transport.ssh.client_config import Answer, ClientConfig, Query
from haconsole.transport.ssh.client_settings import ClientSettings
from haconsole.transport.ssh.known_hosts import name_in_known_hosts
from haconsole.transport.ssh.tokens import expand, expand_home, expand_path, tokens_of

_COMMAND_TOKENS = ("%", "h", "k", "n", "p", "r")


class Destination(msgspec.Struct, frozen=True):
    """The inventory's settings. `address` is what a person would type after ``ssh``; None: ssh_config may set it.

    `hops` are the jump hosts in their order; none leaves it to ssh_config, unless `direct`. `else_user` and
    `else_identity` hold if ssh_config has none.
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
    connect_timeout_s: float | None = None


class Route(msgspec.Struct, frozen=True):
    """Everything needed to connect to `address`, which ssh_config may know under an `alias`."""

    label: HostName
    alias: str
    address: str
    user: str
    port: int
    known_as: str
    """The name looked up in `known_hosts`: HostKeyAlias as it is, else the address with its port."""
    known_hosts: tuple[Path, ...]
    new_keys: Path | None
    """The file that takes a key a person accepted; None: no file does."""
    revoked: Path | None
    """RevokedHostKeys."""
    jumps: tuple[Jump, ...]
    """In the order they are passed."""
    jumps_by_config: bool
    """The jump hosts are those of ssh_config, which has their logins and keys too."""
    identities: tuple[Path, ...]
    """Key files in the order they are tried."""
    certificates: tuple[Path, ...]
    explicit: bool
    """The identities were named, so that the agent may offer no others."""
    required: bool
    """The inventory names the identity: one that cannot be read is an error, where ssh tries the next key."""
    agent: Path | None
    """The agent's socket."""
    proxy_command: tuple[str, ...]
    connect_timeout_s: float | None
    settings: ClientSettings
    by_client: bool
    """An ssh client has read ssh_config."""

    @property
    def by_alias(self) -> bool:
        return self.settings.host_key_alias is not None

    @property
    def where(self) -> str:
        """For messages: ``user@address:port``."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.user}@{address}:{self.port}"


async def resolve(destination: Destination, config: ClientConfig) -> Route:
    """Have ssh_config read, and put the inventory over it.

    Raises ClientConfigError, TokenError, asyncssh.ConfigParseError, or OSError where a file cannot be read.
    """
    return _route(destination, await config.read(_query(destination)))


def _query(destination: Destination) -> Query:
    jump = ",".join(map(_jump_text, destination.hops)) or ("none" if destination.direct else None)
    return Query(
        destination.address,
        config=destination.config.expanduser() if destination.config is not None else None,
        user=destination.user,
        port=destination.port,
        jump=jump,
        else_user=destination.else_user,
    )


def _jump_text(jump: Jump) -> str:
    """As ``-J`` takes it."""
    if not isinstance(jump, OutsideHost):
        return jump
    host = f"[{jump.host}]" if ":" in jump.host else jump.host
    return f"{f'{jump.user}@' if jump.user else ''}{host}{f':{jump.port}' if jump.port else ''}"


def _route(destination: Destination, answer: Answer) -> Route:
    settings = answer.settings
    tokens = tokens_of(destination.address, settings)
    own, other = destination.identity_file, destination.else_identity if answer.default_keys else None
    named = tuple(path.expanduser() for path in (own or other,) if path is not None)
    name = name_in_known_hosts(settings.hostname, settings.port)
    return Route(
        label=destination.label,
        alias=destination.address,
        address=settings.hostname,
        user=settings.user,
        port=settings.port,
        known_as=settings.host_key_alias or name,
        known_hosts=_known_hosts(destination, settings),
        new_keys=_new_keys(destination, settings),
        revoked=expand_path(settings.revoked_host_keys, tokens) if settings.revoked_host_keys else None,
        jumps=_jumps(destination, settings),
        jumps_by_config=not destination.hops,
        identities=named or _files(settings.identity_files, tokens, only_present=answer.default_keys),
        certificates=_files(settings.certificate_files, tokens),
        explicit=bool(named) or settings.identities_only,
        required=bool(named),
        agent=_agent(settings, tokens),
        proxy_command=_proxy_command(destination, settings, tokens),
        connect_timeout_s=destination.connect_timeout_s or settings.connect_timeout_s,
        settings=settings,
        by_client=answer.by_client,
    )


def _files(names: tuple[str, ...], tokens: Mapping[str, str], *, only_present: bool = False) -> tuple[Path, ...]:
    paths = tuple(expand_path(name, tokens) for name in names if name.lower() != "none")
    return tuple(path for path in paths if not only_present or path.is_file())


def _known_hosts(destination: Destination, settings: ClientSettings) -> tuple[Path, ...]:
    if destination.known_hosts is not None:
        return (destination.known_hosts.expanduser(),)
    return tuple(map(expand_home, (*settings.user_known_hosts, *settings.global_known_hosts)))


def _new_keys(destination: Destination, settings: ClientSettings) -> Path | None:
    if destination.known_hosts is not None:
        return destination.known_hosts.expanduser()
    return expand_home(settings.user_known_hosts[0]) if settings.user_known_hosts else None


def _jumps(destination: Destination, settings: ClientSettings) -> tuple[Jump, ...]:
    if destination.hops or destination.direct or settings.proxy_jump is None:
        return destination.hops
    return tuple(outside_host(hop.strip().removeprefix("ssh://")) for hop in settings.proxy_jump.split(","))


def _agent(settings: ClientSettings, tokens: Mapping[str, str]) -> Path | None:
    """The socket that IdentityAgent names, itself or by a variable; an unset variable means no agent."""
    named = settings.identity_agent or "SSH_AUTH_SOCK"
    if named.lower() == "none":
        return None
    if named == "SSH_AUTH_SOCK" or (named.startswith("$") and not named.startswith("${")):
        value = os.environ.get(named.removeprefix("$"))
        return Path(value) if value else None
    return expand_path(named, tokens)


def _proxy_command(destination: Destination, settings: ClientSettings, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """Run by the operator's shell, as ssh runs it."""
    if destination.hops or destination.direct or settings.proxy_command is None:
        return ()
    command = expand(settings.proxy_command, {name: tokens[name] for name in _COMMAND_TOKENS}, variables=False)
    return (os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}")


def destination_of(inventory: Inventory, host: Host) -> Destination:
    """The inventory's settings for one of its hosts."""
    ssh = ssh_for(inventory, host)
    return Destination(
        label=HostName(host.name),
        address=ssh.address,
        user=ssh.user,
        port=ssh.port if ssh.port_given else None,
        identity_file=ssh.identity_file,
        known_hosts=ssh.known_hosts,
        config=ssh.config,
        hops=() if ssh.jump is None else (ssh.jump,),
        direct=(host.ssh.jump or inventory.ssh.jump) == DIRECT,
        connect_timeout_s=ssh.connect_timeout_s if ssh.connect_timeout_given else None,
    )


def behind_config(behind: Destination) -> Destination:
    """The host behind a jump host of ssh_config, where ssh gives the login and the key to the host only.

    The inventory's known_hosts hold for jump hosts too: they replace ssh's own files.
    """
    return replace(behind, user=None, identity_file=None, else_user=None, else_identity=None)


def outside_destination(host: OutsideHost, hops: tuple[Jump, ...], behind: Destination) -> Destination:
    """A jump host that is not in the inventory: ssh_config first, then as for the host behind it."""
    return Destination(
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
