"""Clusters drawn at random, and the files that each tool's user would write for them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

ROLES = (("etcd", "control-plane"), ("etcd", "control-plane", "worker"), ("worker",))


@dataclass(frozen=True, slots=True)
class Node:
    """A host as the importer has to find it; None is what the file does not set."""

    name: str
    address: str
    roles: tuple[str, ...]
    reach: str | None
    user: str | None
    port: int | None
    key: str | None
    member: str | None


@dataclass(slots=True)
class Made:
    """A file and those beside it, the hosts and settings in it, and names of settings that nothing knows."""

    text: str
    nodes: tuple[Node, ...]
    files: dict[str, str] = field(default_factory=dict)
    etcd: dict[str, Any] = field(default_factory=dict)
    kubernetes: dict[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


class Draw:
    """Random choices, and unknown settings that are to be found again in a note."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self.unknown: list[str] = []

    def maybe(self, value: Any, probability: float = 0.5) -> Any:
        return value if self.chance.random() < probability else None

    def one(self, *values: Any) -> Any:
        return self.chance.choice(values)

    def strange(self) -> str:
        name = f"zz_{len(self.unknown)}"
        self.unknown.append(name)
        return name

    def sprinkle(self, node: Any, closed: tuple[str, ...] = ()) -> Any:
        """The tree with unknown keys in some of its mappings, but those under the names in `closed`."""
        if isinstance(node, list):
            return [self.sprinkle(each, closed) for each in node]
        if not isinstance(node, dict):
            return node
        grown = {key: each if key in closed else self.sprinkle(each, closed) for key, each in node.items()}
        if self.chance.random() < 0.15:
            grown[self.strange()] = self.one("x", 1, True, ["y"], {"a": "b"})
        return grown


def nodes(draw: Draw, names: Callable[[int], str], member: Callable[[str, str], str | None]) -> tuple[Node, ...]:
    results = []
    for number in range(1, draw.one(1, 3, 4, 6) + 1):
        roles = ROLES[0] if number == 1 else draw.one(*ROLES)
        name, address = names(number), f"10.5.{draw.one(0, 1)}.{number}"
        results.append(
            Node(
                name=name,
                address=address,
                roles=roles,
                reach=draw.maybe(draw.one(f"203.0.113.{number}", f"{name}.example.org"), 0.3),
                user=draw.maybe(draw.one("root", "ops", "deploy"), 0.6),
                port=draw.maybe(draw.one(2222, 8022), 0.3),
                key=draw.maybe(draw.one("/keys/green", "/keys/blue"), 0.3),
                member=member(name, address) if "etcd" in roles else None,
            )
        )
    return tuple(results)


def as_yaml(draw: Draw, document: Any) -> str:
    if draw.maybe(True, 0.3):
        return json.dumps(document, indent=draw.one(None, 2))
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=draw.one(None, True, False))


def trimmed(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def k0sctl(draw: Draw) -> Made:
    members = nodes(draw, lambda number: f"n{number}", lambda name, address: name)
    port, data_dir = draw.maybe(7443, 0.3), draw.maybe("/srv/k0s", 0.3)
    vip, balanced = draw.maybe("10.5.9.100", 0.4), draw.one(True, False, None)
    outside = draw.maybe("api.example.org", 0.2)
    pods, services, domain = draw.maybe("10.120.0.0/16"), draw.maybe("10.200.0.0/16"), draw.maybe("blue.local")
    hosts = []
    for node in members:
        flags = []
        role = "worker" if node.roles == ("worker",) else "controller"
        if node.roles == ROLES[1]:
            role, flags = draw.one(("controller+worker", []), ("controller", ["--enable-worker"]))
        if data_dir and role != "worker" and draw.maybe(True):
            flags = [*flags, draw.one(f"--data-dir={data_dir}", f"--data-dir {data_dir}")]
        by_flag = any("data-dir" in flag for flag in flags)
        way = trimmed(address=node.reach or node.address, user=node.user, port=node.port, keyPath=node.key)
        hosts.append(
            trimmed(
                role=role,
                hostname=node.name,
                ssh=way,
                privateAddress=node.address if node.reach or draw.maybe(True, 0.3) else None,
                dataDir=data_dir if data_dir and not by_flag else None,
                installFlags=flags or None,
            )
        )
    keepalived = {"vrrpInstances": [{"virtualIPs": [f"{vip}/24"]}]}
    balancing = trimmed(enabled=balanced, type="Keepalived", keepalived=keepalived) if vip else None
    network = trimmed(podCIDR=pods, serviceCIDR=services, clusterDomain=domain, controlPlaneLoadBalancing=balancing)
    config = {"spec": {"api": trimmed(port=port, externalAddress=outside), "network": network}}
    document = {
        "apiVersion": "k0sctl.k0sproject.io/v1beta1",
        "kind": "Cluster",
        "metadata": {"name": "blue"},
        "spec": {"hosts": hosts, "k0s": {"version": "1.30.1+k0s.0", "config": config}},
    }
    document = draw.sprinkle(document)
    known = outside or (vip if balanced else None) or members[0].address
    return Made(
        as_yaml(draw, document),
        tuple(_with_login(node, "root") for node in members),
        etcd={"data_dir": f"{data_dir or '/var/lib/k0s'}/etcd"},
        kubernetes={
            "endpoint": f"{known}:{port or 6443}",
            "pod_cidr": pods or "10.244.0.0/16",
            "service_cidr": services or "10.96.0.0/12",
            "cluster_domain": domain or "cluster.local",
            "pki_dir": f"{data_dir or '/var/lib/k0s'}/pki",
            "version": "1.30.1",
        },
        unknown=tuple(draw.unknown),
    )


def _with_login(node: Node, user: str) -> Node:
    """The same host, with the login that the tool takes where its file has none."""
    return replace(node, user=node.user or user)


def kubekey(draw: Draw) -> Made:
    kind = draw.one("kubekey", "kubeadm", None)
    named = kind != "kubeadm"
    members = nodes(draw, lambda number: f"n{number}", lambda name, address: f"etcd-{name}" if named else name)
    address, port = draw.maybe("10.5.9.100", 0.4), draw.maybe(7443, 0.3)
    data_dir, pods = draw.maybe("/srv/etcd", 0.3), draw.maybe("10.120.0.0/16")
    heartbeat, quota, mask = draw.maybe(300, 0.3), draw.maybe(4 << 30, 0.3), draw.maybe(25, 0.3)
    hosts = [
        trimmed(
            name=node.name,
            address=node.reach or node.address,
            internalAddress=node.address if node.reach or draw.maybe(True) else None,
            user=node.user,
            port=node.port,
            privateKeyPath=node.key,
        )
        for node in members
    ]
    groups = {
        group: [node.name for node in members if role in node.roles]
        for group, role in (
            ("etcd", "etcd"),
            (draw.one("master", "control-plane"), "control-plane"),
            ("worker", "worker"),
        )
    }
    spec = {
        "hosts": hosts,
        "roleGroups": groups,
        "controlPlaneEndpoint": trimmed(address=address or draw.maybe(""), port=port),
        "kubernetes": trimmed(version="v1.21.5", nodeCidrMaskSize=mask),
        "etcd": trimmed(type=kind, dataDir=data_dir, heartbeatInterval=heartbeat, quotaBackendBytes=quota),
        "network": trimmed(kubePodsCIDR=pods),
    }
    document = {
        "apiVersion": "kubekey.kubesphere.io/v1alpha2",
        "kind": "Cluster",
        "metadata": {"name": "blue"},
        "spec": spec,
    }
    document = draw.sprinkle(document, closed=("roleGroups",))
    return Made(
        as_yaml(draw, document),
        tuple(_with_login(node, "root") for node in members),
        etcd={
            "data_dir": (data_dir if named else None) or "/var/lib/etcd",
            "heartbeat_ms": (heartbeat or 250) if named else 100,
            "quota_bytes": (quota if named else None) or 2 << 30,
        },
        kubernetes={
            "endpoint": f"{address or members[0].address}:{port or 6443}",
            "pod_cidr": pods or "10.233.64.0/18",
            "service_cidr": "10.233.0.0/18",
            "node_prefix": mask,
            "version": "1.21.5",
        },
        unknown=tuple(draw.unknown),
    )


class AnsibleFiles:
    """Puts variables where Ansible looks for them: in the line of a host, in sections and in files beside."""

    def __init__(self, draw: Draw, names: tuple[str, ...]) -> None:
        self._draw = draw
        self._names = names
        self._lines: dict[str, dict[str, Any]] = {name: {} for name in names}
        self._section: dict[str, Any] = {}
        self.files: dict[str, dict[str, Any]] = {}

    def host(self, name: str, variable: str, value: Any) -> None:
        if value is not None:
            place = self._draw.one(self._lines[name], self._file(f"host_vars/{name}", name))
            place[variable] = value

    def everywhere(self, variable: str, value: Any) -> None:
        if value is not None:
            places = [self._section, self._file("group_vars/all", "all"), self._file("group_vars/all/more.yml", "")]
            self._draw.chance.choice(places)[variable] = value

    def _file(self, path: str, owner: str) -> dict[str, Any]:
        """A file of its own, or one in a folder where the owner has such a folder."""
        if owner and any(name.startswith(f"{path}/") for name in self.files):
            path = f"{path}/main.yml"
        elif owner == "all":
            path = "group_vars/all/main.yml"
        elif owner:
            path = f"{path}{self._draw.one('.yml', '.yaml')}" if f"{path}.yml" not in self.files else f"{path}.yml"
        if owner and path.endswith(".yaml") and path.removesuffix("yaml") + "yml" in self.files:
            path = path.removesuffix("yaml") + "yml"
        if owner and path.endswith(".yml") and path.removesuffix("yml") + "yaml" in self.files:
            path = path.removesuffix("yml") + "yaml"
        return self.files.setdefault(path, {})

    def ini(self, groups: dict[str, tuple[str, ...]]) -> str:
        parts = [line for name in self._names for line in (_line(name, self._lines[name]),)]
        for group, members in groups.items():
            parts += [f"[{group}]", *members]
        if self._section:
            parts += ["[all:vars]", *(f"{name}={_in_section(value)}" for name, value in self._section.items())]
        return "\n".join(parts) + "\n"

    def texts(self) -> dict[str, str]:
        return {path: yaml.safe_dump(content) for path, content in self.files.items() if content}

    def strange(self) -> Iterator[None]:
        """Unknown variables, of hosts and of all."""
        for name in self._names:
            if self._draw.maybe(True, 0.15):
                self.host(name, self._draw.strange(), "x")
        if self._draw.maybe(True, 0.3):
            self.everywhere(self._draw.strange(), self._draw.one("x", 7, "two words"))
        yield


def _in_section(value: Any) -> str:
    """The rest of the line, where quotes would make a text of it."""
    return json.dumps(value) if isinstance(value, dict) else _literal(value)


def _line(name: str, variables: dict[str, Any]) -> str:
    return " ".join((name, *(f"{key}={_literal(value)}" for key, value in variables.items())))


def _literal(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return f"'{text}'" if " " in text else text


def _login(files: AnsibleFiles, draw: Draw, node: Node, name: str) -> None:
    files.host(name, draw.one("ansible_user", "ansible_ssh_user"), node.user)
    files.host(name, draw.one("ansible_port", "ansible_ssh_port"), node.port)
    files.host(name, draw.one("ansible_ssh_private_key_file", "ansible_private_key_file"), node.key)


def _members(results: tuple[Node, ...], role: str) -> tuple[str, ...]:
    return tuple(node.name for node in results if role in node.roles)


def kubespray(draw: Draw) -> Made:
    stacked = draw.maybe(True, 0.3)
    result = nodes(draw, lambda number: f"n{number}", lambda name, address: name)
    order = _members(result, "etcd")
    if not stacked:
        result = tuple(
            replace(node, member=f"etcd{order.index(node.name) + 1}" if node.name in order else None) for node in result
        )
    names = tuple(node.name for node in result)
    files = AnsibleFiles(draw, names)
    for node in result:
        files.host(node.name, "ansible_host", node.reach or node.address)
        files.host(node.name, draw.one("ip", "access_ip"), node.address if node.reach or draw.maybe(True) else None)
        _login(files, draw, node, node.name)
    balancer = draw.maybe({"address": "10.5.9.100", "port": 8383}, 0.4)
    pods, services, port = draw.maybe("10.120.0.0/16"), draw.maybe("10.200.0.0/16"), draw.maybe(7443, 0.3)
    domain, data_dir = draw.maybe("blue.local", 0.4), draw.maybe("/srv/etcd", 0.3)
    files.everywhere("etcd_deployment_type", "kubeadm" if stacked else draw.one("host", None))
    files.everywhere("loadbalancer_apiserver", balancer)
    files.everywhere("kube_pods_subnet", pods)
    files.everywhere("kube_service_addresses", services)
    files.everywhere("kube_apiserver_port", port)
    files.everywhere("cluster_name", domain)
    files.everywhere("etcd_data_dir", data_dir)
    list(files.strange())
    groups = {
        "etcd": order,
        "kube_control_plane": _members(result, "control-plane"),
        "kube_node": _members(result, "worker"),
    }
    return Made(
        files.ini(groups),
        result,
        files=files.texts(),
        etcd={"data_dir": data_dir or "/var/lib/etcd", "token": "etcd-cluster" if stacked else "k8s_etcd"},
        kubernetes={
            "endpoint": "10.5.9.100:8383" if balancer else f"{result[0].address}:{port or 6443}",
            "pod_cidr": pods or "10.233.64.0/18",
            "service_cidr": services or "10.233.0.0/18",
            "cluster_domain": domain or "cluster.local",
            "cluster_name": domain or "kubernetes",
        },
        unknown=tuple(draw.unknown),
    )


def kubeasz(draw: Draw) -> Made:
    drawing = nodes(draw, lambda number: f"n{number}", lambda name, address: f"etcd-{address}")
    result = tuple(replace(node, reach=None) for node in drawing)
    names = tuple(node.address for node in result)
    files = AnsibleFiles(draw, names)
    for node in result:
        files.host(node.address, "k8s_nodename", node.name)
        _login(files, draw, node, node.address)
    pods, services, port = draw.maybe("10.120.0.0/16"), draw.maybe("10.200.0.0/16"), draw.maybe(7443, 0.3)
    vip, data_dir, mask = draw.maybe("10.5.9.250", 0.3), draw.maybe("/srv/etcd", 0.4), draw.maybe(25, 0.3)
    files.everywhere("CLUSTER_CIDR", pods)
    files.everywhere("SERVICE_CIDR", services)
    files.everywhere("SECURE_PORT", port)
    list(files.strange())
    config = trimmed(ETCD_DATA_DIR=data_dir, NODE_CIDR_LEN=mask, K8S_VER="1.30.1")
    if draw.maybe(True, 0.3):
        config[draw.strange()] = draw.one("x", 1)
    groups: dict[str, tuple[str, ...]] = {
        group: tuple(node.address for node in result if role in node.roles)
        for group, role in (("etcd", "etcd"), ("kube_master", "control-plane"), ("kube_node", "worker"))
    }
    if vip:
        groups["ex_lb"] = (f"10.5.8.1 EX_APISERVER_VIP={vip} EX_APISERVER_PORT=9443",)
    return Made(
        files.ini(groups),
        result,
        files={**files.texts(), "config.yml": yaml.safe_dump(config)},
        etcd={"data_dir": data_dir or "/var/lib/etcd", "token": "etcd-cluster-0"},
        kubernetes={
            "endpoint": f"{vip}:9443" if vip else f"{result[0].address}:{port or 6443}",
            "pod_cidr": pods or "172.20.0.0/16",
            "service_cidr": services or "10.68.0.0/16",
            "node_prefix": mask,
            "version": "1.30.1",
        },
        unknown=tuple(draw.unknown),
    )


def write(result: Made, folder: Path, name: str) -> Path:
    for path, text in {name: result.text, **result.files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder / name
