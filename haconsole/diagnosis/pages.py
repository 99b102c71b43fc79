"""Why each finding matters and how to check it by hand; signal and fix are in `codes`."""

from __future__ import annotations

from haconsole.diagnosis.page import Page
from haconsole.diagnosis.pages_of_kubernetes import KUBERNETES_PAGES

PAGES: dict[str, Page] = {
    **KUBERNETES_PAGES,
    "console.rules-failed": Page(
        "Findings of this part are missing; the other parts are complete.", "haconsole status prod.yaml --json"
    ),
    "console.key-unusable": Page("Hosts that accept only this key cannot be reached from here.", "ssh-keygen -yf FILE"),
    "cluster.not-bootstrapped": Page(
        "Nothing runs yet, so no other finding would mean anything.", "systemctl status etcd"
    ),
    "etcd.quorum-lost": Page(
        "etcd writes nothing without a majority, so Kubernetes changes nothing. Running pods keep running.",
        "etcdctl endpoint status --cluster -w table",
    ),
    "etcd.no-fault-tolerance": Page(
        "The next failure of a member stops all writes.", "etcdctl endpoint health --cluster"
    ),
    "etcd.member-down": Page(
        "A member that is down still counts in the total from which the majority is computed.",
        "systemctl status etcd; journalctl -u etcd -n 50",
    ),
    "etcd.member-unhealthy": Page(
        "Clients of this member wait or fail, although its port answers.",
        "etcdctl endpoint status -w table; nc -zv PEER 2380 from each host to the others",
    ),
    "etcd.member-unstarted": Page(
        "A member without a name has not started yet: it raises the majority that is needed, but cannot vote.",
        "etcdctl member list -w table",
    ),
    "etcd.learner-stuck": Page(
        "A learner does not vote: until the join is finished, the member adds no fault tolerance.",
        "etcdctl endpoint status --cluster -w table: compare IS LEARNER and RAFT INDEX",
    ),
    "etcd.ghost-member": Page(
        "The member votes, but haconsole neither observes nor changes it.", "etcdctl member list -w table"
    ),
    "etcd.external-endpoint": Page(
        "API servers use the members that remain. Each missing member brings etcd closer to the loss of its quorum.",
        "on a control plane, in /etc/kubernetes/pki: curl --cacert etcd/ca.crt --cert "
        "apiserver-etcd-client.crt --key apiserver-etcd-client.key URL/health",
    ),
    "etcd.external-alarm": Page(
        "With NOSPACE etcd refuses every write; with CORRUPT the members' data differs.",
        "etcdctl alarm list, where this etcd runs",
    ),
    "etcd.listens-locally": Page(
        "The other members and API servers cannot connect to this member, so the next failure may cost the quorum.",
        "ss -ltnp | grep etcd; grep LISTEN /etc/etcd/etcd.env",
    ),
    "etcd.stale-data-dir": Page(
        "etcd refuses the data directory of a removed member, so each restart fails in the same way.",
        "journalctl -u etcd -n 50; etcdctl member list",
    ),
    "etcd.missing-member": Page(
        "The cluster tolerates fewer failures than the inventory intends.", "etcdctl member list -w table"
    ),
    "etcd.cluster-id-mismatch": Page(
        "Members of different clusters share no data: clients read from one cluster or the other.",
        "etcdctl endpoint status -w json on each host: compare cluster_id",
    ),
    "etcd.duplicate-name": Page(
        "Two members have this name, so a configuration that uses the name may mean either member.",
        "etcdctl member list -w table",
    ),
    "etcd.peer-url-mismatch": Page(
        "The other members connect to the URL in the member list instead of this member's own URL. This member may "
        "fall behind or be cut off.",
        "etcdctl member list -w table: compare the peer URLs with the hosts' addresses",
    ),
    "etcd.client-url-mismatch": Page(
        "API servers and etcdctl take client URLs from the member list. The URL there does not lead to this "
        "member. If the other members fail, these clients lose etcd.",
        "etcdctl member list -w table: compare the client URLs with the hosts' addresses",
    ),
    "etcd.even-voters": Page(
        "With one voter fewer, etcd would need one vote fewer and tolerate the same number of failures.",
        "etcdctl member list",
    ),
    "etcd.version-skew": Page(
        "The cluster works at the oldest member's version; a skew is meant only for an upgrade.",
        "etcdctl endpoint status --cluster -w table",
    ),
    "etcd.nospace": Page(
        "etcd refuses every write until space is freed and the alarm is disarmed.",
        "etcdctl alarm list; etcdctl endpoint status -w table",
    ),
    "etcd.corrupt": Page(
        "The member's data differs from the others', so its clients read wrong data.",
        "etcdctl alarm list; etcdctl endpoint hashkv --cluster",
    ),
    "etcd.db-near-quota": Page(
        "At the quota etcd raises NOSPACE and refuses writes.", "etcdctl endpoint status --cluster -w table"
    ),
    "etcd.db-fragmented": Page(
        "Freed pages stay in the file, so backups and starts take longer.",
        "etcdctl endpoint status -w json: compare dbSize and dbSizeInUse",
    ),
    "etcd.unencrypted": Page(
        "Anyone who reaches etcd's port can read all secrets and change the cluster.", "curl http://HOST:2379/version"
    ),
    "etcd.no-client-auth": Page("Anyone can read all secrets and change them.", "curl -k https://HOST:2379/version"),
    "vip.unowned": Page(
        "Clients that use the VIP reach nothing.", "ip -br address on each balancer; journalctl -u keepalived -n 50"
    ),
    "vip.split": Page(
        "Connections go to either owner at random, and break when the network switches to the other owner.",
        "ip -br address; tcpdump -ni INTERFACE proto 112",
    ),
    "vip.owner-unhealthy": Page(
        "Clients reach a host that forwards nothing.", "systemctl status haproxy; curl -k https://VIP:PORT/readyz"
    ),
    "vip.forced-down": Page(
        "The host takes no part in failover while keepalived's down file exists.", "ls -l /etc/keepalived/down"
    ),
    "vip.config-mismatch": Page(
        "Hosts that disagree ignore each other's adverts, or both claim the VIP.",
        "diff the keepalived.conf of the balancers",
    ),
    "vip.stale-arp": Page(
        "The host sends requests for the VIP to a host that no longer owns it.",
        "ip neighbour show VIP; ip link on the owner",
    ),
    "balancer.foreign": Page(
        "haconsole does not replace files that it did not write, so some actions are refused.",
        "head -3 /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf",
    ),
    "balancer.no-socket": Page(
        "haconsole does not know the state of haproxy's servers; clients may be unaffected.",
        "grep 'stats socket' /etc/haproxy/haproxy.cfg; ls -l /run/haproxy",
    ),
    "keepalived.down": Page(
        "The VIP cannot move to this host.", "systemctl status keepalived; journalctl -u keepalived -n 50"
    ),
    "haproxy.down": Page(
        "The balancer forwards nothing, so it must not own the VIP.",
        "systemctl status haproxy; haproxy -c -f /etc/haproxy/haproxy.cfg",
    ),
    "haproxy.backend-down": Page(
        "Fewer API servers share the load; with none the API is unreachable.",
        "echo 'show stat' | socat - /run/haproxy/admin.sock",
    ),
    "haproxy.connections-full": Page(
        "At the limit new connections wait, and clients time out.",
        "echo 'show info; show stat' | socat - /run/haproxy/admin.sock; grep maxconn /etc/haproxy/haproxy.cfg",
    ),
    "haproxy.short-timeouts": Page(
        "Watches end again and again: components read complete lists each time, and leases may expire.",
        "grep -n timeout /etc/haproxy/haproxy.cfg; kubectl get pods --watch ends after this time",
    ),
    "haproxy.wrong-bind": Page(
        "haproxy runs and its servers are UP, but clients of the VIP get no connection from this balancer.",
        "grep -n bind /etc/haproxy/haproxy.cfg; ss -ltnp | grep haproxy; compare with the API's endpoint",
    ),
    "haproxy.default-credentials": Page(
        "Anyone can see every server. If the page has `stats admin`, anyone can also drain them.",
        "grep -n stats /etc/haproxy/haproxy.cfg",
    ),
    "haproxy.unresolved": Page(
        "haproxy has no address for the server and sends no requests to it.",
        "getent hosts NAME on the balancer; grep server /etc/haproxy/haproxy.cfg",
    ),
    "haproxy.weak-check": Page(
        "Requests go to an API server that cannot serve them.",
        "curl -k https://HOST:6443/readyz?verbose; grep httpchk /etc/haproxy/haproxy.cfg",
    ),
    "haproxy.draining": Page(
        "The server gets no new connections until it is set to ready.",
        "echo 'show servers state' | socat - /run/haproxy/admin.sock",
    ),
    "haproxy.backend-mismatch": Page(
        "haproxy sends requests to a host that is not a control plane, or leaves a control plane out.",
        "grep server /etc/haproxy/haproxy.cfg",
    ),
    "cert.expired": Page("Peers refuse an expired certificate at once.", "openssl x509 -noout -enddate -in FILE"),
    "cert.not-yet-valid": Page(
        "Peers refuse the certificate until its notBefore date.", "openssl x509 -noout -startdate -in FILE"
    ),
    "cert.wrong-usage": Page(
        "Peers refuse the connection. A member of etcd uses its peer certificate as server and as client.",
        "openssl x509 -noout -ext extendedKeyUsage -in FILE",
    ),
    "cert.expiring": Page(
        "After the certificate has expired, peers refuse every connection that uses it.",
        "openssl x509 -noout -enddate -in FILE",
    ),
    "cert.served-old": Page(
        "The renewal has no effect until the process loads the file.",
        "openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -dates",
    ),
    "cert.san-missing": Page(
        "Clients refuse the connection if they connect by the name that is missing in the certificate.",
        "openssl x509 -noout -ext subjectAltName -in FILE",
    ),
    "cert.ca-rotation-open": Page(
        "Two CAs are trusted until the rotation is finished or undone.", "grep -c BEGIN ca.crt"
    ),
    "cert.wrong-ca": Page(
        "One host refuses certificates that another host's CA signed.",
        "openssl verify -CAfile ca.crt FILE; sha256sum ca.crt on each host",
    ),
    "cert.key-mismatch": Page(
        "The process fails at its next start.",
        "compare openssl x509 -noout -pubkey -in CERT with openssl pkey -pubout -in KEY",
    ),
    "cert.key-exposed": Page("Every account that can read the key can impersonate the key's owner.", "ls -l KEY"),
    "host.unreachable": Page("Nothing on the host can be read or changed; its services may work.", "ssh -v USER@HOST"),
    "host.slow": Page(
        "Answers arrive too late to judge the host; etcd members and leases may fail under such load.",
        "uptime; cat /proc/pressure/*; top",
    ),
    "host.swap-on": Page(
        "kubelet does not start with swap on: after the next reboot the host is not a node any more.",
        "swapon --show; grep failSwapOn /var/lib/kubelet/config.yaml",
    ),
    "host.port-taken": Page("The component ends at each start until the port is free.", "ss -ltnp"),
    "host.clock-skew": Page("Certificates, leases and logs depend on the time.", "timedatectl; chronyc tracking"),
    "host.disk-full": Page(
        "Programs that write there fail; etcd stops, and its compaction needs space too.",
        "df -h; du -xh --max-depth=2 / | sort -h | tail",
    ),
    "host.disk-low": Page(
        "Programs that write there will fail when it is full; there is still time to free up space.", "df -h"
    ),
    "host.inodes-full": Page("No file can be made, although space may be free.", "df -i"),
    "host.read-only": Page(
        "Programs that write there fail; the disk may be failing.", "grep ' ro[, ]' /proc/mounts; dmesg | tail"
    ),
    "host.peer-unreachable": Page(
        "Members, API servers or balancers on the two hosts cannot work together, but work with other hosts.",
        "on HOST: timeout 2 bash -c '</dev/tcp/PEER/2380'; nft list ruleset; ip route get PEER",
    ),
    "host.duplicate-name": Page(
        "Lease holders, nodes and logs of the hosts are mixed up.", "hostname; cat /etc/machine-id on each host"
    ),
    "probe.failed": Page(
        "The state of the component is unknown; the component itself may work.",
        "run the command in the evidence by hand, as the SSH user",
    ),
    "service.masked": Page("Neither systemd nor an administrator can start the unit.", "systemctl status UNIT"),
    "service.crash-loop": Page(
        "The program runs only briefly after each start.", "systemctl show UNIT -p NRestarts; journalctl -u UNIT -n 50"
    ),
    "service.disabled": Page("After a reboot the service does not start on the host.", "systemctl is-enabled UNIT"),
    "service.hung": Page(
        "The process holds its port and its locks, and does no work.", "ps -o pid,stat,wchan -C PROGRAM"
    ),
    "service.stale-config": Page(
        "The change takes effect at some later restart, perhaps during a failover.",
        "stat FILE; systemctl show UNIT -p StateChangeTimestamp",
    ),
    "service.requirement-missing": Page(
        "The unit cannot start, now or at its next restart.",
        "systemctl cat UNIT; runuser -u USER -- ls -l FILE; namei -l FILE",
    ),
    "service.changed-settings": Page(
        "The unit fails, or cannot do its work, and one of its settings was changed by hand.",
        "systemctl cat UNIT; journalctl -u UNIT -n 50; compare with another host",
    ),
    "service.limited": Page(
        "The process works slowly, fails to fork, or is killed, though the host has resources left.",
        "systemctl show UNIT -p CPUQuotaPerSecUSec -p MemoryMax -p TasksMax; systemd-cgtop",
    ),
    "component.kubeconfig-wrong": Page(
        "The component reaches no API server, so it holds no lock and does no work.", "grep server: KUBECONFIG"
    ),
    "vip.not-master": Page(
        "keepalived's state and the addresses on the host disagree, so the VIP does not move when it should, "
        "or no host has it.",
        "ip -br address; journalctl -u keepalived | grep STATE",
    ),
    "endpoint.unreachable": Page(
        "This address accepts no connections. Kubelets, components and clients use it, so they do not reach the API.",
        "run curl -k https://ENDPOINT/readyz on each host; check the server states that the balancer reports",
    ),
    "endpoint.times-out": Page(
        "The balancer accepts connections and passes on nothing. Nodes turn NotReady, and clients wait.",
        "curl -vk --max-time 5 https://ENDPOINT/readyz; journalctl -u kubelet; on the balancer: ss -tn sport = :PORT",
    ),
    "vip.lease-differs": Page(
        "Clients reach the owner of the address, but the address does not move when the owner fails.",
        "ip -br address on each control plane; kubectl -n kube-system get lease plndr-cp-lock",
    ),
    "vip.not-serving": Page(
        "This address and port accept no connections. Clients use them, so they do not reach the API.",
        "curl -k https://VIP:PORT/readyz from each host; ss -ltn and nft list ruleset on the owner",
    ),
    "host.duplicate-address": Page(
        "Two hosts have the address, so each connection reaches one or the other.",
        "ip -br address on each host; arping -D ADDRESS",
    ),
    "host.link-down": Page(
        "Without its loopback interface a host reaches none of its own components. Without the interface of a VIP "
        "keepalived is in FAULT, and the VIP cannot move to the host.",
        "ip -br link on the host: state DOWN, or NO-CARRIER for a cable or switch port without a signal",
    ),
    "host.mtu-differs": Page(
        "Connections open and stall, because only small packets pass.",
        "ip link on each host; ping -M do -s 1472 PEER",
    ),
    "vip.vrid-collision": Page(
        "Balancers of two clusters with one router ID ignore each other's adverts, and a VIP may have two owners.",
        "tcpdump -nn -i any vrrp; journalctl -u keepalived --since -10min | grep VRID",
    ),
    "vip.fault": Page(
        "The host takes no part in failover.",
        "journalctl -u keepalived -n 50; run the script of vrrp_script and read its exit status",
    ),
    "vip.flapping": Page(
        "Each move resets clients' connections.", "journalctl -u keepalived --since -10min | grep STATE"
    ),
    "etcd.leader-flapping": Page(
        "Each election stops writes for about a second; leases may expire.",
        "journalctl -u etcd --since -10min | grep 'elected leader'",
    ),
    "etcd.slow-disk": Page(
        "A member acknowledges a write only after the write is on disk.",
        "etcd_disk_wal_fsync_duration_seconds of its /metrics; journalctl -u etcd | grep fdatasync; iostat -x 1",
    ),
    "lease.churn": Page(
        "While a leader lock passes from one holder to another, its component does no work.",
        "kubectl -n kube-system get lease; journalctl -u kube-scheduler --since -10min | grep lease",
    ),
    "config.invalid": Page(
        "The running process keeps its old configuration and fails at its next start.",
        "haproxy -c -f /etc/haproxy/haproxy.cfg; keepalived -t",
    ),
}
