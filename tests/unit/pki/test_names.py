"""Subject alternative names: one spelling, and comparison by it."""

from __future__ import annotations

import pytest

from haconsole.pki.errors import PkiError
from haconsole.pki.names import missing_sans, normal_san


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("DNS:CP1.Example", "DNS:cp1.example"),
        ("IP:10.99.0.11", "IP:10.99.0.11"),
        ("IP:FD00:0::0001", "IP:fd00::1"),
    ],
)
def test_one_spelling(text: str, normal: str) -> None:
    assert normal_san(text) == normal


@pytest.mark.parametrize("bad", ["cp1", "IP:cp1", "DNS:", "URI:x", "IP:10.0.0.256"])
def test_other_words_are_refused(bad: str) -> None:
    with pytest.raises(PkiError):
        normal_san(bad)


def test_missing_names_are_distinguished_from_other_spellings() -> None:
    targets = ("DNS:cp1", "IP:fd00::1", "IP:10.0.0.2")
    assert missing_sans(targets, ("DNS:CP1", "IP:fd00:0:0::1")) == ("IP:10.0.0.2",)
    assert missing_sans((), ("DNS:cp1",)) == ()
