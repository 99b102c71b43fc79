"""keepalived.conf, whoever wrote it, as the VRRP instances in it (keepalived.conf(5))."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from haconsole.model.names import Vip
from haconsole.model.vip import VrrpInstance

_TOKENS = re.compile(r'"(?P<quoted>[^"\n]*)"|(?P<comment>[!#][^\n]*)|(?P<mark>[{}\n])|(?P<word>[^\s{}"]+)')
_TRACKING = ("track_script", "track_process", "track_interface", "track_file")
_DEFINITION = re.compile(r"^[ \t]*\$(\w+)=(.*)$", re.MULTILINE)
_USE = re.compile(r"\$\{(\w+)\}|\$(\w+)\b")


@dataclass
class Block:
    """A line of the file: its words, and the lines between its braces."""

    words: tuple[str, ...] = ()
    inside: list[Block] = field(default_factory=list)

    def all(self, keyword: str) -> Iterator[Block]:
        return (block for block in self.inside if block.words[:1] == (keyword,))

    def first(self, keyword: str) -> Block | None:
        return next(self.all(keyword), None)

    def value(self, keyword: str, default: str = "") -> str:
        """The word after `keyword`; the last such line counts, as for keepalived itself."""
        values = [block.words[1] for block in self.all(keyword) if len(block.words) > 1]
        return values[-1] if values else default


def read(text: str) -> Block:
    """The whole file as one block. Nothing is refused: what is not understood is not looked at."""
    top = Block()
    open_blocks, words, last = [top], [], None
    for token in _TOKENS.finditer(_substitute(text)):
        mark = token["mark"]
        if token["comment"] is not None:
            continue
        if mark is None:
            words.append(token["quoted"] if token["quoted"] is not None else token["word"])
            continue
        if words:
            last = Block(tuple(words))
            open_blocks[-1].inside.append(last)
            words = []
        if mark == "{":
            open_blocks.append(last or Block())
        elif mark == "}" and len(open_blocks) > 1:
            last = open_blocks.pop()
    if words:
        open_blocks[-1].inside.append(Block(tuple(words)))
    return top


def _substitute(text: str) -> str:
    """The text with its ``$NAME=value`` definitions put in where ``$NAME`` or ``${NAME}`` is used."""
    known = {name: value.strip() for name, value in _DEFINITION.findall(text)}
    body = _DEFINITION.sub("", text)
    return _USE.sub(lambda use: known.get(use[1] or use[2], use[0]), body) if known else body


def instances(text: str, secret: bytes) -> tuple[VrrpInstance, ...]:
    """The VRRP instances in the file's order, their state still unknown.

    `secret` keys the fingerprint of a password, so that equal ones can be told among hosts and none can be guessed.
    """
    top = read(text)
    weights = _weights(top)
    return tuple(_instance(block, weights, secret) for block in _blocks(top, "vrrp_instance"))


def scripts_needed(text: str) -> dict[str, frozenset[str]]:
    """By instance, the scripts whose failure puts it in FAULT: those it tracks with no weight."""
    top = read(text)
    weights = _weights(top)
    return {
        block.words[1]: frozenset(
            name for name, weight in _weights_of_trackers(block, weights, ("track_script",)) if weight == 0
        )
        for block in _blocks(top, "vrrp_instance")
    }


def _weights(top: Block) -> dict[str, int]:
    """The weight each script and watched process has of its own."""
    return {
        block.words[1]: _integer(block.value("weight"), 0)
        for keyword in ("vrrp_script", "vrrp_track_process")
        for block in _blocks(top, keyword)
    }


def _blocks(top: Block, keyword: str) -> Iterator[Block]:
    return (block for block in top.all(keyword) if len(block.words) > 1)


def _instance(block: Block, weights: dict[str, int], secret: bytes) -> VrrpInstance:
    return VrrpInstance(
        name=block.words[1],
        state=None,
        interface=block.value("interface"),
        router_id=_integer(block.value("virtual_router_id"), 0),
        priority=_integer(block.value("priority"), 100),
        vips=tuple(Vip(word) for word in _addresses(block)),
        advert_int_s=_number(block.value("advert_int"), 1.0),
        unicast_peers=tuple(line.words[0] for peers in block.all("unicast_peer") for line in peers.inside),
        nopreempt=block.first("nopreempt") is not None,
        auth_fingerprint=_fingerprint(block.first("authentication"), secret),
        track_weights=tuple(weight for _, weight in _weights_of_trackers(block, weights, _TRACKING)),
    )


def _addresses(block: Block) -> Iterator[str]:
    for keyword in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for section in block.all(keyword):
            yield from (line.words[0].partition("/")[0] for line in section.inside)


def _fingerprint(authentication: Block | None, secret: bytes) -> str | None:
    if authentication is None:
        return None
    credentials = f"{authentication.value('auth_type')} {authentication.value('auth_pass')}"
    return hmac.new(secret, credentials.encode(), hashlib.sha256).hexdigest()[:16]


def _weights_of_trackers(block: Block, weights: dict[str, int], keywords: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """What an instance tracks, each with its weight: the one said there, else its own; 0: its failure is FAULT."""
    for keyword in keywords:
        for tracker in (line for section in block.all(keyword) for line in section.inside):
            own = weights.get(tracker.words[0], 0)
            weight_at = tracker.words.index("weight") + 1 if "weight" in tracker.words else len(tracker.words)
            yield tracker.words[0], _integer(tracker.words[weight_at], own) if weight_at < len(tracker.words) else own


def _integer(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else default


def _number(text: str, default: float) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else default
