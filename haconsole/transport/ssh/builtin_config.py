"""Reading ssh_config without an ssh client: by asyncssh, which knows most options and few conditions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import asyncssh

from haconsole.transport.ssh.client_settings import Algorithms, ClientSettings
from haconsole.transport.ssh.tokens import home

_DEFAULT_KEYS = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")
_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


def read_builtin(
    host: str, config: Path | None, user: str | None, port: int | None, jump: str | None, else_user: str | None
) -> tuple[ClientSettings, bool]:
    """The settings, and whether no IdentityFile is set. Raises asyncssh.ConfigParseError, OSError or ValueError."""
    read = _options(host, config, user, port)
    get = read.config.get
    keys = tuple(map(_literal, _listed(get("IdentityFile"))))
    jumps = (None if jump == "none" else jump) if jump else _text(get("ProxyJump"))
    command = None if jump or jumps else _literal(_text(get("ProxyCommand")) or "") or None
    return ClientSettings(
        hostname=read.host,
        user=user or _text(get("User")) or else_user or read.username,
        port=read.port,
        host_key_alias=(_text(get("HostKeyAlias")) or "").lower() or None,
        identity_files=keys or _DEFAULT_KEYS,
        certificate_files=tuple(map(_literal, _listed(get("CertificateFile")))),
        identities_only=bool(get("IdentitiesOnly")),
        identity_agent=_literal(_text(get("IdentityAgent")) or "") or None,
        public_key_auth=get("PubkeyAuthentication", True) is not False,
        user_known_hosts=tuple(_listed(get("UserKnownHostsFile"))) or _USER_KNOWN_HOSTS,
        global_known_hosts=tuple(_listed(get("GlobalKnownHostsFile"))) or _GLOBAL_KNOWN_HOSTS,
        proxy_jump=jumps,
        proxy_command=command if (command or "").lower() != "none" else None,
        bind_address=_text(get("BindAddress")),
        compression=bool(get("Compression")),
        tcp_keepalive=get("TCPKeepAlive", True) is not False,
        alive_interval_s=_number(get("ServerAliveInterval")) or 0,
        alive_count=_number(get("ServerAliveCountMax")) or 3,
        connect_timeout_s=_number(get("ConnectTimeout")),
        algorithms=_algorithms(read, get("HostKeyAlgorithms")),
    ), not keys


def _options(host: str, config: Path | None, user: str | None, port: int | None) -> Any:
    usual = (home() / ".ssh" / "config", Path("/etc/ssh/ssh_config"))
    files = (config,) if config is not None else tuple(file for file in usual if os.access(file, os.R_OK))
    try:
        return asyncssh.SSHClientConnectionOptions(
            host=host,
            port=port or (),
            username=user or (),
            config=[str(file) for file in files],
            client_keys=None,
            known_hosts=b"",
        )
    except UnicodeDecodeError as error:
        names = ", ".join(map(str, files))
        raise ValueError(f"{names}: not UTF-8, and no ssh client is here to read it: {error.reason}") from None


def _algorithms(read: Any, host_keys: object) -> Algorithms:
    def names(keyword: str, algorithms: list[bytes]) -> tuple[str, ...] | None:
        return tuple(name.decode() for name in algorithms) if read.config.get(keyword) else None

    return Algorithms(
        ciphers=names("Ciphers", read.encryption_algs),
        macs=names("MACs", read.mac_algs),
        key_exchanges=names("KexAlgorithms", read.kex_algs),
        host_keys=tuple(host_keys.split(",")) if isinstance(host_keys, str) and host_keys[0] not in "+-^" else None,
        ca_signatures=names("CASignatureAlgorithms", read.signature_algs),
    )


def _literal(text: str) -> str:
    """With no token: asyncssh has replaced them."""
    return text.replace("%", "%%")


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
