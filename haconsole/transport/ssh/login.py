"""Logging in at one hop: is it the right host, and which key opens it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import asyncssh

from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.keyring import Keyring, Keys
from haconsole.transport.ssh.known_hosts import KnownKeys, known_without_port, look_up, remember
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.route import Route
from haconsole.transport.ssh.tuning import Tuning

_HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFIED = "-cert-v01@openssh.com"


@dataclass(frozen=True, slots=True)
class _Door:
    """What every attempt at one login has in common."""

    route: Route
    tunnel: asyncssh.SSHClientConnection | None
    keys: Keys
    deadline: Deadline
    timeout_s: float


class _Visitor(asyncssh.SSHClient):
    """Keeps the host key shown; trusts none but the one a person accepted, should no file have kept it."""

    def __init__(self, accepted: asyncssh.SSHKey | None) -> None:
        self.shown: asyncssh.SSHKey | None = None
        self._accepted = accepted

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return key == self._accepted


class Login:
    """Logs in with the keys of a keyring; unknown host keys and passphrases are questions to a person."""

    def __init__(self, keyring: Keyring, questions: Questions, tuning: Tuning) -> None:
        self._keyring = keyring
        self._questions = questions
        self._tuning = tuning
        self._accepted: dict[str, asyncssh.SSHKey] = {}

    async def enter(
        self, route: Route, tunnel: asyncssh.SSHClientConnection | None, deadline: Deadline, timeout_s: float
    ) -> asyncssh.SSHClientConnection:
        """A connection, authenticated; each attempt is bounded by `timeout_s`, each question by nothing.

        Raises TransportError for keys and host keys, else what asyncssh and the system raise.
        """
        keys = await self._keyring.keys(route)
        door = _Door(route, tunnel, keys, deadline, timeout_s)
        if keys.open or route.agent or not keys.locked:
            with suppress(asyncssh.PermissionDenied):
                return await self._trusted(door, keys.open)
        for path in keys.locked:
            async with deadline.paused():
                key = await self._keyring.unlock(route, path)
            if key is not None:
                with suppress(asyncssh.PermissionDenied):
                    return await self._trusted(door, (key,))
        raise _refused(route, keys)

    async def _trusted(self, door: _Door, offer: tuple[asyncssh.SSHKey, ...]) -> asyncssh.SSHClientConnection:
        """Connect; where the host's key is not known yet, once more after a person said it is right."""
        route = door.route
        while True:
            known = await asyncio.to_thread(look_up, route.known_hosts, route.known_as)
            visitor = _Visitor(None if known.trusted else self._accepted.get(route.known_as))
            try:
                async with door.deadline.limit(door.timeout_s):
                    return await self._connect(door, known, visitor, offer)
            except asyncssh.HostKeyNotVerifiable as error:
                await self._judge(door, known, visitor.shown, str(error))

    async def _connect(
        self, door: _Door, known: KnownKeys, visitor: _Visitor, offer: tuple[asyncssh.SSHKey, ...]
    ) -> asyncssh.SSHClientConnection:
        route = door.route
        return await asyncssh.connect(
            route.alias,
            route.port,
            config=[str(file) for file in route.config],
            username=route.user,
            tunnel=door.tunnel,
            proxy_command=() if route.proxy_command else None,
            client_factory=lambda: visitor,
            known_hosts=(list(known.trusted), list(known.authorities), list(known.revoked)),
            server_host_key_algs=() if route.host_key_algorithms else _host_key_algorithms(known),
            client_keys=list(offer),
            client_certs=list(door.keys.certificates),
            ignore_encrypted=True,
            password_auth=False,
            kbdint_auth=False,
            agent_forwarding=False,
            keepalive_interval=self._tuning.keepalive_s,
            keepalive_count_max=self._tuning.keepalive_misses,
            **_agent_of(route, door.keys),
        )

    async def _judge(self, door: _Door, known: KnownKeys, shown: asyncssh.SSHKey | None, said: str) -> None:
        """Return when a person has accepted the key shown; raise TransportError when it is not to be trusted.

        `shown` is None where no person is to be asked: a revoked key, or a certificate that does not hold.
        """
        route = door.route
        if shown is None or known.trusted:
            raise _changed(route, known, f"it showed {_fingerprint(shown)}" if shown else said)
        if not await asyncio.to_thread(_known_at_another_port, route, shown):
            name, algorithm = route.known_as, shown.algorithm.decode()
            async with door.deadline.paused():
                accepted = await self._questions.accept_host_key(route.label, name, algorithm, shown.get_fingerprint())
            if not accepted:
                raise _unknown(route, shown)
        self._accepted[route.known_as] = shown
        await asyncio.to_thread(remember, route.known_hosts[0], route.known_as, shown)


def _known_at_another_port(route: Route, shown: asyncssh.SSHKey) -> bool:
    """Whether the address has this key without its port in known_hosts; an alias is never looked up by address."""
    return not route.by_alias and known_without_port(route.known_hosts, route.address, shown)


def _host_key_algorithms(known: KnownKeys) -> list[str]:
    """Kinds of keys known for the host first; the others too, or a host made anew would only hang up.

    Certificates are asked for only where a CA is known: a host that shows one keeps its plain key to itself.
    """
    kinds = {name.decode() for key in known.trusted for name in key.sig_algorithms}
    plain = sorted(_HOST_KEYS, key=lambda name: name not in kinds)
    return [f"{name}{_CERTIFIED}" for name in _HOST_KEYS if known.authorities] + plain


def _agent_of(route: Route, keys: Keys) -> dict[str, object]:
    """The agent offers everything it has, or only the identities that were asked for by name."""
    if not route.explicit:
        return {"agent_identities": None}
    return {"agent_identities": list(keys.public)} if keys.public else {"agent_path": None}


def _fingerprint(key: asyncssh.SSHKey) -> str:
    return f"{key.algorithm.decode()} {key.get_fingerprint()}"


def _changed(route: Route, known: KnownKeys, said: str) -> TransportError:
    lines = ", ".join(f"{line.place} ({line.marker or _fingerprint(line.key)})" for line in known.lines)
    return TransportError(
        route.label,
        Cause.HOST_KEY_CHANGED,
        f"{route.where} does not have the host key that is known for it: {said}, known is {lines or 'another'}",
        mend="find out why before trusting it; if the host was made anew, remove those lines and connect again",
    )


def _unknown(route: Route, shown: asyncssh.SSHKey) -> TransportError:
    return TransportError(
        route.label,
        Cause.HOST_KEY_UNKNOWN,
        f"the host key of {route.where} is not known: {_fingerprint(shown)} is in none of its known_hosts files",
        mend=f"compare it with the host's own (ssh-keygen -lf), then --accept-host-key {shown.get_fingerprint()}",
    )


def _refused(route: Route, keys: Keys) -> TransportError:
    tried = [str(path) for path in route.identities] + (["the agent's keys"] if route.agent else [])
    locked = f"; without a passphrase: {', '.join(map(str, keys.locked))}" if keys.locked else ""
    return TransportError(
        route.label,
        Cause.AUTH_FAILED,
        f"{route.where} accepts none of the keys offered ({', '.join(tried) or 'there was none to offer'}{locked})",
        mend="check ssh.user and ssh.identity_file, and the login's authorized_keys",
    )
