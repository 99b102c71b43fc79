"""A secret that does not show itself: not in a repr, not in a message, not in an encoded value."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Text that only `reveal` returns.

    Its repr is masked; formatting it or converting it to text raises TypeError, so that it neither leaks into a message
    nor is written masked into a configuration.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; call it where the value is used and nowhere earlier."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> NoReturn:
        raise TypeError("a secret is not text: call reveal() where its value is used")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a secret is not text: call reveal() where its value is used")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))
