"""The cluster lock's record on a host.

``PLACE/holder`` contains the claim: a token, then the claim as JSON. It survives a reboot. The heartbeat,
``HEARTBEAT``, is the same token and the host's uptime, kept in memory: a reboot removes it, and the record is then as
old as the boot. Both clocks are the host's own, so that clock skew makes no lock stale.
"""

from __future__ import annotations

import shlex
import unicodedata

import msgspec

from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

PLACE = "/var/lib/haconsole/lock"
HEARTBEAT = "/run/haconsole.heartbeat"
FREE = "free"
LONGEST_CLAIM = 4096
_LONGEST_WORD = 200

READ = load_script("lib/read-lock")


def section(*, every: int = 1, place: str = PLACE, heartbeat: str = HEARTBEAT) -> Section:
    """Reads the record; needs root."""
    body = f"{READ}\nread_lock {shlex.quote(place)} {shlex.quote(heartbeat)}; print_lock"
    return Section("lock", body, every, with_arguments(load_script("lock-unchanged"), f"{place}/holder"))


def parse(answer: SectionAnswer) -> HostLock | None:
    """The record, None where the host has none."""
    return parse_record(require(answer, "the cluster lock"))


def parse_record(text: str) -> HostLock | None:
    """The output of `print_lock`; raises ProbeError for anything else, as from a record that was written by hand."""
    first, _, rest = text.strip().partition("\n")
    if first == FREE:
        return None
    try:
        token, age, held_s = first.split()
        claim = msgspec.json.decode(rest.partition("\n")[0][:LONGEST_CLAIM], type=LockClaim)
        if claim.token != token:
            raise ValueError("two tokens")
        return HostLock(_harmless(claim), max(0, int(held_s)), max(0, int(age)))
    except (ValueError, msgspec.MsgspecError) as error:
        what = f"the cluster lock's record cannot be read: {text[:_LONGEST_WORD]!r}"
        raise ProbeError(
            what, Cause.UNREADABLE, hint=f"on the host: inspect the file {PLACE}/holder, then remove this file"
        ) from error


def encode_claim(claim: LockClaim) -> str:
    """The claim as the one line of JSON that hosts keep."""
    return msgspec.json.encode(claim).decode()


def _harmless(claim: LockClaim) -> LockClaim:
    """A host's text about the holder is shown on screens: short, and without control sequences."""
    return LockClaim(
        token=_word(claim.token),
        holder=_word(claim.holder),
        pid=claim.pid,
        run=_word(claim.run),
        action=_word(claim.action),
        process=_word(claim.process),
    )


def _word(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char)[0] != "C")[:_LONGEST_WORD]
