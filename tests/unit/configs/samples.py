"""Inventories that the renderers and planners are tried on."""

from __future__ import annotations

from haconsole.inventory.component_settings import LeaderElection
from haconsole.inventory.schema import (
    CaKeyPlace,
    Deployment,
    Discovery,
    DiscoveryKind,
    Etcd,
    EtcdTls,
    Haproxy,
    Host,
    Inventory,
    Keepalived,
    Kubernetes,
    Pki,
    VirtualIp,
    VrrpMode,
)
from haconsole.model.hosts import Role
from haconsole.model.secret import Secret

ALL = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)
PASSWORD = "hush-hu5"


def lab() -> Inventory:
    """Three hosts with every role, as the practice cluster has them."""
    return Inventory(
        cluster="lab",
        hosts=tuple(Host(name=f"cp{n}", address=f"10.99.0.1{n}", roles=ALL, interface="host0") for n in (1, 2, 3)),
        kubernetes=Kubernetes(
            version="v1.20.2",
            leader_election=LeaderElection(lease_duration_s=4, renew_deadline_s=3, retry_period_s=1),
        ),
        vips=(VirtualIp(address="10.99.0.100/24", auth_pass=Secret(PASSWORD)),),
    )


def spread() -> Inventory:
    """Separate balancers, control planes and etcd hosts; RSA, multicast, two VIPs, CA key with the operator."""
    balancers = tuple(
        Host(name=f"lb{n}", address=f"192.0.2.2{n}", roles=(Role.LOAD_BALANCER,), vrrp_priority=150 - n) for n in (1, 2)
    )
    planes = tuple(Host(name=f"m{n}", address=f"192.0.2.1{n}", roles=(Role.CONTROL_PLANE,)) for n in (1, 2))
    stores = tuple(
        Host(name=f"e{n}", address=f"192.0.2.3{n}", roles=(Role.ETCD,), etcd_name=f"store{n}") for n in (1, 2, 3)
    )
    return Inventory(
        cluster="prod-7",
        hosts=(*balancers, *planes, *stores, Host(name="w1", address="192.0.2.41", roles=(Role.WORKER,))),
        etcd=Etcd(token="prod-7", metrics_port=2381, quota_bytes=8 << 30, data_dir="/srv/etcd"),
        kubernetes=Kubernetes(endpoint="api.example.test:6443", version="1.31", extra_sans=("10.1.2.3", "k8s.example")),
        vips=(
            VirtualIp(address="192.0.2.100", interface="eth0", router_id=61, mode=VrrpMode.MULTICAST, preempt=False),
            VirtualIp(address="192.0.2.101", interface="eth0", router_id=62, advert_int_s=0.5),
        ),
        haproxy=Haproxy(bind_port=6443, health_port=9404, stats_socket="/run/lb/admin.sock", balance="leastconn"),
        keepalived=Keepalived(down_file="/run/keepalived.down"),
        pki=Pki(ca_key=CaKeyPlace.OPERATOR),
    )


def ipv6() -> Inventory:
    """Three hosts with IPv6 addresses only."""
    return Inventory(
        cluster="six",
        hosts=tuple(Host(name=f"n{n}", address=f"2001:db8::1{n}", roles=ALL, interface="eth0") for n in (1, 2, 3)),
        kubernetes=Kubernetes(service_cidr="fd00:10::/108", pod_cidr="fd00:20::/64"),
        vips=(VirtualIp(address="2001:db8::100"),),
    )


def etcd_only(discovery: DiscoveryKind, tls: EtcdTls) -> Inventory:
    """Three etcd hosts and nothing else."""
    values = {
        DiscoveryKind.STATIC: None,
        DiscoveryKind.URL: "https://discovery.example/3e86b59982e49066c5d813af1c2e2579",
        DiscoveryKind.SRV: "etcd.example",
    }
    return Inventory(
        cluster="store",
        hosts=tuple(Host(name=f"e{n}", address=f"192.0.2.3{n}", roles=(Role.ETCD,)) for n in (1, 2, 3)),
        etcd=Etcd(tls=tls, discovery=Discovery(kind=discovery, value=values[discovery])),
    )


def kubeadm() -> Inventory:
    """The lab's hosts, made by kubeadm with external etcd."""
    return Inventory(
        cluster="adm",
        hosts=lab().hosts,
        kubernetes=Kubernetes(deployment=Deployment.KUBEADM),
        vips=(VirtualIp(address="10.99.0.100/24"),),
    )
