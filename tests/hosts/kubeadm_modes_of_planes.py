"""Failures of control planes: manifests, static pods, certificates, etcd, and kubeadm's ConfigMaps."""

from __future__ import annotations

from tests.hosts.kubeadm_mode import MANIFESTS, Mode, edit, in_config_map, replaced, while_stopped

PKI = "/etc/kubernetes/pki"
TYPO = "s/--leader-elect=true/--leader-elct=true/"
SCHEDULER = edit(f"{MANIFESTS}/kube-scheduler.yaml", TYPO)
APISERVER = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s/--secure-port=/--secure-prt=/")
BROKEN_YAML = edit(f"{MANIFESTS}/kube-scheduler.yaml", "s/^spec:/ spec: [/")
RENEWED = replaced(f"{PKI}/apiserver.crt", f"cp -p {PKI}/apiserver.key /root/ && kubeadm certs renew apiserver")
OTHER_KEY = replaced(
    f"{PKI}/front-proxy-client.key", f"openssl genrsa -out {PKI}/front-proxy-client.key 2048 2>/dev/null"
)
OTHER_CA = replaced(
    f"{PKI}/ca.crt",
    f"cp -p {PKI}/ca.key /root/ && openssl req -x509 -newkey rsa:2048 -nodes -days 400 -subj /CN=kubernetes "
    f"-keyout {PKI}/ca.key -out {PKI}/ca.crt 2>/dev/null",
)
ADMISSION = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s/NodeRestriction/NodeRestriction,AlwaysPullImages/")
MEMBERS = edit(f"{MANIFESTS}/kube-apiserver.yaml", "s#etcd-servers=https://127.0.0.1:2379#&,https://10.99.254.9:2379#")
DATA = "/var/lib/etcd/member"
KEPT = "/var/lib/etcd/kept"
DATA_BACK = while_stopped("etcd", f"rm -rf {DATA} && mv {KEPT} {DATA}")
ETCDCTL = (
    "env ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt "
    "--cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key"
)
KEPT_OR_BACK = f"if {ETCDCTL} endpoint health; then rm -rf {KEPT}; else {DATA_BACK}; fi"
"""A leader that was elected since then has sent the member all data. The older data would be too old for it."""
ALONE = (
    "ip=$(sed -n 's/.*--advertise-client-urls=https:..\\(.*\\):2379/\\1/p' /etc/kubernetes/manifests/etcd.yaml) && "
    f"{ETCDCTL} snapshot save /root/s.db && "
)
RESTORED = (
    f"mv {DATA} {KEPT} && env ETCDCTL_API=3 etcdctl snapshot restore /root/s.db --data-dir=/var/lib/etcd/r "
    "--name $(uname -n) --initial-cluster $(uname -n)=https://$ip:2380 --initial-advertise-peer-urls https://$ip:2380"
    f" && mv /var/lib/etcd/r/member {DATA} && rm -r /var/lib/etcd/r /root/s.db"
)
CONFIG_MAP = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-system"
PUBLIC = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-public"
GONE_HOST = (
    f"{CONFIG_MAP} get configmap kubeadm-config -o yaml | sed '/resourceVersion/d' >/root/kept.yaml && "
    "sed 's/^    apiEndpoints:/&\\n      cp9:\\n        advertiseAddress: 10.99.254.9\\n        bindPort: 6443/' "
    f"/root/kept.yaml | {CONFIG_MAP} replace -f -"
)
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
OF_PLANES = (
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
        "data of one etcd lost",
        "cp3",
        while_stopped("etcd", f"mv {DATA} {KEPT}"),
        KEPT_OR_BACK,
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
)
