"""The logical lines of a keepalived.conf and its includes, as keepalived's parser makes them (keepalived.conf(5)).

A line as written becomes a logical line in this order: comments and outer blanks go, ``@id`` lines of other hosts go,
``$NAME=value`` is kept as a definition, ``~SEQ`` and ``~LST`` repeat a line, definitions are substituted, an
``include`` is replaced by the lines of its files, and a brace becomes a line of its own.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from haconsole.errors import HaconsoleError

_LONGEST_LINE = 1023
_MOST_LINES = 20_000
_MOST_SUBSTITUTIONS = 500
_DEEPEST_INCLUDE = 30
_COMMENT = re.compile(r'[!#"\\]')
_DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*(.*)", re.DOTALL)
_USE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?:[ \t]+(?P<parameter>[A-Za-z0-9_]+))?\}"
    r"|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|\Z))"
)
_INCLUDE = re.compile(r"include[rmwba]?\s[ \t]*(.*)", re.DOTALL)
_SEQUENCE = re.compile(
    r"~SEQ(?P<hex>x?)[ \t]*\([ \t]*(?P<name>[^ \t,(){]+)[ \t]*,(?P<numbers>[^)]*)\)[ \t]*(?P<line>.*)"
)
_NUMBER = re.compile(r"[ \t]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]*)[ \t]*")
_LIST = re.compile(
    r"~LST[ \t]*\([ \t]*(?:\{(?P<names>[^}]*)\}|(?P<name>[^ \t,}]*))[ \t]*,"
    r"(?P<sets>(?:\{[^}]*\}|[^){}])*)\)[ \t]*(?P<line>.*)"
)
_SET = re.compile(r"[ \t]*(?:\{(?P<several>[^}]*)\}|(?P<one>[^ \t,{}]*))[ \t]*(?:,|\Z)")
_BRACES = re.compile(r"\{((?:[^{},]*,)+[^{},]*)\}")


class EndlessConfigError(HaconsoleError):
    """A configuration that includes or substitutes without end."""


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """A configuration as its host has it."""

    main: str
    """The full path of the configuration itself."""

    texts: Mapping[str, str] = field(repr=False)
    """The text of the configuration and of each regular file that it may include, by full path."""

    config_id: str = ""
    """keepalived's ``--config-id``, else the host's name up to its first dot."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """keepalived's environment, for ``${_ENV NAME}``."""


def single_file(text: str, config_id: str = "") -> ConfigFiles:
    """A configuration that includes nothing."""
    return ConfigFiles("/keepalived.conf", {"/keepalived.conf": text}, config_id)


class _File(msgspec.Struct):
    folder: str
    lines: deque[str]


class _Definition(msgspec.Struct, frozen=True):
    lines: tuple[str, ...]
    multiline: bool = False


class _Rest(msgspec.Struct):
    """The lines of a definition of several that are still to come; repetitions begun before it wait for its end."""

    lines: deque[str]
    repetitions: int


class _Repetition(msgspec.Struct):
    line: str
    values: Iterator[dict[str, str]]


class KeepalivedLineReader:
    """Reads one logical line after the other; `define` changes what later lines are made of."""

    def __init__(self, files: ConfigFiles) -> None:
        self._files = files
        self._open: list[_File] = []
        self._definitions = {"_HASH": _Definition(("#",)), "_BANG": _Definition(("!",))}
        self._residue: str | None = None
        self._repetitions: list[_Repetition] = []
        self._rests: list[_Rest] = []
        self._collecting: str | None = None
        self._lines_left = _MOST_LINES
        self.define("_INSTANCE", "")
        self._open_files(files.main)

    def define(self, name: str, value: str) -> None:
        self._definitions[name] = _Definition((value,))

    def read(self) -> str | None:
        """The next line, not empty; None at the end. A brace is always a line of its own."""
        while (text := self._next()) is not None:
            if self._collecting is not None:
                self._collect(text)
                continue
            text = self._resolved(text)
            if text and not self._included(text):
                return self._before_brace(text)
        return None

    def _next(self) -> str | None:
        self._lines_left -= 1
        if self._lines_left < 0:
            raise EndlessConfigError(
                f"{self._files.main} has more than {_MOST_LINES} lines, counting repeated and included ones"
            )
        if self._residue is not None:
            text, self._residue = self._residue, None
            return text
        if len(self._repetitions) > (self._rests[-1].repetitions if self._rests else 0):
            repeated = self._repeated()
            return "" if repeated is None else repeated
        if self._rests:
            rest = self._rests[-1]
            text = rest.lines.popleft()
            if not rest.lines:
                self._rests.pop()
            return text
        return self._of_file()

    def _of_file(self) -> str | None:
        while self._open:
            if not self._open[-1].lines:
                self._open.pop()
                continue
            line = self._open[-1].lines.popleft().rstrip("\r\n")
            if not line:
                self._collecting = None
            elif len(line) <= _LONGEST_LINE and "\0" not in line and (text := _read_twice(line)):
                return text
        return None

    def _resolved(self, text: str) -> str:
        """The line with its definitions substituted; empty where it is another host's, or a definition itself."""
        for _ in range(_MOST_SUBSTITUTIONS):
            if text.startswith("@"):
                text = self._of_this_host(text)
            if text.startswith(("~SEQ", "~LST")):
                self._repeat(text)
                return ""
            if self._defined(text):
                return ""
            replaced = None if text.startswith("~") else self._substituted(text)
            if replaced is None:
                return text
            text = without_comment(replaced)
            if "$" not in text and not text.startswith("@"):
                return text
        raise EndlessConfigError(f"{self._files.main} has a definition that contains itself")

    def _of_this_host(self, text: str) -> str:
        words = re.split(r"[ \t]+", text, maxsplit=1)
        reverse = words[0].startswith("@^")
        matches = words[0][2 if reverse else 1 :] == self._files.config_id
        return words[1] if len(words) > 1 and matches != reverse else ""

    def _defined(self, text: str) -> bool:
        match = _DEFINITION.fullmatch(text)
        if match is None:
            return False
        name, value = match.groups()
        if not value.endswith("\\"):
            self.define(name, value)
            return True
        first = value[:-1].rstrip(" \t")
        self._definitions[name] = _Definition((first,) if first else (), multiline=True)
        self._collecting = name
        return True

    def _collect(self, text: str) -> None:
        """One more line of the definition that is being read."""
        name = self._collecting or ""
        lines = self._definitions[name].lines
        more = text.endswith("\\")
        line = text[:-1].rstrip(" \t") if more else text
        self._definitions[name] = _Definition((*lines, line) if line else lines, multiline=True)
        if not more:
            self._collecting = None

    def _substituted(self, text: str) -> str | None:
        """The text with definitions put in; None where it uses none. The further lines of one are read next."""
        match, at = False, 0
        for _ in range(_MOST_SUBSTITUTIONS):
            at = text.find("$", at)
            if at < 0:
                return text if match else None
            use = _USE.match(text, at)
            value = self._value(use, last=use.end() == len(text)) if use else None
            if use is None or value is None:
                at += 1
                continue
            if len(text) - (use.end() - at) + len(value) > _LONGEST_LINE:
                return text if match else None
            match = True
            text = text[:at] + value + text[use.end() :]
            if value.lstrip(" \t").startswith("~"):
                return text
        raise EndlessConfigError(f"{self._files.main} has a definition that contains itself")

    def _value(self, use: re.Match[str], *, last: bool) -> str | None:
        name = use["braced"] or use["plain"]
        if use["parameter"] is not None:
            return self._files.environment.get(use["parameter"], "") if name == "_ENV" else None
        if name == "_PWD":
            return self._folder()
        definition = self._definitions.get(name)
        if definition is None or (definition.multiline and not last):
            return None
        if definition.multiline and len(definition.lines) > 1:
            self._rests.append(_Rest(deque(definition.lines[1:]), len(self._repetitions)))
        return definition.lines[0] if definition.lines else ""

    def _repeat(self, text: str) -> None:
        if match := _SEQUENCE.fullmatch(text):
            numbers = self._substituted(match["numbers"]) or match["numbers"]
            steps = _steps(numbers)
            form = "{:x}" if match["hex"] else "{}"
            if steps and not (match["hex"] and min(steps[0], steps[-1]) < 0):
                values = ({match["name"]: form.format(number)} for number in steps)
                self._repetitions.append(_Repetition(match["line"], values))
        elif match := _LIST.fullmatch(text):
            names = _words(match["names"]) if match["names"] is not None else (match["name"],)
            sets = [
                _words(one["several"]) if one["several"] is not None else (one["one"],) for one in _sets(match["sets"])
            ]
            if sets and all(len(one) <= len(names) for one in sets):
                padded = ((*one, *("",) * (len(names) - len(one))) for one in sets)
                values = (dict(zip(names, one, strict=True)) for one in padded)
                self._repetitions.append(_Repetition(match["line"], values))

    def _repeated(self) -> str | None:
        """The innermost repeated line once more; None after its last time."""
        values = next(self._repetitions[-1].values, None)
        if values is None:
            self._repetitions.pop()
            return None
        for name, value in values.items():
            self.define(name, value)
        return self._repetitions[-1].line

    def _included(self, text: str) -> bool:
        match = _INCLUDE.fullmatch(text)
        if match is None:
            return False
        self._open_files(match[1])
        return True

    def _open_files(self, pattern: str) -> None:
        if len(self._open) > _DEEPEST_INCLUDE:
            raise EndlessConfigError(f"{self._files.main} includes files that include one another")
        for path in reversed(matching(pattern, self._folder(), self._files.texts)):
            self._open.append(_File(posixpath.dirname(path), deque(self._files.texts[path].split("\n"))))

    def _folder(self) -> str:
        return self._open[-1].folder if self._open else posixpath.dirname(self._files.main)

    def _before_brace(self, text: str) -> str:
        """The text up to a brace outside of quotes, or the brace itself; the rest is read next."""
        at = 0 if text[0] in "{}" else _brace_at(text)
        if at is None:
            return text.rstrip(" \t")
        end = 1 if at == 0 else at
        rest = text[end:].strip(" \t")
        self._residue = rest or None
        return text[:end].rstrip(" \t")


def _read_twice(line: str) -> str:
    """The line as keepalived's processes read it, from a copy without comments: ``\\#`` begins one."""
    return without_comment(without_comment(line))


def without_comment(line: str) -> str:
    """The line without its comment and outer blanks.

    ``#`` and ``!`` begin a comment anywhere but in quotes and behind a backslash.
    """
    text, quoted, at = line.lstrip(" \t"), False, 0
    while match := _COMMENT.search(text, at):
        at = match.start()
        mark = text[at]
        if mark == "\\":
            if at + 1 == len(text):
                return text[:at].rstrip(" \t") + "\\"
            if not quoted and text[at + 1] in "#!":
                text = text[:at] + text[at + 1 :]
                at += 1
            else:
                at += 2
        elif mark == '"':
            quoted = not quoted
            at += 1
        elif quoted:
            at += 1
        else:
            return text[:at].rstrip(" \t")
    return text.rstrip(" \t")


def words_of(line: str) -> tuple[str, ...]:
    """A logical line split at blanks and quotes, without the quotes. An open quote ends the line."""
    match = re.findall(r'[ \t\f\n\r\v]*(?:"([^"]*)"|([^ \t\f\n\r\v"]+)|(").*)', line, re.DOTALL)
    return tuple(quoted or word for quoted, word, opened in match if not opened)


def matching(pattern: str, folder: str, paths: Mapping[str, str]) -> tuple[str, ...]:
    """Those of `paths` that glob(3) finds in `folder`, in its order."""
    match: list[str] = []
    for one in _alternatives(pattern):
        parts = posixpath.normpath(posixpath.join(folder, one)).split("/")
        match += sorted(path for path in paths if _matches(path.split("/"), parts))
    return tuple(match)


def _matches(path: list[str], pattern: list[str]) -> bool:
    return len(path) == len(pattern) and all(
        (not part.startswith(".") or pattern_part.startswith("."))
        and fnmatch.fnmatchcase(part, re.sub(r"\\(.)", r"[\1]", pattern_part))
        for part, pattern_part in zip(path, pattern, strict=True)
    )


def _alternatives(pattern: str) -> Iterator[str]:
    match = _BRACES.search(pattern)
    if match is None or pattern.count("{") > 5:
        yield pattern
        return
    for one in match[1].split(","):
        yield from _alternatives(pattern[: match.start()] + one + pattern[match.end() :])


def _brace_at(text: str) -> int | None:
    at = 0
    while match := re.compile(r'[{}"]').search(text, at):
        if match[0] != '"':
            return match.start()
        closing = text.find('"', match.end())
        if closing < 0:
            return None
        at = closing + 1
    return None


def _steps(numbers: str) -> range | None:
    """``last``, ``first, last`` or ``first, step, last``."""
    match = [_NUMBER.fullmatch(part) for part in numbers.split(",")]
    numbers_given = [_integer(one[1], one[2]) for one in match if one]
    if len(numbers_given) != len(match) or not 1 <= len(numbers_given) <= 3:
        return None
    if len(numbers_given) == 1:
        first, step, last = (-1 if numbers_given[0] < 0 else 1), (-1 if numbers_given[0] < 1 else 1), numbers_given[0]
    elif len(numbers_given) == 2:
        first, last = numbers_given
        step = 1 if first <= last else -1
    else:
        first, step, last = numbers_given
    if not step or (last - first) * step < 0:
        return None
    return range(first, last + (1 if step > 0 else -1), step)


def _integer(sign: str, digits: str) -> int:
    base = 16 if digits[:2] in ("0x", "0X") else 8 if re.fullmatch("0[0-7]+", digits) else 10
    number = int(digits or "0", base)
    return -number if sign == "-" else number


def _sets(text: str) -> list[re.Match[str]]:
    match, at = [], 0
    while at < len(text) and (one := _SET.match(text, at)) and one.end() > at:
        match.append(one)
        at = one.end()
    return match


def _words(listed: str) -> tuple[str, ...]:
    return tuple(part.strip(" \t") for part in listed.split(","))
