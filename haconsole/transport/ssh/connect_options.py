"""The options of an SSH connection, all passed to asyncssh by name, so that asyncssh reads no configuration file."""

from __future__ import annotations

import socket
from typing import Any

from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.known_hosts import KnownKeys
from haconsole.transport.ssh.route import Route
from haconsole.transport.ssh.tuning import Tuning

_HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFIED = "-cert-v01@openssh.com"
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


def connect_options(route: Route, known: KnownKeys, tuning: Tuning) -> dict[str, Any]:
    """The options that ssh_config and the program's own limits give. Raises TransportError for what cannot be kept."""
    settings = route.settings
    if route.proxy_command and settings.proxy_passes_socket:
        raise _refused(
            route,
            "ProxyUseFdpass of ssh_config is not supported",
            "use a ProxyCommand that works without ProxyUseFdpass",
        )
    alive = settings.alive_interval_s > 0
    return {
        "config": None,
        "username": route.user,
        "proxy_command": list(route.proxy_command) or None,
        "family": _FAMILIES.get(settings.address_family, socket.AF_UNSPEC),
        "local_addr": (settings.bind_address, 0) if settings.bind_address else None,
        "tcp_keepalive": settings.tcp_keepalive,
        "keepalive_interval": settings.alive_interval_s if alive else tuning.keepalive_s,
        "keepalive_count_max": settings.alive_count if alive else tuning.keepalive_misses,
        "public_key_auth": settings.public_key_auth,
        "server_host_key_algs": _host_key_algorithms(route, known),
        **_algorithms(route),
        **_rekey(settings.rekey),
    }


def _rekey(limits: tuple[int, int]) -> dict[str, int]:
    size, seconds = limits
    return {name: limit for name, limit in (("rekey_bytes", size), ("rekey_seconds", seconds)) if limit}


def _algorithms(route: Route) -> dict[str, list[str]]:
    lists = route.settings.algorithms
    kinds = (
        ("encryption_algs", "Ciphers", lists.ciphers, get_encryption_algs()),
        ("mac_algs", "MACs", lists.macs, get_mac_algs()),
        ("kex_algs", "KexAlgorithms", lists.key_exchanges, get_kex_algs()),
        ("signature_algs", "CASignatureAlgorithms", lists.ca_signatures, get_public_key_algs()),
    )
    names_in_use = {
        argument: _supported(route, option, names, supported)
        for argument, option, names, supported in kinds
        if names is not None
    }
    if lists.ciphers is None:
        names_in_use["encryption_algs"] = _fastest_first(get_encryption_algs())
    if route.settings.compression:
        names_in_use["compression_algs"] = ["zlib@openssh.com", "zlib", "none"]
    return names_in_use


def _fastest_first(ciphers: list[bytes]) -> list[str]:
    """AES-GCM before ChaCha20, which takes several times as long for the small packets of probes here."""
    return [name.decode() for name in sorted(ciphers, key=lambda name: b"-gcm@" not in name)]


def _supported(route: Route, option: str, names: tuple[str, ...], supported: list[bytes]) -> list[str]:
    names_in_use = [name for name in names if name.encode() in supported]
    if not names_in_use:
        what = f"{option} of ssh_config allows only {', '.join(names)}, none of which is supported here"
        raise _refused(route, what, "allow a supported algorithm for this host")
    return names_in_use


def _host_key_algorithms(route: Route, known: KnownKeys) -> list[str]:
    """Kinds of keys known for the host first; the others too, or a rebuilt host would only hang up.

    Certificates are requested only where a CA is known: a host that shows one keeps its plain key to itself.
    """
    kinds = {name.decode() for key in known.trusted for name in key.sig_algorithms}
    allowed = route.settings.algorithms.host_keys
    plain: tuple[str, ...] = _HOST_KEYS
    certified: tuple[str, ...] = tuple(f"{name}{_CERTIFIED}" for name in _HOST_KEYS)
    if allowed is not None:
        names = _supported(route, "HostKeyAlgorithms", allowed, [*get_public_key_algs(), *get_certificate_algs()])
        plain = tuple(name for name in names if "-cert-v0" not in name)
        certified = tuple(name for name in names if "-cert-v0" in name)
    first = list(certified) if known.authorities or not plain else []
    return first + sorted(plain, key=lambda name: name not in kinds)


def _refused(route: Route, what: str, hint: str) -> TransportError:
    return TransportError(route.label, Cause.OTHER, what, hint=hint)
