"""Addresses on a host's interfaces: listed, and pushed as they change (ip-address(8), ip-monitor(8))."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from haconsole.model.hosts import InterfaceAddress
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer
from haconsole.scripts import load_script

SECTION = Section("addresses", load_script("addresses"), 20, 'kill -0 "${followed:-}" 2>/dev/null')
"""Changes are pushed, so the listing is repeated only in case one was lost, or when nothing pushes."""

FOLLOW = "ip -o monitor address 2>/dev/null"
"""Writes one line for each added or removed address."""

_LINE = re.compile(
    r"^(?:\[ADDR\])?(?P<removed>Deleted )?\d+: (?P<interface>[^\s@]+)(?:@\S+)?\s+inet6? "
    r"(?P<address>[0-9a-fA-F.:]+)(?: peer [0-9a-fA-F.:]+)?(?:/(?P<prefix>\d+))?\s"
)


class AddressChange(msgspec.Struct, frozen=True):
    """An address that was added to an interface, or removed."""

    entry: InterfaceAddress
    removed: bool


def parse(answer: SectionAnswer) -> tuple[InterfaceAddress, ...]:
    """Every address of every interface, in the host's order."""
    text = require(answer, "ip address show")
    if not text.lstrip().startswith("["):
        changes = (parse_change(line) for line in text.splitlines())
        return tuple(change.entry for change in changes if change)
    try:
        return tuple(_entry(link, entry) for link in json.loads(text) for entry in link.get("addr_info", ()) if entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProbeError(f"ip address show: unexpected output: {error!r}", Cause.UNREADABLE) from error


def _entry(link: dict[str, Any], entry: dict[str, Any]) -> InterfaceAddress:
    return InterfaceAddress(str(link["ifname"]), str(entry["local"]), int(entry["prefixlen"]))


def parse_change(line: str) -> AddressChange | None:
    """A line of ``ip -o monitor address`` (or of ``ip -o address show``); None for lines about anything else."""
    match = _LINE.match(line)
    if match is None:
        return None
    address = match["address"]
    full = 128 if ":" in address else 32
    return AddressChange(
        InterfaceAddress(match["interface"], address, int(match["prefix"] or full)), removed=bool(match["removed"])
    )


def apply(addresses: tuple[InterfaceAddress, ...], change: AddressChange) -> tuple[InterfaceAddress, ...]:
    """The addresses after the change. An address that is added again (its lifetime was renewed) changes nothing."""
    if change.removed:
        return tuple(entry for entry in addresses if entry != change.entry)
    return addresses if change.entry in addresses else (*addresses, change.entry)
