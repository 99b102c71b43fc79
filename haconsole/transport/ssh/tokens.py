"""Tokens of ssh_config(5): ``%h`` and the like, ``${VARIABLE}`` and ``~``, as ssh itself puts values in their place."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from haconsole.transport.ssh.client_settings import ClientSettings

_TOKEN = re.compile(r"%(.?)|\$\{([^}]*)\}", re.DOTALL)


class TokenError(ValueError):
    """A value that ssh cannot expand either; the text has the value and the reason."""


def home(user: str = "") -> Path:
    """The home folder in the user database, which is what ssh takes; $HOME has no part in it. Raises KeyError."""
    return Path((pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir)


def tokens_of(argument: str, settings: ClientSettings) -> Mapping[str, str]:
    """The values of the tokens for the host that was named as `argument`."""
    local, jump = socket.gethostname(), settings.proxy_jump or ""
    port, host, user = str(settings.port), settings.hostname, settings.user
    connection = "".join((local, host, port, user, jump)).encode(errors="surrogateescape")
    return {
        "%": "%",
        "C": hashlib.sha1(connection, usedforsecurity=False).hexdigest(),
        "d": str(home()),
        "h": host,
        "i": str(os.getuid()),
        "j": jump,
        "k": settings.host_key_alias or argument,
        "L": local.partition(".")[0],
        "l": local,
        "n": argument,
        "p": port,
        "r": user,
        "u": pwd.getpwuid(os.getuid()).pw_name,
    }


def expand(text: str, tokens: Mapping[str, str], *, variables: bool = True) -> str:
    """Replace tokens, and variables of the environment. Raises TokenError for one that is not known."""

    def value(match: re.Match[str]) -> str:
        token, variable = match.groups()
        if variable is None:
            if token not in tokens:
                raise TokenError(f"{text} has the unknown token %{token}")
            return tokens[token]
        if not variables:
            return match[0]
        if variable not in os.environ:
            raise TokenError(f"{text} names a variable that is not set here")
        return os.environ[variable]

    return _TOKEN.sub(value, text)


def expand_path(text: str, tokens: Mapping[str, str]) -> Path:
    """A file's path with its ``~`` or ``~user`` and its tokens replaced. Raises TokenError."""
    if "%" in text and Path(text).is_absolute() and Path(text).exists():
        return Path(text)
    if not text.startswith("~"):
        return Path(expand(text, tokens))
    folder, slash, rest = text.partition("/")
    return expand_home(f"{folder}{slash}{expand(rest, tokens)}")


def expand_home(text: str) -> Path:
    """A file's path with its ``~`` or ``~user`` replaced. Raises TokenError."""
    if not text.startswith("~"):
        return Path(text)
    user, _, rest = text[1:].partition("/")
    try:
        return home(user) / rest
    except KeyError:
        raise TokenError(f"{text}: no user {user or os.getuid()} on this machine") from None
