"""Internal errors of the console, shown without any value that could be a secret."""

from __future__ import annotations

import traceback

from haconsole.errors import HaconsoleError, place
from haconsole.present.cells import clean


def in_words(error: BaseException) -> str:
    """An error for the screen: its own message if it was written for a person, otherwise its kind and its place."""
    if isinstance(error, BaseExceptionGroup):
        return in_words(error.exceptions[0])
    if isinstance(error, HaconsoleError):
        return clean(str(error))
    return f"internal error: {type(error).__name__} at {place(error)}"


def report(error: BaseException) -> str:
    """The text printed after the terminal is restored: kinds and places only, no values and no messages."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join((f"haconsole ended by an internal error: {type(error).__name__}", *lines))
