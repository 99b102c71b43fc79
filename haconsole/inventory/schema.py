"""The inventory as typed, frozen values; the YAML file has the same names and nesting.

Constraints that a single value must meet stand in its annotation; what several values must agree on is in `rules`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from haconsole.model.hosts import Role
from haconsole.model.secret import Secret

Port = Annotated[int, Meta(ge=1, le=65535, description="a TCP port")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", description="a DNS name in lower case")]
Address = Annotated[str, Meta(min_length=2, max_length=45, description="an IPv4 or IPv6 address")]
Path = Annotated[str, Meta(pattern=r"^/[A-Za-z0-9._/@+-]*$", description="an absolute path without blanks")]
LocalPath = Annotated[
    str, Meta(min_length=1, description="a path here; ~ is the home directory, relative is from the file")
]
User = Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_-]{0,31}$", description="a login name")]
Interface = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._@-]{1,15}$", description="a network interface")]
Cidr = Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$", description="a network in CIDR notation")]
Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="letters, digits, dot, dash, underscore")]


class Sudo(StrEnum):
    """How root is reached: not at all (the login is root), without a password, or with one asked once."""

    NONE = "none"
    PASSWORDLESS = "passwordless"
    PASSWORD = "password"


class Deployment(StrEnum):
    """Who made the cluster and runs its parts."""

    SYSTEMD = "systemd"
    KUBEADM = "kubeadm"


class EtcdPlacement(StrEnum):
    """How etcd runs: by a systemd unit, or as a static pod that kubelet starts (stacked when kubeadm made it)."""

    SYSTEMD = "systemd"
    STATIC_POD = "static-pod"


class DiscoveryKind(StrEnum):
    STATIC = "static"
    URL = "url"
    SRV = "srv"


class EtcdTls(StrEnum):
    """Certificates of the cluster's CA, etcd's own self-made ones, or none."""

    CERTIFICATES = "certificates"
    AUTO = "auto"
    OFF = "off"


class VrrpMode(StrEnum):
    UNICAST = "unicast"
    MULTICAST = "multicast"


class KeyAlgorithm(StrEnum):
    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"
    RSA_4096 = "rsa-4096"


class CaKeyPlace(StrEnum):
    """Where the CA's private key lives: on every control plane as kubeadm does, or encrypted with the operator."""

    HOSTS = "hosts"
    OPERATOR = "operator"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, named fields only, unknown keys refused."""


class Ssh(_Part, frozen=True, kw_only=True):
    """How to log in. A host's own `ssh` overrides the cluster's, key by key; None means not said here."""

    user: User | None = None
    port: Port | None = None
    identity_file: LocalPath | None = None
    known_hosts: LocalPath | None = None
    config: LocalPath | None = None
    jump: str | None = None
    sudo: Sudo | None = None
    connect_timeout_s: Annotated[float, Meta(gt=0, le=120)] | None = None


class Host(_Part, frozen=True, kw_only=True):
    """One host. `address` is what the others reach it by; `ssh.…` only how the operator does."""

    name: Name
    address: Address
    roles: tuple[Role, ...]
    ssh: Ssh = Ssh()
    ssh_address: Annotated[str, Meta(min_length=1, max_length=253)] | None = None
    interface: Interface | None = None
    vrrp_priority: Annotated[int, Meta(ge=1, le=254)] | None = None
    etcd_name: Name | None = None


class Discovery(_Part, frozen=True, kw_only=True):
    """How etcd members find one another at first start; `value` is the URL or the SRV domain."""

    kind: DiscoveryKind = DiscoveryKind.STATIC
    value: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:/?=-]+$")] | None = None


class Etcd(_Part, frozen=True, kw_only=True):
    """etcd: where it is, how it is reached and how it is tuned."""

    placement: EtcdPlacement = EtcdPlacement.SYSTEMD
    tls: EtcdTls = EtcdTls.CERTIFICATES
    client_port: Port = 2379
    peer_port: Port = 2380
    metrics_port: Port | None = None
    data_dir: Path = "/var/lib/etcd"
    pki_dir: Path = "/etc/etcd/pki"
    config_file: Path = "/etc/etcd/etcd.env"
    binary: Path = "/usr/bin/etcd"
    token: Token = "etcd-cluster"
    discovery: Discovery = Discovery()
    heartbeat_ms: Annotated[int, Meta(ge=10, le=10000)] = 100
    election_ms: Annotated[int, Meta(ge=50, le=50000)] = 1000
    quota_bytes: Annotated[int, Meta(ge=1 << 20, le=16 << 30)] = 2 << 30


class LeaderElection(_Part, frozen=True, kw_only=True):
    """Timing of controller-manager's and scheduler's leader locks, in seconds."""

    lease_duration_s: Annotated[int, Meta(ge=2, le=600)] = 15
    renew_deadline_s: Annotated[int, Meta(ge=1, le=600)] = 10
    retry_period_s: Annotated[int, Meta(ge=1, le=600)] = 2


class Kubernetes(_Part, frozen=True, kw_only=True):
    """The control plane. `endpoint` is ``host:port`` of the balanced API, through the VIP or an outside balancer."""

    deployment: Deployment = Deployment.SYSTEMD
    endpoint: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$")] | None = None
    api_port: Port = 6443
    service_cidr: Cidr = "10.254.0.0/16"
    pod_cidr: Cidr = "10.244.0.0/16"
    cluster_name: Token = "kubernetes"
    cluster_domain: Name = "cluster.local"
    pki_dir: Path = "/etc/kubernetes/pki"
    config_dir: Path = "/etc/kubernetes"
    binary_dir: Path = "/usr/local/bin"
    version: Annotated[str, Meta(pattern=r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?$")] | None = None
    extra_sans: tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:*-]+$")], ...] = ()
    leader_election: LeaderElection = LeaderElection()


class VirtualIp(_Part, frozen=True, kw_only=True):
    """A VIP and the VRRP instance that moves it. `address` may carry a prefix length; `auth_pass` is eight at most."""

    address: Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$")]
    interface: Interface | None = None
    router_id: Annotated[int, Meta(ge=1, le=255)] = 51
    mode: VrrpMode = VrrpMode.UNICAST
    advert_int_s: Annotated[float, Meta(ge=0.1, le=40)] = 1.0
    auth_pass: Secret | None = None
    preempt: bool = True


class Haproxy(_Part, frozen=True, kw_only=True):
    """The balancer in front of the API servers. `bind_port` is the endpoint's port on every balancer."""

    bind_port: Port = 8443
    health_port: Port = 8404
    config_file: Path = "/etc/haproxy/haproxy.cfg"
    stats_socket: Path = "/run/haproxy/admin.sock"
    balance: Annotated[str, Meta(pattern=r"^(roundrobin|leastconn|source|first)$")] = "roundrobin"


class Keepalived(_Part, frozen=True, kw_only=True):
    config_file: Path = "/etc/keepalived/keepalived.conf"
    down_file: Path = "/etc/keepalived/down"


class Pki(_Part, frozen=True, kw_only=True):
    """How certificates are made. Days count from issue; leaves are back-dated by a few minutes for clock skew."""

    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256
    ca_days: Annotated[int, Meta(ge=1, le=36500)] = 3650
    leaf_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    ca_key: CaKeyPlace = CaKeyPlace.HOSTS


class Inventory(_Part, frozen=True, kw_only=True):
    """A cluster as it should be."""

    cluster: Token
    hosts: tuple[Host, ...]
    ssh: Ssh = Ssh()
    etcd: Etcd = Etcd()
    kubernetes: Kubernetes | None = None
    vips: tuple[VirtualIp, ...] = ()
    haproxy: Haproxy | None = None
    keepalived: Keepalived = Keepalived()
    pki: Pki = Pki()
    read_only: bool = False
    theme: Token | None = None

    def with_role(self, role: Role) -> tuple[Host, ...]:
        """The hosts that have `role`, in the order of the file."""
        return tuple(host for host in self.hosts if role in host.roles)

    def find(self, name: str) -> Host | None:
        return next((host for host in self.hosts if host.name == name), None)
