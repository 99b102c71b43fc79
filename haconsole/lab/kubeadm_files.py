"""Files that let containerd and kubelet run inside a lab's host, by path below its root, with their modes.

A host shares the machine's kernel. kubelet writes control groups, reads the kernel's log and sets four sysctls, so the
unit `lab-kubelet-host` makes the host's own control groups writable and covers those sysctls with plain files.
"""

from __future__ import annotations

_PREPARE = """#!/bin/sh
set -e
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
  ! mountpoint -q "$tree" || mount -o remount,rw,bind "$tree"
done
[ -e /dev/kmsg ] || ln -s null /dev/kmsg
covers=/run/lab-sysctl; mkdir -p "$covers"
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
  name=${setting%=*}; cover=$covers/${name#*/}
  echo "${setting#*=}" >"$cover"
  mount --bind "$cover" "/proc/sys/$name"
done
echo 1 >/proc/sys/net/ipv4/ip_forward
"""

_PREPARE_UNIT = """[Unit]
Description=Prepare this lab host for containerd and kubelet
DefaultDependencies=no
Before=containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-kubelet-host

[Install]
WantedBy=sysinit.target
"""

_KUBELET_UNIT = """[Unit]
Description=kubelet: The Kubernetes Node Agent
Wants=network-online.target containerd.service
After=network-online.target containerd.service lab-kubelet-host.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
"""

_KUBEADM_DROP_IN = """[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""

PAUSE_IMAGE = "k8s.gcr.io/pause:3.2"
_CONTAINERD = f"""version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        NoNewKeyring = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
"""

KUBEADM_FILES = {
    "usr/local/sbin/lab-kubelet-host": (_PREPARE, 0o755),
    "etc/systemd/system/lab-kubelet-host.service": (_PREPARE_UNIT, 0o644),
    "etc/systemd/system/kubelet.service": (_KUBELET_UNIT, 0o644),
    "etc/systemd/system/kubelet.service.d/10-kubeadm.conf": (_KUBEADM_DROP_IN, 0o644),
    "etc/containerd/config.toml": (_CONTAINERD, 0o644),
}
KUBEADM_UNITS = ("lab-kubelet-host.service", "containerd.service", "kubelet.service")
"""Units that every kubeadm host starts at boot."""


def cni_network(subnet: str) -> str:
    """The CNI configuration of a host whose pods have addresses of `subnet`, e.g. ``10.244.11.0/24``."""
    return f"""{{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {{
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipam": {{
        "type": "host-local",
        "ranges": [[{{"subnet": "{subnet}"}}]],
        "routes": [{{"dst": "0.0.0.0/0"}}]
      }}
    }}
  ]
}}
"""
