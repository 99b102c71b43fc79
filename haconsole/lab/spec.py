"""The parts of a lab, and their names. No input or output."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

import msgspec

from haconsole.lab.errors import LabError
from haconsole.model.hosts import Role

DEFAULT_NAME = "lab"
MOST_CONTROL_PLANES = 39
MOST_WORKERS = 40
CONTROL_PLANE_ROLES = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)
VIP_PORT = 8443
POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.112.0.0/16"
"""Services of kubeadm labs: kubeadm's own default, 10.96.0.0/12, contains every lab's addresses."""
LOGIN = "ops"
PASSWORD_LOGIN = "opspw"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_LINK_NAME_LIMIT = 15


class Debian(StrEnum):
    """The Debian release of a lab's hosts."""

    BOOKWORM = "bookworm"
    TRIXIE = "trixie"


class EtcdTopology(StrEnum):
    """Where the etcd of a kubeadm lab runs (kubeadm's "Options for Highly Available Topology")."""

    STACKED = "stacked"
    """On the control planes, as static pods."""
    EXTERNAL = "external"
    """On hosts of its own, as units."""


class Balancer(StrEnum):
    """The load balancer of a kubeadm lab's API servers."""

    HOSTS = "hosts"
    """keepalived and haproxy as units on the control planes."""
    STATIC_PODS = "static-pods"
    """keepalived and haproxy as static pods on the control planes."""
    NONE = "none"
    """Nothing: the endpoint is the first control plane."""


class KubeadmSpec(msgspec.Struct, frozen=True):
    """The layout of a lab for kubeadm; its hosts have containerd, kubelet and images, and no cluster yet."""

    etcd: EtcdTopology = EtcdTopology.STACKED
    balancer: Balancer = Balancer.HOSTS


class HostSpec(msgspec.Struct, frozen=True):
    """One host of a lab. A bastion is the one that the machine can reach when there is one."""

    name: str
    address: str
    roles: tuple[Role, ...]

    @property
    def is_bastion(self) -> bool:
        return Role.BASTION in self.roles


class LabSpec(msgspec.Struct, frozen=True):
    """The shape of a lab.

    `subnet` is the X of its 10.99.X.0/24; `layers` are the read-only layers of its hosts' disks, topmost first;
    `images` is the containerd folder that a kubeadm host's own one is copied from, empty where there is none.
    """

    name: str
    subnet: int
    control_planes: int = 3
    workers: int = 0
    bastion: bool = False
    layers: tuple[str, ...] = ()
    debian: Debian = Debian.BOOKWORM
    kubeadm: KubeadmSpec | None = None
    images: str = ""

    @property
    def hosts(self) -> tuple[HostSpec, ...]:
        """Every host, control planes first, the bastion last."""
        roles = self._control_plane_roles
        planes = (HostSpec(f"cp{n}", self.at(10 + n), roles) for n in range(1, self.control_planes + 1))
        etcd = (HostSpec(f"etcd{n}", self.at(100 + n), (Role.ETCD,)) for n in range(1, self._etcd_hosts + 1))
        workers = (HostSpec(f"w{n}", self.at(50 + n), (Role.WORKER,)) for n in range(1, self.workers + 1))
        bastion = (HostSpec("bastion", self.at(5), (Role.BASTION,)),) if self.bastion else ()
        return (*planes, *etcd, *workers, *bastion)

    @property
    def _control_plane_roles(self) -> tuple[Role, ...]:
        """Roles of a control plane: kubeadm may have etcd and balancers elsewhere."""
        if self.kubeadm is None:
            return CONTROL_PLANE_ROLES
        stacked, balanced = self.kubeadm.etcd is EtcdTopology.STACKED, self.kubeadm.balancer is not Balancer.NONE
        without = {Role.ETCD: not stacked, Role.LOAD_BALANCER: not balanced}
        return tuple(role for role in CONTROL_PLANE_ROLES if not without.get(role, False))

    @property
    def _etcd_hosts(self) -> int:
        external = self.kubeadm is not None and self.kubeadm.etcd is EtcdTopology.EXTERNAL
        return self.control_planes if external else 0

    def host(self, name: str) -> HostSpec:
        """The host of that name; raises LabError naming those there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        there = ", ".join(host.name for host in self.hosts)
        raise LabError(f"lab `{self.name}` has no host `{name}`", hint=f"it has {there}")

    def at(self, last: int) -> str:
        """The address of the lab's subnet that ends in `last`."""
        return f"10.99.{self.subnet}.{last}"

    @property
    def machine_address(self) -> str:
        return self.at(1)

    @property
    def inner_gateway(self) -> str:
        """Where hosts send what is not for their own network: the bastion's inner side, or the machine."""
        return self.at(6) if self.bastion else self.machine_address

    @property
    def vip(self) -> str:
        return self.at(100)

    @property
    def has_vip(self) -> bool:
        """A VIP is in front of the API servers, or will be."""
        return self.kubeadm is None or self.kubeadm.balancer is not Balancer.NONE

    @property
    def endpoint(self) -> str:
        """Where clients reach the API: the VIP, or the first control plane where nothing balances."""
        return f"{self.vip}:{VIP_PORT}" if self.has_vip else f"{self.hosts[0].address}:6443"

    def pod_subnet(self, host: HostSpec) -> str:
        """The addresses of a kubeadm host's pods: a part of `POD_CIDR` by the last number of the host's address."""
        return f"10.244.{host.address.rpartition('.')[2]}.0/24"

    @property
    def machine_link(self) -> str:
        return machine_link(self.name)

    @property
    def switch(self) -> str:
        """The network namespace that holds the lab's bridges."""
        return switch_namespace(self.name)

    def namespace(self, host: str) -> str:
        """The network namespace of a host. A lab's name has no dot, so no two labs share one."""
        return f"{self.switch}.{host}"

    def machine_id(self, host: str) -> str:
        """A host's /etc/machine-id: 32 hexadecimal digits, the same at every boot, unlike any other host's."""
        return hashlib.sha256(f"haconsole/{self.name}/{host}".encode()).hexdigest()[:32]

    def hardware_address(self, port: str) -> str:
        """A cable's Ethernet address: the same at every boot, so that no neighbour knows a stale one."""
        digits = hashlib.sha256(f"{self.name}/{port}".encode()).hexdigest()
        return ":".join(("02", *(digits[place : place + 2] for place in range(0, 10, 2))))


def machine_link(lab: str) -> str:
    """The machine's own end of the cable into a lab, at most 15 letters; all the machine sees of its network."""
    plain = f"ha-{lab}"
    if len(plain) <= _LINK_NAME_LIMIT:
        return plain
    return f"ha-{lab[:5]}-{hashlib.sha256(lab.encode()).hexdigest()[:6]}"


def switch_namespace(lab: str) -> str:
    """The network namespace that holds a lab's bridges; its hosts' are called so with a dot and their name after it."""
    return f"haconsole-{lab}"


def check_name(name: str) -> str:
    """The name itself when it is fit for files, links and namespaces; raises LabError otherwise."""
    if _NAME.fullmatch(name):
        return name
    raise LabError(
        f"`{name}` cannot be a lab's name", hint="use up to 32 lower-case letters, digits and dashes, a letter first"
    )


def check_size(control_planes: int, workers: int) -> None:
    """Raise LabError for a lab that its subnet has no addresses for."""
    if not 1 <= control_planes <= MOST_CONTROL_PLANES:
        raise LabError(f"a lab has 1 to {MOST_CONTROL_PLANES} control planes, not {control_planes}")
    if not 0 <= workers <= MOST_WORKERS:
        raise LabError(f"a lab has 0 to {MOST_WORKERS} workers, not {workers}")
