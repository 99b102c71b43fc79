"""Messages of a YAML parser, rewritten for a person who edits an inventory."""

from __future__ import annotations

import re

from yaml import YAMLError

from haconsole.inventory.problems import Fault, Mark

_OPENED = "context"
_HERE = "problem"

TAG = ("a tag (! or !!) is not allowed here", "put a value that begins with ! in quotes")

_WORDS: tuple[tuple[str, str, str, str], ...] = (
    # part of the parser's message, whose place is reported, what, fix
    (
        "mapping values are not allowed",
        _HERE,
        "two keys are on one line, or a key is indented more than its neighbours",
        "put each key on its own line, or put a value that contains a colon in quotes",
    ),
    ("escape character", _HERE, "a backslash cannot escape this letter", "double the backslash"),
    ("hexdecimal", _HERE, "the digits after a backslash are not a character code", "double the backslash"),
    (" a tag", _OPENED, *TAG),
    (
        "quoted scalar",
        _OPENED,
        "the quote that opens here is never closed",
        "close the quote, or double a quote inside the text",
    ),
    (
        "did not find expected ',' or ']'",
        _OPENED,
        "the list that opens here with [ is not closed",
        "close the list with ], and separate its entries with commas",
    ),
    (
        "did not find expected ',' or '}'",
        _OPENED,
        "the mapping that opens here with { is not closed",
        "close the mapping with }, and separate its entries with commas",
    ),
    (
        "expected key",
        _HERE,
        "this text belongs to no key: its indentation is wrong, or the value before it has ended",
        "indent the line like its neighbours, or put the complete value in quotes",
    ),
    (
        "'-' indicator",
        _HERE,
        "this line follows a list and does not begin with `- `",
        "indent the line like the entry it belongs to, or begin it with `- `",
    ),
    (
        "could not find expected ':'",
        _OPENED,
        "a colon and a space are missing after this key",
        "write it as `key: value`",
    ),
    (
        "node content",
        _HERE,
        "a value is missing here, or a bracket is never closed",
        "write the value, or close the bracket",
    ),
    (
        "document start",
        _HERE,
        "this line is after the end of the document: it is indented less than the first line, or follows `...`",
        "begin all top keys in the first column",
    ),
)
"""libyaml's messages and the words for them; the first that matches counts."""


def syntax_fault(error: YAMLError, text: str) -> Fault:
    """The parser's complaint about `text` as a fault; its own words where there are none better."""
    message = " ".join(part for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part)
    here = _mark(error, _HERE) or _mark(error, _OPENED) or Mark()
    if "cannot start any token" in message:
        return _bad_start(here, text)
    for part, place, what, hint in _WORDS:
        if part in message:
            return Fault(_mark(error, place) or here, what, hint)
    words = re.sub(r"[^ -~]", "?", message) or type(error).__name__
    return Fault(here, f"this is not YAML: {words}", "correct it or put the value in quotes")


def _bad_start(mark: Mark, text: str) -> Fault:
    line = text.splitlines()[mark.line - 1 : mark.line]
    char = line[0][mark.column - 1 : mark.column] if line else ""
    if char == "\t":
        return Fault(mark, "a tab instead of spaces", "indent with spaces")
    return Fault(mark, f"a value cannot begin with {char or 'this'}", "put the value in quotes")


def _mark(error: YAMLError, which: str) -> Mark | None:
    mark = getattr(error, f"{which}_mark", None)
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else None
