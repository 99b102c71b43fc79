"""k0sctl: the cluster file of k0s (apiVersion k0sctl.k0sproject.io, kind Cluster; its README names the fields)."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.plain import listed, mapping, number, read_yaml, refused, text, truth, unread_keys

_ROLES = {
    "controller": ("etcd", "control-plane"),
    "server": ("etcd", "control-plane"),
    "controller+worker": ("etcd", "control-plane", "worker"),
    "server+worker": ("etcd", "control-plane", "worker"),
    "single": ("etcd", "control-plane", "worker"),
    "worker": ("worker",),
}
_WAY = frozenset(("address", "user", "port", "keyPath", "configPath", "bastion", "enabled"))
_OBJECT = frozenset(("apiVersion", "kind", "metadata", "spec"))
_METADATA = frozenset(("name",))
_READ: Mapping[str, frozenset[str]] = {
    "host": frozenset(
        (
            "role",
            "hostname",
            "ssh",
            "openSSH",
            "localhost",
            "winRM",
            "winrm",
            "privateAddress",
            "privateInterface",
            "dataDir",
            "installFlags",
        )
    ),
    "k0s": frozenset(("version", "config")),
    "config": frozenset(("api", "network", "storage")),
    "api": frozenset(("port", "externalAddress", "sans")),
    "network": frozenset(("serviceCIDR", "podCIDR", "clusterDomain", "controlPlaneLoadBalancing", "dualStack")),
    "storage": frozenset(("type", "etcd")),
    "dualStack": frozenset(("enabled", "IPv6podCIDR", "IPv6serviceCIDR")),
    "balancing": frozenset(("enabled", "type", "keepalived")),
}
BASTION = "bastion"
DATA_DIR = "/var/lib/k0s"
NODE_PREFIX_IPV6 = 117
"""The part of an IPv6 pod network that k0s gives each node."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One of `spec.hosts`: its settings, and its `installFlags` by name, without the dashes."""

    settings: Mapping[str, Any]
    flags: Mapping[str, str]

    @property
    def way(self) -> Mapping[str, Any]:
        return mapping(self.settings.get("ssh")) or mapping(self.settings.get("openSSH"))

    @property
    def roles(self) -> tuple[str, ...]:
        roles = _ROLES.get(text(self.settings.get("role")) or "", ("worker",))
        if self.is_single:
            return _ROLES["single"]
        return (*roles, "worker") if self._has("enable-worker") and "worker" not in roles else roles

    @property
    def is_single(self) -> bool:
        return text(self.settings.get("role")) == "single" or self._has("single")

    @property
    def data_dir(self) -> str:
        return self.flags.get("data-dir") or text(self.settings.get("dataDir")) or DATA_DIR

    def _has(self, flag: str) -> bool:
        return self.flags.get(flag, "false") != "false"


def from_k0sctl(data: bytes, file: str, environment: Mapping[str, str] | None = None) -> Draft:
    """Variables in the file are those of `environment`; raises InventoryError when the file is not k0sctl's."""
    filled: list[str] = []
    document = mapping(substituted(read_yaml(data, file), environment or {}, "", filled))
    spec = mapping(document.get("spec"))
    entries = [_entry(mapping(entry)) for entry in listed(spec.get("hosts"))]
    if not entries or not str(document.get("apiVersion", "")).startswith("k0sctl."):
        raise refused(file, 1, "this is no cluster file of k0sctl, or it has no hosts", "name a k0sctl.yaml")
    k0s = mapping(spec.get("k0s"))
    config = mapping(mapping(k0s.get("config")).get("spec"))
    bastion, jump = _bastion(entries)
    hosts = tuple(_host(entry, name, jump) for entry, name in zip(entries, _names(entries), strict=True))
    data_dir = next((entry.data_dir for entry in entries if "control-plane" in entry.roles), DATA_DIR)
    return Draft(
        source=f"k0sctl's {file}",
        cluster=host_name(text(mapping(document.get("metadata")).get("name")) or "k0s-cluster"),
        hosts=(*((bastion,) if bastion else ()), *hosts),
        jump=jump,
        etcd={"data_dir": f"{data_dir}/etcd", "pki_dir": f"{data_dir}/pki/etcd"},
        kubernetes={"version": _version(k0s), **_kubernetes(config, hosts, data_dir)},
        notes=(*_notes(entries, config, hosts), *filled, *_unread(document, entries)),
    )


def _entry(settings: Mapping[str, Any]) -> _Entry:
    return _Entry(settings, dict(_flags(settings)))


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


def _names(entries: list[_Entry]) -> Iterator[str]:
    """The host names in the file; others are numbered by role, as the file does not have them."""
    counts: dict[str, int] = {}
    for entry in entries:
        role = "worker" if "control-plane" not in entry.roles else "controller"
        counts[role] = counts.get(role, 0) + 1
        yield host_name(text(entry.settings.get("hostname")) or f"{role}-{counts[role]}")


def _host(entry: _Entry, name: str, jump: str | None) -> HostDraft:
    reach = text(entry.way.get("address"))
    private = text(entry.settings.get("privateAddress"))
    address = address_of(private, reach if private or not text(entry.settings.get("privateInterface")) else None)
    ssh = dict(_ssh(entry.way, "root" if "ssh" in entry.settings else None))
    if jump is not None and not mapping(entry.way.get("bastion")):
        ssh["jump"] = "none"
    return HostDraft(
        name=name,
        address=address,
        roles=entry.roles,
        ssh=ssh,
        ssh_address=reach if reach != address else None,
    )


def _ssh(way: Mapping[str, Any], default_user: str | None) -> Settings:
    """The default login counts where there is none in the file, not where one could not be read."""
    user = text(way.get("user")) or (default_user if "user" not in way else None)
    port = number(way.get("port"))
    return {
        "user": user,
        "port": port if port != 22 else None,
        "identity_file": text(way.get("keyPath")),
        "config": text(way.get("configPath")),
        "sudo": "none" if user == "root" else None,
    }


def _first_bastion(entries: list[_Entry]) -> Mapping[str, Any]:
    return next((bastion for entry in entries if (bastion := mapping(entry.way.get("bastion")))), {})


def _bastion(entries: list[_Entry]) -> tuple[HostDraft | None, str | None]:
    """The first bastion there is: a host of the inventory, or an outside one when only its name is known."""
    way = _first_bastion(entries)
    reach = text(way.get("address"))
    if reach is None:
        return None, None
    ssh = {**_ssh(way, "root"), "sudo": None}
    if address := address_of(reach):
        return HostDraft(BASTION, address, ("bastion",), ssh), BASTION
    user, port = ssh["user"], ssh["port"]
    return None, f"{f'{user}@' if user else ''}{reach}{f':{port}' if port else ''}"


def _version(k0s: Mapping[str, Any]) -> str | None:
    match = re.match(r"v?([0-9]+\.[0-9]+\.[0-9]+)", text(k0s.get("version")) or "")
    return match[1] if match and not match[1].startswith("0.") else None


def _kubernetes(config: Mapping[str, Any], hosts: tuple[HostDraft, ...], data_dir: str) -> Settings:
    api, network = mapping(config.get("api")), mapping(config.get("network"))
    port = number(api.get("port")) or 6443
    planes = [host.address for host in hosts if "control-plane" in host.roles and host.address]
    known = text(api.get("externalAddress")) or _vip(network) or next(iter(planes), None)
    pods = text(network.get("podCIDR")) or "10.244.0.0/16"
    return {
        "endpoint": join_host_port(known, port) if known else None,
        "api_port": port if port != 6443 else None,
        "service_cidr": text(network.get("serviceCIDR")) or "10.96.0.0/12",
        "pod_cidr": pods,
        "node_prefix": NODE_PREFIX_IPV6 if _is_ipv6(pods) else None,
        "cluster_domain": text(network.get("clusterDomain")),
        "deployment": "k0s",
        "pki_dir": f"{data_dir}/pki",
        "config_dir": f"{data_dir}/pki",
        "extra_sans": tuple(filter(None, map(text, listed(api.get("sans"))))),
    }


def _is_ipv6(network: str) -> bool:
    try:
        return ipaddress.ip_network(network, strict=False).version == 6
    except ValueError:
        return False


def _vips(network: Mapping[str, Any]) -> tuple[str, ...]:
    """The virtual addresses of k0s's own balancing of the control plane, whether it is switched on or not."""
    balancing = mapping(network.get("controlPlaneLoadBalancing"))
    vips = [
        address_of((text(address) or "").partition("/")[0])
        for instance in listed(mapping(balancing.get("keepalived")).get("vrrpInstances"))
        for address in listed(mapping(instance).get("virtualIPs"))
    ]
    return tuple(address for address in vips if address)


def _vip(network: Mapping[str, Any]) -> str | None:
    enabled = truth(mapping(network.get("controlPlaneLoadBalancing")).get("enabled"))
    return next(iter(_vips(network)), None) if enabled else None


def _notes(entries: list[_Entry], config: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    yield "k0s runs this cluster: it is only watched; actions are refused, use k0s's own commands"
    if any(text(entry.settings.get("hostname")) is None for entry in entries):
        yield "hosts without a hostname are numbered here: write the names their nodes have"
    yield from _host_notes(entries, hosts)
    yield from _way_notes(entries)
    yield from _network_notes(mapping(config.get("network")))
    yield from _storage_notes(entries, mapping(config.get("storage")))


def _host_notes(entries: list[_Entry], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    for entry, host in zip(entries, hosts, strict=True):
        interface, role = text(entry.settings.get("privateInterface")), text(entry.settings.get("role"))
        if host.address is None:
            on = f" on {interface}" if interface else ""
            yield f"the address of {host.name}{on} is not in the file: add it"
        if role not in _ROLES:
            yield f"the role {role} of {host.name} is not known: it is a worker here"
        others = [f"--{flag}" for flag in entry.flags if flag not in ("enable-worker", "data-dir", "single")]
        if others:
            yield f"installFlags of {host.name}: not read: {', '.join(others)}"


def _way_notes(entries: list[_Entry]) -> Iterator[str]:
    bastion = _first_bastion(entries)
    reach, key = text(bastion.get("address")), text(bastion.get("keyPath"))
    if key and reach and address_of(reach) is None:
        yield f"the key {key} of {reach} is not copied: write it in ssh_config"
    if len({repr(bastion_entry) for entry in entries if (bastion_entry := mapping(entry.way.get("bastion")))}) > 1:
        yield "there are several bastions; only the first is copied"
    if any("bastion" in mapping(entry.way.get("bastion")) for entry in entries):
        yield "a bastion behind another bastion is not copied: write it in ssh_config"
    others = ("localhost", "winrm", "winRM")
    if any(mapping(entry.settings.get(way)) for entry in entries for way in others):
        yield "hosts that are not reached by SSH have no connection settings here"


def _network_notes(network: Mapping[str, Any]) -> Iterator[str]:
    balancing = mapping(network.get("controlPlaneLoadBalancing"))
    vips = _vips(network)
    if balancing and not truth(balancing.get("enabled")) and vips:
        yield f"VIP {vips[0]} is not used, as controlPlaneLoadBalancing is not enabled"
    if _vip(network) and len(vips) > 1:
        yield f"the endpoint is the first of several VIPs; not copied: {', '.join(vips[1:])}"
    dual = mapping(network.get("dualStack"))
    if truth(dual.get("enabled")):
        names = ("IPv6podCIDR", "IPv6serviceCIDR")
        ranges = [range_ for name in names if (range_ := text(dual.get(name)))]
        which = ", ".join(ranges) or "an inventory has one family"
        yield f"the IPv6 networks of the dual-stack cluster are not copied: {which}"


def _storage_notes(entries: list[_Entry], storage: Mapping[str, Any]) -> Iterator[str]:
    single = any(entry.is_single for entry in entries)
    kind = text(storage.get("type")) or ("kine" if single else "etcd")
    if kind != "etcd":
        yield "the cluster does not keep its state in etcd: there is no quorum to observe"
    if mapping(storage.get("etcd")):
        yield "spec.k0s.config.spec.storage.etcd is not read: compare peer addresses and external members"
    folders = {entry.data_dir for entry in entries if "control-plane" in entry.roles}
    if len(folders) > 1:
        yield f"the controllers' data folders differ; only the first is copied: {', '.join(sorted(folders))}"


def _unread(document: Mapping[str, Any], entries: list[_Entry]) -> Iterator[str]:
    """Keys that nothing here reads, level by level."""
    spec = mapping(document.get("spec"))
    k0s = mapping(spec.get("k0s"))
    outer = mapping(k0s.get("config"))
    config = mapping(outer.get("spec"))
    yield from unread_keys("the file", document, _OBJECT)
    yield from unread_keys("metadata", mapping(document.get("metadata")), _METADATA)
    yield from unread_keys("spec", spec, frozenset(("hosts", "k0s")))
    for number_, entry in enumerate(entries):
        place = f"spec.hosts[{number_}]"
        yield from unread_keys(place, entry.settings, _READ["host"])
        yield from unread_keys(f"{place}.ssh", entry.way, _WAY)
        yield from unread_keys(f"{place}.ssh.bastion", mapping(entry.way.get("bastion")), _WAY)
    yield from unread_keys("spec.k0s", k0s, _READ["k0s"])
    yield from unread_keys("spec.k0s.config", outer, _OBJECT)
    yield from unread_keys("spec.k0s.config.metadata", mapping(outer.get("metadata")), _METADATA)
    yield from unread_keys("spec.k0s.config.spec", config, _READ["config"])
    for part in ("api", "network", "storage"):
        yield from unread_keys(f"spec.k0s.config.spec.{part}", mapping(config.get(part)), _READ[part])
    yield from _unread_network("spec.k0s.config.spec.network", mapping(config.get("network")))


def _unread_network(place: str, network: Mapping[str, Any]) -> Iterator[str]:
    balancing = mapping(network.get("controlPlaneLoadBalancing"))
    keepalived = mapping(balancing.get("keepalived"))
    yield from unread_keys(f"{place}.dualStack", mapping(network.get("dualStack")), _READ["dualStack"])
    place = f"{place}.controlPlaneLoadBalancing"
    yield from unread_keys(place, balancing, _READ["balancing"])
    yield from unread_keys(f"{place}.keepalived", keepalived, frozenset(("vrrpInstances",)))
    for number_, instance in enumerate(map(mapping, listed(keepalived.get("vrrpInstances")))):
        yield from unread_keys(f"{place}.keepalived.vrrpInstances[{number_}]", instance, frozenset(("virtualIPs",)))


_EXPRESSION = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-=])([^{}]*))?\}|(\{))")


class _UnknownError(Exception):
    """The name of a variable that is not set, or of an expression that is not read."""


def substituted(value: Any, environment: Mapping[str, str], place: str, notes: list[str]) -> Any:
    """The tree with its variables filled in. A value with one that is not set becomes None, and is in a note."""
    match value:
        case str() if "$" in value:
            return _text(value, environment, place, notes)
        case Mapping():
            return {
                key: substituted(each, environment, f"{place}.{key}".lstrip("."), notes) for key, each in value.items()
            }
        case list():
            return [substituted(each, environment, f"{place}[{at}]", notes) for at, each in enumerate(value)]
        case _:
            return value


def _text(value: str, environment: Mapping[str, str], place: str, notes: list[str]) -> str | None:
    names: dict[str, None] = {}

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        if match[6] or name is None:
            raise _UnknownError("an expression")
        names[name] = None
        known = environment.get(name)
        if known or (known is not None and match[4] not in (":-", ":=")):
            return known
        if match[4] is None:
            raise _UnknownError(name)
        return match[5]

    try:
        filled = _EXPRESSION.sub(replacement, value)
    except _UnknownError as error:
        notes.append(f"{place}: not read, as {error} of the environment is not known here: write the value")
        return None
    if names:
        notes.append(f"{place}: {', '.join(names)} came from the environment: check the value")
    return filled
