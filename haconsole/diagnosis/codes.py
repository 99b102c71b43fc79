"""Every finding code: how it shows and what helps. Stable names that scripts may rely on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`signal` is what is seen, `helps` what mends it."""

    signal: str
    helps: str


CODES: dict[str, Explanation] = {
    "cluster.not-bootstrapped": Explanation("etcd runs on no host and is enabled on none", "run bootstrap"),
    "etcd.quorum-lost": Explanation(
        "fewer voters answer than a majority, and none can read through the quorum",
        "start the members that can start; else restore from a snapshot",
    ),
    "etcd.no-fault-tolerance": Explanation(
        "the quorum holds and no voter may fail", "mend or replace the missing member before anything else"
    ),
    "etcd.member-down": Explanation("a listed, started member does not answer", "restart it, or replace its host"),
    "etcd.member-unstarted": Explanation("a listed member has no name yet", "finish the join, or remove it by ID"),
    "etcd.ghost-member": Explanation("a listed member's host is not in the inventory", "remove it by ID"),
    "etcd.missing-member": Explanation("a host with the etcd role is not in the member list", "join it"),
    "etcd.cluster-id-mismatch": Explanation(
        "hosts answer with different cluster IDs", "set the stray one's data aside and join it"
    ),
    "etcd.duplicate-name": Explanation("two members have the same name", "remove the dead one by ID"),
    "etcd.peer-url-mismatch": Explanation("a member's peer URL is not its host's address", "update the member"),
    "etcd.even-voters": Explanation("2, 4 … voters", "join one more, or remove one"),
    "etcd.version-skew": Explanation("members run different versions", "finish the upgrade"),
    "etcd.nospace": Explanation("the NOSPACE alarm is active", "compact, defrag one at a time, disarm"),
    "etcd.corrupt": Explanation("the CORRUPT alarm is active", "remove and join the odd one again"),
    "etcd.db-near-quota": Explanation("the database holds more than 80 % of its quota", "compact and defrag"),
    "etcd.db-fragmented": Explanation("less than half of a large database is in use", "defrag"),
    "etcd.unencrypted": Explanation("etcd speaks without TLS", "switch to certificates"),
    "vip.unowned": Explanation(
        "every balancer was asked and none holds the address", "start keepalived; mend its check"
    ),
    "vip.split": Explanation(
        "more than one host holds the address", "let VRRP adverts through; same router ID and password"
    ),
    "vip.owner-unhealthy": Explanation("the owner's haproxy does not answer", "fail over; mend the check"),
    "vip.forced-down": Explanation("the down file is there", "remove it when the work is done"),
    "vip.config-mismatch": Explanation(
        "router ID, password, interval or addresses differ, or two priorities are equal",
        "write the same settings again",
    ),
    "keepalived.down": Explanation("the service is not active on a balancer", "read its journal, start it"),
    "haproxy.down": Explanation("the service is not active on a balancer", "read its journal, start it"),
    "haproxy.backend-down": Explanation(
        "a server fails its check, or no server is up", "look at the apiserver behind it"
    ),
    "haproxy.weak-check": Explanation("a server is UP whose apiserver is not ready", "check with HTTP on /readyz"),
    "haproxy.draining": Explanation("a server is left in drain or maint", "make it ready again"),
    "haproxy.backend-mismatch": Explanation(
        "the servers are not the inventory's control planes", "write the configuration again"
    ),
    "apiserver.down": Explanation("the apiserver does not answer", "its journal; etcd; certificates"),
    "apiserver.not-ready": Explanation("its /readyz names failing checks", "mend what they name"),
    "apiserver.etcd-servers-stale": Explanation(
        "--etcd-servers differs from the live members", "write the unit again, one control plane at a time"
    ),
    "component.down": Explanation("controller-manager or scheduler is not running", "its journal"),
    "lease.expired": Explanation(
        "a leader lock was not renewed within its duration", "restart the holder; look at standbys"
    ),
    "lease.holder-unknown": Explanation("the holder is on no inventory host", "find it"),
    "lease.no-standby": Explanation("only one host runs the component", "start the others"),
    "cert.expired": Explanation("the certificate's time is over", "rotate certificates"),
    "cert.expiring": Explanation("less than 30 days are left (critical below 7)", "rotate certificates"),
    "cert.served-old": Explanation(
        "the process presents another certificate than its file", "restart just that process"
    ),
    "cert.san-missing": Explanation("it lacks a name or address that clients use", "reissue it"),
    "cert.ca-rotation-open": Explanation(
        "a new CA lies on hosts and the older one is still trusted", "carry the rotation on, or take it back"
    ),
    "cert.wrong-ca": Explanation(
        "it does not verify with the CA in use, or hosts have different CAs or token keys",
        "reissue it; carry a CA rotation on; bring the one that is right to every host",
    ),
    "cert.key-mismatch": Explanation("the key does not belong to the certificate", "reissue it"),
    "cert.key-exposed": Explanation("the key can be read by others", "mode 0600"),
    "host.unreachable": Explanation("SSH fails; the reason says how", "depends on the reason, see the finding"),
    "host.clock-skew": Explanation("the clock is more than 500 ms off", "chrony on every host"),
    "host.disk-full": Explanation("less than 2 % of a file system is free", "free space before compacting"),
    "host.disk-low": Explanation("less than 10 % of a file system is free", "free space"),
}
