"""The inventory that describes a lab."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab.identity import KEY, KNOWN_HOSTS
from haconsole.lab.spec import (
    LOGIN,
    POD_CIDR,
    SERVICE_CIDR,
    VIP_PORT,
    EtcdTopology,
    HostSpec,
    LabSpec,
)

INVENTORY = "inventory.yaml"
CRI_SOCKET = "/run/containerd/containerd.sock"


def inventory_text(spec: LabSpec, folder: Path, kubernetes: str | None = None) -> str:
    """The YAML of a lab's inventory; paths in it are absolute, so that the file may be copied.

    `kubernetes` is the version of the programs on the hosts, None where they are left out.
    """
    jump = "\n  jump: bastion" if spec.bastion else ""
    hosts = "\n".join(_host_line(host) for host in spec.hosts)
    return f"""# The practice cluster `{spec.name}` on this machine.
cluster: {spec.name}

ssh:
  user: {LOGIN}
  identity_file: {folder / KEY}
  known_hosts: {folder / KNOWN_HOSTS}
  sudo: passwordless{jump}

hosts:
{hosts}
{_etcd(spec)}
kubernetes:
{_kubernetes(spec, kubernetes)}
{_balancer(spec)}"""


def _etcd(spec: LabSpec) -> str:
    """etcd's part where it differs from the usual: kubeadm's stacked members are static pods."""
    if spec.kubeadm is None or spec.kubeadm.etcd is EtcdTopology.EXTERNAL:
        return ""
    return "\netcd:\n  placement: static-pod\n"


def _kubernetes(spec: LabSpec, version: str | None) -> str:
    lines = [f"endpoint: {spec.endpoint}"]
    if version:
        lines.append(f"version: {version}")
    if spec.kubeadm:
        lines += ["deployment: kubeadm", f"service_cidr: {SERVICE_CIDR}", f"pod_cidr: {POD_CIDR}", *_kubeadm(version)]
    else:
        lines += [
            "# quicker than Kubernetes' own 15, 10 and 2, so that practice need not wait",
            "leader_election: {lease_duration_s: 8, renew_deadline_s: 6, retry_period_s: 1}",
        ]
    return "".join(f"  {line}\n" for line in lines)


_REFUSES_CGROUP_V1 = 35
"""The minor release since which kubelet and kubeadm's preflight refuse control groups of version 1."""


def _kubeadm(version: str | None) -> tuple[str, ...]:
    """kubeadm's settings: hosts share this machine's kernel, its control groups, its swap and conntrack's limits."""
    newer = version is not None and int(version.split(".")[1]) >= _REFUSES_CGROUP_V1
    return (
        "# hosts share this machine's kernel: no systemd cgroups, swap may be on, conntrack's limits are the machine's",
        "kubeadm:",
        f"  cri_socket: {CRI_SOCKET}",
        "  cgroup_driver: cgroupfs",
        f"  kubelet: {{failSwapOn: false{', failCgroupV1: false' if newer else ''}}}",
        *(("  ignore_preflight_errors: [SystemVerification]",) if newer else ()),
        "  kube_proxy: {conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}",
    )


def _balancer(spec: LabSpec) -> str:
    if not spec.has_vip:
        return ""
    return f"""vips:
  - address: {spec.vip}
    interface: eth0

haproxy:
  bind_port: {VIP_PORT}
"""


def _host_line(host: HostSpec) -> str:
    roles = ", ".join(role.value for role in host.roles)
    return f"  - {{name: {host.name}, address: {host.address}, roles: [{roles}]}}"
