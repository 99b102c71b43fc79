"""The packets that the lab's network drops: hosts cut off, pairs separated, VRRP muted; by nftables on the switch's
bridges.

Cut hosts keep their link up, as behind a broken switch: they notice only missing answers. See nft(8), family bridge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

import msgspec
from msgspec.structs import replace

from haconsole.lab.commands import attempt, run
from haconsole.lab.network import ports_of
from haconsole.lab.spec import LabSpec

_TABLE = "bridge haconsole"


class Outages(msgspec.Struct, frozen=True):
    """`cut` hosts are isolated; each of the `cut_pairs` pairs from each other; `mute` hosts' VRRP is dropped."""

    cut: frozenset[str] = frozenset()
    cut_pairs: frozenset[tuple[str, str]] = frozenset()
    mute: frozenset[str] = frozenset()

    def without(self, host: str) -> Outages:
        """These outages but for those that a host is part of."""
        cut_pairs = frozenset(pair for pair in self.cut_pairs if host not in pair)
        return Outages(self.cut - {host}, cut_pairs, self.mute - {host})


NO_OUTAGES = Outages()


def read(spec: LabSpec) -> Outages:
    """The outages there are now."""
    result = attempt(("ip", "netns", "exec", spec.switch, "nft", "--json", "list", "table", *_TABLE.split()))
    return parse(result.stdout) if result.returncode == 0 else NO_OUTAGES


def write(spec: LabSpec, outages: Outages) -> None:
    """Have these outages and no others, in one transaction."""
    run(("ip", "netns", "exec", spec.switch, "nft", "--file", "-"), stdin=render(outages))


def add_cut(spec: LabSpec, host: str, others: tuple[str, ...]) -> None:
    """Cut a host off from the `others`, or from everybody when none is named."""
    mine, theirs = _ports(spec, (host,)), _ports(spec, others)
    there = read(spec)
    if others:
        write(spec, replace(there, cut_pairs=there.cut_pairs | {*product(mine, theirs), *product(theirs, mine)}))
    else:
        write(spec, replace(there, cut=there.cut | set(mine)))


def add_mute(spec: LabSpec, hosts: tuple[str, ...]) -> None:
    """Drop the VRRP adverts of these hosts."""
    there = read(spec)
    write(spec, replace(there, mute=there.mute | set(_ports(spec, hosts))))


def end(spec: LabSpec, hosts: tuple[str, ...]) -> None:
    """End the outages that these hosts are part of, or all when none is named."""
    there = read(spec)
    for port in _ports(spec, hosts):
        there = there.without(port)
    write(spec, there if hosts else NO_OUTAGES)


def _ports(spec: LabSpec, hosts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(port for name in hosts for port in ports_of(spec, spec.host(name)))


def render(outages: Outages) -> str:
    """The nft script that replaces whatever outages there are by these."""
    fresh = f"table {_TABLE}\ndelete table {_TABLE}\n"
    if outages == NO_OUTAGES:
        return fresh
    pairs = (f"{_quoted(one)} . {_quoted(other)}" for one, other in sorted(outages.cut_pairs))
    return f"""{fresh}table {_TABLE} {{
    set cut {{ type ifname; {_elements(map(_quoted, sorted(outages.cut)))}}}
    set apart {{ type ifname . ifname; {_elements(pairs)}}}
    set mute {{ type ifname; {_elements(map(_quoted, sorted(outages.mute)))}}}
    chain forward {{
        type filter hook forward priority 0; policy accept;
        iifname @cut drop
        oifname @cut drop
        iifname . oifname @apart drop
        iifname @mute ip protocol 112 drop
    }}
}}
"""


def parse(listing: str) -> Outages:
    """The outages in the output of `nft --json list table`."""
    sets: dict[str, list[Any]] = {
        item["set"]["name"]: item["set"].get("elem", []) for item in json.loads(listing)["nftables"] if "set" in item
    }
    return Outages(
        cut=frozenset(sets.get("cut", ())),
        cut_pairs=frozenset((pair["concat"][0], pair["concat"][1]) for pair in sets.get("apart", ())),
        mute=frozenset(sets.get("mute", ())),
    )


def _elements(words: Iterable[str]) -> str:
    text = ", ".join(words)
    return f"elements = {{ {text} }}; " if text else ""


def _quoted(name: str) -> str:
    return f'"{name}"'
