"""kubespray: an Ansible inventory whose groups are roles, with settings in `group_vars`.

Group names and defaults are those of kubespray's documentation (docs/ansible) and of its defaults role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.ansible import AnsibleInventory, VariableFiles, encrypted_lines, read_inventory
from haconsole.inventory.importers.ansible_ssh import (
    PASSWORDS,
    SSH_VARIABLES,
    jump_of,
    reached_at,
    ssh_notes,
    ssh_settings,
    unread,
)
from haconsole.inventory.importers.ansible_templates import templates
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.plain import listed, mapping, number, refused, text, truth

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
TOKEN = "k8s_etcd"
_PLACEMENT = {"host": "systemd", "docker": "systemd", "kubeadm": "static-pod"}
_NUMBERS = (
    "etcd_metrics_port",
    "etcd_heartbeat_interval",
    "etcd_election_timeout",
    "etcd_quota_backend_bytes",
    "kube_apiserver_port",
    "kube_network_node_prefix",
    "ansible_port",
)
_IPV6_DEFAULTS = {
    "kube_service_addresses_ipv6": "fd85:ee78:d8a6:8607::1000/116",
    "kube_pods_subnet_ipv6": "fd85:ee78:d8a6:8607::1:0000/112",
    "kube_network_node_prefix_ipv6": 120,
}
_OTHER_TOOL = ("SERVICE_CIDR", "CLUSTER_CIDR", "SECURE_PORT")
_READ = SSH_VARIABLES | {
    "access_ip",
    "ip",
    "etcd_member_name",
    "etcd_deployment_type",
    "etcd_kubeadm_enabled",
    "etcd_data_dir",
    "etcd_cert_dir",
    "etcd_heartbeat_interval",
    "etcd_election_timeout",
    "etcd_quota_backend_bytes",
    "etcd_metrics_port",
    "bin_dir",
    "cluster_name",
    "dns_domain",
    "kube_version",
    "kube_apiserver_port",
    "kube_service_addresses",
    "kube_pods_subnet",
    "kube_network_node_prefix",
    "kube_cert_dir",
    "kube_config_dir",
    "supplementary_addresses_in_ssl_keys",
    "loadbalancer_apiserver",
    "apiserver_loadbalancer_domain_name",
    "kube_vip_enabled",
    "kube_vip_address",
    "kube_vip_controlplane_enabled",
    "enable_dual_stack_networks",
    "access_ip6",
    "ip6",
    "ipv4_stack",
    "ipv6_stack",
    "kube_network_node_prefix_ipv6",
    "kube_service_addresses_ipv6",
    "kube_pods_subnet_ipv6",
}


def from_kubespray(data: bytes, file: str, cluster: str, files: VariableFiles) -> Draft:
    """Raises InventoryError when there is no host, or the file is another tool's."""
    inventory = read_inventory(data, file)
    _complete(inventory)
    inventory.files = files
    _refuse_other_tools(inventory, file)
    roles = _roles(inventory)
    if not roles:
        groups = f"{CONTROL_PLANE[0]}, etcd and {WORKER[0]}"
        raise refused(file, 1, f"there is no host in the groups {groups}", "give the path of an inventory of kubespray")
    planes = [name for name, has in roles.items() if "control-plane" in has]
    settings = inventory.settings((planes or list(roles))[0])
    members = inventory.members("etcd")
    of_etcd = inventory.settings(members[0]) if members else settings
    etcd = _etcd(of_etcd)
    numbered = etcd["placement"] == "systemd"
    hosts = tuple(_host(inventory, name, has, members if numbered else ()) for name, has in roles.items())
    bastion, jump = _bastion(inventory)
    endpoint = _endpoint(settings, [host.address for host in hosts if "control-plane" in host.roles])
    return Draft(
        source=f"kubespray's {file}",
        cluster=host_name(cluster),
        hosts=(*((bastion,) if bastion else ()), *hosts),
        jump=jump,
        etcd=etcd,
        kubernetes=_kubernetes(settings, endpoint) if planes else None,
        notes=(
            *_notes(inventory, settings, hosts),
            *_etcd_notes(of_etcd),
            *ssh_notes(inventory, roles, bastion),
            *_value_notes(inventory, roles),
            *inventory.notes,
            *(
                f"{file}:{line}: encrypted value (left out)"
                for line in encrypted_lines(data.decode("utf-8", "replace"))
            ),
            *files.notes,
            *unread((*inventory.origins, *files.origins), _READ),
        ),
    )


def _refuse_other_tools(inventory: AnsibleInventory, file: str) -> None:
    known = {name for group in inventory.groups.values() for name in group.variables}
    if any(name in known for name in _OTHER_TOOL):
        raise refused(file, 1, "the file has the variables of kubeasz", "use `haconsole import kubeasz`")


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
    """`members` are numbered by their order in the group etcd; a stacked member has its node's name."""
    known = inventory.settings(name)
    reach = reached_at(known, name)
    address = address_of(*(text(known.get(variable)) for variable in _own_addresses(known)), reach)
    member = text(known.get("etcd_member_name")) or (f"etcd{members.index(name) + 1}" if name in members else None)
    ssh = dict(ssh_settings(known))
    if jump := jump_of(known):
        ssh["jump"] = jump
    return HostDraft(
        name=host_name(name),
        address=address,
        roles=roles,
        ssh=ssh,
        ssh_address=reach if reach not in (address, name) or address is None else None,
        etcd_name=member if name in members and member != host_name(name) else None,
    )


def _is_ipv6_only(settings: Mapping[str, Any]) -> bool:
    return truth(settings.get("ipv6_stack")) and settings.get("ipv4_stack", True) is False


def _own_addresses(settings: Mapping[str, Any]) -> tuple[str, str]:
    """The variables of a host's address in the cluster; IPv4 is the first family where there are two."""
    return ("access_ip6", "ip6") if _is_ipv6_only(settings) else ("access_ip", "ip")


def _networks(settings: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """The networks of services and pods, and each node's part."""
    if _is_ipv6_only(settings):
        services, pods, prefix = ({**_IPV6_DEFAULTS, **settings}[name] for name in _IPV6_DEFAULTS)
        return text(services) or "", text(pods) or "", number(prefix)
    services, pods = text(settings.get("kube_service_addresses")), text(settings.get("kube_pods_subnet"))
    return services or "10.233.0.0/18", pods or "10.233.64.0/18", number(settings.get("kube_network_node_prefix"))


def _bastion(inventory: AnsibleInventory) -> tuple[HostDraft | None, str | None]:
    """The bastion as a host, or as an outside jump host when its address is not known."""
    names = inventory.members("bastion")
    if not names:
        return None, None
    known = inventory.settings(names[0])
    reach = reached_at(known, names[0])
    address = address_of(text(known.get("ip")), reach)
    ssh = ssh_settings(known)
    if address is None:
        user, port = ssh.get("user"), ssh.get("port")
        return None, f"{f'{user}@' if user else ''}{reach}{f':{port}' if port else ''}"
    name = host_name(names[0])
    outside = reach if reach != address else None
    return HostDraft(name, address, ("bastion",), {**ssh, "sudo": None}, outside), name


def _etcd(settings: Mapping[str, Any]) -> Settings:
    placement = _PLACEMENT.get(text(settings.get("etcd_deployment_type")) or "host", "systemd")
    if truth(settings.get("etcd_kubeadm_enabled")):
        placement = "static-pod"
    stacked = placement == "static-pod"
    heartbeat, election = number(settings.get("etcd_heartbeat_interval")), number(settings.get("etcd_election_timeout"))
    return {
        "placement": placement,
        "metrics_port": number(settings.get("etcd_metrics_port")),
        "data_dir": text(settings.get("etcd_data_dir")) or "/var/lib/etcd",
        "binary": None if stacked else f"{text(settings.get('bin_dir')) or '/usr/local/bin'}/etcd",
        "config_file": None if stacked else "/etc/etcd.env",
        "pki_dir": None if stacked else text(settings.get("etcd_cert_dir")) or "/etc/ssl/etcd/ssl",
        "files": None if stacked else CERTIFICATES,
        "token": None if stacked else TOKEN,
        "heartbeat_ms": heartbeat or 250,
        "election_ms": election or 5000,
        "quota_bytes": number(settings.get("etcd_quota_backend_bytes")),
    }


def _kubernetes(settings: Mapping[str, Any], endpoint: str | None) -> Settings:
    name = text(settings.get("cluster_name"))
    services, pods, prefix = _networks(settings)
    return {
        "deployment": "kubeadm",
        "version": text(settings.get("kube_version")),
        "endpoint": endpoint,
        "api_port": number(settings.get("kube_apiserver_port")),
        "service_cidr": services,
        "pod_cidr": pods,
        "node_prefix": prefix,
        "cluster_name": name,
        "cluster_domain": text(settings.get("dns_domain")) or name,
        "pki_dir": text(settings.get("kube_cert_dir")) or "/etc/kubernetes/ssl",
        "config_dir": text(settings.get("kube_config_dir")),
        "binary_dir": text(settings.get("bin_dir")),
        "extra_sans": tuple(filter(None, map(text, listed(settings.get("supplementary_addresses_in_ssl_keys"))))),
    }


def _vip(settings: Mapping[str, Any]) -> str | None:
    """kube-vip's address where kube-vip is switched on."""
    return text(settings.get("kube_vip_address")) if truth(settings.get("kube_vip_enabled")) else None


def _endpoint(settings: Mapping[str, Any], planes: list[str | None]) -> str | None:
    """kubespray's balancer or kube-vip address, else the first control plane."""
    balancer = mapping(settings.get("loadbalancer_apiserver"))
    api_port = number(settings.get("kube_apiserver_port")) or 6443
    outside = text(settings.get("apiserver_loadbalancer_domain_name")) or text(balancer.get("address"))
    host = (outside if balancer else None) or _vip(settings) or next((address for address in planes if address), None)
    return join_host_port(host, number(balancer.get("port")) or api_port) if host else None


def _notes(inventory: AnsibleInventory, settings: Mapping[str, Any], hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    planes = [host for host in hosts if "control-plane" in host.roles]
    balancer = settings.get("loadbalancer_apiserver")
    if balancer is not None and not mapping(balancer):
        yield "loadbalancer_apiserver is not a mapping of address and port, and is not read"
    elif len(planes) > 1 and not balancer and not _vip(settings):
        only = f"the endpoint is only {planes[0].name}: set it to a load balancer if there is one"
        yield f"kubespray runs a load balancer on each node, so {only}"
    if text(settings.get("apiserver_loadbalancer_domain_name")) and not balancer:
        yield "apiserver_loadbalancer_domain_name is not used, as loadbalancer_apiserver is not set"
    if text(settings.get("kube_vip_address")) and not truth(settings.get("kube_vip_enabled")):
        yield "kube_vip_address is not used, as kube_vip_enabled is not true"
    dual = truth(settings.get("enable_dual_stack_networks")) or truth(settings.get("ipv6_stack"))
    if dual and not _is_ipv6_only(settings):
        yield "the IPv6 networks of the dual-stack cluster are not copied: an inventory has one IP family only"
    yield from _host_notes(inventory, hosts)


def _host_notes(inventory: AnsibleInventory, hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    for host in hosts:
        if host.address is None:
            yield f"the imported file has no address for {host.name}: add it to this inventory"
    copied = {host.name for host in hosts}
    others = [name for name in inventory.host_variables if host_name(name) not in copied]
    others = [name for name in others if name not in (*inventory.members("bastion"), "localhost")]
    if others:
        yield f"hosts in none of the groups etcd, control plane and node are left out: {', '.join(others)}"
    for name in inventory.host_variables:
        if host_name(name) != name and name not in others:
            yield f"host {name} is renamed {host_name(name)}: DNS names allow only letters, digits and hyphens"


def _value_notes(inventory: AnsibleInventory, hosts: Iterable[str]) -> Iterator[str]:
    """Settings that are not copied because of their values, each with the hosts that have it."""
    unfilled: dict[str, list[str]] = {}
    wrong: dict[str, list[str]] = {}
    public: list[str] = []
    for host in hosts:
        known = inventory.settings(host)
        for name in templates(known, sorted(_READ.difference(PASSWORDS))):
            unfilled.setdefault(name, []).append(host)
        for name in _NUMBERS:
            value = text(known.get(name))
            if value is not None and number(value) is None:
                wrong.setdefault(f"{name} is {value}, which is not a number", []).append(host)
        if not any(known.get(name) for name in _own_addresses(known)) and _is_public(reached_at(known, host)):
            public.append(host)
    for name, of in unfilled.items():
        yield f"{name} of {_several(of)} is a template ({{{{ }}}}) that is not filled in here, and is not copied"
    for what, of in wrong.items():
        yield f"{what}, so it is not copied ({_several(of)})"
    if public:
        yield (
            f"{_several(public)}: `ip` is not set, so kubespray uses the address of the default interface; check "
            "`address`"
        )


def _is_public(reach: str) -> bool:
    address = address_of(reach)
    return address is not None and not ip_address(address).is_private


def _several(hosts: list[str]) -> str:
    more = f" and {len(hosts) - 3} others" if len(hosts) > 3 else ""
    return f"{', '.join(hosts[:3])}{more}"


def _etcd_notes(settings: Mapping[str, Any]) -> Iterator[str]:
    if text(settings.get("etcd_deployment_type")) == "docker":
        yield "etcd runs in Docker in that cluster; the inventory describes it as a systemd unit"
    if not truth(settings.get("etcd_kubeadm_enabled")) and settings.get("etcd_deployment_type") != "kubeadm":
        yield "the API servers use node-HOST.pem in etcd.pki_dir for etcd: certificate checks do not cover these files"
