"""Every finding code: its signal and its fix. Stable names that scripts may rely on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`signal` is what is observed, `fix` what to do."""

    signal: str
    fix: str


CODES: dict[str, Explanation] = {
    "console.rules-failed": Explanation(
        "haconsole failed while it judged this part", "check this part by hand, and report haconsole's error as a bug"
    ),
    "cluster.not-bootstrapped": Explanation("etcd runs on no host and is enabled on none", "run bootstrap"),
    "etcd.quorum-lost": Explanation(
        "fewer voters are available than a majority, and no linearizable read succeeds",
        "start the members that are stopped; bring back hosts; restore a snapshot only as the last resort",
    ),
    "etcd.no-fault-tolerance": Explanation(
        "the quorum holds and no further voter may fail",
        "bring back or replace the missing member before any other work",
    ),
    "etcd.member-down": Explanation("a listed, started member does not answer", "restart it, or replace its host"),
    "etcd.member-unhealthy": Explanation(
        "a member answers and has no leader, or completes no read", "check its peer ports, its disk and its load"
    ),
    "etcd.member-unstarted": Explanation("a listed member has no name yet", "finish the join, or remove it by ID"),
    "etcd.learner-stuck": Explanation(
        "a learner whose process has run for ten minutes is not promoted",
        "finish the join; check its peer port and disk",
    ),
    "etcd.ghost-member": Explanation("a listed member's host is not in the inventory", "remove it by ID"),
    "etcd.stale-data-dir": Explanation(
        "etcd fails with: permanently removed, or already bootstrapped", "rejoin the host; its old data is renamed"
    ),
    "etcd.missing-member": Explanation("a host with the etcd role is not in the member list", "join it"),
    "etcd.cluster-id-mismatch": Explanation(
        "hosts answer with different cluster IDs", "rename the stray member's data and join it"
    ),
    "etcd.duplicate-name": Explanation("two members have the same name", "remove the dead one by ID"),
    "etcd.peer-url-mismatch": Explanation("a member's peer URL is not its host's address", "update the member"),
    "etcd.even-voters": Explanation("2, 4 … voters", "join one more, or remove one"),
    "etcd.version-skew": Explanation("members run different versions", "finish the upgrade"),
    "etcd.nospace": Explanation("the NOSPACE alarm is active", "compact, defragment one member at a time, disarm"),
    "etcd.corrupt": Explanation(
        "the CORRUPT alarm is active, or members differ in their hash of all keys at one revision",
        "remove and join the corrupt member",
    ),
    "etcd.db-near-quota": Explanation("the database holds more than 80 % of its quota", "compact and defragment"),
    "etcd.db-fragmented": Explanation("less than half of a large database is in use", "defragment"),
    "etcd.unencrypted": Explanation("etcd runs without TLS", "switch to certificates"),
    "vip.unowned": Explanation("every balancer was read and none holds the address", "start keepalived; fix its check"),
    "vip.split": Explanation(
        "more than one host holds the address", "let VRRP adverts through; same router ID and password"
    ),
    "vip.lease-differs": Explanation(
        "a host has kube-vip's address and another one holds the lease, or the lease does not exist",
        "restart kube-vip there; remove an address that stays",
    ),
    "vip.owner-unhealthy": Explanation("the owner's haproxy does not answer", "fail over; fix the check"),
    "vip.forced-down": Explanation("the down file exists", "remove it when the work is done"),
    "vip.config-mismatch": Explanation(
        "router ID, password, interval or addresses differ, or two priorities are equal",
        "write the same settings again",
    ),
    "balancer.foreign": Explanation(
        "a file of keepalived or haproxy bears no mark of this console, or was changed since it was written",
        "change it by hand, or move it away and run bootstrap",
    ),
    "balancer.no-socket": Explanation(
        "haproxy runs without the stats socket that the inventory names", "add a stats socket and reload haproxy"
    ),
    "keepalived.down": Explanation("the service is not active on a balancer", "start it; read its journal"),
    "haproxy.down": Explanation("the service is not active on a balancer", "start it; read its journal"),
    "haproxy.backend-down": Explanation(
        "a server fails its check, or no server is up", "check the API server behind it"
    ),
    "haproxy.weak-check": Explanation(
        "a server is UP whose API server is not ready, or is not checked at all", "check with HTTP on /readyz"
    ),
    "haproxy.draining": Explanation("a server is set to drain or maint", "set it to ready"),
    "haproxy.connections-full": Explanation(
        "90 % of a limit of connections are used: global, of a frontend or of a server", "raise maxconn"
    ),
    "haproxy.unresolved": Explanation("a server's name does not resolve", "check DNS on the balancer"),
    "haproxy.backend-mismatch": Explanation(
        "the servers are not the inventory's control planes", "write the configuration again"
    ),
    "apiserver.down": Explanation(
        "the API server does not answer", "start it; check its journal, etcd and certificates"
    ),
    "apiserver.not-ready": Explanation("its /readyz names failing checks", "fix what they name"),
    "apiserver.etcd-servers-stale": Explanation(
        "--etcd-servers differs from the live members", "write the unit again, one control plane at a time"
    ),
    "component.down": Explanation("controller-manager or scheduler is not running", "start it; read its journal"),
    "lease.expired": Explanation(
        "a leader lock was not renewed within its duration", "restart the holder; check the standbys"
    ),
    "lease.holder-unknown": Explanation("the holder is on no inventory host", "find it"),
    "lease.no-standby": Explanation("only one host runs the component", "start the others"),
    "kubelet.down": Explanation("kubelet's unit is stopped or failed", "start it; read its journal"),
    "runtime.down": Explanation("containerd's unit is stopped or failed", "start it; read its journal"),
    "runtime.cri-disabled": Explanation(
        "cri is among disabled_plugins of /etc/containerd/config.toml", "remove it there, then restart containerd"
    ),
    "runtime.cgroup-driver": Explanation(
        "SystemdCgroup of containerd and cgroupDriver of kubelet differ", "use systemd in both, then restart both"
    ),
    "static-pod.manifest-missing": Explanation(
        "kubelet's folder has no manifest of a component that this host should run",
        "move the manifest back; kubeadm init phase control-plane or etcd writes it again",
    ),
    "static-pod.stray-manifest": Explanation(
        "several files in kubelet's folder of static pods are manifests of the same pod",
        "move the copies out of the folder",
    ),
    "static-pod.unreadable-manifest": Explanation(
        "a file in kubelet's folder of static pods is not a pod manifest", "correct it, or move it out of the folder"
    ),
    "static-pod.crash-loop": Explanation(
        "a static pod's container ended and does not run, or restarts again and again", "fix what its log names"
    ),
    "static-pod.not-started": Explanation(
        "kubelet runs but has not created the containers of a static pod",
        "look for image, runtime or disk errors in kubelet's journal",
    ),
    "node.not-ready": Explanation(
        "the Ready condition of a node is False or Unknown", "fix kubelet or the runtime on it; read kubelet's journal"
    ),
    "node.pressure": Explanation(
        "a node's kubelet reports pressure on memory, disk or processes", "free what it lacks"
    ),
    "node.cordoned": Explanation("a node is unschedulable", "uncordon it when the work on it is done"),
    "node.missing": Explanation("a host that should run a kubelet has no Node object", "join the host"),
    "cert.expired": Explanation("the certificate is past its notAfter date", "rotate certificates"),
    "cert.expiring": Explanation("less than 30 days are left (critical below 7)", "rotate certificates"),
    "cert.served-old": Explanation(
        "the process serves another certificate than its file has", "restart that process only"
    ),
    "cert.san-missing": Explanation("it lacks a name or address that clients use", "reissue it"),
    "cert.ca-rotation-open": Explanation(
        "a new CA is on hosts and the old one is still trusted", "resume the rotation, or undo it"
    ),
    "cert.wrong-ca": Explanation(
        "it does not verify with the CA in use, or hosts have different CAs or token keys",
        "reissue it; resume a CA rotation; copy the right CA to every host",
    ),
    "cert.key-mismatch": Explanation("the key does not belong to the certificate", "reissue it"),
    "cert.key-exposed": Explanation("other accounts can read the key", "mode 0600"),
    "host.unreachable": Explanation(
        "SSH fails; the reason is in the finding", "depends on the reason, see the finding"
    ),
    "host.slow": Explanation(
        "unrelated questions to one host are late at the same time", "find what takes the processor or the disk"
    ),
    "probe.failed": Explanation(
        "a question could not be queried: sudo, sessions, certificates, programs, files", "by cause, see the finding"
    ),
    "service.masked": Explanation("a unit that the host should run is masked", "unmask it"),
    "service.crash-loop": Explanation("systemd restarts a unit again and again", "fix what its own log names"),
    "service.disabled": Explanation("a unit runs and would not start at boot", "enable it"),
    "service.hung": Explanation(
        "the process is suspended, or was queried and gives no answer", "restart it; look at its disk and load"
    ),
    "host.clock-skew": Explanation("the clock is more than 500 ms off", "chrony on every host"),
    "host.disk-full": Explanation("less than 2 % of a file system is free", "free space before compacting"),
    "host.inodes-full": Explanation("less than 2 % of the inodes are free", "find the folder with the most files"),
    "host.read-only": Explanation("a file system that programs write to is mounted read-only", "fix the disk, remount"),
    "host.peer-unreachable": Explanation(
        "a port that answers elsewhere does not answer from a host that needs it", "correct the firewall or the route"
    ),
    "host.duplicate-name": Explanation("two hosts have one hostname or machine-id", "give one of them its own"),
    "vip.stale-arp": Explanation(
        "a neighbour entry of the VIP has another hardware address than the owner's",
        "announce the VIP by gratuitous ARP, or delete the entry",
    ),
    "service.stale-config": Explanation(
        "a unit neither started nor reloaded since a file was written that it reads only then",
        "reload or restart it",
    ),
    "config.invalid": Explanation("haproxy or keepalived rejects its own file", "correct it, or write it again"),
    "apiserver.flags-differ": Explanation(
        "flags that must be equal differ between API servers", "write the unit again"
    ),
    "service.requirement-missing": Explanation(
        "a file, a folder or the account that a unit names is missing, empty or not usable by its account",
        "write it again by bootstrap, or correct its owner and mode",
    ),
    "service.changed-settings": Explanation(
        "a unit that fails has other settings than haconsole wrote, or a drop-in beside them",
        "run bootstrap to write the unit again, or remove the drop-in that differs",
    ),
    "service.limited": Explanation(
        "a unit is throttled by its CPU quota, or reaches its limit of memory or tasks", "raise or remove the limit"
    ),
    "component.kubeconfig-wrong": Explanation(
        "the server of a kubeconfig is neither an API server nor a balancer of the cluster", "write it again"
    ),
    "vip.not-master": Explanation(
        "a host has the VIP and its VRRP state is not MASTER, or the reverse", "restart keepalived there"
    ),
    "endpoint.unreachable": Explanation(
        "the API's endpoint, a balancer outside of the cluster or kube-vip's address, accepts no connections",
        "check the balancer and the way to it",
    ),
    "vip.not-serving": Explanation(
        "the VIP's port accepts no connections although haproxy runs on its owner",
        "write haproxy's configuration again; correct the owner's firewall",
    ),
    "host.duplicate-address": Explanation("a host has the address of another host", "remove the address there"),
    "host.mtu-differs": Explanation(
        "the interface of a host has another MTU than those of most hosts", "give all hosts of a network the same MTU"
    ),
    "vip.fault": Explanation(
        "a VRRP instance is in FAULT although keepalived runs and no down file exists",
        "fix its check script or its interface",
    ),
    "vip.flapping": Explanation(
        "keepalived took a VIP more than 3 times within 2 minutes", "fix the check; check the load and the network"
    ),
    "etcd.leader-flapping": Explanation(
        "more than 3 leaders were elected within 2 minutes", "check disks, round trips and restarts"
    ),
    "etcd.slow-disk": Explanation(
        "etcd logs writes that take more than a second", "find what else uses the disk; give etcd its own"
    ),
    "lease.churn": Explanation(
        "leader locks were taken more than 3 times within 2 minutes", "check the latency of etcd and of the API"
    ),
    "host.disk-low": Explanation("less than 10 % of a file system is free", "free space"),
}
