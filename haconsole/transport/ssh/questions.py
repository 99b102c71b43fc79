"""Prompts to a person, each shown only once although several callers may wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.transport.answers import Answers

T = TypeVar("T")


class Questions:
    """Passes prompts to `answers`.

    A refusal is kept until `forget_refusals`, so that nobody is prompted in a loop. An answer is kept for the next
    caller when the present one no longer waits.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._open: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._refused: dict[tuple[str, ...], Any] = {}
        self._unheard: dict[tuple[str, ...], Any] = {}

    async def passphrase(self, path: Path) -> Secret | None:
        return await self._once(("passphrase", str(path)), lambda: self._answers.passphrase(path))

    async def sudo_password(self, host: HostName) -> Secret | None:
        return await self._once(("sudo", host), lambda: self._answers.sudo_password(host))

    async def accept_host_key(self, host: HostName, address: str, algorithm: str, fingerprint: str) -> bool:
        return await self._once(
            ("host-key", host, fingerprint),
            lambda: self._answers.accept_host_key(host, address, algorithm, fingerprint),
        )

    def forget_refusals(self) -> None:
        """Prompt again for refused answers."""
        self._refused.clear()

    async def close(self) -> None:
        """Withdraw the questions that are still open."""
        tasks = tuple(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, subject: tuple[str, ...], ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if subject in self._refused:
            refusal: T = self._refused[subject]
            return refusal
        if subject in self._unheard:
            answer: T = self._unheard.pop(subject)
            return answer
        task: asyncio.Task[T] | None = self._open.get(subject)
        if task is None:
            task = asyncio.create_task(ask(), name=f"question {subject}")
            self._open[subject] = task
            task.add_done_callback(lambda finished: self._answered(subject, finished))
        answer = await asyncio.shield(task)
        self._unheard.pop(subject, None)
        return answer

    def _answered(self, subject: tuple[str, ...], task: asyncio.Task[Any]) -> None:
        del self._open[subject]
        if not task.cancelled() and task.exception() is None:
            answers = self._unheard if task.result() else self._refused
            answers[subject] = task.result()
