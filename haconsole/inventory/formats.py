"""Text that carries structure (addresses, networks, names, paths), read strictly and given back in one spelling."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from haconsole.inventory.effective import DIRECT, join_host_port, outside_host, split_host_port

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_LABEL = re.compile(r"^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$")
_ALL_DIGITS = re.compile(r"^[0-9.]+$")


class Folders(msgspec.Struct, frozen=True):
    """Where relative paths start and where ~ leads."""

    base: Path
    home: Path | None


class WrongFormatError(ValueError):
    """`what` continues "address is '10.0.0.256', "; `hint` is the correct form, empty if an example suffices."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def address(text: str, folders: Folders) -> str:
    """An address a host can have."""
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        raise WrongFormatError("not an IPv4 or IPv6 address") from None
    if "%" in text:
        raise WrongFormatError(
            "an IPv6 address with a zone (the part after %)", "write the address without the % and the text after it"
        )
    if value.is_unspecified or value.is_multicast or text == "255.255.255.255":
        raise WrongFormatError("an unspecified, multicast or broadcast address", "write the host's own address")
    return str(value)


def network(text: str, folders: Folders) -> str:
    try:
        value = ipaddress.ip_interface(text)
    except ValueError:
        raise WrongFormatError("not a network in CIDR notation") from None
    if value.ip != value.network.network_address:
        raise WrongFormatError("a network with host bits set", f"write the address of the network: {value.network}")
    return str(value.network)


def vip(text: str, folders: Folders) -> str:
    """An address that no host has on its own; the prefix length stays as given."""
    alone, slash, prefix = text.partition("/")
    try:
        value = address(alone, folders)
    except WrongFormatError as error:
        raise WrongFormatError(error.what, "choose a free address of the balancers' network") from None
    try:
        network = ipaddress.ip_interface(text).network
    except ValueError:
        raise WrongFormatError(f"an address with an impossible prefix length ({prefix})") from None
    if network.prefixlen == 0:
        raise WrongFormatError("an address with the prefix length 0", "write the prefix length of its network")
    _no_network_address(ipaddress.ip_address(value), network)
    return f"{value}{slash}{prefix and int(prefix)}"


def _no_network_address(address: _Address, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
    """Only single addresses and pairs (RFC 3021, RFC 6164) use the first and, in IPv4, the last address."""
    if network.num_addresses <= 2:
        return
    if address == network.network_address:
        raise WrongFormatError(
            "the address of the network itself, which no host has", "choose a free address in this network"
        )
    if address.version == 4 and address == network.broadcast_address:
        raise WrongFormatError("the broadcast address of its network", "choose a free address in the network")


def name(text: str, folders: Folders) -> str:
    """A DNS name: labels of up to 63 characters, parted by single dots (RFC 1123, section 2.1)."""
    if not all(_LABEL.match(label) for label in text.split(".")):
        raise WrongFormatError("not a DNS name", "write parts of at most 63 characters, separated by single dots")
    return text


def host(text: str, folders: Folders) -> str:
    """An address or a DNS name."""
    if ":" in text or _ALL_DIGITS.match(text):
        return address(text, folders)
    return name(text, folders)


def subject_name(text: str, folders: Folders) -> str:
    """A name or address for a certificate; it may begin with ``*.``."""
    if text.startswith("*."):
        return f"*.{name(text[2:], folders)}"
    return host(text, folders)


def endpoint(text: str, folders: Folders) -> str:
    alone, port = split_host_port(text)
    if port is None:
        raise WrongFormatError("not host:port", "put an IPv6 address in brackets, and the port after a colon")
    return join_host_port(host(alone, folders), _port(port))


def etcd_url(text: str, folders: Folders) -> str:
    """An https URL of an address or name and a port."""
    return f"https://{endpoint(text.removeprefix('https://'), folders)}"


def jump(text: str, folders: Folders) -> str:
    """``none``, a host of the inventory, or ``[user@]host[:port]``."""
    if text == DIRECT:
        return text
    value = outside_host(text)
    if value.port is not None:
        _port(value.port)
    host(value.host, folders)
    return text


def path(text: str, folders: Folders) -> str:
    """An absolute path without ``.``, ``..`` or an empty part."""
    parts = text.rstrip("/").split("/")[1:]
    if not parts or any(part in ("", ".", "..") for part in parts):
        raise WrongFormatError("not a plain absolute path", "write the path without empty parts (//), . or ..")
    return "/" + "/".join(parts)


def local_path(text: str, folders: Folders) -> str:
    """A path here, made absolute; only one's own home folder is known by ~."""
    first, *rest = PurePosixPath(text).parts
    if first == "~" and folders.home is None:
        raise WrongFormatError("a path in a home folder that is not known", "set HOME, or write the absolute path")
    if first == "~" and folders.home is not None:
        return str(folders.home.joinpath(*rest))
    if first.startswith("~"):
        raise WrongFormatError(
            "a path in another user's home folder", "write ~/ for your own home folder, or an absolute path"
        )
    return str(folders.base / text)


def time_zone(text: str, folders: Folders) -> str:
    """A zone of this machine's time zone database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise WrongFormatError(
            "a time zone that this machine does not know", "write it like Europe/Berlin, or UTC"
        ) from None
    return text


def _port(number: int) -> int:
    if not 1 <= number <= 65535:
        raise WrongFormatError(f"a port out of range ({number})", "choose 1 to 65535")
    return number


FORMATS: dict[str, Callable[[str, Folders], str]] = {
    "address": address,
    "network": network,
    "vip": vip,
    "name": name,
    "host": host,
    "san": subject_name,
    "endpoint": endpoint,
    "etcd-url": etcd_url,
    "jump": jump,
    "path": path,
    "local-path": local_path,
    "time-zone": time_zone,
}
"""The reader for each ``extra["kind"]`` of the schema; raises WrongFormatError."""
