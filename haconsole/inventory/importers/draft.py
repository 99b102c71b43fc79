"""An inventory in the making, and how it is written out as a file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec


class Omitted(msgspec.Struct, frozen=True):
    """A setting that no inventory can hold, written as a comment at its place."""

    reason: str


Value: TypeAlias = "str | int | float | bool | tuple[str, ...] | Mapping[str, Value] | Omitted"
Settings: TypeAlias = "Mapping[str, Value | None]"

_PLAIN = re.compile(
    r"[A-Za-z/~][A-Za-z0-9._/@+~:-]*[A-Za-z0-9._/@+~-]|[A-Za-z]|[0-9]+(\.[0-9]+){2,3}(/[0-9]+)?(:[0-9]+)?"
)


class HostDraft(msgspec.Struct, frozen=True):
    """A host as another tool describes it; None and empty values are left out of the file."""

    name: str
    address: str | None
    roles: tuple[str, ...]
    ssh: Settings = msgspec.field(default_factory=dict)
    ssh_address: str | None = None
    etcd_name: str | Omitted | None = None
    vrrp_priority: int | Omitted | None = None


class Draft(msgspec.Struct, frozen=True):
    """`notes` are sentences on what to look at before the inventory is used."""

    source: str
    cluster: str
    hosts: tuple[HostDraft, ...]
    jump: str | None = None
    etcd: Settings = msgspec.field(default_factory=dict)
    kubernetes: Settings | None = None
    vips: tuple[Settings, ...] = ()
    haproxy: Settings = msgspec.field(default_factory=dict)
    keepalived: Settings = msgspec.field(default_factory=dict)
    kube_vip: Settings = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write(draft: Draft) -> str:
    """The draft as the text of an inventory; SSH settings that all hosts share are at the top once."""
    shared = _shared(draft.hosts)
    parts = ["\n".join(_head(draft)), f"cluster: {_yaml_value(draft.cluster)}"]
    if ssh := _block({**shared, "jump": draft.jump or shared.get("jump")}, "  "):
        parts.append("ssh:\n" + ssh)
    parts.append("hosts:\n" + "\n".join(_host(host, shared) for host in draft.hosts))
    parts += _part("etcd", draft.etcd)
    if draft.kubernetes is not None:
        parts += _part("kubernetes", draft.kubernetes) if _real(draft.kubernetes) else ["kubernetes:\n  {}"]
    if draft.vips:
        head = "vips:\n" if any(map(_real, draft.vips)) else ""
        parts.append(head + "\n".join(_item(vip) for vip in draft.vips))
    parts += (*_part("haproxy", draft.haproxy), *_part("keepalived", draft.keepalived))
    parts += _part("kube_vip", draft.kube_vip)
    return "\n\n".join(parts) + "\n"


def address_of(*candidates: str | None) -> str | None:
    """The first that is an IP address."""
    for text in candidates:
        try:
            return str(ipaddress.ip_address(text or ""))
        except ValueError:
            continue
    return None


def host_name(text: str) -> str:
    """A name as an inventory takes it: lower case, with dashes for what DNS does not know."""
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "host"


def _head(draft: Draft) -> Iterator[str]:
    yield f"# Made from {_one_line(draft.source)}."
    if draft.notes:
        yield "# Check this before you use it:"
        yield from (f"# - {_one_line(note)}" for note in draft.notes)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _shared(hosts: tuple[HostDraft, ...]) -> dict[str, Value]:
    """Settings that every host but a bastion has, with the same value."""
    ways = [host.ssh for host in hosts if "bastion" not in host.roles]
    first = ways[0] if ways else {}
    return {
        key: value for key, value in first.items() if value is not None and all(way.get(key) == value for way in ways)
    }


def _host(host: HostDraft, shared: Mapping[str, Value]) -> str:
    own = {key: value for key, value in host.ssh.items() if shared.get(key) != value}
    settings: dict[str, Value | None] = {
        "name": host.name,
        "address": host.address,
        "ssh_address": host.ssh_address,
        "roles": host.roles,
        "etcd_name": host.etcd_name,
        "vrrp_priority": host.vrrp_priority,
    }
    return _item(settings) + ("\n    ssh:\n" + ssh if (ssh := _block(own, "      ")) else "")


def _part(name: str, settings: Settings) -> list[str]:
    """A part of the inventory; of one with nothing but omitted settings only their comments."""
    block = _block(settings, "  ")
    return [f"{name}:\n{block}" if _real(settings) else block] if block else []


def _real(settings: Settings) -> dict[str, Value]:
    """The settings that are written, without omitted ones."""
    return {
        key: value
        for key, value in settings.items()
        if value is not None and not isinstance(value, Omitted) and value not in ((), "")
    }


def _item(settings: Settings) -> str:
    """An entry of a list, its first line a setting."""
    real = _real(settings)
    if not real:
        return _block(settings, "  ")
    first = next(iter(real))
    ordered = {first: settings[first], **settings}
    return "  - " + _block(ordered, "    ").removeprefix("    ")


def _block(settings: Settings, indent: str) -> str:
    values = {key: value for key, value in settings.items() if value is not None and value not in ((), "")}
    return "\n".join(_entry(key, value, indent) for key, value in values.items())


def _entry(key: str, value: Value, indent: str) -> str:
    """One key in one line, or a long mapping as a block of its own."""
    if isinstance(value, Omitted):
        return f"{indent}# left out: {_one_line(value.reason)}"
    line = f"{indent}{key}: {_yaml_value(value)}"
    if isinstance(value, Mapping) and len(line) > 100:
        return f"{indent}{key}:\n" + _block(value, f"{indent}  ")
    return line


def _yaml_value(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml_value(each)}" for key, each in value.items()) + "}"
    if not isinstance(value, str):
        return str(value).lower()
    if _PLAIN.fullmatch(value) and value.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n"):
        return value
    return '"' + "".join(_escaped(char) for char in value) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
