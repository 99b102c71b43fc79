"""Takes secrets out of text that came from hosts, before it is shown, recorded or logged."""

from __future__ import annotations

import re
from collections.abc import Iterable

from haconsole.model.secret import Secret

HIDDEN = "[hidden]"
SHORTEST_KNOWN = 6
"""A shorter secret is not looked for by its value: it would be found in innocent words."""

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n \t")
_KEY_BEGINS = "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
_KEY_ENDS = re.compile("-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"{_KEY_BEGINS}.*?(?:{_KEY_ENDS.pattern}|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(client-key-data|key-data)(\"?\s*[:=]\s*\"?)[A-Za-z0-9+/=]+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\b(auth_pass)(\s+)\S+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"(?i)\b(authorization:\s*\w+|bearer)(\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            r"(?i)\b([\w-]{0,40}(?:password|passwd|passphrase|secret|token|certificate-key))(\"?\s*[=:]\s*\"?)[^\s\",;]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)(--(?:password|passphrase|token|certificate-key))(\s+)\S+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), HIDDEN),
)


class Redactor:
    """Hides what looks like a secret, and the secrets it was told."""

    def __init__(self, known: Iterable[Secret] = ()) -> None:
        told = sorted({secret.reveal() for secret in known}, key=len, reverse=True)
        self._known = tuple(text for text in told if len(text) >= SHORTEST_KNOWN)

    def __call__(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _without_key_ends(text)


def _without_key_ends(text: str) -> str:
    """Hide what comes before the end of a private key whose beginning was cut off."""
    while (end := _KEY_ENDS.search(text)) is not None:
        start = end.start()
        while start > 0 and text[start - 1] in _BASE64:
            start -= 1
        text = text[:start] + HIDDEN + text[end.end() :]
    return text
