"""kubekey: its cluster file (apiVersion kubekey.kubesphere.io, kind Cluster), with the defaults of its v1alpha2."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from haconsole.inventory.effective import join_host_port
from haconsole.inventory.importers.draft import Draft, HostDraft, Settings, address_of, host_name
from haconsole.inventory.importers.kubespray import CERTIFICATES, TOKEN
from haconsole.inventory.importers.plain import (
    first_family,
    listed,
    mapping,
    number,
    read_documents,
    refused,
    text,
    truth,
    unread_keys,
)

API_VERSION = "kubekey.kubesphere.io/"
MAX_HOSTS = 500
_NEWER_KINDS = ("Inventory", "Config", "Playbook")
_ROLES = {"etcd": "etcd", "master": "control-plane", "control-plane": "control-plane", "worker": "worker"}
_RANGE = re.compile(r"(.*)\[([0-9]{1,6}):([0-9]{1,6})\]")
_HOST = frozenset(
    ("name", "address", "internalAddress", "port", "user", "password", "privateKey", "privateKeyPath", "timeout")
)
_READ: Mapping[str, frozenset[str]] = {
    "controlPlaneEndpoint": frozenset(("internalLoadbalancer", "domain", "externalDNS", "address", "port")),
    "kubernetes": frozenset(
        ("version", "type", "clusterName", "dnsDomain", "nodeCidrMaskSize", "apiserverCertExtraSans")
    ),
    "etcd": frozenset(
        (
            "type",
            "external",
            "port",
            "peerPort",
            "dataDir",
            "heartbeatInterval",
            "electionTimeout",
            "quotaBackendBytes",
        )
    ),
    "network": frozenset(("kubePodsCIDR", "kubeServiceCIDR")),
}


class _Spec(msgspec.Struct, frozen=True):
    """The parts of `spec` that are read."""

    whole: Mapping[str, Any]

    def part(self, name: str) -> Mapping[str, Any]:
        return mapping(self.whole.get(name))

    @property
    def etcd_type(self) -> str:
        named = text(self.part("etcd").get("type")) or "kubekey"
        return "kubekey" if named == "kubeadm" and self.is_k3s else named

    @property
    def is_k3s(self) -> bool:
        return self.distribution == "k3s"

    @property
    def distribution(self) -> str:
        """``kubernetes`` for kubeadm's; the end of the version, as in ``v1.23.10-k8e``, wins over the type."""
        kubernetes = self.part("kubernetes")
        ending = re.search(r"-(k[0-9]\w*)$", text(kubernetes.get("version")) or "")
        return ending[1] if ending else text(kubernetes.get("type")) or "kubernetes"


def from_kubekey(data: bytes, file: str) -> Draft:
    """Raises InventoryError when the file is not kubekey's, or a group names a host that is not in it."""
    documents = [mapping(document) for document in read_documents(data, file)]
    document = _cluster(documents, file)
    spec = _Spec(mapping(document.get("spec")))
    entries = {text(entry.get("name")) or "": entry for entry in map(mapping, listed(spec.whole.get("hosts")))}
    if not entries or len(entries) > MAX_HOSTS:
        raise refused(
            file, 1, f"spec.hosts has {len(entries)} hosts, not 1 to {MAX_HOSTS}", "give the path of a cluster file"
        )
    roles = _roles(spec, entries, file)
    hosts = tuple(_host(entry, name, roles.get(name, ()), spec) for name, entry in entries.items() if roles.get(name))
    if not hosts:
        raise refused(file, 1, "roleGroups gives no host a role", "give the path of a cluster file of kubekey")
    return Draft(
        source=f"kubekey's {file}",
        cluster=host_name(text(mapping(document.get("metadata")).get("name")) or "kubekey"),
        hosts=hosts,
        etcd=_etcd(spec),
        kubernetes=_kubernetes(spec, _endpoint(spec, hosts)),
        notes=(
            *_notes(spec, entries, roles, hosts),
            *_version_notes(str(document.get("apiVersion")), spec, hosts),
            *_unread(document, spec, entries),
            *_unread_documents(documents),
        ),
    )


def _cluster(documents: list[Mapping[str, Any]], file: str) -> Mapping[str, Any]:
    """The document of the cluster; KubeSphere's settings may be in another document of the same file."""
    own = [each for each in documents if str(each.get("apiVersion", "")).startswith(API_VERSION)]
    clusters = [each for each in own if each.get("kind") == "Cluster"]
    if len(clusters) == 1:
        return clusters[0]
    hint = "give the path of the config-NAME.yaml that `kk create cluster` uses"
    kind = next((kind for each in own if (kind := text(each.get("kind"))) and kind in _NEWER_KINDS), None)
    if kind is not None:
        what = f"kind {kind} belongs to kubekey 4, whose files are not supported"
        raise refused(file, 1, what, "use `haconsole discover` on a control plane")
    if clusters:
        raise refused(file, 1, "the file has more than one document of kind Cluster", "keep one of them")
    what = "this is not a cluster file of kubekey: apiVersion kubekey.kubesphere.io and kind Cluster are missing"
    raise refused(file, 1, what, hint)


def _unread_documents(documents: list[Mapping[str, Any]]) -> Iterator[str]:
    kinds = [text(each.get("kind")) or "without a kind" for each in documents if each.get("kind") != "Cluster"]
    if kinds:
        yield f"other documents of the file are not read: {', '.join(kinds)}"


def _roles(spec: _Spec, entries: Mapping[str, Any], file: str) -> dict[str, tuple[str, ...]]:
    groups: dict[str, dict[str, None]] = {}
    for group, members in spec.part("roleGroups").items():
        if role := _ROLES.get(group):
            names = [name for member in listed(members) for name in _members(text(member) or "")]
            unknown = next((name for name in names if name not in entries), None)
            if unknown is not None:
                what = f"roleGroups.{group} names host {unknown!r}, which is not in spec.hosts"
                raise refused(file, 1, what, "add the host to spec.hosts, or remove its name from the group")
            groups.setdefault(role, {}).update(dict.fromkeys(names))
    order = ("etcd", "control-plane", "worker")
    return {name: tuple(role for role in order if name in groups.get(role, {})) for name in entries}


def _members(member: str) -> Iterator[str]:
    """``node[2:10]`` counts without leading zeros, and ends at the bracket, as in kubekey."""
    match = _RANGE.match(member)
    if match is None:
        yield member
        return
    for count in range(int(match[2]), min(int(match[3]), int(match[2]) + MAX_HOSTS) + 1):
        yield f"{match[1]}{count}"


def _host(entry: Mapping[str, Any], name: str, roles: tuple[str, ...], spec: _Spec) -> HostDraft:
    outer, _ = first_family(entry.get("address"))
    inner, _ = first_family(entry.get("internalAddress"))
    address = address_of(inner, outer)
    reach = outer or inner
    user = text(entry.get("user")) or "root"
    port = number(entry.get("port"))
    numbered = "etcd" in roles and spec.etcd_type == "kubekey"
    return HostDraft(
        name=host_name(name),
        address=address,
        roles=roles,
        ssh={
            "user": user,
            "port": port if port != 22 else None,
            "identity_file": text(entry.get("privateKeyPath")),
            "sudo": "none" if user == "root" else "password" if entry.get("password") else None,
        },
        ssh_address=reach if reach != address else None,
        etcd_name=host_name(f"etcd-{name}") if numbered else None,
    )


def _etcd(spec: _Spec) -> Settings:
    """kubeadm starts a stacked etcd with its own defaults: kubekey gives it none of the file's settings."""
    etcd = spec.part("etcd")
    if spec.etcd_type == "kubeadm":
        return {"placement": "static-pod", "data_dir": "/var/lib/etcd"}
    if spec.etcd_type == "external":
        return {}
    return {
        "client_port": number(etcd.get("port")),
        "peer_port": number(etcd.get("peerPort")),
        "data_dir": text(etcd.get("dataDir")) or "/var/lib/etcd",
        "binary": "/usr/local/bin/etcd",
        "config_file": "/etc/etcd.env",
        "pki_dir": "/etc/ssl/etcd/ssl",
        "files": CERTIFICATES,
        "token": TOKEN,
        "heartbeat_ms": number(etcd.get("heartbeatInterval")) or 250,
        "election_ms": number(etcd.get("electionTimeout")) or 5000,
        "quota_bytes": number(etcd.get("quotaBackendBytes")),
    }


def _kubernetes(spec: _Spec, endpoint: str | None) -> Settings:
    kubernetes, network = spec.part("kubernetes"), spec.part("network")
    services, _ = first_family(network.get("kubeServiceCIDR"))
    pods, _ = first_family(network.get("kubePodsCIDR"))
    version = (text(kubernetes.get("version")) or "").partition("-")[0]
    names = (_domain(spec), *map(text, listed(kubernetes.get("apiserverCertExtraSans"))))
    return {
        "deployment": "kubeadm",
        "version": version.removeprefix("v") or None,
        "endpoint": endpoint,
        "service_cidr": services or "10.233.0.0/18",
        "pod_cidr": pods or "10.233.64.0/18",
        "node_prefix": number(kubernetes.get("nodeCidrMaskSize")),
        "cluster_name": text(kubernetes.get("clusterName")) or "cluster.local",
        "cluster_domain": text(kubernetes.get("dnsDomain")),
        "extra_sans": tuple(dict.fromkeys(name for name in names if name)),
    }


def _domain(spec: _Spec) -> str:
    return text(spec.part("controlPlaneEndpoint").get("domain")) or "lb.kubesphere.local"


def _endpoint(spec: _Spec, hosts: tuple[HostDraft, ...]) -> str | None:
    """The balancer's or kube-vip's address, a name in DNS, else the first control plane."""
    point = spec.part("controlPlaneEndpoint")
    first = next((host.address for host in hosts if "control-plane" in host.roles and host.address), None)
    named = text(point.get("address"))
    outside = named if named != "127.0.0.1" else None
    known = outside or (_domain(spec) if truth(point.get("externalDNS")) else first)
    return join_host_port(known, number(point.get("port")) or 6443) if known else None


def _notes(
    spec: _Spec, entries: Mapping[str, Any], roles: Mapping[str, tuple[str, ...]], hosts: tuple[HostDraft, ...]
) -> Iterator[str]:
    yield from _cluster_notes(spec, hosts)
    for host in hosts:
        if host.address is None:
            yield f"the imported file has no address for {host.name}: add it to this inventory"
    counts = Counter(text(mapping(entry).get("name")) or "" for entry in listed(spec.whole.get("hosts")))
    for name in (name for name, count in counts.items() if count > 1):
        yield f"spec.hosts has {name or 'a host without a name'} {counts[name]} times: the last entry is used"
    idle = [name for name in entries if not roles.get(name)]
    if idle:
        yield f"hosts without a role in etcd, control-plane or worker are left out: {', '.join(idle)}"
    if any(entry.get("password") for entry in entries.values()):
        yield "passwords are not copied: log in with SSH keys, and the console prompts for a sudo password"
    if any(entry.get("privateKey") for entry in entries.values()):
        yield "private keys in the file are not copied: save each to a file and set ssh.identity_file"
    if any(first_family(entry.get("internalAddress"))[1] for entry in entries.values()):
        yield "second addresses of the dual-stack hosts are not copied: an inventory has one IP family only"


def _version_notes(api_version: str, spec: _Spec, hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    members = [host for host in hosts if "etcd" in host.roles]
    if api_version.endswith("/v1alpha1") and members and spec.etcd_type == "kubekey":
        named = ", ".join(f"etcd{at}" for at in range(1, len(members) + 1))
        yield f"etcd's members get the names that kubekey 1.2 and later use; earlier versions named them {named}"


def _cluster_notes(spec: _Spec, hosts: tuple[HostDraft, ...]) -> Iterator[str]:
    point, network = spec.part("controlPlaneEndpoint"), spec.part("network")
    planes = [host.name for host in hosts if "control-plane" in host.roles]
    balanced = text(point.get("address")) or truth(point.get("externalDNS"))
    if text(point.get("internalLoadbalancer")) == "haproxy":
        yield f"kubekey runs a balancer on each worker; the endpoint is only {planes[0]}: set it to a load balancer"
    elif len(planes) > 1 and not balanced:
        yield f"the file has no balancer; the endpoint is only {planes[0]}: set it to a VIP or a load balancer"
    if spec.distribution != "kubernetes":
        yield (
            f"{spec.distribution} runs the control plane in that cluster, but the inventory describes a control plane "
            "of kubeadm"
        )
    if spec.etcd_type == "external":
        urls = ", ".join(filter(None, map(text, listed(mapping(spec.part("etcd").get("external")).get("endpoints")))))
        yield (
            f"kubekey's file does not describe the etcd hosts ({urls or 'without endpoints'}): add them to the "
            "inventory with the role etcd"
        )
    elif spec.etcd_type == "kubeadm":
        unused = [name for name in spec.part("etcd") if name in _READ["etcd"] - {"type", "external"}]
        if unused:
            yield f"these keys of spec.etcd have no effect on an etcd that kubeadm runs: {', '.join(unused)}"
    else:
        yield "the API servers use node-HOST.pem in etcd.pki_dir for etcd: certificate checks do not cover these files"
    for name in ("kubePodsCIDR", "kubeServiceCIDR"):
        if second := first_family(network.get(name))[1]:
            yield f"the IPv6 networks of the dual-stack cluster are not copied: {second}"


def _unread(document: Mapping[str, Any], spec: _Spec, entries: Mapping[str, Any]) -> Iterator[str]:
    yield from unread_keys("the file", document, frozenset(("apiVersion", "kind", "metadata", "spec")))
    yield from unread_keys("metadata", mapping(document.get("metadata")), frozenset(("name",)))
    yield from unread_keys("spec", spec.whole, frozenset((*_READ, "hosts", "roleGroups")))
    yield from unread_keys("spec.roleGroups", spec.part("roleGroups"), frozenset(_ROLES))
    for place, (_, entry) in enumerate(entries.items()):
        yield from unread_keys(f"spec.hosts[{place}]", entry, _HOST)
    external = mapping(spec.part("etcd").get("external"))
    yield from unread_keys("spec.etcd.external", external, frozenset(("endpoints",)))
    for name, read in _READ.items():
        yield from unread_keys(f"spec.{name}", spec.part(name), read)
