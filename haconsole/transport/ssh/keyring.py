"""Private keys, read once and kept in memory; passphrases are prompted for only when no other key works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import msgspec

from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.route import Route

_TRIES = 3


class Keys(msgspec.Struct, frozen=True):
    """The keys to offer to a host: open keys, files that need a passphrase, and public parts by name.

    `public` limits the agent to these identities, if the route names certain ones.
    """

    open: tuple[asyncssh.SSHKey, ...]
    locked: tuple[Path, ...]
    public: tuple[bytes, ...]
    certificates: tuple[asyncssh.SSHCertificate, ...]


class Keyring:
    """The operator's keys. `ask` is called for a passphrase, one question a file at a time."""

    def __init__(self, ask: Callable[[Path], Awaitable[Secret | None]]) -> None:
        self._ask = ask
        self._unlocked: dict[Path, asyncssh.SSHKey] = {}
        self._locks: dict[Path, asyncio.Lock] = {}

    async def keys(self, route: Route) -> Keys:
        """Read the route's identities; a file the inventory names and that cannot be read is an error."""
        read_keys = await asyncio.to_thread(_read, route)
        unlocked = tuple(self._unlocked[path] for path in read_keys.locked if path in self._unlocked)
        locked = tuple(path for path in read_keys.locked if path not in self._unlocked)
        return Keys(read_keys.open + unlocked, locked, read_keys.public, read_keys.certificates)

    async def unlock(self, route: Route, path: Path) -> asyncssh.SSHKey | None:
        """Prompt for the passphrase until it fits, three times at most; None when refused."""
        async with self._locks.setdefault(path, asyncio.Lock()):
            return self._unlocked.get(path) or await self._unlock(route, path)

    async def _unlock(self, route: Route, path: Path) -> asyncssh.SSHKey | None:
        for _ in range(_TRIES):
            secret = await self._ask(path)
            if secret is None:
                return None
            try:
                key = await asyncio.to_thread(asyncssh.read_private_key, path, secret.reveal())
            except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError):
                continue
            self._unlocked[path] = key
            return key
        what = f"no passphrase opened {path} in {_TRIES} tries"
        raise TransportError(route.label, Cause.AUTH_FAILED, what, hint="check the passphrase with ssh-keygen -y")


def _read(route: Route) -> Keys:
    keys: list[asyncssh.SSHKey] = []
    locked: list[Path] = []
    public: list[bytes] = []
    for path in route.identities:
        match _read_one(route, path):
            case asyncssh.SSHKey() as key:
                keys.append(key)
                public.append(key.public_data)
            case Path():
                locked.append(path)
            case None:
                pass
        public.extend(_public_part(path))
    certificate_paths = tuple(path.with_name(f"{path.name}-cert.pub") for path in route.identities)
    certificate_files = route.certificates or certificate_paths
    certificates = [asyncssh.read_certificate(path) for path in certificate_files if path.is_file()]
    public.extend(certificate.public_data for certificate in certificates)
    return Keys(tuple(keys), tuple(locked), tuple(dict.fromkeys(public)), tuple(certificates))


def _read_one(route: Route, path: Path) -> asyncssh.SSHKey | Path | None:
    """An open key, the path of a locked one, or None: not there, a public key, or of a kind that cannot be used."""
    try:
        return asyncssh.read_private_key(path)
    except asyncssh.KeyImportError as error:
        if str(error).startswith("Passphrase"):
            return path
        if _public_part(path) or not route.required:
            return None
        raise _unreadable(route, path, str(error)) from None
    except OSError as error:
        if not route.required or (isinstance(error, FileNotFoundError) and _public_part(path)):
            return None
        raise _unreadable(route, path, error.strerror or str(error)) from None


def _public_part(path: Path) -> tuple[bytes, ...]:
    for candidate in (path.with_name(f"{path.name}.pub"), path):
        try:
            return (asyncssh.read_public_key(candidate).public_data,)
        except (OSError, asyncssh.KeyImportError):
            continue
    return ()


def _unreadable(route: Route, path: Path, reason: str) -> TransportError:
    what = f"the key {path} cannot be used: {reason}"
    return TransportError(route.label, Cause.KEY_UNUSABLE, what, hint="set ssh.identity_file to another key")
