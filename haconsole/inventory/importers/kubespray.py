"""kubespray: an Ansible inventory whose groups are roles, with settings in `group_vars`.

Group names and defaults are those of kubespray's documentation (docs/ansible) and of its defaults role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.ansible import AnsibleInventory, read_inventory
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.plain import listed, mapping, number, refused, text

CONTROL_PLANE = ("kube_control_plane", "kube-controlplane", "kube_controlplane", "kube-master", "kube_master")
WORKER = ("kube_node", "kube-node")
CERTIFICATES = {
    "ca_cert": "ca.pem",
    "ca_key": "ca-key.pem",
    "server_cert": "member-{host}.pem",
    "server_key": "member-{host}-key.pem",
    "peer_cert": "member-{host}.pem",
    "peer_key": "member-{host}-key.pem",
    "client_cert": "admin-{host}.pem",
    "client_key": "admin-{host}-key.pem",
}
"""etcd's files as kubespray names them (roles/etcd/templates/etcd.env.j2)."""
_PLACEMENT = {"host": "systemd", "docker": "systemd", "kubeadm": "static-pod"}


def from_kubespray(data: bytes, file: str, cluster: str, group_vars: Mapping[str, Mapping[str, Any]]) -> Draft:
    """`group_vars` are the variables of each group's files, merged; raises InventoryError when there is no host."""
    inventory = read_inventory(data, file)
    _complete(inventory)
    for group, variables in group_vars.items():
        inventory.group(group).variables.update(variables)
    roles = _roles(inventory)
    if not roles:
        wanted = f"{CONTROL_PLANE[0]}, etcd and {WORKER[0]}"
        raise refused(file, 1, f"no host stands in the groups {wanted}", "name an inventory of kubespray")
    planes = [name for name, has in roles.items() if "control-plane" in has]
    settings = inventory.variables((planes or list(roles))[0])
    members = inventory.members("etcd")
    hosts = tuple(_host(inventory, name, has, members) for name, has in roles.items())
    bastion, jump = _bastion(inventory)
    endpoint = _endpoint(settings, [host.address for host in hosts if "control-plane" in host.roles])
    return Draft(
        source=f"kubespray's {file}",
        cluster=host_name(cluster),
        hosts=(*((bastion,) if bastion else ()), *hosts),
        jump=jump,
        etcd=_etcd(settings),
        kubernetes=_kubernetes(settings, endpoint) if planes else None,
        notes=tuple(_notes(inventory, settings, hosts)),
    )


def _complete(inventory: AnsibleInventory) -> None:
    """kubespray itself makes the group of all nodes where the file does not, so that its variables hold."""
    for name in ("k8s_cluster", "k8s-cluster"):
        if not inventory.members(name):
            inventory.group(name).children.update(dict.fromkeys((*CONTROL_PLANE, *WORKER)))


def _roles(inventory: AnsibleInventory) -> dict[str, tuple[str, ...]]:
    planes = {host for group in CONTROL_PLANE for host in inventory.members(group)}
    workers = {host for group in WORKER for host in inventory.members(group)}
    etcd = set(inventory.members("etcd"))
    named = (("etcd", etcd), ("control-plane", planes), ("worker", workers))
    return {
        name: tuple(role for role, hosts in named if name in hosts)
        for name in inventory.host_variables
        if name in etcd | planes | workers
    }


def _host(inventory: AnsibleInventory, name: str, roles: tuple[str, ...], members: tuple[str, ...]) -> HostDraft:
    known = inventory.variables(name)
    reach = text(known.get("ansible_host")) or text(known.get("ansible_ssh_host")) or name
    address = address_of(text(known.get("access_ip")), text(known.get("ip")), reach)
    member = text(known.get("etcd_member_name")) or (f"etcd{members.index(name) + 1}" if name in members else None)
    return HostDraft(
        name=host_name(name),
        address=address,
        roles=roles,
        ssh=_ssh(known),
        ssh_address=reach if reach not in (address, name) or address is None else None,
        etcd_name=member if name in members and member != host_name(name) else None,
    )


def _ssh(known: Mapping[str, Any]) -> Settings:
    user = text(known.get("ansible_user")) or text(known.get("ansible_ssh_user"))
    asked = any(key in known for key in ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"))
    key = known.get("ansible_ssh_private_key_file") or known.get("ansible_private_key_file")
    return {
        "user": user,
        "port": number(known.get("ansible_port")) or number(known.get("ansible_ssh_port")),
        "identity_file": text(key),
        "sudo": "none" if user == "root" else "password" if asked else None,
    }


def _bastion(inventory: AnsibleInventory) -> tuple[HostDraft | None, str | None]:
    """The bastion as a host, or as an outside jump host when its address is not known."""
    names = inventory.members("bastion")
    if not names:
        return None, None
    known = inventory.variables(names[0])
    reach = text(known.get("ansible_host")) or text(known.get("ansible_ssh_host")) or names[0]
    address = address_of(text(known.get("ip")), reach)
    ssh = _ssh(known)
    if address is None:
        user, port = ssh.get("user"), ssh.get("port")
        return None, f"{f'{user}@' if user else ''}{reach}{f':{port}' if port else ''}"
    name = host_name(names[0])
    outside = reach if reach != address else None
    return HostDraft(name, address, ("bastion",), {**ssh, "sudo": None}, outside), name


def _etcd(settings: Mapping[str, Any]) -> Settings:
    placement = _PLACEMENT.get(text(settings.get("etcd_deployment_type")) or "host", "systemd")
    if settings.get("etcd_kubeadm_enabled") is True:
        placement = "static-pod"
    data: Settings = {"placement": placement, "data_dir": text(settings.get("etcd_data_dir")) or "/var/lib/etcd"}
    if placement == "static-pod":
        return data
    return {
        **data,
        "binary": f"{text(settings.get('bin_dir')) or '/usr/local/bin'}/etcd",
        "config_file": "/etc/etcd.env",
        "pki_dir": text(settings.get("etcd_cert_dir")) or "/etc/ssl/etcd/ssl",
        "files": CERTIFICATES,
        "heartbeat_ms": number(settings.get("etcd_heartbeat_interval")) or 250,
        "election_ms": number(settings.get("etcd_election_timeout")) or 5000,
    }


def _kubernetes(settings: Mapping[str, Any], endpoint: str | None) -> Settings:
    domain = text(settings.get("dns_domain")) or text(settings.get("cluster_name"))
    return {
        "deployment": "kubeadm",
        "version": text(settings.get("kube_version")),
        "endpoint": endpoint,
        "api_port": number(settings.get("kube_apiserver_port")),
        "service_cidr": text(settings.get("kube_service_addresses")) or "10.233.0.0/18",
        "pod_cidr": text(settings.get("kube_pods_subnet")) or "10.233.64.0/18",
        "cluster_domain": domain,
        "pki_dir": text(settings.get("kube_cert_dir")) or "/etc/kubernetes/ssl",
        "binary_dir": text(settings.get("bin_dir")),
        "extra_sans": tuple(filter(None, map(text, listed(settings.get("supplementary_addresses_in_ssl_keys"))))),
    }


def _endpoint(settings: Mapping[str, Any], planes: list[str | None]) -> str | None:
    """kubespray's balancer or kube-vip address, else the first control plane."""
    balancer = mapping(settings.get("loadbalancer_apiserver"))
    api_port = number(settings.get("kube_apiserver_port")) or 6443
    vip = text(settings.get("kube_vip_address"))
    outside = text(settings.get("apiserver_loadbalancer_domain_name")) or text(balancer.get("address"))
    host = (outside if balancer else None) or vip or next((address for address in planes if address), None)
    return join_host_port(host, number(balancer.get("port")) or api_port) if host else None


def _notes(inventory: AnsibleInventory, settings: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    planes = [host for host in hosts if "control-plane" in host.roles]
    if len(planes) > 1 and not mapping(settings.get("loadbalancer_apiserver")) and not settings.get("kube_vip_address"):
        yield f"kubespray balances on each node by itself; endpoint is {planes[0].name} alone, put a balancer there"
    for host in hosts:
        if host.address is None:
            yield f"the address of {host.name} is not in the file: add it"
    for name in inventory.host_variables:
        if host_name(name) != name:
            yield f"host {name} is called {host_name(name)} here, as DNS knows no other letters"
    known = [inventory.variables(name) for name in inventory.host_variables]
    if any("ansible_ssh_common_args" in each for each in known):
        yield "ansible_ssh_common_args is not taken over: write a jump host as ssh.jump"
    if any(key.endswith(("_pass", "_password")) for each in known for key in each):
        yield "passwords are not taken over: SSH keys log in, and a sudo password is asked for"
    if any(isinstance(value, str) and "{{" in value for value in settings.values()):
        yield "settings that are templates ({{ }}) are not taken over: compare with the cluster's own"
    if text(settings.get("etcd_deployment_type")) == "docker":
        yield "etcd runs in Docker there, which is told here as a systemd unit"
