"""Failures of what a host gives a cluster: kubelet, the container runtime, the network, balancers, SSH."""

from __future__ import annotations

from tests.hosts.kubeadm_mode import Mode, edit, replaced, while_stopped

FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
CONTAINERD = "/etc/containerd/config.toml"
KEEPALIVED = "/etc/keepalived/keepalived.conf"
HAPROXY = "/etc/haproxy/haproxy.cfg"
VIP = f"vip=$(sed -n '/virtual_ipaddress/{{n;s/ *//p}}' {KEEPALIVED})"
BAD_FLAG = edit(FLAGS, 's/"$/ --pod-infra-container-image=pause"/')
CRI = edit(CONTAINERD, '1i disabled_plugins = ["io.containerd.grpc.v1.cri"]')
SANDBOX = edit(CONTAINERD, 's#sandbox_image = .*#sandbox_image = "registry.invalid/pause:0"#')
PRESSURE = replaced(
    KUBELET_CONFIG,
    f"sed -i '/^evictionHard/,/^[a-z]/{{/^evictionHard/d;/^ /d}}' {KUBELET_CONFIG} && "
    f"printf 'evictionHard:\\n  memory.available: 99.9%%\\n' >>{KUBELET_CONFIG}",
)
SWAP = replaced(
    KUBELET_CONFIG,
    f"sed -i '/^failSwapOn/d;$afailSwapOn: true' {KUBELET_CONFIG} && "
    "printf 'Filename Type Size Used Priority\n/dev/sda2 partition 1024 0 -2\n' >/root/swaps && "
    "mount --bind /root/swaps /proc/swaps && systemctl restart kubelet",
)
ROUTER = edit(KEEPALIVED, "s/virtual_router_id 51/virtual_router_id 52/")
BAD_HAPROXY = edit(HAPROXY, "s/balance     roundrobin/balance nonsense/")
OF_HOSTS = (
    Mode("kubelet stopped", "cp2", "systemctl stop kubelet", "systemctl start kubelet", "kubelet.down", "cp2"),
    Mode(
        "container runtime masked",
        "w1",
        "systemctl mask --now --quiet containerd",
        "systemctl unmask --quiet containerd && systemctl start containerd",
        "service.masked",
        "containerd@w1",
    ),
    Mode(
        "kubelet with a flag it does not know",
        "w1",
        f"{BAD_FLAG[0].replace('pod-infra-container-image', 'no-such-flag')} && systemctl restart kubelet",
        f"{BAD_FLAG[1]} && systemctl restart kubelet",
        "service.crash-loop",
        "kubelet@w1",
        "no-such-flag",
    ),
    Mode(
        "kubelet suspended",
        "w1",
        "kill -STOP $(pidof kubelet)",
        "kill -CONT $(pidof kubelet)",
        "service.hung",
        "kubelet@w1",
    ),
    Mode(
        "container runtime stopped",
        "w1",
        "systemctl stop containerd",
        "systemctl start containerd",
        "runtime.down",
        "w1",
    ),
    Mode(
        "CRI plug-in disabled",
        "w1",
        f"{CRI[0]} && systemctl restart containerd",
        f"{CRI[1]} && systemctl restart containerd kubelet",
        "runtime.cri-disabled",
        "w1",
    ),
    Mode(
        "cgroup drivers differ",
        "w1",
        edit(CONTAINERD, "s/SystemdCgroup = false/SystemdCgroup = true/")[0],
        edit(CONTAINERD, "")[1],
        "runtime.cgroup-driver",
        "w1",
    ),
    Mode(
        "sandbox image missing",
        "cp3",
        f"{SANDBOX[0]} && systemctl restart containerd && {while_stopped('kube-scheduler', 'sleep 1')}",
        f"{SANDBOX[1]} && systemctl restart containerd",
        "static-pod.not-started",
        "kube-scheduler@cp3",
        "containerd cannot get the pause image",
    ),
    Mode(
        "port 6443 in use",
        "cp2",
        while_stopped(
            "kube-apiserver", "systemd-run --quiet --unit=squatter socat TCP-LISTEN:6443,fork,reuseaddr EXEC:cat"
        ),
        "systemctl stop squatter",
        "host.port-taken",
        "kube-apiserver@cp2",
        "socat",
    ),
    Mode(
        "network plug-in's configuration missing",
        "w1",
        "mkdir -p /root/cni && mv /etc/cni/net.d/* /root/cni/",
        "cp /root/cni/* /etc/cni/net.d/ && rm -r /root/cni",  # containerd does not notice a file that was renamed
        "node.not-ready",
        "w1",
        "The node has no network plug-in for its pods.",
    ),
    Mode(
        "memory below kubelet's threshold",
        "w1",
        f"{PRESSURE[0]} && systemctl restart kubelet",
        f"{PRESSURE[1]} && systemctl restart kubelet",
        "node.pressure",
        "w1",
        "memory",
    ),
    Mode(  # kubelet itself reads this file, and ends
        "swap on",
        "w1",
        SWAP[0],
        f"umount /proc/swaps && {SWAP[1]} && systemctl reset-failed kubelet; systemctl restart kubelet",
        "host.swap-on",
        "w1",
        "/dev/sda2",
    ),
    Mode("haproxy stopped", "cp2", "systemctl stop haproxy", "systemctl start haproxy", "haproxy.down", "cp2"),
    Mode(
        "keepalived stopped", "cp2", "systemctl stop keepalived", "systemctl start keepalived", "keepalived.down", "cp2"
    ),
    Mode(
        "VIP added by hand",
        "cp2",
        f"{VIP}; ip address add $vip/32 dev eth0",
        f"{VIP}; ip address del $vip/32 dev eth0",
        "vip.not-master",
        "cp2",
    ),
    Mode(
        "router ID of one balancer differs",
        "cp3",
        ROUTER[0],
        ROUTER[1],
        "vip.config-mismatch",
        "",
        "router",
        everywhere=True,
    ),
    Mode("haproxy's file not valid", "cp3", BAD_HAPROXY[0], BAD_HAPROXY[1], "config.invalid", "haproxy@cp3"),
    Mode(
        "haproxy not enabled",
        "cp3",
        "systemctl disable -q haproxy",
        "systemctl enable -q haproxy",
        "service.disabled",
        "haproxy@cp3",
    ),
    Mode(
        "peer port blocked",
        "cp3",
        "nft 'add table inet drill' && nft 'add chain inet drill in { type filter hook input priority 0; }' && "
        "nft 'add rule inet drill in ip saddr != 127.0.0.1 tcp dport 2380 drop'",
        "nft 'delete table inet drill'",
        "host.peer-unreachable",
        "cp3",
    ),
    Mode(
        "SSH server stopped",
        "w1",
        "systemctl stop ssh.socket ssh",
        "systemctl start ssh",
        "host.unreachable",
        "w1",
    ),
    Mode(
        "sudo needs a password",
        "w1",
        "cp -p /etc/sudoers.d/ops /root/ && sed -i 's/NOPASSWD: *//' /etc/sudoers.d/ops",
        "cp -p /root/ops /etc/sudoers.d/",
        "probe.failed",
        "w1",
    ),
)
