"""The inventory as typed, frozen values; the YAML file has the same names and nesting.

Rules for a single value are with its type in `values`; rules between values are in `rules`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from haconsole.inventory.component_settings import EtcdFiles, Kubeadm, KubeVip, LeaderElection
from haconsole.inventory.external_etcd import ExternalEtcd
from haconsole.inventory.guardrail import Guardrail
from haconsole.inventory.preparation import Preparation
from haconsole.inventory.values import (
    Address,
    AuthPass,
    Balance,
    Cidr,
    DiscoveryValue,
    Endpoint,
    Interface,
    JumpHost,
    LocalPath,
    Name,
    Part,
    Path,
    Port,
    SshAddress,
    SubjectName,
    Token,
    User,
    Version,
    VipAddress,
)
from haconsole.model.roles import Role


class Sudo(StrEnum):
    """The way to root: none (the login is root), without a password, or with one that is prompted once."""

    NONE = "none"
    PASSWORDLESS = "passwordless"
    PASSWORD = "password"


class Deployment(StrEnum):
    """The tool that made the cluster and runs its parts."""

    SYSTEMD = "systemd"
    KUBEADM = "kubeadm"
    K0S = "k0s"
    RKE2 = "rke2"
    KUBEASZ = "kubeasz"


class EtcdPlacement(StrEnum):
    """The supervisor of etcd: a systemd unit, or kubelet with a static pod (stacked when kubeadm made it)."""

    SYSTEMD = "systemd"
    STATIC_POD = "static-pod"


class DiscoveryKind(StrEnum):
    """The discovery of members: a list of all, a discovery service's URL, or DNS SRV records."""

    STATIC = "static"
    URL = "url"
    SRV = "srv"


class EtcdTls(StrEnum):
    """Certificates of the cluster's CA, etcd's own self-made ones, or none."""

    CERTIFICATES = "certificates"
    AUTO = "auto"
    OFF = "off"


class VrrpMode(StrEnum):
    """The destination of VRRP adverts: each balancer's address, or the group 224.0.0.18."""

    UNICAST = "unicast"
    MULTICAST = "multicast"


class KeyAlgorithm(StrEnum):
    """The kind and size of private keys."""

    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"
    RSA_4096 = "rsa-4096"


class CaKeyPlace(StrEnum):
    """Where the CA's private key lives: on every control plane as kubeadm does, or encrypted with the operator."""

    HOSTS = "hosts"
    OPERATOR = "operator"


class Ssh(Part, frozen=True, kw_only=True):
    """SSH settings. A host's own `ssh` overrides the cluster's, key by key; None means not set here."""

    user: Annotated[User | None, Meta(description="Login name; default: your own.")] = None
    port: Annotated[Port | None, Meta(description="sshd's port; default: 22, or ssh_config's.")] = None
    identity_file: Annotated[
        LocalPath | None,
        Meta(description="Private key file; ~ is your home folder, relative paths start in this file's folder."),
    ] = None
    known_hosts: Annotated[
        LocalPath | None, Meta(description="A file of known host keys, used instead of ssh's own files.")
    ] = None
    config: Annotated[LocalPath | None, Meta(description="ssh_config to read, instead of ~/.ssh/config.")] = None
    jump: Annotated[
        JumpHost | None,
        Meta(description="Jump host; `none` connects directly. Bastions ignore `jump` of the cluster's `ssh`."),
    ] = None
    sudo: Annotated[Sudo | None, Meta(description="Use of sudo to become root; default: passwordless.")] = None
    connect_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=120, title="seconds")] | None,
        Meta(description="Seconds to connect and log in; default: 10."),
    ] = None


class Host(Part, frozen=True, kw_only=True):
    """One host. `address` is what the others reach it by; `ssh` and `ssh_address` only how the operator does."""

    name: Annotated[Name, Meta(description="Name of the host here, in etcd (see etcd_name) and as a Kubernetes node.")]
    address: Annotated[
        Address, Meta(description="Address by which other hosts reach this host; etcd and the API listen on it.")
    ]
    roles: Annotated[
        tuple[Role, ...],
        Meta(
            min_length=1,
            title="a list of roles",
            examples=[["etcd", "control-plane"]],
            description="The roles of the host; a bastion has no other role.",
        ),
    ]
    ssh: Annotated[Ssh, Meta(description="Differences from the cluster's `ssh` for this host.")] = Ssh()
    ssh_address: Annotated[SshAddress | None, Meta(description="Address or name for SSH, if it is not `address`.")] = (
        None
    )
    interface: Annotated[
        Interface | None, Meta(description="Interface for VIPs on this host, instead of the VIP's `interface`.")
    ] = None
    vrrp_priority: Annotated[
        Annotated[int, Meta(ge=1, le=254, title="a VRRP priority")] | None,
        Meta(description="The highest available priority holds the VIP; default: 100, 90, 80 … in file order."),
    ] = None
    etcd_name: Annotated[Name | None, Meta(description="Name of the host's etcd member, if not `name`.")] = None


class Discovery(Part, frozen=True, kw_only=True):
    """The discovery of etcd members at first start."""

    kind: Annotated[
        DiscoveryKind,
        Meta(description="static: the members in this file; url: a discovery service; srv: DNS records."),
    ] = DiscoveryKind.STATIC
    value: Annotated[
        DiscoveryValue | None,
        Meta(
            description=(
                "The discovery service's URL, or the domain of the SRV records. The targets of these records are "
                "HOST.DOMAIN, or the hosts' ssh_address."
            )
        ),
    ] = None


class Etcd(Part, frozen=True, kw_only=True):
    """etcd: where it is, how it is reached and how it is tuned."""

    placement: Annotated[
        EtcdPlacement, Meta(description=("The supervisor of etcd: systemd, or kubelet with a manifest."))
    ] = EtcdPlacement.SYSTEMD
    tls: Annotated[
        EtcdTls, Meta(description="certificates; auto: self-signed certificates of etcd; off: plain text.")
    ] = EtcdTls.CERTIFICATES
    client_port: Annotated[Port, Meta(description="Port for clients.")] = 2379
    peer_port: Annotated[Port, Meta(description="Port between members.")] = 2380
    metrics_port: Annotated[
        Port | None, Meta(description="Port of /metrics and /health without TLS; default: none.")
    ] = None
    data_dir: Annotated[Path, Meta(description="Data directory, used only by etcd.")] = "/var/lib/etcd"
    pki_dir: Annotated[Path, Meta(description="Folder of CA, certificates and keys.")] = "/etc/etcd/pki"
    files: Annotated[EtcdFiles, Meta(description="Names of the files in `pki_dir`.")] = EtcdFiles()
    config_file: Annotated[Path, Meta(description="Environment file that the unit reads.")] = "/etc/etcd/etcd.env"
    binary: Annotated[Path, Meta(description="The etcd program.")] = "/usr/bin/etcd"
    version: Annotated[
        Version | None,
        Meta(description="Version that prepare installs, in quotes; default: any that the package sources offer."),
    ] = None
    token: Annotated[Token, Meta(description="--initial-cluster-token; must differ between clusters on a network.")] = (
        "etcd-cluster"
    )
    discovery: Annotated[Discovery, Meta(description="The discovery of members at first start.")] = Discovery()
    external: Annotated[
        ExternalEtcd | None,
        Meta(description="An etcd outside this inventory, for clusters of kubeadm; no host has the role etcd then."),
    ] = None
    heartbeat_ms: Annotated[
        int, Meta(ge=10, le=10000, title="milliseconds", description="Roughly the round-trip time between members.")
    ] = 100
    election_ms: Annotated[
        int,
        Meta(
            ge=50,
            le=50000,
            title="milliseconds",
            description="At least 5 heartbeat intervals; 10 round-trip times are better.",
        ),
    ] = 1000
    quota_bytes: Annotated[
        int, Meta(ge=1 << 20, le=16 << 30, title="bytes", description="Database size at which etcd refuses writes.")
    ] = 2 << 30


class Kubernetes(Part, frozen=True, kw_only=True):
    """The control plane."""

    deployment: Annotated[
        Deployment,
        Meta(
            description=(
                "The supervisor of the components: systemd units, or kubeadm. Clusters of k0s, rke2 and kubeasz are "
                "only watched."
            )
        ),
    ] = Deployment.SYSTEMD
    endpoint: Annotated[
        Endpoint | None,
        Meta(description="host:port of the balanced API, VIP or outside balancer; default: VIP:haproxy.bind_port."),
    ] = None
    api_port: Annotated[Port, Meta(description="Port of each kube-apiserver.")] = 6443
    service_cidr: Annotated[Cidr, Meta(description="Addresses of Services; no host or pod has one of these.")] = (
        "10.254.0.0/16"
    )
    pod_cidr: Annotated[Cidr, Meta(description="Addresses of pods; no host or Service has one of these.")] = (
        "10.244.0.0/16"
    )
    node_prefix: Annotated[
        Annotated[int, Meta(ge=8, le=128, title="a prefix length")] | None,
        Meta(description="Prefix length of each node's part of pod_cidr; default: 24, or 64 for IPv6."),
    ] = None
    cluster_name: Annotated[Token, Meta(description="--cluster-name, and the cluster's name in kubeconfigs.")] = (
        "kubernetes"
    )
    cluster_domain: Annotated[Name, Meta(description="DNS domain of Services.")] = "cluster.local"
    pki_dir: Annotated[Path, Meta(description="Folder of CA, certificates and keys.")] = "/etc/kubernetes/pki"
    config_dir: Annotated[Path, Meta(description="Folder of kubeconfigs and manifests.")] = "/etc/kubernetes"
    binary_dir: Annotated[Path, Meta(description="Folder of the Kubernetes programs.")] = "/usr/local/bin"
    version: Annotated[Version | None, Meta(description="Version the cluster should have, in quotes.")] = None
    extra_sans: Annotated[
        tuple[SubjectName, ...],
        Meta(
            title="a list of names and addresses",
            examples=[["api.example.org"]],
            description="Further names and addresses that clients use to reach the API.",
        ),
    ] = ()
    leader_election: Annotated[LeaderElection, Meta(description="Timing of the leader locks.")] = LeaderElection()
    kubeadm: Annotated[Kubeadm, Meta(description="Settings for kubeadm, if deployment is kubeadm.")] = Kubeadm()


class VirtualIp(Part, frozen=True, kw_only=True):
    """A VIP and the VRRP instance that moves it between the load balancers."""

    address: Annotated[VipAddress, Meta(description="The virtual address, with the prefix length of its network.")]
    interface: Annotated[
        Interface | None,
        Meta(
            description=(
                "Interface for the VIP, unless a host sets another; default: the interface with the host's address."
            )
        ),
    ] = None
    router_id: Annotated[
        int, Meta(ge=1, le=255, title="a VRRP router ID", description="Unique among VRRP speakers of the network.")
    ] = 51
    mode: Annotated[VrrpMode, Meta(description="unicast works even where multicast is filtered, as in clouds.")] = (
        VrrpMode.UNICAST
    )
    advert_int_s: Annotated[
        float,
        Meta(
            ge=0.1,
            le=40,
            title="seconds",
            description="Interval between adverts; a backup takes over after about 3 missed adverts.",
        ),
    ] = 1.0
    auth_pass: Annotated[
        AuthPass | None,
        Meta(description="VRRP password: it protects only against configuration mistakes, not against attacks."),
    ] = None
    preempt: Annotated[
        bool, Meta(description="Whether a balancer with a higher priority preempts the VIP's owner.")
    ] = True


class Haproxy(Part, frozen=True, kw_only=True):
    """The balancer in front of the API servers."""

    placement: Annotated[
        EtcdPlacement,
        Meta(description="Supervisor of haproxy: systemd, or kubelet. A static pod of kubelet is only watched."),
    ] = EtcdPlacement.SYSTEMD
    bind_port: Annotated[Port, Meta(description="Port of the balanced API on every balancer and on the VIP.")] = 8443
    health_port: Annotated[Port, Meta(description="Port where keepalived and others check that haproxy serves.")] = 8404
    config_file: Annotated[Path, Meta(description="haproxy's configuration.")] = "/etc/haproxy/haproxy.cfg"
    stats_socket: Annotated[Path, Meta(description="Socket of haproxy's Runtime API.")] = "/run/haproxy/admin.sock"
    balance: Annotated[Balance, Meta(description="The load-balancing algorithm.")] = "roundrobin"


class Keepalived(Part, frozen=True, kw_only=True):
    """Where keepalived keeps its files."""

    placement: Annotated[
        EtcdPlacement,
        Meta(description="Supervisor of keepalived: systemd, or kubelet. A static pod of kubelet is only watched."),
    ] = EtcdPlacement.SYSTEMD
    config_file: Annotated[Path, Meta(description="keepalived's configuration.")] = "/etc/keepalived/keepalived.conf"
    down_file: Annotated[Path, Meta(description="While this file exists the host releases the VIP.")] = (
        "/etc/keepalived/down"
    )


class Pki(Part, frozen=True, kw_only=True):
    """Settings of certificates. Days count from issue; leaves are back-dated by a few minutes for clock skew."""

    algorithm: Annotated[KeyAlgorithm, Meta(description="Kind of every new private key.")] = KeyAlgorithm.ECDSA_P256
    ca_days: Annotated[int, Meta(ge=1, le=36500, title="days", description="Life of a new CA.")] = 3650
    leaf_days: Annotated[int, Meta(ge=1, le=3650, title="days", description="Life of a new certificate.")] = 365
    ca_key: Annotated[
        CaKeyPlace,
        Meta(description="Where the CA's private key is kept: on every control plane, or encrypted on your machine."),
    ] = CaKeyPlace.HOSTS
    ca_keys: Annotated[
        LocalPath | None,
        Meta(
            description="Folder for the encrypted CA keys on your machine; default: CLUSTER-ca-keys beside this file."
        ),
    ] = None


class Inventory(Part, frozen=True, kw_only=True):
    """A cluster as it should be."""

    cluster: Annotated[Token, Meta(description="Name of the cluster in the run log, the lock and on screen.")]
    hosts: Annotated[
        tuple[Host, ...], Meta(min_length=1, max_length=200, title="a list of hosts", description="Every host.")
    ]
    ssh: Annotated[Ssh, Meta(description="SSH settings for hosts without their own.")] = Ssh()
    etcd: Annotated[Etcd, Meta(description="etcd, on the hosts with the role etcd.")] = Etcd()
    kubernetes: Annotated[
        Kubernetes | None,
        Meta(description=("The control plane; leave it out for a cluster of only etcd, or write {} for all defaults.")),
    ] = None
    vips: Annotated[
        tuple[VirtualIp, ...],
        Meta(
            max_length=32,
            title="a list of VIPs",
            description="Virtual addresses of the hosts with the role load-balancer.",
        ),
    ] = ()
    haproxy: Annotated[Haproxy | None, Meta(description="haproxy on the load balancers; all defaults if omitted.")] = (
        None
    )
    keepalived: Annotated[Keepalived, Meta(description="keepalived on the load balancers.")] = Keepalived()
    kube_vip: Annotated[
        KubeVip | None, Meta(description="The address that kube-vip moves between the control planes, if in use.")
    ] = None
    pki: Annotated[Pki, Meta(description="Settings of certificates.")] = Pki()
    preparation: Annotated[
        Preparation, Meta(description="Sources of software, and settings of the hosts; used by prepare.")
    ] = Preparation()
    read_only: Annotated[bool, Meta(description="Hide and refuse every action that changes something.")] = False
    theme: Annotated[Token | None, Meta(description="Theme of the console.")] = None
    guardrails: Annotated[
        tuple[Guardrail, ...],
        Meta(max_length=50, title="a list of guardrails", description="Rules for changes, each with its reason."),
    ] = ()

    def with_role(self, role: Role) -> tuple[Host, ...]:
        """The hosts that have `role`, in the order of the file."""
        return tuple(host for host in self.hosts if role in host.roles)

    def find(self, name: str) -> Host | None:
        return next((host for host in self.hosts if host.name == name), None)
