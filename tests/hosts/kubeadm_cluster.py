"""A kubeadm cluster as kubeadm's guide to highly available clusters makes it: stacked control planes, a worker.

haproxy and keepalived are configured as the guide's "Options for Software Load Balancing" writes them: the backend
`apiserverbackend`, no stats socket, priorities 101, 100, 100, a check with weight -2, a VIP without prefix length.
A cluster is made once a run and saved; each test that breaks something begins from the saved one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from haconsole.lab.lab import Lab
from haconsole.lab.spec import POD_CIDR, SERVICE_CIDR, Balancer, EtcdTopology, KubeadmSpec
from haconsole.model.hosts import Role

ADMIN = "/etc/kubernetes/admin.conf"
SOCKET = "/run/containerd/containerd.sock"
INIT_S, JOIN_S, READY_S = 240.0, 240.0, 180.0
_CHECK = """#!/bin/sh

errorExit() {
    echo "*** $*" 1>&2
    exit 1
}

curl -sfk --max-time 2 https://localhost:8443/healthz -o /dev/null || errorExit "Error GET
https://localhost:8443/healthz"
"""
_HAPROXY = """global
    log stdout format raw local0
    daemon

defaults
    mode                    http
    log                     global
    option                  httplog
    option                  dontlognull
    option http-server-close
    option forwardfor       except 127.0.0.0/8
    option                  redispatch
    retries                 1
    timeout http-request    10s
    timeout queue           20s
    timeout connect         5s
    timeout client          35s
    timeout server          35s
    timeout http-keep-alive 10s
    timeout check           10s

frontend apiserver
    bind *:8443
    mode tcp
    option tcplog
    default_backend apiserverbackend

backend apiserverbackend
    option httpchk

    http-check connect ssl
    http-check send meth GET uri /healthz
    http-check expect status 200

    mode tcp
    balance     roundrobin

"""
_KEEPALIVED = """global_defs {{
    router_id LVS_DEVEL
}}
vrrp_script check_apiserver {{
  script "/etc/keepalived/check_apiserver.sh"
  interval 3
  weight -2
  fall 10
  rise 2
}}

vrrp_instance VI_1 {{
    state {state}
    interface eth0
    virtual_router_id 51
    priority {priority}
    authentication {{
        auth_type PASS
        auth_pass 42
    }}
    virtual_ipaddress {{
        {vip}
    }}
    track_script {{
        check_apiserver
    }}
}}
"""
_CONFIG = """apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: {address}, bindPort: 6443}}
nodeRegistration: {{criSocket: {socket}}}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: {version}
controlPlaneEndpoint: "{endpoint}"
networking: {{podSubnet: {pods}, serviceSubnet: {services}}}
{etcd}---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {{maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
"""


def control_planes(lab: Lab) -> tuple[str, ...]:
    return tuple(host.name for host in lab.spec.hosts if Role.CONTROL_PLANE in host.roles)


def workers(lab: Lab) -> tuple[str, ...]:
    return tuple(host.name for host in lab.spec.hosts if Role.WORKER in host.roles)


def output(lab: Lab, host: str, *argv: str, deadline_s: float = 30.0) -> str:
    """Standard output of a command on a host; a failure shows all that it printed."""
    result = lab.exec(host, *argv, deadline_s=deadline_s)
    assert result.returncode == 0, f"{host}: {' '.join(argv)}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout


def kubectl(lab: Lab, host: str, *argv: str) -> str:
    return output(lab, host, "kubectl", f"--kubeconfig={ADMIN}", "--request-timeout=10s", *argv)


def configure_balancers(lab: Lab) -> None:
    """Configure haproxy and keepalived of every control plane as kubeadm's guide does, and start them."""
    write_balancer_files(lab)
    for name in control_planes(lab):
        output(lab, name, "systemctl", "enable", "--now", "--quiet", "haproxy", "keepalived")


def write_balancer_files(lab: Lab) -> None:
    """The configurations of haproxy and keepalived, and keepalived's check, on every control plane."""
    for number, name in enumerate(control_planes(lab)):
        root = lab.host(name).root
        state, priority = ("BACKUP", 100) if number else ("MASTER", 101)
        keepalived = _KEEPALIVED.format(state=state, priority=priority, vip=lab.spec.vip)
        for folder in ("etc/haproxy", "etc/keepalived"):
            (root / folder).mkdir(exist_ok=True)
        (root / "etc/haproxy/haproxy.cfg").write_text(haproxy_config(lab))
        (root / "etc/keepalived/keepalived.conf").write_text(keepalived)
        (root / "etc/keepalived/check_apiserver.sh").write_text(_CHECK)
        (root / "etc/keepalived/check_apiserver.sh").chmod(0o755)


def haproxy_config(lab: Lab) -> str:
    """haproxy's configuration as kubeadm's guide writes it."""
    servers = (
        f"    server {name} {lab.spec.host(name).address}:6443 check verify none\n" for name in control_planes(lab)
    )
    return _HAPROXY + "".join(servers)


def init(lab: Lab, etcd: str = "", endpoint: str = "") -> None:
    """Make a cluster of the first control plane; `etcd` and `endpoint` are parts of kubeadm's configuration.

    Without them etcd is stacked, and the endpoint is the lab's.
    """
    first = control_planes(lab)[0]
    version = output(lab, first, "kubeadm", "version", "--output", "short").strip()
    text = _CONFIG.format(
        address=lab.spec.host(first).address,
        socket=SOCKET,
        version=version,
        endpoint=endpoint or lab.spec.endpoint,
        pods=POD_CIDR,
        services=SERVICE_CIDR,
        etcd=etcd,
    )
    (lab.host(first).root / "root/kubeadm.yaml").write_text(text)
    output(lab, first, "kubeadm", "init", "--upload-certs", "--config=/root/kubeadm.yaml", deadline_s=INIT_S)


def join_command(lab: Lab) -> tuple[str, ...]:
    """A join command with a token made now; it lives a day."""
    first = control_planes(lab)[0]
    command = ("env", f"KUBECONFIG={ADMIN}", "kubeadm", "token", "create", "--print-join-command")
    return (*output(lab, first, *command).split(), f"--cri-socket={SOCKET}")


def certificate_key(lab: Lab) -> str:
    """Upload the cluster's CAs again, for two hours; returns the key that opens them."""
    command = ("kubeadm", "init", "phase", "upload-certs", "--upload-certs", "--config=/root/kubeadm.yaml")
    return output(lab, control_planes(lab)[0], "env", f"KUBECONFIG={ADMIN}", *command).split()[-1]


def join_control_plane(lab: Lab, host: str, command: tuple[str, ...], key: str) -> None:
    flags = [f"--certificate-key={key}", f"--apiserver-advertise-address={lab.spec.host(host).address}"]
    if lab.spec.kubeadm and lab.spec.kubeadm.balancer is Balancer.STATIC_PODS:
        flags.append("--ignore-preflight-errors=DirAvailable--etc-kubernetes-manifests")
    output(lab, host, *command, "--control-plane", *flags, deadline_s=JOIN_S)


def join_worker(lab: Lab, host: str, command: tuple[str, ...]) -> None:
    output(lab, host, *command, deadline_s=JOIN_S)


def make_cluster(lab: Lab, note: Callable[[str], None] = lambda text: None, etcd: str = "", endpoint: str = "") -> None:
    """Make the cluster on a bare kubeadm lab; `note` takes each part with its seconds, the others are as for `init`."""
    began = time.monotonic()

    def report(what: str) -> None:
        note(f"{what}: {time.monotonic() - began:.1f} s since the hosts were up")

    if lab.spec.kubeadm and lab.spec.kubeadm.balancer is Balancer.HOSTS:
        configure_balancers(lab)
    init(lab, etcd, endpoint)
    report("init")
    others = control_planes(lab)[1:]
    command, key = join_command(lab), certificate_key(lab)
    with ThreadPoolExecutor() as pool:  # workers need no etcd, so they join beside the control planes
        joining = [pool.submit(join_worker, lab, name, command) for name in workers(lab)]
        for name in others:
            join_control_plane(lab, name, command, key)
            report(f"{name} joined")
        for each in joining:
            each.result()
    report("workers joined")
    wait_healthy(lab)
    report("healthy")


def faults(lab: Lab) -> list[str]:
    """The faults of the cluster that etcd, every API server and the nodes report."""
    planes = control_planes(lab)
    ready = 'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
    results: list[str] = []
    for name in planes:
        result = lab.exec(name, "curl", "-sk", "--max-time", "3", "https://127.0.0.1:6443/readyz")
        if result.stdout != "ok":
            results.append(f"{name}: readyz returns {result.stdout[-200:] or result.stderr[-200:] or 'nothing'}")
    nodes = lab.exec(planes[0], "kubectl", f"--kubeconfig={ADMIN}", "--request-timeout=5s", "get", "nodes", "-o", ready)
    states = dict(line.split(maxsplit=1) for line in nodes.stdout.splitlines() if " " in line)
    results += [
        f"node {name}: {states.get(name, 'missing')}" for name in planes + workers(lab) if states.get(name) != "True"
    ]
    return results + _etcd_faults(lab, planes)


def _etcd_faults(lab: Lab, planes: tuple[str, ...]) -> list[str]:
    if lab.spec.kubeadm and lab.spec.kubeadm.etcd is EtcdTopology.EXTERNAL:
        return []
    result = etcdctl(lab, planes[0], "endpoint", "health", "--cluster")
    text = result[1]
    healthy = text.count("is healthy")
    return (
        []
        if result[0] == 0 and healthy == len(planes)
        else [f"etcd: {healthy} of {len(planes)} healthy: {text[-300:]}"]
    )


def etcdctl(lab: Lab, host: str, *argv: str) -> tuple[int, str]:
    """Exit status and output of etcdctl on a stacked member's host, with kubeadm's own health check certificate."""
    pki = "/etc/kubernetes/pki/etcd"
    files = (f"--cacert={pki}/ca.crt", f"--cert={pki}/healthcheck-client.crt", f"--key={pki}/healthcheck-client.key")
    command = ("etcdctl", "--endpoints=https://127.0.0.1:2379", "--command-timeout=3s", *files, *argv)
    result = lab.exec(host, "env", "ETCDCTL_API=3", *command)
    return result.returncode, result.stdout + result.stderr


def wait_healthy(lab: Lab, *, within_s: float = READY_S) -> None:
    """Wait until nothing is wrong with the cluster; nodes and leases lag by ten seconds and more."""
    end = time.monotonic() + within_s
    while result := faults(lab):
        assert time.monotonic() < end, result
        time.sleep(1.0)


def without_probes(lab: Lab) -> None:
    """Make the substitute for coredns available: it only waits, so it answers no probe."""
    path = "/spec/template/spec/containers/0"
    patch = json.dumps([{"op": "remove", "path": f"{path}/{probe}Probe"} for probe in ("liveness", "readiness")])
    kubectl(lab, "cp1", "-n", "kube-system", "patch", "deployment", "coredns", "--type=json", "-p", patch)


STACKED = KubeadmSpec()
"""The lab that `make_cluster` is for."""
