"""Failures of kubeadm clusters that a command brings about on one host, and the finding that must name the cause."""

from __future__ import annotations

from dataclasses import dataclass

PKI = "/etc/kubernetes/pki"
MANIFESTS = "/etc/kubernetes/manifests"
FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_CONFIG = "/var/lib/kubelet/config.yaml"
CONTAINERD = "/etc/containerd/config.toml"
KEEPALIVED = "/etc/keepalived/keepalived.conf"
HAPROXY = "/etc/haproxy/haproxy.cfg"
VIP = f"vip=$(sed -n '/virtual_ipaddress/{{n;s/ *//p}}' {KEEPALIVED})"


@dataclass(frozen=True)
class Mode:
    """A failure to make on one host, and the first finding that must name its cause."""

    name: str
    host: str
    make: str
    undo: str
    code: str
    subject: str
    holds: str = ""
    """A text that the finding must hold."""
    everywhere: bool = False
    """The finding is about the cluster: it must be the first of all findings, and `subject` may be left empty."""


def edit(file: str, change: str) -> tuple[str, str]:
    """Commands that change a file by sed, keeping a copy elsewhere, and that put it back."""
    copy = f"/root/{file.strip('/').replace('/', '_')}"
    return f"cp -p {file} {copy} && sed -i '{change}' {file}", f"cp -p {copy} {file}"


def while_stopped(pod: str, command: str) -> str:
    """Do the command while the static pod is stopped: its manifest is moved out of kubelet's folder, then back."""
    out = f"mv {MANIFESTS}/{pod}.yaml /root/ && while pidof {pod} >/dev/null; do sleep 0.5; done"
    return f"{out} && {command} && mv /root/{pod}.yaml {MANIFESTS}/"


def replaced(path: str, command: str) -> tuple[str, str]:
    """Commands that keep a copy of a file and change the original, and that put the copy back."""
    copy = f"/root/{path.strip('/').replace('/', '_')}"
    return f"cp -p {path} {copy} && {command}", f"cp -p {copy} {path}"


TYPO = "s/--leader-elect=true/--leader-elct=true/"
SCHEDULER = edit(f"{MANIFESTS}/kube-scheduler.yaml", TYPO)
APISERVER = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s/--secure-port=/--secure-prt=/")
BROKEN_YAML = edit(f"{MANIFESTS}/kube-scheduler.yaml", "s/^spec:/ spec: [/")
BAD_FLAG = edit(FLAGS, 's/"$/ --pod-infra-container-image=pause"/')
CRI = edit(CONTAINERD, '1i disabled_plugins = ["io.containerd.grpc.v1.cri"]')
RENEWED = replaced(f"{PKI}/apiserver.crt", f"cp -p {PKI}/apiserver.key /root/ && kubeadm certs renew apiserver")
OTHER_KEY = replaced(
    f"{PKI}/front-proxy-client.key", f"openssl genrsa -out {PKI}/front-proxy-client.key 2048 2>/dev/null"
)
OTHER_CA = replaced(
    f"{PKI}/ca.crt",
    f"cp -p {PKI}/ca.key /root/ && openssl req -x509 -newkey rsa:2048 -nodes -days 400 -subj /CN=kubernetes "
    f"-keyout {PKI}/ca.key -out {PKI}/ca.crt 2>/dev/null",
)
SANDBOX = edit(CONTAINERD, 's#sandbox_image = .*#sandbox_image = "registry.invalid/pause:0"#')
ADMISSION = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s/NodeRestriction/NodeRestriction,AlwaysPullImages/")
MEMBERS = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s#etcd-servers=https://127.0.0.1:2379#&,https://10.99.254.9:2379#")
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
DATA = "/var/lib/etcd/member"
KEPT = "/var/lib/etcd/kept"
DATA_BACK = while_stopped("etcd", f"rm -rf {DATA} && mv {KEPT} {DATA}")
ALONE = (
    "ip=$(sed -n 's/.*--advertise-client-urls=https:..\\(.*\\):2379/\\1/p' /etc/kubernetes/manifests/etcd.yaml) && "
    "env ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt "
    "--cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key snapshot save /root/s.db && "
)
RESTORED = (
    f"mv {DATA} {KEPT} && env ETCDCTL_API=3 etcdctl snapshot restore /root/s.db --data-dir=/var/lib/etcd/r "
    "--name $(uname -n) --initial-cluster $(uname -n)=https://$ip:2380 --initial-advertise-peer-urls https://$ip:2380"
    f" && mv /var/lib/etcd/r/member {DATA} && rm -r /var/lib/etcd/r /root/s.db"
)
CONFIG_MAP = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-system"
GONE_HOST = (
    f"{CONFIG_MAP} get configmap kubeadm-config -o yaml | sed '/resourceVersion/d' >/root/kept.yaml && "
    "sed 's/^    apiEndpoints:/&\\n      cp9:\\n        advertiseAddress: 10.99.254.9\\n        bindPort: 6443/' "
    f"/root/kept.yaml | {CONFIG_MAP} replace -f -"
)
PUBLIC = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-public"


def in_config_map(kubectl: str, name: str, change: str) -> tuple[str, str]:
    """Commands that change a ConfigMap by sed, and that put it back."""
    copy = f"/root/{name}.yaml"
    read = f"{kubectl} get configmap {name} -o yaml | sed '/resourceVersion/d' >{copy}"
    return f"{read} && sed '{change}' {copy} | {kubectl} replace -f -", f"{kubectl} replace -f {copy}"


OLD_ENDPOINT = in_config_map(PUBLIC, "cluster-info", "s#server: https://.*#server: https://10.99.254.9:8443#")
OLD_CA = (
    (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=kubernetes -keyout /dev/null -out /root/other.crt "
        "2>/dev/null && other=$(base64 -w0 /root/other.crt) && "
        f"{PUBLIC} get configmap cluster-info -o yaml | sed '/resourceVersion/d' >/root/cluster-info.yaml && "
        'sed "s#certificate-authority-data: .*#certificate-authority-data: $other#" /root/cluster-info.yaml | '
        f"{PUBLIC} replace -f -"
    ),
    OLD_ENDPOINT[1],
)
OTHER_DRIVER = in_config_map(CONFIG_MAP, "kubelet-config-1.20", "s/cgroupDriver: cgroupfs/cgroupDriver: systemd/")
MODES = (
    Mode(
        "kubeadm-config names a host that is gone",
        "cp2",
        GONE_HOST,
        f"{CONFIG_MAP} replace -f /root/kept.yaml",
        "kubeadm.config-stale",
        "kubeadm-config",
        "cp9",
        everywhere=True,
    ),
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
        "copy of a manifest",
        "cp3",
        f"cp -p {MANIFESTS}/etcd.yaml {MANIFESTS}/etcd.yaml.bak",
        f"rm {MANIFESTS}/etcd.yaml.bak",
        "static-pod.stray-manifest",
        "etcd@cp3",
        "etcd.yaml.bak",
    ),
    Mode(
        "scheduler's manifest missing",
        "cp2",
        f"mv {MANIFESTS}/kube-scheduler.yaml /root/",
        f"mv /root/kube-scheduler.yaml {MANIFESTS}/",
        "static-pod.manifest-missing",
        "kube-scheduler@cp2",
    ),
    Mode(
        "etcd's manifest missing",
        "cp3",
        f"mv {MANIFESTS}/etcd.yaml /root/",
        f"mv /root/etcd.yaml {MANIFESTS}/",
        "static-pod.manifest-missing",
        "etcd@cp3",
    ),
    Mode(
        "manifest that is no YAML",
        "cp2",
        BROKEN_YAML[0],
        BROKEN_YAML[1],
        "static-pod.unreadable-manifest",
        "kube-scheduler@cp2",
    ),
    Mode(
        "scheduler with a wrong flag",
        "cp3",
        SCHEDULER[0],
        SCHEDULER[1],
        "static-pod.crash-loop",
        "kube-scheduler@cp3",
        "unknown flag: --leader-elct",
    ),
    Mode(
        "API server with a wrong flag",
        "cp2",
        APISERVER[0],
        APISERVER[1],
        "static-pod.crash-loop",
        "kube-apiserver@cp2",
        "unknown flag: --secure-prt",
    ),
    Mode(
        "renewed, and the API server not restarted",
        "cp2",
        RENEWED[0],
        f"{RENEWED[1]} && cp -p /root/apiserver.key {PKI}/",
        "cert.served-old",
        f"cp2:{PKI}/apiserver.crt",
    ),
    Mode(
        "key of another pair",
        "cp3",
        OTHER_KEY[0],
        OTHER_KEY[1],
        "cert.key-mismatch",
        f"cp3:{PKI}/front-proxy-client.crt",
    ),
    Mode(
        "key that other accounts can read",
        "cp3",
        f"chmod 644 {PKI}/apiserver-kubelet-client.key",
        f"chmod 600 {PKI}/apiserver-kubelet-client.key",
        "cert.key-exposed",
        f"cp3:{PKI}/apiserver-kubelet-client.crt",
    ),
    Mode(
        "CA of its own",
        "cp3",
        OTHER_CA[0],
        f"{OTHER_CA[1]} && cp -p /root/ca.key {PKI}/",
        "cert.wrong-ca",
        "",
        "cp3",
        everywhere=True,
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
        "data of one etcd lost",
        "cp3",
        while_stopped("etcd", f"mv {DATA} {KEPT}"),
        DATA_BACK,
        "static-pod.crash-loop",
        "etcd@cp3",
        "This etcd member lost writes",
    ),
    Mode(
        "write-ahead log of one etcd damaged",
        "cp3",
        while_stopped(
            "etcd",
            f"cp -a {DATA} {KEPT} && for file in {DATA}/wal/*-*.wal; do "
            "printf damaged | dd of=$file bs=1 seek=16 conv=notrunc 2>/dev/null; done",
        ),
        DATA_BACK,
        "static-pod.crash-loop",
        "etcd@cp3",
    ),
    Mode(
        "one etcd restored separately",
        "cp2",
        ALONE + while_stopped("etcd", RESTORED),
        DATA_BACK,
        "etcd.cluster-id-mismatch",
        "etcd",
        "cp2",
        everywhere=True,
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
    Mode(
        "cluster-info with an earlier endpoint",
        "cp1",
        OLD_ENDPOINT[0],
        OLD_ENDPOINT[1],
        "kubeadm.config-stale",
        "cluster-info",
        "10.99.254.9",
        everywhere=True,
    ),
    Mode(
        "cluster-info with an earlier CA",
        "cp1",
        OLD_CA[0],
        OLD_CA[1],
        "kubeadm.config-stale",
        "cluster-info",
        "another CA",
        everywhere=True,
    ),
    Mode(
        "kubelet-config with another cgroup driver",
        "cp1",
        OTHER_DRIVER[0],
        OTHER_DRIVER[1],
        "kubeadm.config-stale",
        "kubelet-config-1.20",
        "cgroupDriver systemd",
        everywhere=True,
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
    Mode(
        "flags of one API server differ",
        "cp2",
        ADMISSION[0],
        ADMISSION[1],
        "apiserver.flags-differ",
        "cp2",
        "AlwaysPullImages",
    ),
    Mode(
        "API server with a member that does not exist",
        "cp2",
        MEMBERS[0],
        MEMBERS[1],
        "apiserver.etcd-servers-stale",
        "cp2",
        "10.99.254.9",
    ),
    Mode("etcd suspended", "cp3", "kill -STOP $(pidof etcd)", "kill -CONT $(pidof etcd)", "service.hung", "etcd@cp3"),
    Mode(
        "API server suspended",
        "cp3",
        "kill -STOP $(pidof kube-apiserver)",
        "kill -CONT $(pidof kube-apiserver)",
        "service.hung",
        "kube-apiserver@cp3",
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


NEWEST = MODES[[mode.name for mode in MODES].index("port 6443 in use") :]
"""The modes that run nightly only, until each has passed there."""
