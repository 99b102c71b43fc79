"""k0sctl: the cluster file of k0s (apiVersion k0sctl.k0sproject.io, kind Cluster; its README names the fields)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.plain import listed, mapping, number, read_yaml, refused, text

_ROLES = {
    "controller": ("etcd", "control-plane"),
    "server": ("etcd", "control-plane"),
    "controller+worker": ("etcd", "control-plane", "worker"),
    "server+worker": ("etcd", "control-plane", "worker"),
    "single": ("etcd", "control-plane", "worker"),
    "worker": ("worker",),
}
BASTION = "bastion"


def from_k0sctl(data: bytes, file: str) -> Draft:
    """Raises InventoryError when the file is none of k0sctl's."""
    document = mapping(read_yaml(data, file))
    spec = mapping(document.get("spec"))
    entries = [mapping(entry) for entry in listed(spec.get("hosts"))]
    if not entries or not str(document.get("apiVersion", "")).startswith("k0sctl."):
        raise refused(file, 1, "this is no cluster file of k0sctl, or it has no hosts", "name a k0sctl.yaml")
    config = mapping(mapping(mapping(spec.get("k0s")).get("config")).get("spec"))
    bastion, jump = _bastion(entries)
    hosts = tuple(_host(entry, name, jump) for entry, name in zip(entries, _names(entries), strict=True))
    data_dir = text(entries[0].get("dataDir")) or "/var/lib/k0s"
    return Draft(
        source=f"k0sctl's {file}",
        cluster=host_name(text(mapping(document.get("metadata")).get("name")) or "k0s-cluster"),
        hosts=(*((bastion,) if bastion else ()), *hosts),
        jump=jump,
        etcd={"data_dir": f"{data_dir}/etcd", "pki_dir": f"{data_dir}/pki/etcd"},
        kubernetes=_kubernetes(config, hosts, data_dir),
        notes=tuple(_notes(entries, config, hosts)),
    )


def _way(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(entry.get("ssh")) or mapping(entry.get("openSSH"))


def _names(entries: list[Mapping[str, Any]]) -> Iterator[str]:
    """The host names that are said; others are numbered by role, as the file does not know them."""
    counts: dict[str, int] = {}
    for entry in entries:
        role = "worker" if entry.get("role") == "worker" else "controller"
        counts[role] = counts.get(role, 0) + 1
        yield host_name(text(entry.get("hostname")) or f"{role}-{counts[role]}")


def _host(entry: Mapping[str, Any], name: str, jump: str | None) -> HostDraft:
    way = _way(entry)
    reach = text(way.get("address"))
    address = address_of(text(entry.get("privateAddress")), reach)
    ssh = dict(_ssh(way, "root" if "ssh" in entry else None))
    if jump is not None and not mapping(way.get("bastion")):
        ssh["jump"] = "none"
    return HostDraft(
        name=name,
        address=address,
        roles=_ROLES.get(text(entry.get("role")) or "", ("worker",)),
        ssh=ssh,
        ssh_address=reach if reach != address else None,
    )


def _ssh(way: Mapping[str, Any], default_user: str | None) -> Settings:
    user = text(way.get("user")) or default_user
    port = number(way.get("port"))
    return {
        "user": user,
        "port": port if port != 22 else None,
        "identity_file": text(way.get("keyPath")),
        "config": text(way.get("configPath")),
        "sudo": "none" if user == "root" else None,
    }


def _bastion(entries: list[Mapping[str, Any]]) -> tuple[HostDraft | None, str | None]:
    """The first bastion there is: a host of the inventory, or an outside one when only its name is known."""
    way = next((found for entry in entries if (found := mapping(_way(entry).get("bastion")))), None)
    reach = text(way.get("address")) if way else None
    if way is None or reach is None:
        return None, None
    ssh = {**_ssh(way, "root"), "sudo": None}
    if address := address_of(reach):
        return HostDraft(BASTION, address, ("bastion",), ssh), BASTION
    return None, f"{ssh['user']}@{reach}{f':{port}' if (port := ssh['port']) else ''}"


def _kubernetes(config: Mapping[str, Any], hosts: tuple[HostDraft, ...], data_dir: str) -> Settings:
    api, network = mapping(config.get("api")), mapping(config.get("network"))
    port = number(api.get("port")) or 6443
    planes = [host.address for host in hosts if "control-plane" in host.roles and host.address]
    known = text(api.get("externalAddress")) or _vip(network) or next(iter(planes), None)
    return {
        "endpoint": join_host_port(known, port) if known else None,
        "api_port": port if port != 6443 else None,
        "service_cidr": text(network.get("serviceCIDR")) or "10.96.0.0/12",
        "pod_cidr": text(network.get("podCIDR")) or "10.244.0.0/16",
        "cluster_domain": text(network.get("clusterDomain")),
        "pki_dir": f"{data_dir}/pki",
        "extra_sans": tuple(filter(None, map(text, listed(api.get("sans"))))),
    }


def _vip(network: Mapping[str, Any]) -> str | None:
    """The first virtual address of k0s's own balancing of the control plane."""
    balancing = mapping(network.get("controlPlaneLoadBalancing"))
    for instance in listed(mapping(balancing.get("keepalived")).get("vrrpInstances")):
        for address in listed(mapping(instance).get("virtualIPs")):
            return address_of((text(address) or "").partition("/")[0])
    return None


def _notes(entries: list[Mapping[str, Any]], config: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    yield "k0s itself starts etcd and the control plane: use this to build a cluster anew, not to change that one"
    if any(text(entry.get("hostname")) is None for entry in entries):
        yield "hosts without a hostname are numbered here: write the names their nodes have"
    for host in hosts:
        if host.address is None:
            yield f"the address of {host.name} is not in the file: add it"
    if text(mapping(config.get("storage")).get("type")) not in (None, "etcd"):
        yield "the cluster does not keep its state in etcd: there is no quorum to look at"
    if len({repr(found) for entry in entries if (found := mapping(_way(entry).get("bastion")))}) > 1:
        yield "there are several bastions; only the first is taken over"
    if any(mapping(entry.get("localhost")) or mapping(entry.get("winrm")) for entry in entries):
        yield "hosts that are not reached by SSH are here without a way to them"
