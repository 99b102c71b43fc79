"""A kubeconfig as `lib/kubeconfig` shows it: its YAML without secrets, and the certificates that it embeds.

The host replaces long words, here the YAML is parsed: quoting, flow style, block scalars, JSON and the current context
count as for kubectl, and no private key or token leaves the host.
"""

from __future__ import annotations

import posixpath
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

import msgspec

from haconsole.transport.kubeconfig import KubeconfigError, current_entries

_WORD = re.compile(r"haconsole-data-([0-9]+)")
_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class ShownKubeconfig(msgspec.Struct, frozen=True):
    """The parts that its current context uses. Certificates are PEM text; paths start at the root."""

    server: str = ""
    cert_pem: str = ""
    ca_pem: str = ""
    cert_path: str = ""
    key_path: str = ""
    ca_path: str = ""
    public_pem: str = ""
    """The public half of an embedded key."""

    problem: str = ""
    """The reason why kubectl could not use the file either; empty where it could."""


def shown_kubeconfig(text: str, path: str) -> ShownKubeconfig:
    """Parse the lines of `show_kubeconfig` for the file `path`."""
    lines = text.split("\n")
    yaml_text = "\n".join(line[2:] for line in lines if line.startswith("| "))
    words = _words(lines)
    try:
        cluster, user = current_entries(yaml_text.encode("utf-8", "replace"))
    except KubeconfigError as error:
        return ShownKubeconfig(problem=_replaced(error.what, words))
    folder = posixpath.dirname(path)
    return ShownKubeconfig(
        server=_text(cluster, "server", words),
        cert_pem=_pem(user, "client-certificate-data", words),
        ca_pem=_pem(cluster, "certificate-authority-data", words),
        cert_path=_path(user, "client-certificate", words, folder),
        key_path=_path(user, "client-key", words, folder),
        ca_path=_path(cluster, "certificate-authority", words, folder),
        public_pem=_public(user, words),
    )


class _ReplacedWord(msgspec.Struct, frozen=True):
    """The text behind a word, or the PEM blocks of it."""

    text: str | None
    pem: str


def _words(lines: list[str]) -> dict[str, _ReplacedWord]:
    """The words by their numbers."""
    words: dict[str, _ReplacedWord] = {}
    number, block = "", list[str]()
    for line in (*lines, "="):
        if line.startswith("="):
            if number:
                words[number] = _ReplacedWord(None, "\n".join(block))
            number, _, rest = line[1:].partition(" ")
            kind, _, text = rest.partition(" ")
            block = []
            if kind == "text":
                words[number], number = _ReplacedWord(text, ""), ""
        elif not line.startswith("| "):
            block.append(line)
    return words


def _replaced(text: str, words: Mapping[str, _ReplacedWord]) -> str:
    """The text with the words for paths and URLs replaced; others stay."""
    return _WORD.sub(lambda match: known.text or match[0] if (known := words.get(match[1])) else match[0], text)


def _value(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""


def _text(part: Mapping[str, Any], key: str, words: Mapping[str, _ReplacedWord]) -> str:
    return _replaced(_value(part, key), words).strip()


def _path(part: Mapping[str, Any], key: str, words: Mapping[str, _ReplacedWord], folder: str) -> str:
    """The file that a key names; empty where embedded data counts instead."""
    value = "" if part.get(f"{key}-data") else _replaced(_value(part, key), words)
    return posixpath.normpath(posixpath.join(folder, value)) if value else ""


def _word(part: Mapping[str, Any], key: str, words: Mapping[str, _ReplacedWord]) -> _ReplacedWord | None:
    match = _WORD.fullmatch(_value(part, key).strip("\r\n"))
    return words.get(match[1]) if match else None


def _pem(part: Mapping[str, Any], key: str, words: Mapping[str, _ReplacedWord]) -> str:
    """The certificates of embedded data; data too short to be replaced is decoded here."""
    word = _word(part, key, words)
    if word is not None:
        return _PUBLIC_KEY.sub("", word.pem).strip()
    try:
        return b64decode(_value(part, key).strip(), validate=True).decode("ascii", errors="replace")
    except (Base64Error, ValueError):
        return ""


def _public(user: Mapping[str, Any], words: Mapping[str, _ReplacedWord]) -> str:
    word = _word(user, "client-key-data", words)
    match = _PUBLIC_KEY.search(word.pem) if word else None
    return match[0] if match else ""
