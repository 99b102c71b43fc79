"""A person in a test: gives scripted answers and records the questions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.model.secret import Secret


@dataclass
class ScriptedAnswers:
    """Gives `passphrases` and `passwords` in turn; `accepts` host keys once `answered` is set, `takes_over` locks."""

    passphrases: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    accepts: bool = False
    takes_over: bool = False
    answered: asyncio.Event | None = None
    requests: list[tuple[str, ...]] = field(default_factory=list)

    async def passphrase(self, key_path: Path) -> Secret | None:
        self.requests.append(("passphrase", str(key_path)))
        return Secret(self.passphrases.pop(0)) if self.passphrases else None

    async def sudo_password(self, host: HostName) -> Secret | None:
        self.requests.append(("sudo", host))
        return Secret(self.passwords.pop(0)) if self.passwords else None

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        self.requests.append(("host-key", host, address, algorithm, fingerprint))
        if self.answered is not None:
            await self.answered.wait()
        return self.accepts

    async def take_over_lock(self, lock: LockView) -> bool:
        self.requests.append(("lock", lock.claim.run))
        return self.takes_over
