"""Logs in at one hop: verifies the host and finds the key that opens it."""

from __future__ import annotations

from contextlib import suppress

import asyncssh
import msgspec

from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.connect_options import connect_options
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.host_keys import HostKeys, Visitor
from haconsole.transport.ssh.keyring import Keyring, Keys
from haconsole.transport.ssh.known_hosts import KnownKeys
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.route import Route
from haconsole.transport.ssh.tuning import Tuning


class _Door(msgspec.Struct, frozen=True):
    """Shared by every attempt at one login."""

    route: Route
    tunnel: asyncssh.SSHClientConnection | None
    keys: Keys
    deadline: Deadline
    timeout_s: float


class Entered(msgspec.Struct, frozen=True):
    """A connection that is logged in. `verified` is False where a changed host key was let pass by ssh_config."""

    connection: asyncssh.SSHClientConnection
    verified: bool


class Login:
    """Logs in with the keys of a keyring; unknown host keys and passphrases are questions to a person."""

    def __init__(self, keyring: Keyring, questions: Questions, tuning: Tuning) -> None:
        self._keyring = keyring
        self._host_keys = HostKeys(questions)
        self._tuning = tuning

    async def enter(
        self, route: Route, tunnel: asyncssh.SSHClientConnection | None, deadline: Deadline, timeout_s: float
    ) -> Entered:
        """A connection, authenticated; each attempt is bounded by `timeout_s`, each question by nothing.

        Raises TransportError for keys and host keys, else what asyncssh and the system raise.
        """
        keys = await self._keyring.keys(route)
        door = _Door(route, tunnel, keys, deadline, timeout_s)
        if keys.open or route.agent or not keys.locked:
            with suppress(asyncssh.PermissionDenied):
                return await self._trusted(door, keys.open)
        for path in () if route.settings.batch_mode else keys.locked:
            async with deadline.paused():
                key = await self._keyring.unlock(route, path)
            if key is not None:
                with suppress(asyncssh.PermissionDenied):
                    return await self._trusted(door, (key,))
        raise _refused(route, keys)

    async def _trusted(self, door: _Door, offer: tuple[asyncssh.SSHKey, ...]) -> Entered:
        """Connect; where the host's key is not known yet, once more after it was accepted."""
        route = door.route
        while True:
            known = await self._host_keys.known(route)
            visitor = self._host_keys.visitor(route, known)
            try:
                async with door.deadline.limit(door.timeout_s):
                    connection = await self._connect(door, known, visitor, offer)
            except asyncssh.HostKeyNotVerifiable as error:
                await self._host_keys.judge(route, known, visitor, str(error), door.deadline)
                continue
            await self._host_keys.settled(route, visitor)
            return Entered(connection, visitor.verified)

    async def _connect(
        self, door: _Door, known: KnownKeys, visitor: Visitor, offer: tuple[asyncssh.SSHKey, ...]
    ) -> asyncssh.SSHClientConnection:
        route = door.route
        return await asyncssh.connect(
            route.address,
            route.port,
            tunnel=door.tunnel,
            client_factory=lambda: visitor,
            known_hosts=([], list(known.authorities), list(known.revoked)),
            client_keys=list(offer),
            client_certs=list(door.keys.certificates),
            ignore_encrypted=True,
            password_auth=False,
            kbdint_auth=False,
            agent_forwarding=False,
            **connect_options(route, known, self._tuning),
            **_agent_of(route, door.keys),
        )


def _agent_of(route: Route, keys: Keys) -> dict[str, object]:
    """The agent offers all its keys, or only the identities that were named."""
    if route.agent is None or (route.explicit and not keys.public):
        return {"agent_path": None}
    agent = {"agent_path": str(route.agent)}
    return {**agent, "agent_identities": list(keys.public) if route.explicit else None}


def _refused(route: Route, keys: Keys) -> TransportError:
    if not route.settings.public_key_auth:
        what = f"ssh_config has PubkeyAuthentication no for {route.where}"
        hint = "set PubkeyAuthentication yes for this host"
        return TransportError(route.label, Cause.AUTH_FAILED, what, hint=hint)
    tried = [str(path) for path in route.identities] + (["the agent's keys"] if route.agent else [])
    locked = f"; passphrase missing for: {', '.join(map(str, keys.locked))}" if keys.locked else ""
    return TransportError(
        route.label,
        Cause.AUTH_FAILED,
        f"{route.where} accepts none of the offered keys ({', '.join(tried) or 'there was none to offer'}{locked})",
        hint="check ssh.user and ssh.identity_file, and the login's authorized_keys",
    )
