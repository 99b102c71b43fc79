"""Reports of hosts to discover: set up by hand, and by kubeadm."""

from __future__ import annotations

from pathlib import Path

from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import single_file
from haconsole.probes.discovery.draft import draft_of, own_address
from haconsole.probes.discovery.host_report import HostReport, Others, Program
from haconsole.transport.kube_objects import Meta, Node, NodeAddress, NodeStatus

PROCESSES = """\
@ etcd /usr/bin/etcd
- /usr/bin/etcd
- --quota-backend-bytes=4294967296
- --debug
- --name
- m1
+ ETCD_NAME=shadowed
+ ETCD_DATA_DIR=/srv/etcd
@ kube-controller /opt/bin/kube-controller-manager
- kube-controller-manager
- --cluster-name=blue
@ etcd /usr/bin/second
- second
@ haproxy /usr/sbin/haproxy
- /usr/sbin/haproxy
- -Ws
- -f
- /etc/haproxy/haproxy.cfg
"""
HAPROXY = """\
global
    stats socket /run/haproxy/own.sock mode 660 level admin
    # stats socket /not/this
defaults
    balance leastconn
frontend web
    bind *:80
    default_backend pages
frontend apis
    bind 10.0.0.100:9443 # the VIP
    default_backend masters
backend pages
    server w1 10.0.0.31:8080 check
backend masters
    server a 10.0.0.11:6443 check
    server b 10.0.0.12:6443 check
    server c 10.0.0.13:6443 check
"""
HAPROXY_FILES = HaproxyFiles((HAPROXY,), ("/etc/haproxy/haproxy.cfg",))
KEEPALIVED = """\
vrrp_instance API {
    interface eth0
    virtual_router_id 77
    priority 150
    advert_int 2
    nopreempt
    authentication { auth_type PASS
      auth_pass hunter2 }
    virtual_ipaddress {
        10.0.0.100/24 dev bond0
    }
}
"""
HAND_MADE = HostReport(
    name="a.example",
    addresses=("10.0.0.100/24", "10.0.0.11/24"),
    programs={
        "etcd": Program(
            "/opt/etcd/etcd",
            {
                "name": "one",
                "initial-advertise-peer-urls": "https://10.0.0.11:2380",
                "advertise-client-urls": "https://10.0.0.11:2379",
                "initial-cluster": "one=https://10.0.0.11:2380,b=https://10.0.0.12:2380,c=https://10.0.0.13:2380",
                "trusted-ca-file": "/etc/ssl/etcd/root.pem",
                "cert-file": "/etc/ssl/etcd/one.pem",
                "initial-cluster-token": "blue",
                "listen-metrics-urls": "http://127.0.0.1:2381",
                "heartbeat-interval": "150",
            },
        ),
        "kube-apiserver": Program(
            "/opt/bin/kube-apiserver",
            {"client-ca-file": "/srv/pki/ca.crt", "service-cluster-ip-range": "10.96.0.0/12", "secure-port": "6443"},
        ),
        "kube-controller-manager": Program(
            "/opt/bin/kube-controller-manager",
            {"kubeconfig": "/srv/kube/manager.conf", "leader-elect-lease-duration": "1m30s"},
        ),
        "haproxy": Program("/usr/sbin/haproxy", {"f": "/etc/haproxy/haproxy.cfg"}),
        "keepalived": Program("/usr/sbin/keepalived", {}),
    },
    etcd_file="/etc/default/etcd",
    server="https://api.example:443",
    haproxy=HAPROXY_FILES,
    keepalived=single_file(KEEPALIVED),
)
KUBEADM = HostReport(
    name="k1",
    addresses=("10.98.0.11/24",),
    programs={
        "etcd": Program("/usr/local/bin/etcd", {"advertise-client-urls": "https://10.98.0.11:2379"}),
        "kube-apiserver": Program(
            "/usr/local/bin/kube-apiserver",
            {"advertise-address": "10.98.0.11", "client-ca-file": "/etc/kubernetes/pki/ca.crt"},
        ),
        "kube-controller-manager": Program(
            "/usr/local/bin/kube-controller-manager", {"kubeconfig": "/etc/kubernetes/controller-manager.conf"}
        ),
        "kubelet": Program("/usr/bin/kubelet", {}),
    },
    static_pods=frozenset({"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}),
    server="https://10.98.0.100:6443",
)


def node(name: str, address: str, **labels: str) -> Node:
    metadata = Meta(name=name, labels={f"node-role.kubernetes.io/{key.replace('_', '-')}": "" for key in labels})
    return Node(metadata=metadata, status=NodeStatus(addresses=(NodeAddress(type="InternalIP", address=address),)))


NOBODY = Others()


def text_of(host_report: HostReport, others: Others = NOBODY, reached_by: str = "") -> str:
    value = reached_by or own_address(host_report)
    return write(draft_of(host_report, others, source="a host", ssh={"user": "root"}, jump=None, reached_by=value))


def inventory_of(text: str) -> Inventory:
    result = parse(text, "<test>", Path("/"))
    assert isinstance(result, Inventory), "\n".join(map(str, result))
    return result


def framed(**sections: str) -> str:
    """The script's output where its sections answer with these texts."""
    return "".join(
        f"=haconsole= < {name}\n{text}\n=haconsole= ! 0\n\n=haconsole= >\n" for name, text in sections.items()
    )
