"""Verification of the key that a host shows, by StrictHostKeyChecking and its relatives."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path

import asyncssh

from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.client_settings import StrictHostKeys
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.known_hosts import (
    KnownKeys,
    known_without_port,
    look_up,
    name_in_known_hosts,
    remember,
    revoked_keys,
)
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.route import Route


class Visitor(asyncssh.SSHClient):
    """Judges the key of one connection while it is set up, and keeps what it saw."""

    def __init__(self, route: Route, known: KnownKeys, accepted: asyncssh.SSHKey | None) -> None:
        """`accepted` is the key a person accepted, should no file have kept it."""
        self.key: asyncssh.SSHKey | None = None
        self.of_address: KnownKeys | None = None
        """The lines of known_hosts for the address that the name led to, where CheckHostIP is set."""
        self.address_name = ""
        self.verified = True
        """False: the key has changed, and StrictHostKeyChecking lets it pass."""
        self._route = route
        self._known = known
        self._accepted = accepted

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.key = key
        off = self._route.settings.strict is StrictHostKeys.OFF
        if self._exempt(addr):
            return True
        if key in self._known.trusted:
            trusted = not self._differs_for(addr, key)
        else:
            trusted = key == self._accepted and not self._known.trusted
        self.verified = trusted or not (off and self._known.trusted)
        return trusted or not self.verified

    @property
    def address_is_new(self) -> bool:
        return self.of_address is not None and not self.of_address.lines

    @property
    def address_differs(self) -> bool:
        return self.of_address is not None and bool(self.of_address.trusted) and self.key not in self.of_address.trusted

    def _exempt(self, addr: str) -> bool:
        """NoHostAuthenticationForLocalhost, for a host on this machine that is reached directly."""
        route = self._route
        return route.settings.trusts_localhost and not route.by_alias and _is_direct(route) and _is_loopback(addr)

    def _differs_for(self, addr: str, key: asyncssh.SSHKey) -> bool:
        route = self._route
        if not route.settings.check_host_ip or not _is_direct(route) or _is_loopback(addr) or addr == route.address:
            return False
        self.address_name = name_in_known_hosts(addr, route.port)
        self.of_address = look_up(route.known_hosts, self.address_name)
        return bool(self.of_address.trusted) and key not in self.of_address.trusted


class HostKeys:
    """Keys known for hosts, and the ones a person accepts."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._accepted: dict[str, asyncssh.SSHKey] = {}

    async def known(self, route: Route) -> KnownKeys:
        """The lines of the files for the host. Raises TransportError for a revocation list that cannot be read."""
        return await asyncio.to_thread(_known, route)

    def visitor(self, route: Route, known: KnownKeys) -> Visitor:
        return Visitor(route, known, None if known.trusted else self._accepted.get(route.known_as))

    async def settled(self, route: Route, visitor: Visitor) -> None:
        """After a login: write down the address of a name, as CheckHostIP does."""
        if visitor.address_is_new and visitor.key is not None and route.new_keys is not None:
            await self._remember(route, visitor.address_name, visitor.key)

    async def judge(self, route: Route, known: KnownKeys, visitor: Visitor, reason: str, deadline: Deadline) -> None:
        """Return when the key shown is accepted; raise TransportError when it is not to be trusted.

        A revoked key or an invalid certificate is no question to a person: `visitor` saw none then.
        """
        key = visitor.key
        if visitor.address_differs and visitor.of_address is not None and key is not None:
            raise _changed_key_error(route, visitor.of_address, f"{visitor.address_name} showed {fingerprint(key)}")
        if key is None or known.trusted:
            raise _changed_key_error(route, known, f"it showed {fingerprint(key)}" if key else reason)
        if not await asyncio.to_thread(_is_known_at_another_port, route, key):
            await self._accept(route, key, deadline)
        self._accepted[route.known_as] = key
        if route.new_keys is not None:
            await self._remember(route, route.known_as, key)

    async def _accept(self, route: Route, key: asyncssh.SSHKey, deadline: Deadline) -> None:
        strict = route.settings.strict
        if strict in (StrictHostKeys.ACCEPT_NEW, StrictHostKeys.OFF):
            return
        if strict is StrictHostKeys.YES or route.settings.batch_mode:
            raise _unknown_key_error(route, key)
        algorithm = key.algorithm.decode()
        async with deadline.paused():
            accepted = await self._questions.accept_host_key(
                route.label, route.known_as, algorithm, key.get_fingerprint()
            )
        if not accepted:
            raise _unknown_key_error(route, key)

    async def _remember(self, route: Route, name: str, key: asyncssh.SSHKey) -> None:
        assert route.new_keys is not None
        await asyncio.to_thread(remember, route.new_keys, name, key, hashed=route.settings.hash_known_hosts)


def fingerprint(key: asyncssh.SSHKey) -> str:
    """Algorithm and SHA-256, as ``ssh-keygen -l`` shows them."""
    return f"{key.algorithm.decode()} {key.get_fingerprint()}"


def _known(route: Route) -> KnownKeys:
    entry = look_up(route.known_hosts, route.known_as)
    if route.revoked is None:
        return entry
    try:
        return KnownKeys((*entry.lines, *revoked_keys(route.revoked)))
    except (OSError, ValueError) as error:
        what = f"RevokedHostKeys of ssh_config cannot be read: {route.revoked}: {error}"
        hint = "set RevokedHostKeys to a readable list of public keys, one in each line"
        raise TransportError(route.label, Cause.OTHER, what, hint=hint) from None


def _is_direct(route: Route) -> bool:
    return not route.jumps and not route.proxy_command


def _is_loopback(addr: str) -> bool:
    try:
        return ipaddress.ip_address(addr.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_known_at_another_port(route: Route, key: asyncssh.SSHKey) -> bool:
    """Whether the address has this key without its port in known_hosts; an alias is never looked up by address."""
    return not route.by_alias and known_without_port(route.known_hosts, route.address, key)


def _changed_key_error(route: Route, known: KnownKeys, reason: str) -> TransportError:
    lines = ", ".join(f"{line.place} ({line.marker or fingerprint(line.key)})" for line in known.lines)
    return TransportError(
        route.label,
        Cause.HOST_KEY_CHANGED,
        f"{route.where} has a host key that differs from the known one: {reason}; known: {lines or 'a different key'}",
        hint="find out why before trusting the key; if the host was rebuilt, remove the listed lines and connect again",
    )


def _unknown_key_error(route: Route, key: asyncssh.SSHKey) -> TransportError:
    what = f"the host key of {route.where} is unknown: {fingerprint(key)} is in none of its known_hosts files"
    compare = "compare the fingerprint with the host's own (ssh-keygen -lf)"
    if route.settings.strict is StrictHostKeys.YES or route.settings.batch_mode:
        option = "BatchMode" if route.settings.batch_mode else "StrictHostKeyChecking"
        file = route.new_keys or Path("known_hosts")
        hint = f"{compare} and add the key to {file}, because ssh_config sets {option} to yes for this host"
    else:
        hint = f"{compare}, then --accept-host-key {key.get_fingerprint()}"
    return TransportError(route.label, Cause.HOST_KEY_UNKNOWN, what, hint=hint)
