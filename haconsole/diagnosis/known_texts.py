"""Error texts of kubelet, etcd, containerd and kubeadm's components that name a cause, with the fix for each."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice


class KnownText(msgspec.Struct, frozen=True):
    """`cause` is a sentence; the fixes are imperatives without a full stop.

    `fix` fits every cluster and is empty where the finding's own remedies are the fix. On clusters of kubeadm's
    `kubeadm_fix` is used instead, if there is one.
    """

    pattern: re.Pattern[str]
    cause: str
    fix: str
    kubeadm_fix: str


def _text(pattern: str, cause: str, fix: str = "", *, kubeadm: str = "") -> KnownText:
    return KnownText(re.compile(pattern, re.IGNORECASE), cause, fix, kubeadm)


KNOWN_TEXTS: tuple[KnownText, ...] = (
    _text(
        r"unknown flag: --pod-infra-container-image",
        "/var/lib/kubelet/kubeadm-flags.env is older than kubelet 1.35, which no longer has this flag.",
        "remove --pod-infra-container-image from the flags of kubelet, then systemctl restart kubelet",
        kubeadm=(
            "remove --pod-infra-container-image from /var/lib/kubelet/kubeadm-flags.env, then systemctl restart kubelet"
        ),
    ),
    _text(
        r"unknown flag: |flag provided but not defined",
        "The program does not know one of its flags.",
        "correct the flag in the unit or its environment file, then restart the unit",
        kubeadm=(
            "correct the flag in the static pod's manifest, or, for kubelet, in /var/lib/kubelet/kubeadm-flags.env"
        ),
    ),
    _text(
        r"part of the existing bootstrap client certificate.* is expired|bootstrap-kubelet\.conf: no such file",
        "kubelet has no valid client certificate. It expired, because the host was off or kubelet had stopped "
        "renewing it, or its file is missing.",
        kubeadm=(
            "run rotate-certs with due = yes: it signs a new certificate and key for kubelet and restarts "
            "kubelet. By hand: kubeadm kubeconfig user --client-name system:node:NODE --org system:nodes, and "
            "save the output as /etc/kubernetes/kubelet.conf"
        ),
    ),
    _text(
        r"x509: certificate has expired or is not yet valid",
        "A certificate has expired, or the clocks differ.",
        kubeadm=(
            "compare the clocks, then run rotate-certs with due = yes. By hand: kubeadm certs renew all on each "
            "control plane, and a restart of its static pods, one host at a time"
        ),
    ),
    _text(
        r"x509: certificate is valid for .*, not ",
        "The certificate lacks this name or address: it was copied from another host, or the host's address changed.",
        kubeadm=(
            "run rotate-certs for this host: it adds the names that clients use. By hand: rename the certificate and "
            "its key, create them again with kubeadm init phase certs, restart the static pod"
        ),
    ),
    _text(
        r"x509: certificate signed by unknown authority",
        "The certificate is from another CA: this host was set up with its own CA, or trusts an old CA.",
        kubeadm=(
            "compare /etc/kubernetes/pki/ca.crt on all hosts; copy the cluster's CA and service account key pair "
            "(sa.key, sa.pub), then reissue this host's certificates"
        ),
    ),
    _text(
        r"unknown service runtime\.v1(alpha2)?\.(Runtime|Image)Service",
        "The CRI plugin of containerd is disabled, or speaks another version of CRI than kubelet.",
        "remove cri from disabled_plugins in /etc/containerd/config.toml, then systemctl restart containerd kubelet",
    ),
    _text(
        r"failed to (get|pull) sandbox image|failed to (get|pull) image .*pause",
        "containerd cannot get the pause image that every pod needs.",
        "set sandbox_image in /etc/containerd/config.toml to an image that is on the host, then restart containerd",
    ),
    _text(
        r"kubelet cgroup driver: .* is different from|expected cgroupsPath to be of format .*slice:prefix:name",
        "kubelet and the container runtime use different cgroup drivers.",
        "use systemd in both: SystemdCgroup = true for containerd and cgroupDriver: systemd for kubelet; restart "
        "containerd, then kubelet",
    ),
    _text(
        r"(containerd|crio|cri-dockerd)\.sock.*(connection refused|no such file)|container runtime is (down|not "
        r"running)",
        "The container runtime does not answer on its socket.",
        "systemctl start containerd (or the runtime that kubelet names), then read its journal",
    ),
    _text(
        r"cni plugin not initialized|cni config uninitialized|networkpluginnotready|no networks found in /etc/cni",
        "The node has no network plug-in for its pods.",
        "install the cluster's network plug-in; its configuration is missing in /etc/cni/net.d",
    ),
    _text(
        r"running with swap on is not supported",
        "Swap is on, which kubelet refuses by default.",
        "swapoff -a, and remove the swap line from /etc/fstab",
    ),
    _text(
        r"kubelet is configured to not run on a host using cgroup v1",
        "kubelet 1.35 and newer refuse hosts with cgroup v1.",
        "boot the host with cgroup v2, or set failCgroupV1: false in /var/lib/kubelet/config.yaml",
    ),
    _text(
        r"failed to load kubelet config file|open /var/lib/kubelet/config\.yaml: no such file",
        "kubelet cannot read its configuration, /var/lib/kubelet/config.yaml.",
        "restore the file: copy it from another host",
        kubeadm="restore the file: kubeadm upgrade node phase kubelet-config, or copy it from another host",
    ),
    _text(
        r"(open|stat) \S+\.(crt|key|pem|pub): no such file",
        "A certificate or key file that the program is to use does not exist.",
        "restore the file, or correct its path in the program's flags",
        kubeadm=(
            "restore the file (a CA or sa.pub: from another control plane), or correct its path in the static pod's "
            "manifest"
        ),
    ),
    _text(
        r"\boom-kill\b|cannot allocate memory|out of memory",
        "The kernel OOM-killed the process, or refused it memory.",
    ),
    _text(
        r"\(.*\bexit 203\)|status=203/EXEC",
        "systemd cannot execute the program of the unit.",
        "install the program again, or correct its path and its mode",
    ),
    _text(r"\(.*\bexit 217\)|status=217/USER", "The account of the unit does not exist.", "create the account again"),
    _text(
        r"\(.*\bexit 226\)|status=226/NAMESPACE",
        "systemd cannot set up the unit's file system, because a folder that the unit names does not exist.",
        "create the folders in ReadWritePaths, BindPaths and the like, or remove them from the unit",
    ),
    _text(
        r"\bstart-limit-hit\b",
        "systemd gave up after too many failed starts. The unit's log gives the first reason.",
    ),
    _text(
        r"too many open files",
        "The process has reached its limit of open files.",
        "raise LimitNOFILE of the process's unit, then restart the unit",
    ),
    _text(
        r"etcd cluster is not healthy",
        "An etcd member does not answer, often the member of a control plane that no longer exists.",
        kubeadm=(
            "run remove, then join. By hand: remove the dead member by its ID, delete its Node, reset the host, "
            "then join"
        ),
    ),
    _text(
        r'secret "kubeadm-certs" was not found|message authentication failed',
        "The certificates that kubeadm uploaded have expired (they last 2 hours), or were encrypted with "
        "another certificate key.",
        kubeadm="upload the certificates again right before the join: kubeadm init phase upload-certs --upload-certs",
    ),
    _text(
        r"your configuration file uses an old API spec",
        "The configuration was written for an older kubeadm than the installed one.",
        kubeadm=(
            "set kubernetes.version to the release of the installed kubeadm. If the configuration is your own, "
            "convert it: run kubeadm config migrate with an older kubeadm that still reads it"
        ),
    ),
    _text(
        r"could not find a JWS signature",
        "The join token expired, or it is not signed because no controller-manager is leader.",
        kubeadm=(
            "check the lease kube-controller-manager first; then make a token right before the join: kubeadm token "
            "create --print-join-command"
        ),
    ),
    _text(
        r"doesn't have a stable controlPlaneEndpoint",
        "The cluster was created without a common endpoint for its control planes.",
        kubeadm=(
            "set up the VIP, then add it to certSANs and controlPlaneEndpoint in the ConfigMap kubeadm-config, to "
            "cluster-info and to every kubelet.conf"
        ),
    ),
    _text(
        r"phase upload-config.*deadline exceeded|unable to upload the configuration.*deadline exceeded",
        "The endpoint leads to a host whose API server is not ready.",
        kubeadm="let the balancer use ready servers only (check /readyz), wait until the endpoint answers, then retry",
    ),
    _text(
        r"bind: address already in use|\[ERROR Port-\d+\]|port \d+ is in use",
        "Another process has the port: a second copy of the component, or a balancer on the same port.",
        "find the other process: ss -ltnp",
        kubeadm="find the other process: ss -ltnp; look for a copy of the manifest in the static-pod folder",
    ),
    _text(
        r"plndr-(cp|svcs)-lock\b.* is forbidden",
        "kube-vip uses admin.conf, which has no rights before kubeadm init ends (1.29 and newer).",
        kubeadm="mount super-admin.conf into kube-vip on the first control plane while kubeadm init runs",
    ),
    _text(
        r"services have not yet been read at least once",
        "kubelet is newer than the API server that it reaches through the balancer.",
        "upgrade all API servers first, or point kubelet.conf of control planes at their own API server",
    ),
    _text(
        r"etcdserver: (user name is empty|permission denied|invalid auth token|authentication failed)",
        "etcd's authentication (RBAC) is enabled, and the API server has no user or no rights there. It authenticates "
        "by its client certificate only: etcd takes the user from the common name.",
        "run etcdctl auth disable with the user root. Or add a user with the role root, named like the common name of "
        "the API server's certificate for etcd",
    ),
    _text(
        r"can only promote a learner member|too many learner members",
        "A learner of an earlier join attempt is still in etcd's member list.",
        "find out why the new etcd does not start, remove the learner by its ID, then join again",
    ),
    _text(
        r"the etcd member [0-9a-f]+ is not started",
        "The new etcd member did not start in time, so kubeadm did not promote the learner.",
        kubeadm=(
            "find out why the new etcd does not start: read its log in /var/log/pods, and check port 2380 of the other "
            "members; then join again"
        ),
    ),
    _text(
        r"etcdserver: unhealthy cluster",
        "etcd refuses membership changes while a member does not answer, or was started only seconds ago.",
        "start the member that does not answer, or remove it by its ID; after a start, wait 5 s",
    ),
    _text(
        r"static Pod hash for component .* did not change after",
        "kubelet did not run the new manifest: another file in its folder is a manifest of the same pod, or kubelet "
        "is stopped.",
        kubeadm="move copies of manifests out of the static-pod folder, check that kubelet runs, then try again",
    ),
    _text(
        r"not enough started members|re-configuration failed due to",
        "etcd refuses membership changes while a member is not started.",
        "start the stopped member, or remove it by its ID",
    ),
    _text(
        r"the member has been permanently removed from the cluster",
        "This member was removed from the cluster and its data directory is still there.",
        kubeadm="run join for this host: its old data is kept under another name",
    ),
    _text(
        r"database space exceeded",
        "etcd's database has reached its quota.",
        kubeadm="compact, defragment one member at a time, then disarm the NOSPACE alarm; raise --quota-backend-bytes",
    ),
    _text(
        r"failed to find .*\.snap\.db|tocommit\(\d+\) is out of range|walpb: crc mismatch|snap: crc mismatch",
        "This etcd member lost writes, usually in a power cut.",
        kubeadm=(
            "if the other members have quorum: rename this member's data directory, remove the member, and join its "
            "host again"
        ),
    ),
    _text(
        r"no space left on device",
        "A file system is full.",
        "free up space on the file system that the line names: df -h",
    ),
    _text(
        r"read-only file system",
        "A file system is mounted read-only, usually after an error of its disk.",
        "read dmesg for disk errors; check the file system and mount it again",
    ),
    _text(
        r"leaderelection lost|failed to renew lease|slow fdatasync|apply request took too long|"
        r"sync duration of .* expected less than ",
        "etcd or the API answers too slowly, mostly because of a slow disk.",
        "give etcd a separate disk; compare wal_fsync_duration of its metrics with 10 ms",
    ),
)


FIXED_BY_ACTION = ("service.changed-settings", "service.requirement-missing", "component.kubeconfig-wrong")
"""Findings whose own remedies come first: they name the file that is wrong, and the action that writes it."""


def recognise(lines: Iterable[str]) -> KnownText | None:
    """The first known text in any of `lines`; the order of `KNOWN_TEXTS` decides, the most specific first."""
    texts = tuple(lines)
    return next((known for known in KNOWN_TEXTS if any(known.pattern.search(text) for text in texts)), None)


def with_known_causes(candidates: tuple[Candidate, ...], *, kubeadm: bool) -> tuple[Candidate, ...]:
    """The candidates; where the evidence holds a known text, its cause comes first and its fix is the first remedy.

    `kubeadm` is whether kubeadm made the cluster.
    """
    return tuple(_explained(candidate, kubeadm=kubeadm) for candidate in candidates)


def _explained(candidate: Candidate, *, kubeadm: bool) -> Candidate:
    finding = candidate.finding
    known = recognise(finding.evidence)
    if known is None:
        return candidate
    fix = (known.kubeadm_fix if kubeadm else "") or known.fix
    by_hand = (advice(fix),) if fix else ()
    parts = (finding.remedies, by_hand) if finding.code in FIXED_BY_ACTION else (by_hand, finding.remedies)
    remedies = tuple(dict.fromkeys(remedy for part in parts for remedy in part))
    return replace(candidate, finding=replace(finding, why=f"{known.cause} {finding.why}", remedies=remedies))
