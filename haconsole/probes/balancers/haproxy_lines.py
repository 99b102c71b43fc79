"""The lines of haproxy's configuration, as haproxy splits and selects them (Configuration Manual, sections 2.2-2.4).

Quotes, backslashes, environment variables and ``.if`` blocks are resolved; a line is a tuple of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

SECTIONS = frozenset(
    (
        *("global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "mailers", "resolvers", "cache"),
        *("http-errors", "ring", "log-forward", "log-profile", "fcgi-app", "program", "crt-store", "traces", "acme"),
    )
)
"""Words that begin a section wherever they are the first of a line."""

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_HEX = re.compile("[0-9a-fA-F]{2}")
_VARIABLE = re.compile(r"(?P<name>\.?[A-Za-z_][A-Za-z0-9_]*)(?P<words>\[\*\])?")
_TERM = re.compile(r"[ \t]*(?P<negated>(?:![ \t]*)*)(?:(?P<number>[0-9]+)|(?P<name>[a-z_]+)\(|(?P<open>\())?")
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class HaproxyFiles:
    """haproxy's configuration as its host has it."""

    texts: tuple[str, ...] = field(repr=False)
    """The files in the order that haproxy reads them."""

    paths: tuple[str, ...] = ()
    """Their full paths, as far as they are known."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of haproxy's process."""

    version: tuple[int, ...] | None = None
    """haproxy's version, for conditions on it."""

    features: Mapping[str, bool] = field(default_factory=dict)
    """Features of the build, and whether it has them."""


class ConfigLine(msgspec.Struct, frozen=True):
    """A line that counts; `condition` is the innermost ``.if`` around it that could not be decided, if any."""

    words: tuple[str, ...]
    condition: str | None = None


class HaproxyLineReader:
    """Reads all lines that count; ``setenv`` and its kin in the global section change what later lines are made of."""

    def __init__(self, files: HaproxyFiles) -> None:
        self._files = files
        self.environment: dict[str, str] = dict(files.environment)
        """The environment as the lines read so far have left it."""

        self._global = False

    def lines(self) -> Iterator[ConfigLine]:
        """Every line that counts; those under a condition that cannot be decided are among them, marked with it."""
        for text in self._files.texts:
            yield from self._of_file(text)

    def _of_file(self, text: str) -> Iterator[ConfigLine]:
        blocks: list[_Block] = []
        for line in text.split("\n"):
            words = self._words(line)
            if not words or not words[0]:
                continue
            if words[0] in (".if", ".elif", ".else", ".endif"):
                self._condition(words, blocks)
            elif all(block.decision is not False for block in blocks) and not words[0].startswith((".", "[")):
                self._environment_line(words)
                yield ConfigLine(words, next((each.text for each in reversed(blocks) if each.decision is None), None))

    def _words(self, line: str) -> tuple[str, ...]:
        return split_line(line, self.environment) or ()

    def _condition(self, words: tuple[str, ...], blocks: list[_Block]) -> None:
        text = " ".join(words[1:])
        if words[0] == ".if":
            outside = all(block.decision is not False for block in blocks)
            decision = self._holds(text) if outside else False
            blocks.append(_Block(text, decision, decided=decision is True or not outside))
        elif not blocks:
            return
        elif words[0] == ".endif":
            blocks.pop()
        elif blocks[-1].decided:
            blocks[-1] = _Block(blocks[-1].text, False, decided=True)
        else:
            holds = self._holds(text) if words[0] == ".elif" else True
            undecided = blocks[-1].undecided or blocks[-1].decision is None
            decision = None if holds and undecided else holds
            blocks[-1] = _Block(text or blocks[-1].text, decision, decided=holds is True, undecided=undecided)

    def _holds(self, text: str) -> bool | None:
        return _Condition(text, self.environment, self._files).value()

    def _environment_line(self, words: tuple[str, ...]) -> None:
        if words[0] in SECTIONS:
            self._global = words[0] == "global"
        if not self._global or len(words) < 2:
            return
        if words[0] == "setenv" or (words[0] == "presetenv" and words[1] not in self.environment):
            self.environment[words[1]] = words[2] if len(words) > 2 else ""
        elif words[0] == "unsetenv":
            for name in words[1:]:
                self.environment.pop(name, None)
        elif words[0] == "resetenv":
            self.environment = {name: value for name, value in self.environment.items() if name in words[1:]}


class _Block(msgspec.Struct, frozen=True):
    text: str
    decision: bool | None
    decided: bool = False
    undecided: bool = False


class _Condition:
    """Evaluates a condition: None where it depends on something unknown here."""

    def __init__(self, text: str, environment: Mapping[str, str], files: HaproxyFiles) -> None:
        self._text, self._at = text, 0
        self._environment, self._files = environment, files

    def value(self) -> bool | None:
        """The complete condition; None also where it cannot be parsed."""
        value = self._either(0)
        return value if not self._text[self._at :].strip() else None

    def _either(self, depth: int) -> bool | None:
        values = [self._both(depth)]
        while self._took("||"):
            values.append(self._both(depth))
        return True if True in values else None if None in values else False

    def _both(self, depth: int) -> bool | None:
        values = [self._term(depth)]
        while self._took("&&"):
            values.append(self._term(depth))
        return False if False in values else None if None in values else True

    def _took(self, sign: str) -> bool:
        rest = self._text[self._at :].lstrip(" \t")
        if not rest.startswith(sign):
            return False
        self._at = len(self._text) - len(rest) + len(sign)
        return True

    def _term(self, depth: int) -> bool | None:
        match = _TERM.match(self._text, self._at)
        if match is None or depth > _DEEPEST:
            return None
        self._at = match.end()
        if match["number"]:
            value: bool | None = int(match["number"]) != 0
        elif match["open"]:
            value = self._either(depth + 1)
            if not self._took(")"):
                return None
        elif match["name"]:
            closing = self._text.find(")", self._at)
            if closing < 0:
                return None
            arguments = self._text[self._at : closing].split(",")
            self._at = closing + 1
            value = self._predicate(match["name"], *(arguments if len(arguments) > 1 else (*arguments, "")))
        else:
            return None
        return value if value is None or match["negated"].count("!") % 2 == 0 else not value

    def _predicate(self, name: str, first: str, second: str, *further: str) -> bool | None:
        match name:
            case "defined":
                return first in self._environment
            case "streq":
                return first == second
            case "strneq":
                return first != second
            case "strstr":
                return second in first
            case "feature":
                return self._files.features.get(first, False if self._files.features else None)
            case "version_atleast" | "version_before":
                if self._files.version is None:
                    return None
                least = self._files.version >= version_of(first)
                return least if name == "version_atleast" else not least
            case _:
                return None


def version_of(text: str) -> tuple[int, ...]:
    """The numbers that a version begins with, e.g. (2, 6, 12)."""
    match = re.match(r"[0-9]{1,6}(\.[0-9]{1,6})*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def split_line(line: str, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """A line split into words; None where haproxy refuses it."""
    return _Splitter(line, environment).words()


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """An address with its variables put in, which are expanded in addresses outside of quotes too."""
    return re.sub(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", lambda use: environment.get(use[1] or use[2], ""), text)


class _Splitter:
    def __init__(self, line: str, environment: Mapping[str, str]) -> None:
        self._line, self._environment = line.rstrip("\r"), environment
        self._at = 0
        self._words: list[str] = []
        self._word: str | None = None

    def words(self) -> tuple[str, ...] | None:
        quote, opened = "", 0
        while self._at < len(self._line):
            char = self._line[self._at]
            if char in "\"'" and quote in ("", char):
                empty = quote and opened == self._at - 1
                self._word = (self._word or "") if quote and (empty or self._word is not None) else self._word
                quote, opened = ("" if quote else char), self._at
                self._at += 1
            elif quote == "'":
                self._emit(char)
            elif char == "#" and not quote:
                break
            elif char == "\\":
                if not self._escape(quote):
                    return None
            elif char.isspace() and not quote:
                self._end()
                self._at += 1
            elif char == "$" and quote == '"':
                if not self._variable():
                    return None
            else:
                self._emit(char)
        self._end()
        return None if quote else tuple(self._words)

    def _emit(self, text: str, length: int = 1) -> None:
        self._word = (self._word or "") + text
        self._at += length

    def _end(self) -> None:
        if self._word is not None:
            self._words.append(self._word)
            self._word = None

    def _escape(self, quote: str) -> bool:
        following = self._line[self._at + 1 : self._at + 2]
        if following == "x":
            digits = self._line[self._at + 2 : self._at + 4]
            if not _HEX.fullmatch(digits):
                return False
            self._emit(chr(int(digits, 16)), 4)
        elif following in _ESCAPES and following:
            self._emit(_ESCAPES[following], 2)
        elif following and (following in " \\#'\"" or (following == "$" and quote)):
            self._emit(following, 2)
        else:
            self._emit("\\")
        return True

    def _variable(self) -> bool:
        braced = self._line.startswith("{", self._at + 1)
        match = _VARIABLE.match(self._line, self._at + (2 if braced else 1))
        if match is None:
            return False
        value, end = self._environment.get(match["name"]), match.end() if braced else match.end("name")
        if braced:
            closing = self._line.find("}", end)
            if closing < 0 or (closing > end and self._line[end] != "-"):
                return False
            value = self._line[end + 1 : closing] if value is None and closing > end else value
            end = closing + 1
        if braced and match["words"]:
            self._spread(value or "")
        else:
            self._word = (self._word or "") + (value or "")
        self._at = end
        return True

    def _spread(self, value: str) -> None:
        """Each word of the value as a word of its own."""
        first, *further = re.split(r"\s+", value) if value else [""]
        if first:
            self._word = (self._word or "") + first
        for word in further:
            self._end()
            self._word = word or None
