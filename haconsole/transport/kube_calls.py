"""Calls of one API server, each in a thread with a deadline; an answer without success becomes a KubeError."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec

from haconsole.model.names import HostName
from haconsole.transport.kube_client import KubeAnswer, KubeClient
from haconsole.transport.kube_errors import KubeError, KubeErrorKind, kind_of_status, words_of
from haconsole.transport.threads import in_thread

T = TypeVar("T")


class KubeCalls:
    """The calls of one client; `tried` describes a call in its error."""

    def __init__(self, client: KubeClient) -> None:
        self.client = client

    @property
    def host(self) -> HostName:
        return self.client.host

    async def body(self, tried: str, work: Callable[[], KubeAnswer], deadline_s: float) -> bytes:
        """The body of an answer whose status is a success."""
        answer = await self.answer(tried, work, deadline_s)
        if not 200 <= answer.status < 300:
            raise self.refusal(tried, answer)
        return answer.body

    async def answer(self, tried: str, work: Callable[[], KubeAnswer], deadline_s: float) -> KubeAnswer:
        """The answer, whatever its status."""
        try:
            async with asyncio.timeout(deadline_s):
                return await in_thread(work, "kube-ask")
        except TimeoutError:
            raise self._late(tried, deadline_s) from None
        except KubeError as error:
            if error.kind is KubeErrorKind.DEADLINE:
                raise self._late(tried, deadline_s) from None
            raise

    def decode(self, tried: str, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise KubeError(self.host, KubeErrorKind.UNREADABLE, tried, str(error)) from None

    def refusal(self, tried: str, answer: KubeAnswer) -> KubeError:
        return KubeError(self.host, kind_of_status(answer.status), tried, words_of(answer.status, answer.body))

    def _late(self, tried: str, deadline_s: float) -> KubeError:
        return KubeError(self.host, KubeErrorKind.DEADLINE, tried, f"no answer within {deadline_s:g} s")
