"""known_hosts files: which keys are trusted for a host, on which line, and adding one a person accepted.

Format: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Only the name in question is matched, never an address it resolves to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import asyncssh
import msgspec


class KnownKey(msgspec.Struct, frozen=True):
    """A line that speaks of the host. `marker` is empty, ``cert-authority`` or ``revoked``."""

    file: Path
    line: int
    marker: str
    key: asyncssh.SSHKey

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


class KnownKeys(msgspec.Struct, frozen=True):
    """Every line of the files for one host."""

    lines: tuple[KnownKey, ...]

    @property
    def trusted(self) -> tuple[asyncssh.SSHKey, ...]:
        return self._marked("")

    @property
    def authorities(self) -> tuple[asyncssh.SSHKey, ...]:
        return self._marked("cert-authority")

    @property
    def revoked(self) -> tuple[asyncssh.SSHKey, ...]:
        return self._marked("revoked")

    def _marked(self, marker: str) -> tuple[asyncssh.SSHKey, ...]:
        return tuple(line.key for line in self.lines if line.marker == marker)


def name_in_known_hosts(host: str, port: int) -> str:
    """The host as it is written there: in lower case, and as ``[host]:port`` where the port is not 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def look_up(files: tuple[Path, ...], name: str) -> KnownKeys:
    """All lines for `name`: made by `name_in_known_hosts`, or a HostKeyAlias, which never has a port.

    Files that are missing hold no lines.
    """
    name = name.lower()
    return KnownKeys(tuple(line for file in files for line in _lines_for(file, name)))


def known_without_port(files: tuple[Path, ...], host: str, key: asyncssh.SSHKey) -> bool:
    """Whether the files trust this very key for the host at port 22, which OpenSSH accepts for any other port too."""
    known = look_up(files, host)
    return key in known.trusted and key not in known.revoked


def revoked_keys(file: Path) -> tuple[KnownKey, ...]:
    """The public keys of a RevokedHostKeys file, as lines. Raises OSError, or ValueError where it is no such list."""
    data = file.read_bytes()
    if data.startswith(b"SSHKRL"):
        raise ValueError("a key revocation list (KRL) is not supported")
    lines = ((number, _words(line)) for number, line in enumerate(data.decode(errors="replace").split("\n"), 1))
    return tuple(
        KnownKey(file, number, "revoked", asyncssh.import_public_key(" ".join(words[:2])))
        for number, words in lines
        if words and not words[0].startswith("#")
    )


def remember(file: Path, name: str, key: asyncssh.SSHKey, *, hashed: bool = False) -> None:
    """Append a line in a single write, so that no reader sees half of it; a new file is private (0600)."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    algorithm, data = key.export_public_key().decode().split()[:2]
    line = f"{_hashed(name) if hashed else name} {algorithm} {data}\n".encode()
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        kind, size = os.fstat(handle).st_mode, os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line
        os.write(handle, line)
        if stat.S_ISREG(kind):
            os.fsync(handle)
    finally:
        os.close(handle)


def _lines_for(file: Path, name: str) -> Iterator[KnownKey]:
    try:
        text = file.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        words = _words(line)
        marker = words.pop(0)[1:] if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or not _matches(words[0], name):
            continue
        try:
            yield KnownKey(file, number, marker, asyncssh.import_public_key(" ".join(words[1:3])))
        except asyncssh.KeyImportError:
            continue


def _words(line: str) -> list[str]:
    """Only blanks and tabs part words, and only a line feed ends a line: comments may hold other separators."""
    return [word for word in re.split(r"[ \t]+", line.rstrip("\r")) if word]


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|"):
        return _hash_matches(patterns, name)
    matches = False
    for pattern in patterns.lower().split(","):
        if _glob(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            matches = True
    return matches


def _glob(pattern: str, name: str) -> bool:
    """`*` and `?` only: brackets are part of ``[host]:port``."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _hashed(name: str) -> str:
    salt = os.urandom(hashlib.sha1(usedforsecurity=False).digest_size)
    parts = (salt, hmac.new(salt, name.encode(), hashlib.sha1).digest())
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in parts)


def _hash_matches(pattern: str, name: str) -> bool:
    """``|1|salt|hash``, where the hash is HMAC-SHA1 of the name with the salt as key."""
    try:
        _, kind, salt, digest = pattern.split("|")
        own_digest = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return kind == "1" and hmac.compare_digest(own_digest, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False
