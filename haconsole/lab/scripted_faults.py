"""Faults that a script brings about inside a host, each with the script that reverts it."""

from __future__ import annotations

import msgspec


class ScriptedFault(msgspec.Struct, frozen=True):
    """`breaks` and `heals` run as root in ``sh -ec``; `state` completes ``HOST: …``."""

    state: str
    breaks: str
    heals: str


_HAPROXY, _DATA, _SUDOERS = "/etc/haproxy/haproxy.cfg", "/var/lib/etcd", "/etc/sudoers.d/ops"
_DROP_INS = "/etc/systemd/system/etcd.service.d"
_SNAPSHOTS = f"folder={_DATA}-snapshots"
_DB = f"{_DATA}/member/snap/db"
_KEPT = "/root/kept-by-the-drill"
_ETCD_ENV = "/etc/etcd/etcd.env"
_APISERVER = "/etc/systemd/system/kube-apiserver.service"
_SCHEDULER = "/etc/systemd/system/kube-scheduler.service"
_DRILL_CHAIN = "nft 'add table inet drill'; nft 'add chain inet drill in { type filter hook input priority 0; }'"
_MARK = "kept-by-a-drill-"
_ADMIN = "/etc/kubernetes/admin.conf"
_CLIENT = (
    "ETCDCTL_API=3 etcdctl --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key"
)
_ETCDCTL = f"{_CLIENT} --endpoints=https://127.0.0.1:2379"

_KEEPALIVED = "/etc/keepalived/keepalived.conf"
_VIP = (
    f"vip=$(sed -n '/virtual_ipaddress/{{n;s/ *//p}}' {_KEEPALIVED}); link=$(sed -n 's/^ *interface //p' {_KEEPALIVED})"
)
_OTHER = (
    "other=$(sed -n 's/^ETCD_INITIAL_CLUSTER=//p' /etc/etcd/etcd.env | tr , '\\n' |"
    ' grep -v "^$(uname -n)=" | sed "s,.*https://,,;s/:.*//" | head -n 1)'
)

_STATS = "socat - UNIX-CONNECT:/run/haproxy/admin.sock"
_MEMBER = (
    "url=$(sed -n 's/^ETCD_INITIAL_ADVERTISE_PEER_URLS=//p' /etc/etcd/etcd.env);"
    f' id=$({_ETCDCTL} member list | sed -n "s/^\\([0-9a-f]*\\), .*, $(uname -n), .*/\\1/p")'
)

SCRIPTED: dict[str, ScriptedFault] = {
    "masked": ScriptedFault(
        "haproxy is stopped and masked",
        "systemctl stop haproxy; systemctl mask --quiet haproxy",
        "systemctl unmask --quiet haproxy; systemctl start haproxy",
    ),
    "suspended": ScriptedFault(
        "etcd's process is suspended",
        "systemctl kill --signal=SIGSTOP etcd",
        "systemctl kill --signal=SIGCONT etcd || :; systemctl start etcd",
    ),
    "haproxy-suspended": ScriptedFault(
        "haproxy's processes are suspended",
        "systemctl kill --signal=SIGSTOP haproxy",
        "systemctl kill --signal=SIGCONT haproxy || :; systemctl start haproxy",
    ),
    "apiserver-suspended": ScriptedFault(
        "the API server's process is suspended",
        "systemctl kill --signal=SIGSTOP kube-apiserver",
        "systemctl kill --signal=SIGCONT kube-apiserver || :; systemctl start kube-apiserver",
    ),
    "sudo": ScriptedFault(
        "sudo needs the password of the SSH user",
        f"cp -p {_SUDOERS} {_KEPT}; sed -i 's/NOPASSWD: *//' {_SUDOERS}",
        f"[ ! -e {_KEPT} ] || mv {_KEPT} {_SUDOERS}",
    ),
    "wrong-token": ScriptedFault(
        "the administrator's kubeconfig has a token that the API refuses",
        f"cp -p {_ADMIN} {_ADMIN}.kept;"
        f" sed -i '/client-certificate:/d; s,client-key: .*,token: no-token-of-this-cluster,' {_ADMIN}",
        f"[ ! -e {_ADMIN}.kept ] || mv {_ADMIN}.kept {_ADMIN}",
    ),
    "login-output": ScriptedFault(
        "every login prints a line",
        "echo 'echo Welcome to this host' >/etc/ssh/sshrc",
        "rm -f /etc/ssh/sshrc",
    ),
    "one-session": ScriptedFault(
        "sshd allows one session for each connection",
        "echo MaxSessions 1 >/etc/ssh/sshd_config.d/drill.conf; systemctl reload ssh",
        "rm -f /etc/ssh/sshd_config.d/drill.conf /etc/ssh/sshd_config.d/00-haconsole.conf; systemctl reload ssh",
    ),
    "no-socket": ScriptedFault(
        "haproxy's stats socket is gone",
        "rm -f /run/haproxy/admin.sock",
        "systemctl restart haproxy",
    ),
    "no-program": ScriptedFault(
        "the program ip is gone",
        'file=$(readlink -f "$(command -v ip)"); echo "$file" >/root/kept-place; mv "$file" /root/kept-ip',
        '[ ! -e /root/kept-ip ] || mv /root/kept-ip "$(cat /root/kept-place)"',
    ),
    "sshd": ScriptedFault(
        "sshd is stopped",
        "systemctl stop ssh.socket 2>/dev/null || :; systemctl stop ssh",
        "systemctl start ssh",
    ),
    "stale": ScriptedFault(
        "haproxy's configuration file was written after haproxy loaded it",
        f"sleep 2; touch {_HAPROXY}",
        "systemctl reload haproxy",
    ),
    "read-only": ScriptedFault(
        "etcd's data folder is mounted read-only",
        f"mount --bind {_DATA} {_DATA}; mount -o remount,bind,ro {_DATA}; systemctl kill --signal=SIGKILL etcd",
        f"! mountpoint -q {_DATA} || umount -l {_DATA}; systemctl restart etcd",
    ),
    "diverged": ScriptedFault(
        "one key has another value in etcd's database than on the other members",
        f"{_ETCDCTL} put /drill {_MARK}A >/dev/null; sleep 1; systemctl stop etcd;"
        f" sed -i 's/{_MARK}A/{_MARK}B/g' {_DB}; chown etcd: {_DB}; systemctl start etcd",
        f"systemctl stop etcd; sed -i 's/{_MARK}B/{_MARK}A/g' {_DB}; chown etcd: {_DB}; systemctl start etcd",
    ),
    "peer-port": ScriptedFault(
        "its firewall drops connections to etcd's peer port",
        f"{_DRILL_CHAIN}; nft 'add rule inet drill in tcp dport 2380 drop'",
        "nft delete table inet drill 2>/dev/null || :",
    ),
    "key-unreadable": ScriptedFault(
        "etcd cannot read the key of its server certificate",
        "chown root: /etc/etcd/pki/server.key; systemctl kill --signal=SIGKILL etcd",
        "chown etcd: /etc/etcd/pki/server.key; systemctl restart --no-block etcd",
    ),
    "kubeconfig": ScriptedFault(
        "the scheduler's kubeconfig names a wrong port",
        "cp -p /etc/kubernetes/scheduler.conf /root/scheduler.conf.kept;"
        " sed -i 's/:6443/:6444/' /etc/kubernetes/scheduler.conf; systemctl restart kube-scheduler",
        "[ ! -e /root/scheduler.conf.kept ] || mv /root/scheduler.conf.kept /etc/kubernetes/scheduler.conf;"
        " systemctl restart kube-scheduler",
    ),
    "vip-added": ScriptedFault(
        "the VIP was added by hand, outside keepalived",
        f'{_VIP}; ip address add "$vip" dev "$link"',
        f'{_VIP}; ip address del "$vip" dev "$link" 2>/dev/null || :; systemctl restart keepalived',
    ),
    "vrrp-blocked": ScriptedFault(
        "its firewall drops VRRP",
        f"{_DRILL_CHAIN}; nft 'add rule inet drill in meta l4proto 112 drop'",
        "nft delete table inet drill 2>/dev/null || :",
    ),
    "vip-port": ScriptedFault(
        "its firewall rejects connections to haproxy's port 8443",
        f"{_DRILL_CHAIN}; nft 'add rule inet drill in tcp dport 8443 reject with tcp reset'",
        "nft delete table inet drill 2>/dev/null || :",
    ),
    "vip-flapping": ScriptedFault(
        "keepalived's down file is added and removed again and again",
        "systemd-run --quiet --unit=drill-flapping sh -c"
        " 'while :; do touch /etc/keepalived/down; sleep 6; rm -f /etc/keepalived/down; sleep 6; done'",
        "systemctl stop drill-flapping 2>/dev/null || :; rm -f /etc/keepalived/down",
    ),
    "mtu": ScriptedFault(
        "the MTU of its interface is 900",
        f'{_VIP}; ip link set dev "$link" mtu 900',
        f'{_VIP}; ip link set dev "$link" mtu 1500',
    ),
    "address": ScriptedFault(
        "an interface gets the address of another host",
        f'{_OTHER}; ip address add "$other/32" dev lo',
        f'{_OTHER}; ip address del "$other/32" dev lo 2>/dev/null || :',
    ),
    "stale-arp": ScriptedFault(
        "its neighbour entry for the VIP has a wrong MAC address",
        f'{_VIP}; vip=${{vip%/*}}; sysctl -qw "net.ipv4.neigh.$link.base_reachable_time_ms=3600000";'
        ' ip neighbour replace "$vip" lladdr 02:00:00:00:00:99 dev "$link" nud reachable',
        f'{_VIP}; sysctl -qw "net.ipv4.neigh.$link.base_reachable_time_ms=30000";'
        ' ip neighbour del "${vip%/*}" dev "$link" 2>/dev/null || :',
    ),
    "snapshots-full": ScriptedFault(
        "the file system of its snapshots is full",
        f"{_SNAPSHOTS}; mkdir -p $folder; mount -t tmpfs -o size=20m,mode=0700 drill $folder;"
        " for day in 01 02; do head -c 10402816 /dev/zero >$folder/drill-202601${day}T000000Z.db;"
        " touch -d 2026-01-$day $folder/drill-202601${day}T000000Z.db; done",
        f"{_SNAPSHOTS}; ! mountpoint -q $folder || umount -l $folder",
    ),
    "route": ScriptedFault(
        "a blackhole route drops all packets to another host",
        f'{_OTHER}; ip route add blackhole "$other/32"',
        f'{_OTHER}; ip route del blackhole "$other/32" 2>/dev/null || :',
    ),
    "keepalived-suspended": ScriptedFault(
        "keepalived's processes are suspended",
        "systemctl kill --signal=SIGSTOP keepalived",
        "systemctl kill --signal=SIGCONT keepalived || :; systemctl start keepalived",
    ),
    "client-url": ScriptedFault(
        "etcd advertises a wrong client URL",
        f"cp -p {_ETCD_ENV} {_KEPT}.env;"
        f" sed -i 's,^\\(ETCD_ADVERTISE_CLIENT_URLS\\)=.*,\\1=https://192.0.2.9:2379,' {_ETCD_ENV};"
        " systemctl restart etcd",
        f"[ ! -e {_KEPT}.env ] || {{ mv {_KEPT}.env {_ETCD_ENV}; systemctl restart --no-block etcd; }}",
    ),
    "advertised": ScriptedFault(
        "its API server advertises the address of another host",
        f"{_OTHER}; cp -p {_APISERVER} {_KEPT}.apiserver;"
        f' sed -i "s,--advertise-address=[^ ]*,--advertise-address=$other," {_APISERVER};'
        " systemctl daemon-reload; systemctl restart kube-apiserver",
        f"[ ! -e {_KEPT}.apiserver ] || {{ mv {_KEPT}.apiserver {_APISERVER};"
        " systemctl daemon-reload; systemctl restart --no-block kube-apiserver; }",
    ),
    "lock": ScriptedFault(
        "its scheduler uses a leader lock of its own",
        f"cp -p {_SCHEDULER} {_KEPT}.scheduler;"
        f" sed -i 's,--leader-elect=true,--leader-elect=true --leader-elect-resource-name=other,' {_SCHEDULER};"
        " systemctl daemon-reload; systemctl restart kube-scheduler",
        f"[ ! -e {_KEPT}.scheduler ] || {{ mv {_KEPT}.scheduler {_SCHEDULER};"
        " systemctl daemon-reload; systemctl restart --no-block kube-scheduler; }",
    ),
    "loopback": ScriptedFault("the loopback interface is down", "ip link set dev lo down", "ip link set dev lo up"),
    "env-stale": ScriptedFault(
        "etcd's environment file was written after etcd was started",
        "sleep 2; touch /etc/etcd/etcd.env",
        "systemctl restart etcd",
    ),
    "drop-in": ScriptedFault(
        "a drop-in gives etcd a setting that it refuses",
        f"mkdir -p {_DROP_INS};"
        f" printf '[Service]\\nEnvironment=ETCD_MAX_SNAPSHOTS=never\\n' >{_DROP_INS}/drill.conf;"
        " systemctl daemon-reload; systemctl restart --no-block etcd",
        f"rm -f {_DROP_INS}/drill.conf*; rmdir {_DROP_INS} 2>/dev/null || :; systemctl daemon-reload;"
        " systemctl restart --no-block etcd",
    ),
    "no-client-auth": ScriptedFault(
        "a drop-in lets etcd accept clients without a certificate",
        f"mkdir -p {_DROP_INS}; printf 'ETCD_CLIENT_CERT_AUTH=false\\nETCD_TRUSTED_CA_FILE=\\n' >/etc/etcd/drill.env;"
        f" printf '[Service]\\nEnvironmentFile=/etc/etcd/drill.env\\n' >{_DROP_INS}/drill.conf;"
        " systemctl daemon-reload; systemctl restart etcd",
        f"rm -f {_DROP_INS}/drill.conf* /etc/etcd/drill.env; rmdir {_DROP_INS} 2>/dev/null || :;"
        " systemctl daemon-reload; systemctl restart --no-block etcd",
    ),
    "stats-page": ScriptedFault(
        "haproxy has a statistics page with the password admin",
        f"cp -p {_HAPROXY} {_KEPT}.cfg; printf 'listen drill\\n    bind *:9404\\n    mode http\\n    stats enable\\n"
        f"    stats auth admin:admin\\n' >>{_HAPROXY}; systemctl reload haproxy",
        f"[ ! -e {_KEPT}.cfg ] || {{ cp {_KEPT}.cfg {_HAPROXY}; rm {_KEPT}.cfg; systemctl reload haproxy; }}",
    ),
    "timeouts": ScriptedFault(
        "haproxy closes connections after a second without traffic",
        f"cp -p {_HAPROXY} {_KEPT}.cfg;"
        f" sed -i 's/timeout \\(client\\|server\\|tunnel\\) .*/timeout \\1 1s/' {_HAPROXY}; systemctl reload haproxy",
        f"[ ! -e {_KEPT}.cfg ] || {{ cp {_KEPT}.cfg {_HAPROXY}; rm {_KEPT}.cfg; systemctl reload haproxy; }}",
    ),
    "binds": ScriptedFault(
        "haproxy accepts connections on 127.0.0.1 only",
        f"cp -p {_HAPROXY} {_KEPT}.cfg;"
        f" sed -i 's/bind \\*:/bind 127.0.0.1:/; s/bind :::\\([0-9]*\\) v4v6/bind 127.0.0.1:\\1/' {_HAPROXY};"
        " systemctl reload haproxy",
        f"[ ! -e {_KEPT}.cfg ] || {{ cp {_KEPT}.cfg {_HAPROXY}; rm {_KEPT}.cfg; systemctl reload haproxy; }}",
    ),
    "local": ScriptedFault(
        "etcd listens for other members on 127.0.0.1 only",
        f"cp -p {_ETCD_ENV} {_KEPT}.env;"
        f" sed -i 's,^\\(ETCD_LISTEN_PEER_URLS\\)=.*,\\1=https://127.0.0.1:2380,' {_ETCD_ENV};"
        " systemctl restart --no-block etcd",
        f"[ ! -e {_KEPT}.env ] || {{ mv {_KEPT}.env {_ETCD_ENV}; systemctl restart --no-block etcd; }}",
    ),
    "no-certificate": ScriptedFault(
        "etcd's peer certificate is gone",
        "mv /etc/etcd/pki/peer.crt /etc/etcd/pki/peer.crt.kept; systemctl kill --signal=SIGKILL etcd",
        "[ ! -e /etc/etcd/pki/peer.crt.kept ] || mv /etc/etcd/pki/peer.crt.kept /etc/etcd/pki/peer.crt;"
        " systemctl restart etcd",
    ),
    "check-blocked": ScriptedFault(
        "its firewall rejects the connections of keepalived's check",
        f"{_DRILL_CHAIN}; nft 'add rule inet drill in iifname lo tcp dport 8404 reject with tcp reset'",
        "nft delete table inet drill 2>/dev/null || :",
    ),
    "leader-moves": ScriptedFault(
        "the leadership of etcd is moved again and again",
        f"{_ETCDCTL} member list | tr -d , >/run/drill-members;"
        " systemd-run --quiet --unit=drill-leader-moves sh -c 'while sleep 1; do"
        " while read -r id _; do while read -r _ _ _ _ url _; do"
        f" {_CLIENT} --endpoints=$url move-leader $id && sleep 4;"
        " done </run/drill-members; done </run/drill-members; done'",
        "systemctl stop drill-leader-moves 2>/dev/null || :; rm -f /run/drill-members",
    ),
    "connections": ScriptedFault(
        "clients use all connections that haproxy accepts",
        f"echo 'set maxconn frontend k8s_server_6443 6' | {_STATS}; systemd-run --quiet --unit=drill-clients bash -c"
        " 'for n in 3 4 5 6 7 8; do eval \"exec $n<>/dev/tcp/127.0.0.1/8443\"; done; sleep infinity'",
        "systemctl stop drill-clients 2>/dev/null || :; systemctl reload haproxy",
    ),
    "drained": ScriptedFault(
        "the first API server is drained in haproxy",
        f"echo 'set server k8s_server_6443/cp1 state drain' | {_STATS}",
        f"echo 'set server k8s_server_6443/cp1 state ready' | {_STATS}",
    ),
    "down-file": ScriptedFault(
        "keepalived's down file exists",
        "touch /etc/keepalived/down",
        "rm -f /etc/keepalived/down",
    ),
    "disabled": ScriptedFault("etcd is not enabled", "systemctl disable --quiet etcd", "systemctl enable --quiet etcd"),
    "key-exposed": ScriptedFault(
        "every account can read the key of etcd's peer certificate",
        "chmod 0644 /etc/etcd/pki/peer.key",
        "chmod 0600 /etc/etcd/pki/peer.key",
    ),
    "peer-url": ScriptedFault(
        "etcd's member list has a wrong peer URL for it",
        f"{_MEMBER}; {_ETCDCTL} member update $id --peer-urls=https://192.0.2.9:2380 >/dev/null",
        f"{_MEMBER}; {_ETCDCTL} member update $id --peer-urls=$url >/dev/null",
    ),
    "ghost": ScriptedFault(
        "etcd's member list has a member that never started",
        f"{_ETCDCTL} member add drill-ghost --learner --peer-urls=https://192.0.2.9:2380 >/dev/null",
        f"{_ETCDCTL} member list | sed -n 's/^\\([0-9a-f]*\\), .*192.0.2.9:2380.*/\\1/p' |"
        f" while read -r id; do {_ETCDCTL} member remove $id >/dev/null; done",
    ),
    "inodes": ScriptedFault(
        "the file system of its snapshots has no inode left",
        f"{_SNAPSHOTS}; mkdir -p $folder; mount -t tmpfs -o size=20m,nr_inodes=20,mode=0700 drill $folder;"
        " for n in $(seq 30); do touch $folder/.drill-$n 2>/dev/null || break; done",
        f"{_SNAPSHOTS}; ! mountpoint -q $folder || umount -l $folder",
    ),
    "snapshots-low": ScriptedFault(
        "the file system of its snapshots has 5 % left",
        f"{_SNAPSHOTS}; mkdir -p $folder; mount -t tmpfs -o size=20m,mode=0700 drill $folder;"
        " for day in 01 02; do head -c 9961472 /dev/zero >$folder/drill-202601${day}T000000Z.db;"
        " touch -d 2026-01-$day $folder/drill-202601${day}T000000Z.db; done",
        f"{_SNAPSHOTS}; ! mountpoint -q $folder || umount -l $folder",
    ),
    "hostname": ScriptedFault(
        "it has the hostname of another host",
        "other=$(sed -n 's/^ETCD_INITIAL_CLUSTER=//p' /etc/etcd/etcd.env | tr , '\\n' | sed 's/=.*//' |"
        ' grep -vx "$(uname -n)" | head -n 1); hostname "$other"',
        'hostname "$(cat /etc/hostname)"',
    ),
}
