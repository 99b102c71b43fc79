"""The settings of ssh_config(5) for one host, as ``ssh -G`` prints them after every Host, Match and Include."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import msgspec

_YES = ("yes", "true")
_NO_VALUE = ("none", "")
_NO_EQUAL = {
    "bindinterface": "BindInterface",
    "knownhostscommand": "KnownHostsCommand",
    "pkcs11provider": "PKCS11Provider",
    "verifyhostkeydns": "VerifyHostKeyDNS",
}
"""Options that have no equal here: keyword as printed, and as written."""


class StrictHostKeys(Enum):
    """StrictHostKeyChecking: what happens to a key that known_hosts does not have (OFF: to a changed one too)."""

    YES = "yes"
    ASK = "ask"
    ACCEPT_NEW = "accept-new"
    OFF = "off"


class Algorithms(msgspec.Struct, frozen=True):
    """Lists of algorithms in the order of preference; None is the program's own default."""

    ciphers: tuple[str, ...] | None = None
    macs: tuple[str, ...] | None = None
    key_exchanges: tuple[str, ...] | None = None
    host_keys: tuple[str, ...] | None = None
    ca_signatures: tuple[str, ...] | None = None


class ClientSettings(msgspec.Struct, frozen=True):
    """The settings that count for one host; None and empty tuples are not set.

    Key and certificate files, the agent, the revocation list and the proxy command are as written, with their tokens
    (``%h``, ``~``).
    """

    hostname: str
    user: str
    port: int = 22
    host_key_alias: str | None = None
    identity_files: tuple[str, ...] = ()
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    public_key_auth: bool = True
    user_known_hosts: tuple[str, ...] = ()
    global_known_hosts: tuple[str, ...] = ()
    revoked_host_keys: str | None = None
    hash_known_hosts: bool = False
    strict: StrictHostKeys = StrictHostKeys.ASK
    check_host_ip: bool = False
    trusts_localhost: bool = False
    batch_mode: bool = False
    proxy_jump: str | None = None
    proxy_command: str | None = None
    proxy_passes_socket: bool = False
    address_family: str = "any"
    bind_address: str | None = None
    compression: bool = False
    tcp_keepalive: bool = True
    alive_interval_s: int = 0
    alive_count: int = 3
    connect_timeout_s: int | None = None
    rekey: tuple[int, int] = (0, 0)
    """Bytes and seconds between key exchanges; 0: the program's own limit."""
    algorithms: Algorithms = Algorithms()
    not_used: tuple[str, ...] = ()
    """Options that are set and have no equal here."""


def read_settings(text: str) -> ClientSettings:
    """Read the output of ``ssh -G``, of OpenSSH 6.8 and later. Raises ValueError where it is something else.

    A jump host that is printed as ``none`` is a host with that name; a forbidden one is not printed.
    """
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value)
    if not settings.get("hostname") or not settings.get("user"):
        raise ValueError("no hostname and user in the output of ssh -G")
    return _settings({keyword: tuple(values) for keyword, values in settings.items()})


def _settings(values: Mapping[str, tuple[str, ...]]) -> ClientSettings:
    one = _One(values)
    return ClientSettings(
        hostname=values["hostname"][0],
        user=values["user"][0],
        port=one.number("port") or 22,
        host_key_alias=one.text("hostkeyalias"),
        identity_files=values.get("identityfile", ()),
        certificate_files=values.get("certificatefile", ()),
        identities_only=one.flag("identitiesonly"),
        identity_agent=one.word("identityagent"),
        public_key_auth=one.word("pubkeyauthentication") not in ("no", "false"),
        user_known_hosts=_paths(one.text("userknownhostsfile")),
        global_known_hosts=_paths(one.text("globalknownhostsfile")),
        revoked_host_keys=one.text("revokedhostkeys"),
        hash_known_hosts=one.flag("hashknownhosts"),
        strict=_strict(one.word("stricthostkeychecking")),
        check_host_ip=one.flag("checkhostip"),
        trusts_localhost=one.flag("nohostauthenticationforlocalhost"),
        batch_mode=one.flag("batchmode"),
        proxy_jump=one.word("proxyjump"),
        proxy_command=one.text("proxycommand"),
        proxy_passes_socket=one.flag("proxyusefdpass"),
        address_family=one.word("addressfamily") or "any",
        bind_address=one.text("bindaddress"),
        compression=one.flag("compression"),
        tcp_keepalive=one.word("tcpkeepalive") not in ("no", "false"),
        alive_interval_s=one.number("serveraliveinterval") or 0,
        alive_count=_or(one.number("serveralivecountmax"), 3),
        connect_timeout_s=one.number("connecttimeout") or None,
        rekey=_rekey(one.text("rekeylimit")),
        algorithms=_algorithms(one),
        not_used=tuple(name for keyword, name in _NO_EQUAL.items() if one.text(keyword) not in (None, "no", "false")),
    )


class _One(msgspec.Struct, frozen=True):
    """The first value of a keyword, which is the one that counts."""

    values: Mapping[str, tuple[str, ...]]

    def word(self, keyword: str) -> str | None:
        """As printed, ``none`` included."""
        return self.values.get(keyword, (None,))[0]

    def text(self, keyword: str) -> str | None:
        value = self.word(keyword)
        return None if value is None or value.lower() in _NO_VALUE else value

    def flag(self, keyword: str) -> bool:
        return self.word(keyword) in _YES

    def number(self, keyword: str) -> int | None:
        value = self.word(keyword) or ""
        return int(value) if value.isdecimal() else None

    def names(self, keyword: str) -> tuple[str, ...] | None:
        value = self.text(keyword)
        return tuple(value.split(",")) if value else None


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _strict(word: str | None) -> StrictHostKeys:
    match word:
        case "yes" | "true":
            return StrictHostKeys.YES
        case "no" | "false" | "off":
            return StrictHostKeys.OFF
        case "accept-new":
            return StrictHostKeys.ACCEPT_NEW
        case _:
            return StrictHostKeys.ASK


def _algorithms(one: _One) -> Algorithms:
    return Algorithms(
        ciphers=one.names("ciphers"),
        macs=one.names("macs"),
        key_exchanges=one.names("kexalgorithms"),
        host_keys=one.names("hostkeyalgorithms"),
        ca_signatures=one.names("casignaturealgorithms"),
    )


def _rekey(text: str | None) -> tuple[int, int]:
    numbers = [int(word) if word.isdecimal() else 0 for word in (text or "").split()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _paths(text: str | None) -> tuple[str, ...]:
    """Several files in one line, printed without quotes: a blank parts them where a path begins after it.

    Else a file that is there keeps its blanks, and one that is not there is taken for several relative names.
    """
    paths: list[str] = []
    for part in _pieces(text or ""):
        paths.extend((part,) if " " not in part or Path(part).exists() else part.split())
    return tuple(path for path in paths if path.lower() != "none")


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for word in text.split(" "):
        if not pieces or word.startswith(("/", "~")):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
    return [piece for piece in pieces if piece]
