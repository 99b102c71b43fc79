"""The hosts of a cluster file of k0sctl: their connection, roles and flags."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from haconsole.inventory.importers.plain import listed, mapping, text

ROLES = {
    "controller": ("etcd", "control-plane"),
    "server": ("etcd", "control-plane"),
    "controller+worker": ("etcd", "control-plane", "worker"),
    "server+worker": ("etcd", "control-plane", "worker"),
    "single": ("etcd", "control-plane", "worker"),
    "worker": ("worker",),
}
WINDOWS_WAYS = ("winrm", "winRM")
DATA_DIR = "/var/lib/k0s"


class HostEntry(msgspec.Struct, frozen=True):
    """One of `spec.hosts`: its place there, its settings, and its `installFlags` by name, without the dashes."""

    number: int
    settings: Mapping[str, Any]
    flags: Mapping[str, str]

    @property
    def way(self) -> Mapping[str, Any]:
        return mapping(self.settings.get(self.kind))

    @property
    def kind(self) -> str:
        """The key that SSH settings are under."""
        return "ssh" if mapping(self.settings.get("ssh")) or not mapping(self.settings.get("openSSH")) else "openSSH"

    @property
    def windows_address(self) -> str | None:
        """The address of a Windows host, whose other connection settings no inventory can hold."""
        return next(filter(None, (text(mapping(self.settings.get(way)).get("address")) for way in WINDOWS_WAYS)), None)

    @property
    def roles(self) -> tuple[str, ...]:
        roles = ROLES.get(text(self.settings.get("role")) or "", ("worker",))
        if self.is_single:
            return ROLES["single"]
        return (*roles, "worker") if self._has("enable-worker") and "worker" not in roles else roles

    @property
    def is_single(self) -> bool:
        return text(self.settings.get("role")) == "single" or self._has("single")

    @property
    def data_dir(self) -> str:
        return self.flags.get("data-dir") or text(self.settings.get("dataDir")) or DATA_DIR

    def _has(self, flag: str) -> bool:
        return self.flags.get(flag, "false") != "false"


def read_entry(number: int, settings: Mapping[str, Any]) -> HostEntry:
    return HostEntry(number, settings, dict(_flags(settings)))


def _flags(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """``--name=value`` and ``--name value``, in one word of the list or in two; ``true`` without a value."""
    words = [word for flag in listed(settings.get("installFlags")) for word in _words(text(flag) or "")]
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            yield name, value if equals else following if following and not following.startswith("-") else "true"


def _words(flag: str) -> list[str]:
    try:
        return shlex.split(flag)
    except ValueError:
        return flag.split()
