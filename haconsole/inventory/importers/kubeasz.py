"""kubeasz: an Ansible hosts file with capital variables, and the `config.yml` beside it, which overrides it.

Groups, names and defaults are those of its example files and of its roles etcd, kube-master and ex-lb.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.ansible import AnsibleInventory, Origin, VariableFiles, read_inventory
from haconsole.inventory.importers.ansible_ssh import (
    SSH_VARIABLES,
    jump_of,
    reached_at,
    ssh_notes,
    ssh_settings,
    unread,
)
from haconsole.inventory.importers.ansible_templates import resolved
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.plain import first_family, listed, mapping, number, read_yaml, refused, text

CONTROL_PLANE = ("kube_master", "kube-master")
WORKER = ("kube_node", "kube-node")
BALANCER = ("ex_lb", "ex-lb", "lb")
CERTIFICATES = {
    "ca_cert": "ca.pem",
    "ca_key": "ca-key.pem",
    **{
        f"{use}_{part}": f"etcd{ending}.pem"
        for use in ("server", "peer", "client")
        for part, ending in (("cert", ""), ("key", "-key"))
    },
}
"""etcd's files in `ca_dir`: one certificate serves clients and peers, and is the client certificate too."""
TOKEN = "etcd-cluster-0"
QUOTA_BYTES = 8 << 30
_URL = re.compile(r"https://([A-Za-z0-9.-]+):([0-9]{1,5})")
_MADE_NAME = re.compile(r"k8s-\{\{\s*inventory_hostname\s*\|\s*replace\('\.', *'-'\)\s*\}\}")
_VERSION = re.compile(r"v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)")
_READ = SSH_VARIABLES | {
    "NODE_NAME",
    "k8s_nodename",
    "K8S_NODENAME",
    "LB_ROLE",
    "MASTER_IP",
    "KUBE_APISERVER",
    "LB_IF",
    "EX_APISERVER_VIP",
    "EX_APISERVER_PORT",
    "SECURE_PORT",
    "SERVICE_CIDR",
    "CLUSTER_CIDR",
    "CLUSTER_DNS_DOMAIN",
    "NODE_CIDR_LEN",
    "MASTER_CERT_HOSTS",
    "K8S_VER",
    "CLUSTER_NAME",
    "ETCD_DATA_DIR",
    "ETCD_WAL_DIR",
    "bin_dir",
    "ca_dir",
    "base_dir",
    "cluster_dir",
}


class ConfigFile(msgspec.Struct, frozen=True):
    """The variables of `config.yml`; `place` is its path, for notes."""

    place: str = ""
    variables: Mapping[str, Any] = msgspec.field(default_factory=dict)


def read_config(data: bytes, place: str) -> ConfigFile:
    """Raises InventoryError when it is not YAML."""
    return ConfigFile(place, mapping(read_yaml(data, place)))


def from_kubeasz(data: bytes, file: str, cluster: str, config: ConfigFile, files: VariableFiles) -> Draft:
    """Raises InventoryError when no host has a role of kubeasz."""
    inventory = read_inventory(data, file)
    inventory.files = files
    _set_node_names(inventory, config)
    roles = _roles(inventory)
    if not roles:
        groups = f"{CONTROL_PLANE[0]}, etcd and {WORKER[0]}"
        raise refused(file, 1, f"there is no host in the groups {groups}", "give the path of a hosts file of kubeasz")
    planes = [name for name, has in roles.items() if "control-plane" in has]
    first = (planes or list(roles))[0]
    settings = resolved({**inventory.variables(first), **config.variables}, first)
    hosts = tuple(_host(inventory, name, has) for name, has in roles.items())
    own_name = text(settings.get("CLUSTER_NAME"))
    return Draft(
        source=f"kubeasz's {file}",
        cluster=host_name(own_name or cluster),
        hosts=hosts,
        etcd=_etcd(settings),
        kubernetes=_kubernetes(settings, _endpoint(inventory, settings, hosts)) if planes else None,
        notes=(
            *_notes(inventory, settings, hosts),
            *inventory.notes,
            *files.notes,
            *unread((*inventory.origins, *files.origins, *_origins(config)), _READ),
        ),
    )


def _set_node_names(inventory: AnsibleInventory, config: ConfigFile) -> None:
    """Names of nodes without k8s_nodename: from 3.6.5 on made of the address, before the address itself."""
    template = config.variables.get("K8S_NODENAME") or inventory.variables("all").get("K8S_NODENAME")
    if isinstance(template, str) and _MADE_NAME.search(template):
        for name, known in inventory.host_variables.items():
            if not text(inventory.variables(name).get("k8s_nodename")):
                known["k8s_nodename"] = f"k8s-{name.replace('.', '-')}"


def _origins(config: ConfigFile) -> Iterator[Origin]:
    yield from (Origin(config.place, name) for name in config.variables)


def _members(inventory: AnsibleInventory, groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for group in groups for host in inventory.members(group)))


def _roles(inventory: AnsibleInventory) -> dict[str, tuple[str, ...]]:
    named = (
        ("etcd", inventory.members("etcd")),
        ("control-plane", _members(inventory, CONTROL_PLANE)),
        ("worker", _members(inventory, WORKER)),
    )
    roles = {name: tuple(role for role, hosts in named if name in hosts) for name in inventory.host_variables}
    return {name: has for name, has in roles.items() if has}


def _host(inventory: AnsibleInventory, name: str, roles: tuple[str, ...]) -> HostDraft:
    """kubeasz listens on the name in the file, which is an address; the node may have another name."""
    known = inventory.settings(name)
    reach = reached_at(known, name)
    address = address_of(name, reach)
    node = host_name(text(known.get("k8s_nodename")) or name)
    member = text(known.get("NODE_NAME")) or f"etcd-{name}"
    ssh = dict(ssh_settings(known))
    if jump := jump_of(known):
        ssh["jump"] = jump
    return HostDraft(
        name=node,
        address=address,
        roles=roles,
        ssh=ssh,
        ssh_address=reach if reach != address else None,
        etcd_name=host_name(member) if "etcd" in roles else None,
    )


def _etcd(settings: Mapping[str, Any]) -> Settings:
    return {
        "data_dir": text(settings.get("ETCD_DATA_DIR")) or "/var/lib/etcd",
        "binary": f"{text(settings.get('bin_dir')) or '/opt/kube/bin'}/etcd",
        "pki_dir": text(settings.get("ca_dir")) or "/etc/kubernetes/ssl",
        "files": CERTIFICATES,
        "token": TOKEN,
        "quota_bytes": QUOTA_BYTES,
    }


def _kubernetes(settings: Mapping[str, Any], endpoint: str | None) -> Settings:
    services, _ = first_family(settings.get("SERVICE_CIDR"))
    pods, _ = first_family(settings.get("CLUSTER_CIDR"))
    return {
        "deployment": "kubeasz",
        "version": _version(settings),
        "endpoint": endpoint,
        "api_port": number(settings.get("SECURE_PORT")),
        "service_cidr": services or "10.68.0.0/16",
        "pod_cidr": pods or "172.20.0.0/16",
        "node_prefix": number(settings.get("NODE_CIDR_LEN")),
        "cluster_domain": (text(settings.get("CLUSTER_DNS_DOMAIN")) or "").rstrip(".") or None,
        "pki_dir": text(settings.get("ca_dir")) or "/etc/kubernetes/ssl",
        "binary_dir": text(settings.get("bin_dir")) or "/opt/kube/bin",
        "extra_sans": tuple(filter(None, map(text, listed(settings.get("MASTER_CERT_HOSTS"))))),
    }


def _version(settings: Mapping[str, Any]) -> str | None:
    match = _VERSION.fullmatch(text(settings.get("K8S_VER")) or "")
    return match[1] if match else None


def _balancer(inventory: AnsibleInventory) -> Mapping[str, Any]:
    return next((inventory.variables(name) for name in _members(inventory, BALANCER)), {})


def _endpoint(inventory: AnsibleInventory, settings: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> str | None:
    """The VIP of the outer balancers, else the first control plane; version 1 had both in one URL."""
    balancer = _balancer(inventory)
    if vip := text(balancer.get("EX_APISERVER_VIP")):
        return join_host_port(vip, number(balancer.get("EX_APISERVER_PORT")) or 8443)
    if url := _URL.fullmatch(text(settings.get("KUBE_APISERVER")) or ""):
        return join_host_port(url[1], int(url[2]))
    first = next((host.address for host in hosts if "control-plane" in host.roles and host.address), None)
    return join_host_port(first, number(settings.get("SECURE_PORT")) or 6443) if first else None


def _notes(inventory: AnsibleInventory, settings: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    planes = [host for host in hosts if "control-plane" in host.roles]
    yield "kubeasz runs this cluster, which is only watched; actions are refused: use kubeasz's own commands"
    balancers = _members(inventory, BALANCER)
    if balancers:
        yield f"the balancers of ex_lb run nginx (before kubeasz 3.1: haproxy) and are left out: {', '.join(balancers)}"
    elif len(planes) > 1:
        only = f"the endpoint is only {planes[0].name}: set it to a load balancer if there is one"
        yield f"kubeasz runs a load balancer on each node, so {only}"
    if text(settings.get("ETCD_WAL_DIR")):
        yield f"etcd's write-ahead log is in a folder of its own, {text(settings.get('ETCD_WAL_DIR'))}: check its disk"
    if text(settings.get("K8S_VER")) and not _version(settings):
        yield "K8S_VER is not a version, and is not copied"
    if any(inventory.variables(name).get("NODE_NAME") for name in inventory.members("etcd")):
        yield (
            "kubeasz before 3 keeps etcd's certificate and key in /etc/etcd/ssl: "
            "set etcd.pki_dir to this folder, and copy or link ca.pem into it"
        )
    yield from _family_notes(settings)
    for host in hosts:
        if host.address is None:
            yield f"the imported file has no address for {host.name}: add it to this inventory"
    yield from ssh_notes(inventory, _roles(inventory), None)
    templates = [name for name, value in settings.items() if name in _READ - _TEMPLATES and _is_template(value)]
    if templates:
        yield f"settings that are templates ({{{{ }}}}) are not copied: {', '.join(templates)}"


def _family_notes(settings: Mapping[str, Any]) -> Iterator[str]:
    for name in ("SERVICE_CIDR", "CLUSTER_CIDR"):
        if second := first_family(settings.get(name))[1]:
            yield f"the IPv6 networks of the dual-stack cluster are not copied: {second}"


_TEMPLATES = {"K8S_NODENAME", "cluster_dir"}
"""Variables that are templates in every file of kubeasz."""


def _is_template(value: object) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)
