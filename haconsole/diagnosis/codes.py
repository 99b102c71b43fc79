"""Every finding code: its signal and its fix. Stable names that scripts may rely on."""

from __future__ import annotations

import msgspec


class Explanation(msgspec.Struct, frozen=True):
    """`signal` is what is observed, `fix` what to do."""

    signal: str
    fix: str


CODES: dict[str, Explanation] = {
    "console.rules-failed": Explanation(
        "haconsole failed while it judged this part", "check this part by hand, and report haconsole's error as a bug"
    ),
    "console.key-unusable": Explanation(
        "the private key that the inventory names cannot be read on this machine",
        "put the private key there, or set ssh.identity_file to an existing key",
    ),
    "cluster.not-bootstrapped": Explanation("etcd runs on no host and is enabled on none", "run bootstrap"),
    "etcd.quorum-lost": Explanation(
        "no quorum: too few voters are available, and no linearizable read succeeds",
        "start the stopped members; bring unreachable hosts back; restore a snapshot only as the last resort",
    ),
    "etcd.no-fault-tolerance": Explanation(
        "the quorum holds, but one more failed voter breaks it",
        "bring back or replace the missing member before any other work",
    ),
    "etcd.member-down": Explanation(
        "a listed member that was started before does not answer",
        "restart the member, or replace its host",
    ),
    "etcd.member-unhealthy": Explanation(
        "a member answers but has no leader, or completes no read", "check the member's peer port, disk and load"
    ),
    "etcd.member-unstarted": Explanation(
        "a listed member has no name yet", "finish the join, or remove the member by its ID"
    ),
    "etcd.learner-stuck": Explanation(
        "a learner is not promoted although its process has run for ten minutes",
        "finish the join; check the learner's peer port and disk",
    ),
    "etcd.ghost-member": Explanation("a listed member's host is not in the inventory", "remove the member by its ID"),
    "etcd.external-endpoint": Explanation(
        "an endpoint of an etcd outside the inventory does not answer the control planes",
        "check that the member runs there and its port is open; check the client certificate and key",
    ),
    "etcd.external-alarm": Explanation(
        "a member of an etcd outside the inventory has raised an alarm",
        "on the member's host: free up disk space, or repair the member",
    ),
    "etcd.listens-locally": Explanation(
        "etcd listens for members or clients on a loopback address only",
        "set --listen-peer-urls and --listen-client-urls to the host's address, and restart the member",
    ),
    "etcd.stale-data-dir": Explanation(
        "etcd fails with: permanently removed, or already bootstrapped", "rejoin the host; its old data is renamed"
    ),
    "etcd.missing-member": Explanation("a host with the etcd role is not in the member list", "join the host"),
    "etcd.cluster-id-mismatch": Explanation(
        "hosts answer with different cluster IDs",
        "on the host of the other cluster: rename etcd's data, then join the host again",
    ),
    "etcd.duplicate-name": Explanation("two members have the same name", "remove the dead member by its ID"),
    "etcd.peer-url-mismatch": Explanation(
        "a member's peer URL is not its host's address", "correct the peer URL in the member list"
    ),
    "etcd.client-url-mismatch": Explanation(
        "a member advertises a client URL that is not its host's", "correct --advertise-client-urls, then restart etcd"
    ),
    "etcd.even-voters": Explanation("etcd has an even number of voters", "join one more member, or remove one"),
    "etcd.version-skew": Explanation("members run different versions", "finish the upgrade"),
    "etcd.nospace": Explanation(
        "the NOSPACE alarm is active", "compact, defragment one member at a time, disarm the alarm"
    ),
    "etcd.corrupt": Explanation(
        "the CORRUPT alarm is active, or the hash of the data differs between members at the same revision",
        "remove the corrupt member, then join its host again",
    ),
    "etcd.db-near-quota": Explanation("the database holds more than 80 % of its quota", "compact and defragment"),
    "etcd.db-fragmented": Explanation("less than half of a large database is in use", "defragment"),
    "etcd.unencrypted": Explanation("etcd runs without TLS", "switch to certificates"),
    "etcd.no-client-auth": Explanation(
        "etcd serves other hosts that have no certificate", "set client-cert-auth and trusted-ca-file"
    ),
    "vip.unowned": Explanation(
        "every balancer was queried and none has the VIP", "start keepalived; fix its check script"
    ),
    "vip.split": Explanation(
        "more than one host has the VIP", "allow VRRP adverts; set the same router ID and password on all balancers"
    ),
    "vip.lease-differs": Explanation(
        "a host has kube-vip's address, but another host holds the lease or the lease does not exist",
        "restart kube-vip on the lease holder; remove the address from any other host",
    ),
    "vip.owner-unhealthy": Explanation(
        "haproxy on the VIP's owner does not answer", "fail the VIP over; fix keepalived's check"
    ),
    "vip.forced-down": Explanation("keepalived's down file exists", "remove the down file when the work is done"),
    "vip.config-mismatch": Explanation(
        "keepalived's router ID, password, interval or addresses differ, or two priorities are equal",
        "write the same settings on every balancer",
    ),
    "balancer.foreign": Explanation(
        "a file of keepalived or haproxy lacks haconsole's mark, or was changed since haconsole wrote it",
        "change the file by hand, or move it away and run bootstrap",
    ),
    "balancer.no-socket": Explanation(
        "haproxy runs without the stats socket that the inventory names", "add a stats socket and reload haproxy"
    ),
    "keepalived.down": Explanation("keepalived is not active on a balancer", "start keepalived; read its journal"),
    "haproxy.down": Explanation("haproxy is not active on a balancer", "start haproxy; read its journal"),
    "haproxy.backend-down": Explanation(
        "a server in haproxy fails its check, or no server is up",
        "check the API server at the address that haproxy has for the server",
    ),
    "haproxy.weak-check": Explanation(
        "haproxy shows a server as UP although its API server is not ready, or haproxy does not check that server",
        "configure an HTTP check of /readyz",
    ),
    "haproxy.draining": Explanation("a server is set to drain or maint", "set the server to ready"),
    "haproxy.connections-full": Explanation(
        "90 % of a haproxy limit of connections is used: the global limit, a frontend's or a server's", "raise maxconn"
    ),
    "haproxy.short-timeouts": Explanation(
        "haproxy's configuration closes connections to the API after less than 10 s without traffic",
        "raise timeout client, server, tunnel and connect; a number without a unit is milliseconds",
    ),
    "haproxy.wrong-bind": Explanation(
        "haproxy's configuration accepts connections to the API on other addresses or another port than clients use",
        "correct the bind line, then reload haproxy",
    ),
    "haproxy.default-credentials": Explanation(
        "other hosts reach haproxy's statistics page without a password, or with one from published examples",
        "set another stats auth, or bind the page to 127.0.0.1",
    ),
    "haproxy.unresolved": Explanation(
        "the host name of a backend's server does not resolve", "check DNS on the balancer"
    ),
    "haproxy.backend-mismatch": Explanation(
        "haproxy's servers are not the inventory's control planes", "write haproxy's configuration again"
    ),
    "apiserver.down": Explanation(
        "the API server does not answer", "start the API server; check its journal, etcd and certificates"
    ),
    "apiserver.not-ready": Explanation(
        "an API server's /readyz reports failing checks", "fix the component that each failing check names"
    ),
    "apiserver.etcd-servers-stale": Explanation(
        "--etcd-servers differs from the live members", "write kube-apiserver's unit again, one control plane at a time"
    ),
    "component.down": Explanation(
        "controller-manager or scheduler is not running", "start the component; read its journal"
    ),
    "lease.expired": Explanation(
        "a leader lock was not renewed within its duration", "restart the holder; check the standbys"
    ),
    "lease.holder-unknown": Explanation(
        "the holder of a leader lock is on no host of the inventory",
        "find the holder's host; add it to the inventory, or stop the component on it",
    ),
    "lease.no-standby": Explanation(
        "only one host runs kube-controller-manager or kube-scheduler",
        "start kube-controller-manager or kube-scheduler on the other control planes",
    ),
    "kubelet.down": Explanation("kubelet's unit is stopped or failed", "start kubelet; read its journal"),
    "kubelet.waits-for-api": Explanation(
        "kubelet runs and has started no static pod, and no API server answers",
        "let the balancer of the API's endpoint refuse connections while no server is ready",
    ),
    "kubelet.cert-expired": Explanation(
        "kubelet's client certificate is past its notAfter date",
        "run rotate-certs, which signs a new pair and restarts kubelet",
    ),
    "runtime.down": Explanation("containerd's unit is stopped or failed", "start containerd; read its journal"),
    "runtime.cri-disabled": Explanation(
        "cri is among disabled_plugins of /etc/containerd/config.toml",
        "remove cri from the list, then restart containerd",
    ),
    "runtime.cgroup-driver": Explanation(
        "SystemdCgroup of containerd and cgroupDriver of kubelet differ",
        "use the systemd driver in both, then restart both",
    ),
    "static-pod.manifest-missing": Explanation(
        "kubelet's folder has no manifest of a component that this host should run",
        "move the manifest back, or write it again: kubeadm init phase control-plane, or kubeadm init phase etcd",
    ),
    "static-pod.stray-manifest": Explanation(
        "several files in kubelet's folder of static pods are manifests of the same pod",
        "move the copies out of the folder",
    ),
    "static-pod.unreadable-manifest": Explanation(
        "a file in kubelet's folder of static pods is not a pod manifest",
        "correct the file, or move it out of the folder",
    ),
    "static-pod.crash-loop": Explanation(
        "a static pod's container exited and stays down, or restarts again and again",
        "fix the error in the container's log",
    ),
    "static-pod.not-started": Explanation(
        "kubelet runs but has not created the containers of a static pod",
        "look for image, runtime or disk errors in kubelet's journal",
    ),
    "node.not-ready": Explanation(
        "the Ready condition of a node is False or Unknown",
        "fix the node's kubelet or container runtime; read kubelet's journal",
    ),
    "node.lease-stale": Explanation(
        "a node is Ready although its lease is older than a minute",
        "fix the node's kubelet, and the kube-controller-manager that should mark the node as not ready",
    ),
    "node.pressure": Explanation(
        "a node's kubelet reports pressure on memory, disk or processes", "free the resource that the node lacks"
    ),
    "node.cordoned": Explanation("a node is unschedulable", "uncordon the node when the work on it is done"),
    "kubeadm.config-stale": Explanation(
        "kubeadm-config, cluster-info or kubelet-config has a value that the cluster does not have",
        "correct the ConfigMap that the finding names",
    ),
    "kubeadm.leftovers": Explanation(
        "a host has files of kubeadm and is not a node, or an init is unfinished",
        "run join or bootstrap, which clean up these files; or reset the host",
    ),
    "node.missing": Explanation("a host that should run a kubelet has no Node object", "join the host"),
    "cert.expired": Explanation("the certificate is past its notAfter date", "rotate certificates"),
    "cert.not-yet-valid": Explanation("the certificate's notBefore date is in the future", "rotate certificates"),
    "cert.wrong-usage": Explanation(
        "a component uses a certificate in a way that its extended key usage does not allow", "reissue the certificate"
    ),
    "cert.expiring": Explanation(
        "a certificate expires in less than 30 days (critical below 7)", "rotate certificates"
    ),
    "cert.served-old": Explanation(
        "a process serves another certificate than its file has", "restart that process only"
    ),
    "cert.san-missing": Explanation(
        "a certificate lacks a name or address that clients use", "reissue the certificate"
    ),
    "cert.ca-rotation-open": Explanation(
        "a new CA is on hosts and the old one is still trusted", "resume the rotation, or undo it"
    ),
    "cert.wrong-ca": Explanation(
        "a certificate does not verify with the CA in use, or hosts have different CAs or token keys",
        "reissue the certificate, resume the CA rotation, or copy the right CA to every host",
    ),
    "cert.key-mismatch": Explanation("the key does not belong to the certificate", "reissue the certificate"),
    "cert.key-exposed": Explanation("other accounts can read a private key", "set the key file's mode to 0600"),
    "host.unreachable": Explanation(
        "SSH fails; the reason is in the finding", "the fix depends on the reason, see the finding"
    ),
    "host.slow": Explanation(
        "unrelated queries to one host are late at the same time", "find the process that uses up the CPU or the disk"
    ),
    "probe.failed": Explanation(
        "a query to a host failed because of sudo, sessions, certificates, programs or files",
        "the fix depends on the cause, see the finding",
    ),
    "service.masked": Explanation("a unit that the host should run is masked", "unmask the unit"),
    "service.crash-loop": Explanation(
        "systemd restarts a unit again and again", "fix the error that the unit's log names"
    ),
    "service.disabled": Explanation("a unit runs but is not enabled at boot", "enable the unit"),
    "service.hung": Explanation(
        "a process is suspended, or was queried and gives no answer",
        "restart the process; check the host's disk and load",
    ),
    "host.swap-on": Explanation(
        "swap is on and kubelet's configuration does not allow it", "turn swap off, also in /etc/fstab"
    ),
    "host.port-taken": Explanation(
        "a component's log reports that its port is in use, and another process listens on it",
        "stop the other process, or give it another port",
    ),
    "host.clock-skew": Explanation("a host's clock is more than 500 ms off", "run chrony on every host"),
    "host.disk-full": Explanation("less than 2 % of a file system is free", "free space"),
    "host.inodes-full": Explanation("less than 2 % of the inodes are free", "find the folder with the most files"),
    "host.read-only": Explanation(
        "a file system that programs write to is mounted read-only", "fix the disk, then remount the file system"
    ),
    "host.peer-unreachable": Explanation(
        "other hosts reach a port, but a host that needs the port does not", "correct the firewall or the route"
    ),
    "host.duplicate-name": Explanation(
        "two hosts have the same hostname or machine-id", "change the hostname or machine-id of one host"
    ),
    "vip.stale-arp": Explanation(
        "a host's neighbour (ARP) entry for the VIP does not have the MAC address of the VIP's owner",
        "announce the VIP by gratuitous ARP, or delete the entry",
    ),
    "service.stale-config": Explanation(
        "a file that a unit reads only at its start or reload is newer than the last start or reload",
        "reload or restart the unit",
    ),
    "config.invalid": Explanation(
        "haproxy or keepalived rejects its configuration file", "correct the file, or write it again"
    ),
    "apiserver.wrong-address": Explanation(
        "an API server advertises an address that its host does not have",
        "correct --advertise-address, and restart that API server",
    ),
    "apiserver.flags-differ": Explanation(
        "flags that must be equal differ between API servers", "write kube-apiserver's unit again"
    ),
    "component.flags-differ": Explanation(
        "a controller-manager or scheduler has another leader lock, or other flags, than those of the other hosts",
        "write its unit or manifest again",
    ),
    "service.requirement-missing": Explanation(
        "a file, folder or account that a unit names is missing, empty or not usable by the unit's account",
        "run bootstrap to write the file again, or correct its owner and mode",
    ),
    "service.changed-settings": Explanation(
        "a failing unit has other settings than haconsole wrote; or a setting of another drop-in keeps it from working",
        "run bootstrap to write the unit again, or remove the additional drop-in",
    ),
    "service.limited": Explanation(
        "a unit is throttled by its CPU quota, or reaches its limit of memory or tasks", "raise or remove the limit"
    ),
    "component.kubeconfig-wrong": Explanation(
        "the server of a kubeconfig is neither an API server nor a balancer of the cluster",
        "write the kubeconfig again",
    ),
    "vip.not-master": Explanation(
        "a host has the VIP but its VRRP state is not MASTER, or its state is MASTER but it does not have the VIP",
        "restart keepalived on that host",
    ),
    "endpoint.unreachable": Explanation(
        "the API's endpoint (a balancer outside of the cluster, or kube-vip's address) accepts no connections",
        "check the balancer and the network path to it",
    ),
    "endpoint.times-out": Explanation(
        "kubelets' requests through the API's endpoint time out, although API servers answer",
        "check the balancer that holds the connections: its queue, limits and rules",
    ),
    "vip.not-serving": Explanation(
        "the VIP's port accepts no connections although haproxy runs on its owner",
        "write haproxy's configuration again; correct the owner's firewall",
    ),
    "host.duplicate-address": Explanation(
        "a host has the address of another host", "remove the address from the host that should not have it"
    ),
    "host.link-down": Explanation(
        "the loopback interface, or the interface of a VIP, is down or has no carrier", "switch the interface on"
    ),
    "host.mtu-differs": Explanation(
        "a host's interface has another MTU than most hosts' interfaces", "give all hosts of a network the same MTU"
    ),
    "vip.vrid-collision": Explanation(
        "keepalived logs VRRP adverts that have its router ID but other addresses", "use another router ID"
    ),
    "vip.fault": Explanation(
        "a VRRP instance is in FAULT although keepalived runs and no down file exists",
        "fix the instance's check script or interface",
    ),
    "vip.flapping": Explanation(
        "the balancers took a VIP more than 8 times within 3 minutes", "fix the check; check the load and the network"
    ),
    "etcd.leader-flapping": Explanation(
        "more than 5 leaders were elected within 3 minutes", "check the members' disks, round trips and restarts"
    ),
    "etcd.slow-disk": Explanation(
        "the p99 of WAL fsyncs is above 100 ms, or etcd logs writes of more than a second",
        "find other programs that use the disk; give etcd a separate disk",
    ),
    "lease.churn": Explanation(
        "leader locks were taken more than 8 times within 3 minutes", "check the latency of etcd and of the API"
    ),
    "host.disk-low": Explanation("less than 10 % of a file system is free", "free space"),
}
