"""k0sctl: the cluster file of k0s (apiVersion k0sctl.k0sproject.io, kind Cluster; its README names the fields)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.envsubst import substituted
from haconsole.inventory.importers.k0sctl_hosts import DATA_DIR, ROLES, WINDOWS_WAYS, HostEntry, read_entry
from haconsole.inventory.importers.plain import (
    listed,
    mapping,
    number,
    read_documents,
    refused,
    text,
    truth,
    unread_keys,
)

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
            "reset",
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
NODE_PREFIX_IPV6 = 117
"""The part of an IPv6 pod network that k0s gives each node."""


def from_k0sctl(data: bytes, file: str, environment: Mapping[str, str] | None = None) -> Draft:
    """Variables in the file are those of `environment`; raises InventoryError when the file is not k0sctl's."""
    filled: list[str] = []
    document, others = _documents(data, file, environment or {}, filled)
    spec = mapping(document.get("spec"))
    all_entries = [read_entry(at, mapping(entry)) for at, entry in enumerate(listed(spec.get("hosts")))]
    entries = [entry for entry in all_entries if not truth(entry.settings.get("reset"))]
    if not entries:
        raise refused(
            file,
            1,
            "the file has no hosts, or only hosts with `reset: true`, which leave the cluster",
            "give the path of a k0sctl.yaml that has spec.hosts",
        )
    k0s = mapping(spec.get("k0s"))
    config = mapping(mapping(k0s.get("config")).get("spec"))
    bastion, jump = _bastion(entries)
    outside = _outside_etcd(config)
    names = zip(entries, _names(entries), strict=True)
    hosts = tuple(_host(entry, name, jump, with_etcd=outside is None) for entry, name in names)
    data_dir = next((entry.data_dir for entry in entries if "control-plane" in entry.roles), DATA_DIR)
    return Draft(
        source=f"k0sctl's {file}",
        cluster=host_name(text(mapping(document.get("metadata")).get("name")) or "k0s-cluster"),
        hosts=(*((bastion,) if bastion else ()), *hosts),
        jump=jump,
        etcd={"data_dir": f"{data_dir}/etcd", "pki_dir": f"{data_dir}/pki/etcd"} if outside is None else {},
        kubernetes={"version": _version(k0s), **_kubernetes(config, hosts, data_dir)},
        notes=(
            *_notes(entries, config, hosts),
            *_left_out(all_entries, others, k0s),
            *filled,
            *_unread(document, entries),
        ),
    )


def _documents(
    data: bytes, file: str, environment: Mapping[str, str], filled: list[str]
) -> tuple[Mapping[str, Any], list[str]]:
    """The cluster, with every ClusterConfig of the file merged into its own, and the kinds of the other documents."""
    documents = [mapping(substituted(each, environment, "", filled)) for each in read_documents(data, file)]
    clusters = [each for each in documents if _is(each, "k0sctl.", "cluster")]
    configs = [each for each in documents if _is(each, "k0s.", "clusterconfig")]
    if len(clusters) != 1:
        what = "this is not a cluster file of k0sctl" if not clusters else "the file has more than one cluster"
        raise refused(file, 1, what, "give the path of a k0sctl.yaml with one document of kind Cluster")
    cluster = dict(clusters[0])
    for config in configs:
        cluster = _merged(cluster, {"spec": {"k0s": {"config": config}}})
    others = [text(each.get("kind")) or "without a kind" for each in documents if each not in (*clusters, *configs)]
    return cluster, others


def _is(document: Mapping[str, Any], api: str, kind: str) -> bool:
    return str(document.get("apiVersion", "")).startswith(api) and str(document.get("kind", "")).lower() == kind


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings; where both have a value that is no mapping, that of `other`."""
    both = {
        key: _merged(one[key], value) if isinstance(one.get(key), Mapping) and isinstance(value, Mapping) else value
        for key, value in other.items()
    }
    return {**one, **both}


def _left_out(entries: list[HostEntry], others: list[str], k0s: Mapping[str, Any]) -> Iterator[str]:
    for entry in entries:
        if truth(entry.settings.get("reset")):
            yield f"spec.hosts[{entry.number}] is left out, as `reset: true` removes it from the cluster"
    if others:
        yield f"other documents of the file are not read: {', '.join(others)}"
    if (version := text(k0s.get("version"))) and _version(k0s) is None:
        yield f"version {version} of k0s is not a Kubernetes version, and is not imported"


def _names(entries: list[HostEntry]) -> Iterator[str]:
    """The host names in the file; others are numbered by role, as the file does not have them."""
    counts: dict[str, int] = {}
    for entry in entries:
        role = "worker" if "control-plane" not in entry.roles else "controller"
        counts[role] = counts.get(role, 0) + 1
        yield host_name(text(entry.settings.get("hostname")) or f"{role}-{counts[role]}")


def _outside_etcd(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The URLs of an etcd that k0s does not run; None where k0s runs it."""
    outside = mapping(mapping(mapping(config.get("storage")).get("etcd")).get("externalCluster"))
    return tuple(filter(None, map(text, listed(outside.get("endpoints"))))) if outside else None


def _host(entry: HostEntry, name: str, jump: str | None, *, with_etcd: bool) -> HostDraft:
    reach = text(entry.way.get("address")) or entry.windows_address
    private = text(entry.settings.get("privateAddress"))
    address = address_of(private, reach if private or not text(entry.settings.get("privateInterface")) else None)
    ssh = dict(_ssh(entry.way, "root" if "ssh" in entry.settings else None))
    if jump is not None and not mapping(entry.way.get("bastion")):
        ssh["jump"] = "none"
    return HostDraft(
        name=name,
        address=address,
        roles=tuple(role for role in entry.roles if with_etcd or role != "etcd"),
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


def _first_bastion(entries: list[HostEntry]) -> Mapping[str, Any]:
    return next((bastion for entry in entries if (bastion := mapping(entry.way.get("bastion")))), {})


def _bastion(entries: list[HostEntry]) -> tuple[HostDraft | None, str | None]:
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


def _notes(entries: list[HostEntry], config: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    yield "k0s runs this cluster, which is only watched; actions are refused: use k0s's own commands"
    if any(text(entry.settings.get("hostname")) is None for entry in entries):
        yield "hosts without a hostname have numbered names here: replace them by the names of their Kubernetes nodes"
    yield from _host_notes(entries, hosts)
    yield from _way_notes(entries)
    yield from _network_notes(mapping(config.get("network")))
    yield from _storage_notes(entries, mapping(config.get("storage")), _outside_etcd(config))


def _host_notes(entries: list[HostEntry], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    for entry, host in zip(entries, hosts, strict=True):
        interface, role = text(entry.settings.get("privateInterface")), text(entry.settings.get("role"))
        if host.address is None:
            on = f" on {interface}" if interface else ""
            yield f"the imported file has no address for {host.name}{on}: add it to this inventory"
        if role not in ROLES:
            yield f"the role {role} of {host.name} is not known: the host is a worker here"
        others = [f"--{flag}" for flag in entry.flags if flag not in ("enable-worker", "data-dir", "single")]
        if others:
            yield f"installFlags of {host.name}: these flags are not read: {', '.join(others)}"


def _way_notes(entries: list[HostEntry]) -> Iterator[str]:
    bastion = _first_bastion(entries)
    reach, key = text(bastion.get("address")), text(bastion.get("keyPath"))
    if key and reach and address_of(reach) is None:
        yield f"the SSH key {key} of {reach} is not copied: name it as IdentityFile in ssh_config"
    if len({repr(bastion_entry) for entry in entries if (bastion_entry := mapping(entry.way.get("bastion")))}) > 1:
        yield "there are several bastions; only the first is copied"
    if any("bastion" in mapping(entry.way.get("bastion")) for entry in entries):
        yield "a bastion behind another bastion is not copied: add it as ProxyJump in ssh_config"
    others = ("localhost", *WINDOWS_WAYS)
    if any(mapping(entry.settings.get(way)) for entry in entries for way in others):
        yield "hosts that k0sctl connects to without SSH have no SSH settings in this inventory"


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
        which = ", ".join(ranges) or "an inventory has one IP family only"
        yield f"the IPv6 networks of the dual-stack cluster are not copied: {which}"


def _storage_notes(
    entries: list[HostEntry], storage: Mapping[str, Any], outside: tuple[str, ...] | None
) -> Iterator[str]:
    single = any(entry.is_single for entry in entries)
    kind = text(storage.get("type")) or ("kine" if single else "etcd")
    if kind != "etcd":
        yield "the cluster does not keep its state in etcd: there is no quorum to observe"
    if outside is not None:
        urls = ", ".join(outside) or "without endpoints"
        yield f"etcd is external ({urls}): add its hosts to this inventory, with the role etcd"
    elif mapping(storage.get("etcd")):
        yield "spec.k0s.config.spec.storage.etcd is not read: compare the etcd peer addresses there with this inventory"
    folders = {entry.data_dir for entry in entries if "control-plane" in entry.roles}
    if len(folders) > 1:
        yield f"the controllers have different data folders ({', '.join(sorted(folders))}); an inventory has one"


def _unread(document: Mapping[str, Any], entries: list[HostEntry]) -> Iterator[str]:
    """Keys that nothing here reads, level by level."""
    spec = mapping(document.get("spec"))
    k0s = mapping(spec.get("k0s"))
    outer = mapping(k0s.get("config"))
    config = mapping(outer.get("spec"))
    yield from unread_keys("the file", document, _OBJECT)
    yield from unread_keys("metadata", mapping(document.get("metadata")), _METADATA)
    yield from unread_keys("spec", spec, frozenset(("hosts", "k0s")))
    for entry in entries:
        place = f"spec.hosts[{entry.number}]"
        yield from unread_keys(place, entry.settings, _READ["host"])
        yield from unread_keys(f"{place}.{entry.kind}", entry.way, _WAY)
        yield from unread_keys(f"{place}.{entry.kind}.bastion", mapping(entry.way.get("bastion")), _WAY)
        for way in WINDOWS_WAYS:
            yield from unread_keys(f"{place}.{way}", mapping(entry.settings.get(way)), frozenset(("address",)))
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
