"""The blocks of a keepalived.conf by its keywords, as keepalived's parser nests them (keepalived.conf(5)).

Only a keyword that takes a block opens one: after any other a brace that opens is passed over, and the one that closes
ends the block around it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from haconsole.probes.balancers.keepalived_lines import ConfigFiles, KeepalivedLineReader, words_of

_TRACKED = ("track_interface", "track_script", "track_file", "track_process", "track_bfd")
_LISTS = {
    "vrrp_instance": frozenset(
        (
            *("unicast_peer", "virtual_ipaddress", "virtual_ipaddress_excluded", "virtual_routes", "virtual_rules"),
            *_TRACKED,
        )
    ),
    "vrrp_sync_group": frozenset(("group", *_TRACKED)),
    "global_defs": frozenset(("notification_email", "smtp_alert_email")),
    "vrrp_script": frozenset[str](),
    "vrrp_track_process": frozenset[str](),
    "vrrp_track_file": frozenset[str](),
    "track_file": frozenset[str](),
}
"""Blocks that are read, and the keywords in them that hold a list of lines."""

_SKIPPED = frozenset(
    (
        *("SSL", "bfd_instance", "garp_group", "interface_up_down_delays", "linkbeat_interfaces", "static_ipaddress"),
        *("static_routes", "static_rules", "track_group", "virtual_server", "virtual_server_group"),
    )
)
_NAMED = ("vrrp_instance", "vrrp_sync_group")
"""Blocks with one name, each of which counts once."""


class Block(msgspec.Struct):
    """A logical line: its words, and the lines between its braces."""

    words: tuple[str, ...] = ()
    inside: list[Block] = msgspec.field(default_factory=list)

    def all(self, keyword: str) -> Iterator[Block]:
        return (block for block in self.inside if block.words[:1] == (keyword,))

    def named(self, keyword: str) -> Iterator[Block]:
        return (block for block in self.all(keyword) if len(block.words) > 1)

    def values(self, keyword: str) -> tuple[str, ...]:
        """The words after `keyword`, one of each such line that has one."""
        return tuple(block.words[1] for block in self.named(keyword))

    def value(self, keyword: str, default: str = "") -> str:
        """The word after `keyword`; the last such line counts, as for keepalived itself."""
        return next(reversed(self.values(keyword)), default)

    def lines(self, keyword: str) -> Iterator[tuple[str, ...]]:
        """The lines listed by all blocks `keyword`."""
        return (line.words for listed in self.all(keyword) for line in listed.inside)


def read(files: ConfigFiles) -> Block:
    """The complete configuration as one block; raises EndlessConfigError."""
    return _KeepalivedReader(files).top()


class _KeepalivedReader:
    def __init__(self, files: ConfigFiles) -> None:
        self._lines = KeepalivedLineReader(files)
        self._pushed_back: tuple[str, ...] | None = None

    def top(self) -> Block:
        top, known = Block(), set[tuple[str, ...]]()
        while (words := self._next()) is not None:
            keyword = words[0]
            if keyword in _LISTS:
                once = keyword in _NAMED
                if once and (len(words) != 2 or words in known):
                    self._skip()
                    continue
                known.add(words)
                top.inside.append(self._block(words, _LISTS[keyword]))
            elif keyword in _SKIPPED:
                self._skip()
            elif keyword == "instance" and len(words) > 1:
                self._lines.define("_INSTANCE", words[1])
        return top

    def _next(self) -> tuple[str, ...] | None:
        if self._pushed_back is not None:
            words, self._pushed_back = self._pushed_back, None
            return words
        while (line := self._lines.read()) is not None:
            if words := words_of(line):
                return words
        return None

    def _block(self, words: tuple[str, ...], lists: frozenset[str]) -> Block:
        block, first = Block(words), True
        while (inner := self._next()) is not None:
            if inner[0] == "}" and not first:
                break
            if inner[0] == "{":
                first = False
                continue
            first = False
            if inner[0] == "authentication" and words[0] == "vrrp_instance":
                block.inside.append(self._block(inner, frozenset()))
            elif inner[0] in lists:
                block.inside.append(self._list(inner))
            else:
                block.inside.append(Block(inner))
        return block

    def _list(self, words: tuple[str, ...]) -> Block:
        listed, first = Block(words), True
        while (inner := self._next()) is not None:
            if inner[-1] == "}":
                break
            if not (first and inner[0] == "{"):
                listed.inside.append(Block(inner))
            first = False
        return listed

    def _skip(self) -> None:
        """Passes over a block; a line that does not open one is read next."""
        words = self._next()
        if words is None or words[0] != "{":
            self._pushed_back = words
            return
        depth = 1
        while depth and (words := self._next()) is not None:
            depth += words.count("{") - words.count("}")
