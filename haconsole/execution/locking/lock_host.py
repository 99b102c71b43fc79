"""The cluster lock's record on one host: read, claimed, renewed and released, one script each."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from haconsole.errors import HaconsoleError
from haconsole.execution.host.script import run_script
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.names import HostName
from haconsole.probes.hosts.lock import HEARTBEAT, PLACE, encode_claim, parse_record
from haconsole.scripts import load_script
from haconsole.transport.base import Fleet

SCRIPT = load_script("lock")


class LockPaths(msgspec.Struct, frozen=True):
    """The paths of the record and its heartbeat on hosts."""

    record: str = PLACE
    heartbeat: str = HEARTBEAT


class LockAnswer(msgspec.Struct, frozen=True):
    """The record on the host after the request; None: no record."""

    record: HostLock | None


class NoLockAnswer(msgspec.Struct, frozen=True):
    """The host could not be queried, or failed; `why` begins with its name."""

    why: str


class LockHost:
    """One host of the lock, for one claim."""

    def __init__(self, fleet: Fleet, host: HostName, claim: LockClaim, places: LockPaths) -> None:
        self._fleet = fleet
        self.host = host
        self._claim = claim
        self._places = places

    async def read(self, deadline_s: float) -> LockAnswer | NoLockAnswer:
        """The current record."""
        return await self._ask("look", deadline_s)

    async def claim(self, deadline_s: float, over: Mapping[str, int]) -> LockAnswer | NoLockAnswer:
        """Claim it if it is free, or if a token of `over` has it whose heartbeat is that old (seconds)."""
        return await self._ask("claim", deadline_s, " ".join(f"{token}:{age}" for token, age in over.items()))

    async def renew(self, deadline_s: float) -> LockAnswer | NoLockAnswer:
        """A heartbeat, if the claim is still there."""
        return await self._ask("renew", deadline_s)

    async def release(self, deadline_s: float) -> LockAnswer | NoLockAnswer:
        """Release the claim, if it is still there."""
        return await self._ask("release", deadline_s)

    def has(self, answer: LockAnswer | NoLockAnswer) -> bool:
        """Whether this claim is there."""
        return (
            isinstance(answer, LockAnswer)
            and answer.record is not None
            and answer.record.claim.token == self._claim.token
        )

    async def _ask(self, verb: str, deadline_s: float, over: str = "") -> LockAnswer | NoLockAnswer:
        words = (self._places.record, self._places.heartbeat, verb, self._claim.token, encode_claim(self._claim), over)
        try:
            transport = self._fleet.host(self.host)
            result = await run_script(transport, SCRIPT, words, deadline_s=deadline_s, urgent=True)
            if result.ok:
                return LockAnswer(parse_record(result.stdout))
            message = result.stderr.strip().rpartition("\n")[2] or "no answer"
            return NoLockAnswer(f"{self.host}: the record of the lock could not be read or written: {message[:200]}")
        except HaconsoleError as error:
            return NoLockAnswer(error.what if error.what.startswith(f"{self.host}:") else f"{self.host}: {error.what}")
