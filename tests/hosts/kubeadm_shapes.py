"""kubeadm clusters of other shapes: etcd on hosts of its own, balancers as static pods, a balancer outside.

kubeadm's guide "Set up a High Availability etcd Cluster with kubeadm" makes the certificates of all members on the
first etcd host. Members then run as static pods of a kubelet without an API server, or as systemd units.
"""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path

from haconsole.lab.kubeadm_images import HAPROXY_IMAGE, KEEPALIVED_IMAGE
from haconsole.lab.lab import Lab
from haconsole.model.hosts import Role
from tests.hosts.kubeadm_cluster import (
    SOCKET,
    control_planes,
    haproxy_config,
    kubectl,
    make_cluster,
    output,
    write_balancer_files,
)

PKI = "/etc/kubernetes/pki"
UNIT_PKI = "/etc/etcd/pki"
MEMBER_S = 120.0
_MEMBER = """apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
nodeRegistration: {{name: {name}, criSocket: {socket}}}
localAPIEndpoint: {{advertiseAddress: {address}}}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: {version}
certificatesDir: {folder}
etcd:
  local:
    serverCertSANs: ["{address}"]
    peerCertSANs: ["{address}"]
    extraArgs:
      initial-cluster: {members}
      initial-cluster-state: new
      name: {name}
      listen-peer-urls: https://{address}:2380
      listen-client-urls: https://{address}:2379
      advertise-client-urls: https://{address}:2379
      initial-advertise-peer-urls: https://{address}:2380
"""
_KUBELET = """[Service]
ExecStart=
ExecStart=/usr/local/bin/kubelet --address=127.0.0.1 --pod-manifest-path=/etc/kubernetes/manifests \
  --cgroup-driver=cgroupfs --fail-swap-on=false --container-runtime=remote \
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock
"""
_UNIT = """[Unit]
Description=etcd
After=network-online.target

[Service]
Type=notify
ExecStart=/usr/bin/etcd --name={name} --data-dir=/var/lib/etcd \
  --cert-file={pki}/server.crt --key-file={pki}/server.key --client-cert-auth --trusted-ca-file={pki}/ca.crt \
  --peer-cert-file={pki}/peer.crt --peer-key-file={pki}/peer.key --peer-client-cert-auth \
  --peer-trusted-ca-file={pki}/ca.crt --initial-cluster={members} --initial-cluster-state=new \
  --listen-peer-urls=https://{address}:2380 --initial-advertise-peer-urls=https://{address}:2380 \
  --listen-client-urls=https://{address}:2379 --advertise-client-urls=https://{address}:2379
Restart=always

[Install]
WantedBy=multi-user.target
"""
_EXTERNAL = """etcd:
  external:
    endpoints: [{endpoints}]
    caFile: {pki}/etcd/ca.crt
    certFile: {pki}/apiserver-etcd-client.crt
    keyFile: {pki}/apiserver-etcd-client.key
"""


_POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: kube-system}}
spec:
  hostNetwork: true
  containers:
  - name: {name}
    image: {image}
    imagePullPolicy: IfNotPresent
    securityContext: {{capabilities: {{add: [NET_ADMIN, NET_BROADCAST, NET_RAW]}}}}
    volumeMounts: [{mounts}]
  volumes: [{volumes}]
"""
_PODS = {
    "haproxy": (HAPROXY_IMAGE, {"/etc/haproxy/haproxy.cfg": "/usr/local/etc/haproxy/haproxy.cfg"}),
    "keepalived": (
        KEEPALIVED_IMAGE,
        {
            "/etc/keepalived/keepalived.conf": "/usr/local/etc/keepalived/keepalived.conf",
            "/etc/keepalived/check_apiserver.sh": "/etc/keepalived/check_apiserver.sh",
        },
    ),
}
"""kubeadm's guide "Options for Software Load Balancing": images, and the host's files by their paths inside."""


_OPTIONS = "/etc/keepalived/keepalived.config-opts"
"""Debian's keepalived 2.3, of which the lab makes its image, does not start without this file."""


class EtcdRunner(StrEnum):
    """The supervisor of external members."""

    UNITS = "units"
    STATIC_PODS = "static pods"


def members(lab: Lab) -> tuple[str, ...]:
    return tuple(host.name for host in lab.spec.hosts if Role.ETCD in host.roles)


def make_members(lab: Lab, runner: EtcdRunner) -> Path:
    """Make etcd on its own hosts; the folder with its CA and the client pair of API servers."""
    make_certificates(lab)
    for name in members(lab):
        _place(lab, name, runner)
        _configure(lab, name, runner)
    for name in members(lab):  # the first one waits for the others
        output(lab, name, "systemctl", "start", "--no-block", "etcd" if runner is EtcdRunner.UNITS else "kubelet")
    return _certificate_folder(lab, members(lab)[0])


def make_with_external_etcd(lab: Lab, runner: EtcdRunner) -> None:
    """Make etcd on its own hosts, then the control planes that use it."""
    result = make_members(lab, runner)
    first = lab.host(control_planes(lab)[0]).root / PKI.removeprefix("/")
    (first / "etcd").mkdir(parents=True, exist_ok=True)
    shutil.copy(result / "etcd/ca.crt", first / "etcd/ca.crt")
    for ending in ("crt", "key"):
        shutil.copy(result / f"apiserver-etcd-client.{ending}", first)
    urls = ", ".join(f'"https://{lab.spec.host(name).address}:2379"' for name in members(lab))
    make_cluster(lab, etcd=_EXTERNAL.format(endpoints=urls, pki=PKI))


def make_with_static_pod_balancers(lab: Lab) -> None:
    """Make a stacked cluster whose balancers are static pods of the control planes' kubelets."""
    write_balancer_files(lab)
    for name in control_planes(lab):
        manifests = lab.host(name).root / "etc/kubernetes/manifests"
        manifests.mkdir(parents=True, exist_ok=True)
        for pod, (image, files) in _PODS.items():
            if pod == "keepalived" and (lab.host(name).root / _OPTIONS.removeprefix("/")).exists():
                files = {**files, _OPTIONS: _OPTIONS}
            (manifests / f"{pod}.yaml").write_text(_balancer_pod(pod, image, files))
    make_cluster(lab)


def make_with_external_balancer(lab: Lab) -> None:
    """Make a stacked cluster behind an haproxy on the bastion, which is no part of the cluster."""
    bastion = next(host.name for host in lab.spec.hosts if host.is_bastion)
    (lab.host(bastion).root / "etc/haproxy/haproxy.cfg").write_text(haproxy_config(lab))
    output(lab, bastion, "systemctl", "enable", "--quiet", "haproxy")
    output(lab, bastion, "systemctl", "restart", "haproxy")
    make_cluster(lab, endpoint=f"{lab.spec.inner_gateway}:8443")


def move_balancers(lab: Lab, host: str) -> None:
    """Make a worker of a cluster with balancers on its control planes the only balancer, and no node of the cluster.

    sshd's key is then also known by the VIP, as if a person had accepted it.
    """
    kubectl(lab, control_planes(lab)[0], "delete", "node", host)
    first = lab.host(control_planes(lab)[0]).root
    folders = ("etc/haproxy", "etc/keepalived")
    for path in (path for folder in folders for path in (first / folder).iterdir() if path.is_file()):
        copy = lab.host(host).root / path.relative_to(first)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    for name in control_planes(lab):
        output(lab, name, "systemctl", "disable", "--now", "--quiet", "haproxy", "keepalived")
        output(lab, name, "rm", "-f", "/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf")
    output(lab, host, "kubeadm", "reset", "--force", f"--cri-socket={SOCKET}", deadline_s=MEMBER_S)
    output(lab, host, "systemctl", "disable", "--now", "--quiet", "kubelet", "containerd")
    output(lab, host, "systemctl", "enable", "--now", "--quiet", "haproxy", "keepalived")
    known = lab.inventory_path.parent / "known_hosts"
    lines = known.read_text().splitlines()
    address = lab.spec.host(host).address
    known.write_text("\n".join(line.replace(f"{address},", f"{address},{lab.spec.vip},") for line in lines) + "\n")


def _balancer_pod(name: str, image: str, files: dict[str, str]) -> str:
    mounts = ", ".join(f"{{name: f{n}, mountPath: {inside}}}" for n, inside in enumerate(files.values()))
    volumes = ", ".join(
        f"{{name: f{n}, hostPath: {{path: {path}, type: FileOrCreate}}}}" for n, path in enumerate(files)
    )
    return _POD.format(name=name, image=image, mounts=mounts, volumes=volumes)


def make_certificates(lab: Lab) -> None:
    """The CA and the certificates of all members, on the first etcd host, by kubeadm."""
    first = members(lab)[0]
    root = lab.host(first).root
    version = output(lab, first, "kubeadm", "version", "--output", "short").strip()
    for name in members(lab):
        (root / f"root/{name}.yaml").write_text(_member_config(lab, name, version, f"/root/made-{name}"))
    output(lab, first, "kubeadm", "init", "phase", "certs", "etcd-ca", f"--config=/root/{first}.yaml")
    for name in members(lab):
        folder = f"/root/made-{name}"
        if name != first:
            output(
                lab, first, "sh", "-ec", f"mkdir -p {folder}/etcd; cp -p /root/made-{first}/etcd/ca.* {folder}/etcd/"
            )
        for leaf in ("etcd-server", "etcd-peer", "etcd-healthcheck-client", "apiserver-etcd-client"):
            output(lab, first, "kubeadm", "init", "phase", "certs", leaf, f"--config=/root/{name}.yaml")


def _member_config(lab: Lab, name: str, version: str, folder: str = PKI) -> str:
    """kubeadm's configuration for a member; its certificates are in `folder`."""
    address, cluster = lab.spec.host(name).address, _initial_cluster(lab)
    return _MEMBER.format(name=name, address=address, socket=SOCKET, version=version, members=cluster, folder=folder)


def _initial_cluster(lab: Lab) -> str:
    return ",".join(f"{name}=https://{lab.spec.host(name).address}:2380" for name in members(lab))


def _certificate_folder(lab: Lab, name: str) -> Path:
    """The folder of a member's certificates on the first etcd host."""
    return lab.host(members(lab)[0]).root / f"root/made-{name}"


def _place(lab: Lab, name: str, runner: EtcdRunner) -> None:
    """Copy a member's certificates to where it reads them; units have no client certificate of their own."""
    root = lab.host(name).root
    if runner is EtcdRunner.STATIC_PODS:
        shutil.copytree(_certificate_folder(lab, name), root / PKI.removeprefix("/"), dirs_exist_ok=True)
        return
    folder = root / UNIT_PKI.removeprefix("/")
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("ca.crt", "server.crt", "server.key", "peer.crt", "peer.key"):
        shutil.copy(_certificate_folder(lab, name) / "etcd" / file, folder)


def _configure(lab: Lab, name: str, runner: EtcdRunner) -> None:
    root = lab.host(name).root
    if runner is EtcdRunner.STATIC_PODS:
        drop_in = root / "etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf"
        drop_in.write_text(_KUBELET)
        version = output(lab, name, "kubeadm", "version", "--output", "short").strip()
        (root / "root/member.yaml").write_text(_member_config(lab, name, version))
        output(lab, name, "kubeadm", "init", "phase", "etcd", "local", "--config=/root/member.yaml")
    else:
        unit = root / "etc/systemd/system/etcd.service"
        address = lab.spec.host(name).address
        unit.write_text(_UNIT.format(name=name, address=address, pki=UNIT_PKI, members=_initial_cluster(lab)))
        output(lab, name, "systemctl", "disable", "--now", "--quiet", "kubelet")
    output(lab, name, "systemctl", "daemon-reload")
    if runner is EtcdRunner.STATIC_PODS:
        output(lab, name, "systemctl", "restart", "--no-block", "kubelet")
    else:
        output(lab, name, "systemctl", "enable", "--quiet", "etcd")
