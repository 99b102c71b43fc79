"""Ansible's host patterns: a name or an address with ranges and a port (ansible.parsing.utils.addresses)."""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterator

MAX_HOSTS = 500

_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
_WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)")
_RANGE = r"\[(?:[0-9A-Za-z]*:[0-9A-Za-z]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class BadPatternError(ValueError):
    """The reason continues "range 'a[3:1]' "."""


def expand(pattern: str) -> tuple[tuple[str, ...], int | None]:
    """The host names a pattern means and its port; raises BadPatternError for a range that is wrong or too long.

    Numbers that run backwards mean no host, as in Ansible.
    """
    host, port = _split_port(pattern)
    names: list[str] = []
    for name in _ranges(host):
        names.append(name)
        if len(names) > MAX_HOSTS:
            raise BadPatternError(f"is too long: an inventory has {MAX_HOSTS} hosts at most")
    return tuple(names), port


def _split_port(pattern: str) -> tuple[str, int | None]:
    """The parts of ``host:port`` and ``[host]:port``; what is neither is a name as it is written."""
    host, port = pattern, None
    for form in (_BRACKETED, _WITH_PORT):
        if match := form.fullmatch(host):
            host, port = match[1], int(match[2][:6])
    return (host, port) if _is_host(host) else (pattern, None)


def _is_host(text: str) -> bool:
    if _HOST.fullmatch(text):
        return True
    try:
        ipaddress.ip_address(re.sub(_RANGE, "1", text))
    except ValueError:
        return False
    return True


def _ranges(text: str) -> Iterator[str]:
    """All names, the first range turning slowest."""
    head, bracket, rest = text.partition("[")
    if not bracket:
        yield text
        return
    inner, closed, tail = rest.partition("]")
    if not closed:
        raise BadPatternError("has a bracket that is not closed")
    for word in _words(inner):
        yield from (f"{head}{word}{after}" for after in _ranges(tail))


def _words(inner: str) -> Iterator[str]:
    first, *others = inner.split(":")
    if len(others) not in (1, 2) or not others[0]:
        raise BadPatternError("is not [first:last] or [first:last:step]")
    last, step = others[0], _whole(others[1]) if len(others) == 2 else 1
    if step < 1:
        raise BadPatternError("has a step of 0")
    letters = string.ascii_letters
    if len(first) == len(last) == 1 and first in letters and last in letters:
        numbers = range(letters.index(first), letters.index(last) + 1, step)
        if not numbers:
            raise BadPatternError("is empty")
        words: Iterator[str] = (letters[number] for number in numbers)
    else:
        width = len(first) if len(first) > 1 and first[0] == "0" else 0
        if width and width != len(last):
            raise BadPatternError("has a range whose first and last number differ in length")
        numbers = range(_whole(first or "0"), _whole(last) + 1, step)
        words = (str(number).zfill(width) for number in numbers)
    yield from words


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadPatternError("has a bound that is neither a number nor a single letter")
    return int(text)
