"""The questions that only a person can answer (passphrase, sudo password, host key, lock), as an interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.model.secret import Secret


class Answers(Protocol):
    """Prompted once per subject and remembered by the caller; None or False is a refusal.

    An answer may take as long as the person does. It is cancelled when the fleet is closed.
    """

    async def passphrase(self, key_path: Path) -> Secret | None:
        """The passphrase of a private key; prompted again after a wrong one."""
        ...

    async def sudo_password(self, host: HostName) -> Secret | None:
        """The login's password for sudo on `host`; prompted again after a wrong one."""
        ...

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        """Whether the key that `address` showed is the host's; `fingerprint` is like ``SHA256:…``."""
        ...

    async def take_over_lock(self, lock: LockView) -> bool:
        """Whether to take over the cluster's lock from a console that is gone or cut off."""
        ...


class NoAnswers:
    """Refuses every question, for where no person is."""

    async def passphrase(self, key_path: Path) -> Secret | None:
        return None

    async def sudo_password(self, host: HostName) -> Secret | None:
        return None

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        return False

    async def take_over_lock(self, lock: LockView) -> bool:
        return False
