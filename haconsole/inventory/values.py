"""The types of single values in an inventory (ports, paths, names …) with their limits and examples.

`title` is the kind's name, `examples` its form, `pattern` its allowed characters: none that a shell or a configuration
file would interpret. ``extra["kind"]`` names the function of `formats` that reads it.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from haconsole.model.secret import Secret


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, named fields only, unknown keys refused."""


AUTH_PASS = r"^[A-Za-z0-9._-]{1,8}$"
_LOCAL = r"^[^\x00-\x1f\x7f\"'`$\\;|&<>*?(){}!\[\]]{1,1024}$"
_JUMP = r"^([A-Za-z_][A-Za-z0-9._-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.:_-]{0,252})(:[0-9]{1,5})?$"

Port = Annotated[int, Meta(ge=1, le=65535, title="a TCP port")]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
        title="a DNS name in lower case",
        examples=["cp1", "etcd-0"],
        extra={"kind": "name"},
    ),
]
Address = Annotated[
    str,
    Meta(
        min_length=2,
        max_length=45,
        title="an IPv4 or IPv6 address",
        examples=["10.99.0.11", "2001:db8::11"],
        extra={"kind": "address"},
    ),
]
SshAddress = Annotated[
    str,
    Meta(
        pattern=r"^(::)?[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$",
        title="an address or a DNS name",
        examples=["203.0.113.10", "cp1.example.org"],
        extra={"kind": "host"},
    ),
]
Path = Annotated[
    str,
    Meta(
        pattern=r"^/[A-Za-z0-9._/@+-]{1,255}$",
        title="an absolute path of letters, digits and . _ @ + -",
        examples=["/var/lib/etcd"],
        extra={"kind": "path"},
    ),
]
LocalPath = Annotated[
    str,
    Meta(
        pattern=_LOCAL,
        title="a path on this machine without quotes or shell characters",
        examples=["~/.ssh/id_ed25519", "keys/lab"],
        extra={"kind": "local-path"},
    ),
]
FileName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$", title="a file name", examples=["ca.pem"])
]
CertificateName = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9_-]|\{host\})([A-Za-z0-9._-]|\{host\}){0,127}$",
        title="a file name; {host} is replaced by the host's name",
        examples=["ca.pem", "admin-{host}.pem"],
    ),
]
User = Annotated[
    str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9._-]{0,31}$", title="a login name", examples=["root", "centos"])
]
JumpHost = Annotated[
    str,
    Meta(
        pattern=_JUMP,
        title="a host of this inventory, another host as [user@]host[:port], or none",
        examples=["bastion", "ops@gate.example.org:2222", "none"],
        extra={"kind": "jump"},
    ),
]
Interface = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,14}$",
        title="a network interface of at most 15 characters",
        examples=["eth0"],
    ),
]
Cidr = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$",
        title="a network in CIDR notation",
        examples=["10.244.0.0/16"],
        extra={"kind": "network"},
    ),
]
ImageRepository = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9.:/_-]{0,252}$",
        title="a registry with an optional path",
        examples=["registry.k8s.io", "mirror.example.org:5000/k8s"],
    ),
]
PreflightCheck = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}$", title="the name of a kubeadm preflight check", examples=["Swap"])
]
Token = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        title="a word of up to 64 letters, digits, dots, dashes and underscores",
        examples=["lab"],
    ),
]
Endpoint = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$",
        title="host:port",
        examples=["10.99.0.100:8443", "api.example.org:6443", "[2001:db8::100]:8443"],
        extra={"kind": "endpoint"},
    ),
]
VipAddress = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$",
        title="an address, with or without a prefix length",
        examples=["10.99.0.100/24", "10.99.0.100"],
        extra={"kind": "vip"},
    ),
]
SubjectName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9.:*-]{1,253}$",
        title="an address or a DNS name, which may begin with *.",
        examples=["api.example.org", "203.0.113.10"],
        extra={"kind": "san"},
    ),
]
DiscoveryValue = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/?=-]{0,511}$",
        title="an http(s) URL or a DNS domain",
        examples=["https://discovery.etcd.io/f6a3fb54b3fd1bb02e26a89fd40df0e8", "example.org"],
    ),
]
Version = Annotated[
    str, Meta(pattern=r"^v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$", title="a version", examples=["1.20.2", "v1.31"])
]
AuthPass = Annotated[
    Secret,
    Meta(
        title="1 to 8 letters, digits, dots, dashes and underscores",
        extra={"pattern": AUTH_PASS},
        extra_json_schema={"type": "string", "pattern": AUTH_PASS, "writeOnly": True},
    ),
]
Balance: TypeAlias = Literal["roundrobin", "leastconn", "source", "first"]
"""haproxy's ways to choose a server (configuration manual, `balance`)."""

Url = Annotated[
    str,
    Meta(
        pattern=r"^(https?|file)://[A-Za-z0-9./:_~+@%-]{1,500}$",
        title="a URL that begins with https, http or file",
        examples=["https://pkgs.k8s.io/core:/stable:/v1.31/rpm/"],
    ),
]
AptSource = Annotated[
    str,
    Meta(
        pattern=r"^(https?|file):/{1,2}[A-Za-z0-9./:_~+@%-]{1,500} [A-Za-z0-9./_-]{1,80}( [A-Za-z0-9._/-]{1,60}){0,8}$",
        title="URL, suite and components, as after deb in sources.list(5)",
        examples=["https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /"],
    ),
]
Sha256 = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{64}$", title="a SHA-256 of 64 hexadecimal digits in lower case", examples=["0" * 64]),
]
ImageName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9.:/_-]{0,252}(@sha256:[0-9a-f]{64})?$",
        title="an image with its tag",
        examples=["registry.k8s.io/pause:3.10"],
    ),
]
Sentence = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{3,300}$",
        title="a sentence in one line",
        examples=["Business hours; inform the platform team first."],
    ),
]
TimeOfDay = Annotated[
    str,
    Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", title="a time of day in quotes", examples=["08:00"]),
]
TimeZone = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{1,63}$",
        title="a time zone",
        examples=["UTC", "Europe/Berlin"],
        extra={"kind": "time-zone"},
    ),
]
