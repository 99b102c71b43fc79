"""Text fit to be shown or kept: known secrets and what looks like one are masked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from haconsole.model.secret import Secret

MASK = "***"
_SHORTEST = 4
_NAMES = r"(?:pass(?:word|phrase|wd)?|secret|token|auth_pass|api[_-]?key|private[_-]?key|certificate-key)"
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s"'&,;}]+)"""
_PATTERNS = (
    # PEM private keys, also cut short at the end of what was captured
    re.compile(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL),
    # base64 of a PEM private key as kubeconfigs and Secrets carry it: "-----BEGIN" encodes to LS0tLS1CRUdJTi
    re.compile(r"((?:key-data|\.key)\"?\s*[:=]\s*\"?)LS0tLS1CRUdJTi[A-Za-z0-9+/=]+"),
    # bearer tokens: JSON Web Tokens, and kubeadm's bootstrap tokens
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(\b[a-z0-9]{6}\.)[a-z0-9]{16}\b"),
    # names that say what stands behind them: password: x, --token=x, auth_pass x, "secret": "x"
    re.compile(rf"(?i)(\b(?:[A-Za-z0-9]+[_-])*{_NAMES}\b\"?\s*[:=]\s*)(?!\*\*\*){_VALUE}"),
    re.compile(rf"(?i)(--(?:[a-z0-9]+-)*{_NAMES}\s+)(?![-*]){_VALUE}"),
    re.compile(r"(\bauth_pass\s+)(?!\*\*\*)\S+"),
    re.compile(r"(\bstats\s+auth\s+[^\s:]+:)\S+"),
    # user:password@ in a URL
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]+:)[^\s/@]+(?=@)"),
)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without `secrets` (of four characters or more) and without private keys, tokens and named passwords.

    A secret is found as it is and line by line, so that indented or prefixed keys are found too.
    """
    for word in sorted(_words(secrets), key=len, reverse=True):
        text = text.replace(word, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def _words(secrets: Iterable[Secret]) -> set[str]:
    return {
        word
        for secret in secrets
        for word in (secret.reveal(), *secret.reveal().splitlines())
        if len(word.strip()) >= _SHORTEST and not word.startswith("-----")
    }
