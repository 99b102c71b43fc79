"""Shows prompts on the screen one after the other, for code that connects to hosts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from haconsole.model.secret import Secret

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

    from haconsole.model.lock_view import LockView
    from haconsole.model.names import HostName

T = TypeVar("T")


class Prompter:
    """Answers for a fleet, given by the person at the screen, one prompt at a time; none while `app` is not set."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self.app: App[Any] | None = None

    async def passphrase(self, key_path: Path) -> Secret | None:
        return await self._secret(f"passphrase of {key_path}", "The private key is encrypted; its passphrase opens it.")

    async def sudo_password(self, host: HostName) -> Secret | None:
        why = f"sudo on {host} needs the login's password. The password is kept in memory until the console is closed."
        return await self._secret(f"sudo password on {host}", why)

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        """Show the fingerprint and take yes or no; closing the prompt is no."""
        from haconsole.present.cells import Cell, Tone
        from haconsole.present.detail import Detail, Fact, Sentence
        from haconsole.ui.screens.question import YesNoQuestion

        question = Detail(
            f"is this {host}'s key?",
            (
                Sentence(
                    Cell(
                        "This host key is not in known_hosts. Compare it with the output of this command on the "
                        "host itself, not over SSH:"
                    )
                ),
                Sentence(Cell("ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub", Tone.ACCENT)),
                Fact("host", Cell(host)),
                Fact("address", Cell(address)),
                Fact("algorithm", Cell(algorithm)),
                Fact("fingerprint", Cell(fingerprint, Tone.WARNING)),
                Sentence(
                    Cell("If this key is not the host's, another host receives everything that you type and send here.")
                ),
            ),
        )
        return await self._ask(YesNoQuestion(question)) is True

    async def take_over_lock(self, lock: LockView) -> bool:
        from haconsole.ui.screens.question import YesNoQuestion
        from haconsole.ui.screens.running import take_over

        return await self._ask(YesNoQuestion(take_over(lock))) is True

    async def _secret(self, title: str, why: str) -> Secret | None:
        from haconsole.ui.screens.question import SecretQuestion

        reply = await self._ask(SecretQuestion(title, why))
        return Secret(reply) if reply else None

    async def _ask(self, screen: Screen[T]) -> T | None:
        """Show the screen and wait for its result; a cancelled prompt closes the screen."""
        from haconsole.ui.screens.question import result_of

        if self.app is None:
            return None
        async with self._one_at_a_time:
            return await result_of(self.app, screen)
