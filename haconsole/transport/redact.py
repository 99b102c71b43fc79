"""Text that is safe to show or keep: known secrets and text that looks like one are masked.

Output of hosts may be hostile: every pattern has a bounded look-ahead, so that no text takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from haconsole.model.secret import Secret

MASK = "***"
_SHORTEST = 4
_NAMES = r"(?:pass(?:word|phrase|wd)?|secret|token|auth_pass|api[_-]?key|private[_-]?key|certificate-key)"
_BEFORE = r"[A-Za-z0-9_-]{0,40}"
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s"'&,;}]+)"""
_LOCK_TOKEN = re.compile(r"\b[0-9a-f]{32}\b")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n")
_PATTERNS = (
    # PEM private keys, also cut short at their end
    re.compile(r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----).*?(?:-----END [A-Z0-9 ]{0,40}KEY-----|\Z)", re.DOTALL),
    # base64 of a PEM private key as kubeconfigs and Secrets carry it: "-----BEGIN" encodes to LS0tLS1CRUdJTi
    re.compile(r"((?:key-data|\.key)\"?\s{0,9}[:=]\s{0,9}\"?)LS0tLS1CRUdJTi[A-Za-z0-9+/=]+"),
    # bearer tokens: JSON Web Tokens, and kubeadm's bootstrap tokens
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(\b[a-z0-9]{6}\.)[a-z0-9]{16}\b"),
    # names in front of a secret: password: x, --token=x, auth_pass x, "secret": "x"
    re.compile(rf"(?i)(\b{_BEFORE}{_NAMES}\b\"?\s{{0,9}}[:=]\s{{0,9}})(?!\*\*\*){_VALUE}"),
    re.compile(rf"(?i)(--{_BEFORE}{_NAMES}\s{{1,9}})(?![-*]){_VALUE}"),
    re.compile(r"(\bauth_pass\s{1,99})(?!\*\*\*)\S+"),
    re.compile(r"(\bstats\s{1,9}auth\s{1,9}[^\s:]{1,99}:)(?!\*\*\*)\S+"),
    # user:password@ in a URL
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@]{1,99}:)[^\s/@]{1,999}(?=@)"),
)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without `secrets` (of four characters or more) and without private keys, tokens and named passwords.

    A secret is found as it is and line by line, so that indented or prefixed keys are found too.
    """
    text = _without_words(text, secrets)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return _without_key_ends(text)


def redact_certain(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without `secrets` and private keys, and else to the letter: for what must be read back, such as plans."""
    return _without_key_ends(_PATTERNS[0].sub(rf"\g<1>{MASK}", _without_words(text, secrets)))


def without_lock_tokens(text: str) -> str:
    """A command of the cluster's lock without tokens: who knows one could renew or release that lock."""
    return _LOCK_TOKEN.sub(MASK, text)


def _without_words(text: str, secrets: Iterable[Secret]) -> str:
    for word in sorted(_words(secrets), key=len, reverse=True):
        text = text.replace(word, MASK)
    return text


def _without_key_ends(text: str) -> str:
    """Mask the text before the end of a private key whose beginning was cut off."""
    lines: list[str] = []
    begin = 0
    for end in _KEY_ENDS.finditer(text):
        start = end.start()
        while start > begin and text[start - 1] in _BASE64:
            start -= 1
        lines += (text[begin:start], MASK)
        begin = end.end()
    return "".join((*lines, text[begin:]))


def _words(secrets: Iterable[Secret]) -> set[str]:
    return {
        word
        for secret in secrets
        for word in (secret.reveal(), *secret.reveal().splitlines())
        if len(word.strip()) >= _SHORTEST and not word.startswith("-----")
    }
