"""CA keys that the operator keeps: encrypted files here, opened by one passphrase, in memory while a run signs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from haconsole.errors import HaconsoleError
from haconsole.model.secret import Secret
from haconsole.pki.errors import PkiError
from haconsole.pki.inspect import public_key_der
from haconsole.pki.keys import PrivateKey, decrypted, encrypted
from haconsole.transport.answers import Answers

PASSPHRASE_FD = "HACONSOLE_CA_PASSPHRASE_FD"
"""Names the number of an open file descriptor whose first line is the passphrase, for runs without a person."""
TRIES = 3


class OperatorKeys:
    """The folder of a cluster's CA keys, one file per key, named by its authority and the SHA-256 of its public half.

    A person is prompted once for the passphrase, twice for the first key; otherwise it is read from a descriptor.
    """

    def __init__(self, folder: Path, answers: Answers, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._answers = answers
        self._environment = environment
        self._passphrase: Secret | None = None
        self._asking = asyncio.Lock()

    async def find(self, public_pem: bytes) -> PrivateKey | None:
        """The key with that public half; None if it is not kept here."""
        path = next(iter(sorted(self._folder.glob(f"*-{_name_of(public_pem)}.key"))), None)
        return await self._open(path) if path else None

    async def put(self, authority: str, key: PrivateKey) -> Path:
        """Store a key, unless it is already stored; on disk when this returns."""
        path = self._folder / f"{authority}-{_name_of(key.public_pem())}.key"
        async with self._asking:
            if not path.exists():
                secret = await self._known_passphrase()
                await asyncio.to_thread(_write, path, encrypted(key, secret))
        return path

    async def _open(self, path: Path) -> PrivateKey:
        async with self._asking:
            data = await asyncio.to_thread(path.read_bytes)
            for _ in range(TRIES):
                secret = self._passphrase or await self._ask(path)
                with suppress(PkiError):
                    key = await asyncio.to_thread(decrypted, data, secret)
                    self._passphrase = secret
                    return key
                self._passphrase = None
                if self._environment.get(PASSPHRASE_FD):
                    break
        raise PkiError(
            f"{path} cannot be opened with that passphrase",
            hint="give the passphrase that this file was encrypted with",
        )

    async def _known_passphrase(self) -> Secret:
        """The passphrase of the other keys; chosen by a person for the first key."""
        if self._passphrase is not None:
            return self._passphrase
        others = sorted(self._folder.glob("*.key"))
        secret = await self._ask(others[0] if others else self._folder)
        if others:
            await asyncio.to_thread(decrypted, others[0].read_bytes(), secret)
        elif not self._environment.get(PASSPHRASE_FD) and await self._ask(self._folder) != secret:
            raise PkiError("the two passphrases differ, so nothing was encrypted", hint="run it again")
        self._passphrase = secret
        return secret

    async def _ask(self, path: Path) -> Secret:
        number = self._environment.get(PASSPHRASE_FD)
        secret = await asyncio.to_thread(_read, number) if number else await self._answers.passphrase(path)
        if secret is None or not secret.reveal():
            raise PkiError(
                f"the passphrase of the CA keys in {self._folder} is needed and was not given",
                hint=f"type the passphrase at the prompt, or set {PASSPHRASE_FD} to the file descriptor to read "
                "it from",
            )
        return secret


def keys_folder(named: str | None, source: str, cluster: str) -> Path:
    """The folder of a cluster's CA keys: from the inventory, otherwise beside its file."""
    return Path(named) if named else Path(source).parent / f"{cluster}-ca-keys"


def _name_of(public_pem: bytes) -> str:
    der = public_key_der(public_pem)
    if der is None:
        raise PkiError("the public key of the CA cannot be read", hint="check the CA's certificate")
    return sha256(der).hexdigest()[:16]


def _read(number: str) -> Secret:
    try:
        with os.fdopen(os.dup(int(number)), encoding="utf-8") as file:
            return Secret(file.readline().rstrip("\n"))
    except (OSError, ValueError) as error:
        raise HaconsoleError(
            f"no passphrase can be read from descriptor {number}: {error}", hint=f"correct {PASSPHRASE_FD}"
        ) from error


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
