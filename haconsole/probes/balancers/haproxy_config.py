"""haproxy's configuration, of any origin, as the frontends and backends that haproxy makes of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from haconsole.probes.balancers.haproxy_lines import SECTIONS, ConfigLine, HaproxyFiles, HaproxyLineReader, expanded

_PROXIES = ("frontend", "backend", "listen")
_MOST_SLOTS = 1000
"""Of one template; further ones are not read."""

_DEFAULT_BALANCE = "roundrobin"
_OF_HTTP = ("uri", "url_param", "hdr")
"""Algorithms that need mode http; in another mode haproxy warns and takes the default."""

_FAMILY = re.compile(r"(?:stream\+|dgram\+|quic\+)?(?P<family>[a-z0-9]+)@")
_SOCKETS = ("unix", "uxst", "uxdg", "abns", "abnsz", "fd", "sockpair", "rhttp")
_WITH_VALUE = frozenset(
    (
        *(
            "addr",
            "agent-addr",
            "agent-inter",
            "agent-port",
            "agent-send",
            "alpn",
            "ca-file",
            "check-alpn",
            "check-proto",
        ),
        *("check-sni", "ciphers", "ciphersuites", "client-sigalgs", "cookie", "crl-file", "crt", "curves", "downinter"),
        *(
            "error-limit",
            "fall",
            "fastinter",
            "guid",
            "hash-key",
            "id",
            "idle-ping",
            "init-addr",
            "init-state",
            "inter",
        ),
        *("interface", "log-bufsize", "log-proto", "max-reuse", "maxconn", "maxqueue", "minconn", "namespace", "npn"),
        *("observe", "on-error", "on-marked-down", "on-marked-up", "pool-conn-name", "pool-low-conn", "pool-max-conn"),
        *("pool-purge-delay", "port", "proto", "proxy-v2-options", "redir", "resolve-net", "resolve-opts"),
        *("resolve-prefer", "resolvers", "rise", "set-proxy-v2-tlv-fmt", "shard", "sigalgs", "slowstart", "sni"),
        *("socks4", "source", "ssl-max-ver", "ssl-min-ver", "tcp-ut", "track", "usesrc", "verify", "verifyhost"),
        *("weight", "ws"),
    )
)
"""A server's parameters that take a value."""


class Address(msgspec.Struct, frozen=True):
    """Where a server is, or where a frontend listens."""

    host: str
    """An IP address as Python spells it, a name, or the path of a socket; empty: every address."""

    port: int | None = None
    """None where there is none: of a server, the port of the frontend, to which `offset` is added."""

    offset: int = 0
    last_port: int | None = None
    """The end of a range of ports."""

    is_socket: bool = False

    @property
    def ip(self) -> str | None:
        try:
            return None if self.is_socket else str(ipaddress.ip_address(self.host))
        except ValueError:
            return None


class ConfiguredServer(msgspec.Struct, frozen=True):
    """A server, also each slot of a template."""

    name: str
    address: Address
    check: bool = False
    check_port: int | None = None
    weight: int = 1
    backup: bool = False
    disabled: bool = False
    of_template: bool = False


class Proxy(msgspec.Struct, frozen=True):
    """A frontend, a backend, or both (listen), with what its defaults section gives it."""

    kind: str
    name: str
    balance: str = _DEFAULT_BALANCE
    """The algorithm with its arguments, e.g. ``uri depth 3``."""

    binds: tuple[Address, ...] = ()
    servers: tuple[ConfiguredServer, ...] = ()
    default_backend: str = ""
    used_backends: tuple[str, ...] = ()
    """Backends of ``use_backend`` lines; one whose name is computed is not among them."""

    disabled: bool = False


class HaproxyConfig(msgspec.Struct, frozen=True):
    proxies: tuple[Proxy, ...] = ()
    stats_socket: str = ""
    """The first socket of the runtime API that is a path."""

    undecided: tuple[str, ...] = ()
    """Conditions of ``.if`` blocks that could not be decided here; their lines are read as if they held."""

    def fronts(self, backend: Proxy) -> tuple[Proxy, ...]:
        """The enabled proxies by which clients come to `backend`, itself included where it listens."""
        return tuple(
            proxy
            for proxy in self.proxies
            if not proxy.disabled
            and proxy.kind != "backend"
            and (proxy is backend or backend.name in (proxy.default_backend, *proxy.used_backends))
        )


class _Section(msgspec.Struct):
    """A section that counts settings for proxies, as far as it was read."""

    kind: str
    name: str
    settings: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    """Of ``default-server`` lines, in their order."""

    binds: list[Address] = msgspec.field(default_factory=list)
    servers: list[ConfiguredServer] = msgspec.field(default_factory=list)
    used_backends: list[str] = msgspec.field(default_factory=list)


def configured(files: HaproxyFiles) -> HaproxyConfig:
    """All proxies in the order of the files. Nothing is refused: a line that haproxy refuses is passed over."""
    return _HaproxyReader(files).config()


class _HaproxyReader:
    def __init__(self, files: HaproxyFiles) -> None:
        self._files = files
        self._environment = files.environment
        self._sections: list[_Section] = []
        self._defaults: dict[str, _Section] = {}
        self._last_defaults = _Section("defaults", "")
        self._stats_sockets: list[str] = []
        self._undecided: dict[str, None] = {}

    def config(self) -> HaproxyConfig:
        section = _Section("", "")
        reader = HaproxyLineReader(self._files)
        for line in reader.lines():
            self._environment = reader.environment
            if line.condition is not None:
                self._undecided[line.condition] = None
            if line.words[0] in SECTIONS:
                section = self._section(line.words)
            else:
                self._line(section, line)
        sockets = (path for path in self._stats_sockets if path.startswith("/"))
        proxies = tuple(_proxy(one) for one in self._sections)
        return HaproxyConfig(proxies, next(sockets, ""), tuple(self._undecided))

    def _section(self, words: tuple[str, ...]) -> _Section:
        kind = words[0]
        origin = words.index("from") + 1 if "from" in words[1:-1] else 0
        name = words[1] if len(words) > 1 and origin != 2 else ""
        if kind == "defaults":
            section = _Section(kind, name)
            self._inherit(section, self._defaults.get(words[origin]) if origin else None)
            self._last_defaults = self._defaults[name] = section
        elif kind in _PROXIES and name:
            section = next(
                (one for one in self._sections if (one.kind, one.name) == (kind, name)), _Section(kind, name)
            )
            if section not in self._sections:
                self._inherit(section, self._defaults.get(words[origin]) if origin else self._last_defaults)
                self._sections.append(section)
        else:
            section = _Section(kind, name)
        return section

    @staticmethod
    def _inherit(section: _Section, origin: _Section | None) -> None:
        if origin is not None:
            section.settings = dict(origin.settings)
            section.parameters = origin.parameters

    def _line(self, section: _Section, line: ConfigLine) -> None:
        words = line.words
        keyword, rest = words[0], words[1:]
        if section.kind == "global":
            if words[:2] == ("stats", "socket") and len(words) > 2:
                self._stats_sockets.append(words[2].partition("@")[2] if words[2].startswith("unix@") else words[2])
        elif section.kind not in (*_PROXIES, "defaults"):
            return
        elif keyword in ("balance", "default_backend", "mode") and rest:
            section.settings[keyword] = rest
        elif keyword in ("disabled", "enabled"):
            section.settings["disabled"] = (keyword,)
        elif keyword == "default-server":
            section.parameters += rest
        elif section.kind != "defaults":
            self._own(section, keyword, rest)

    def _own(self, section: _Section, keyword: str, rest: tuple[str, ...]) -> None:
        """A line that no defaults section can have."""
        if keyword == "bind" and rest and section.kind != "backend":
            section.binds += _binds(rest[0], self._environment)
        elif keyword == "server" and len(rest) > 1 and section.kind != "frontend":
            section.servers.append(_server(rest[0], rest[1], (*section.parameters, *rest[2:]), self._environment))
        elif keyword == "server-template" and len(rest) > 2 and section.kind != "frontend":
            section.servers += _slots(rest, section.parameters, self._environment)
        elif keyword == "use_backend" and rest and "%[" not in rest[0] and section.kind != "backend":
            section.used_backends.append(rest[0])


def _proxy(section: _Section) -> Proxy:
    settings = section.settings
    return Proxy(
        section.kind,
        section.name,
        _balance(settings),
        tuple(section.binds),
        tuple(section.servers),
        settings["default_backend"][0] if "default_backend" in settings and section.kind != "backend" else "",
        tuple(dict.fromkeys(section.used_backends)),
        settings.get("disabled") == ("disabled",),
    )


def _balance(settings: Mapping[str, tuple[str, ...]]) -> str:
    balance = settings.get("balance", (_DEFAULT_BALANCE,))
    needs_http = balance[0].partition("(")[0] in _OF_HTTP
    return _DEFAULT_BALANCE if needs_http and settings.get("mode", ("tcp",))[0] != "http" else " ".join(balance)


def _binds(text: str, environment: Mapping[str, str]) -> Iterator[Address]:
    for one in text.split(","):
        if one:
            yield address_of(one, environment)


def _server(name: str, text: str, parameters: tuple[str, ...], environment: Mapping[str, str]) -> ConfiguredServer:
    server = ConfiguredServer(name, address_of(text, environment))
    words = iter(parameters)
    for word in words:
        value = next(words, "") if word in _WITH_VALUE else ""
        server = _with(server, word, value)
    return server


def _with(server: ConfiguredServer, word: str, value: str) -> ConfiguredServer:
    number = int(value) if re.fullmatch("[0-9]{1,6}", value) else None
    match word:
        case "check" | "no-check":
            return replace(server, check=word == "check")
        case "backup" | "no-backup":
            return replace(server, backup=word == "backup")
        case "disabled" | "enabled":
            return replace(server, disabled=word == "disabled")
        case "port":
            return replace(server, check_port=number)
        case "weight" if number is not None:
            return replace(server, weight=number)
        case _:
            return server


def _slots(
    rest: tuple[str, ...], parameters: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[ConfiguredServer]:
    first, _, last = rest[1].rpartition("-")
    low, high = (first or "1"), last
    if not (re.fullmatch("[0-9]{1,4}", low) and re.fullmatch("[0-9]{1,4}", high)):
        return
    for number in range(int(low), min(int(high), int(low) + _MOST_SLOTS) + 1):
        server = _server(f"{rest[0]}{number}", rest[2], (*parameters, *rest[3:]), environment)
        yield replace(server, of_template=True)


def address_of(text: str, environment: Mapping[str, str]) -> Address:
    """The address of a bind or server line, e.g. ``ipv6@[2001:db8::1]:6443``, ``:8000-8010``, ``cp1:+1``."""
    text = expanded(text, environment)
    family = _FAMILY.match(text)
    if family:
        text = text[family.end() :]
    if text.startswith("/") or (family and family["family"] in _SOCKETS):
        return Address(text, is_socket=True)
    at = max(text.rfind(":"), text.rfind("]"))
    host, port = (text[:at], text[at + 1 :]) if at >= 0 and text[at] == ":" else (text, "")
    return _with_port(_spelled(host.strip("[]")), port)


def _spelled(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "" if host == "*" else host


def _with_port(host: str, text: str) -> Address:
    match = re.fullmatch(r"(?P<sign>[+-]?)(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?", text)
    if match is None:
        return Address(host)
    first = int(match["first"])
    if match["sign"]:
        return Address(host, offset=first if match["sign"] == "+" else -first)
    return Address(host, first or None, last_port=int(match["last"]) if match["last"] else None)
