"""The scenarios of `lab break` that leave a fault, and the finding that each must lead to."""

from __future__ import annotations

from dataclasses import dataclass

FOUND_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """The first finding of a scenario.

    `by_hand`: its remedy is for a person, whose part `lab heal` takes here. `removes`: its first two
    remedies remove the host and join it again. `within_s` includes the time until the fault has an effect.
    `printed`: the remedy is a command for a person, ``on HOST: COMMAND``, which is run as it is.
    `companions`: codes of findings that the same change leads to.
    `names`: the action deletes what a person names of the evidence, and confirms.
    """

    code: str
    by_hand: bool = False
    removes: bool = False
    printed: bool = False
    names: bool = False
    within_s: float = FOUND_WITHIN_S
    companions: tuple[str, ...] = ()


SCENARIOS = {
    "etcd-member-down": Expectation("etcd.member-down"),
    "etcd-suspended": Expectation("service.hung"),
    "etcd-data-read-only": Expectation("host.read-only"),
    "etcd-diverged": Expectation("etcd.corrupt", removes=True),
    "etcd-peer-port-blocked": Expectation("host.peer-unreachable"),
    "apiserver-down": Expectation("apiserver.down"),
    "haproxy-masked": Expectation("service.masked"),
    "haproxy-stale": Expectation("service.stale-config"),
    "etcd-key-unreadable": Expectation("service.requirement-missing"),
    "etcd-certificate-gone": Expectation("service.requirement-missing"),
    "etcd-throttled": Expectation("service.limited"),
    "etcd-disk-slow": Expectation("etcd.slow-disk", by_hand=True),
    "etcd-settings-changed": Expectation("service.changed-settings"),
    "etcd-settings-stale": Expectation("service.stale-config"),
    "scheduler-kubeconfig-wrong": Expectation("component.kubeconfig-wrong"),
    "vip-added-by-hand": Expectation("vip.not-master"),
    "vip-stale-arp": Expectation("vip.stale-arp"),
    "vip-port-blocked": Expectation("vip.not-serving"),
    "vip-flapping": Expectation("vip.flapping", by_hand=True, within_s=180.0),
    "vip-check-blocked": Expectation("vip.fault"),
    "vip-down-file": Expectation("vip.forced-down"),
    "vip-split": Expectation("vip.split", by_hand=True),
    "vrrp-blocked": Expectation("vip.split"),
    "keepalived-stopped": Expectation("keepalived.down"),
    "haproxy-suspended": Expectation("service.hung"),
    "keepalived-stopped-everywhere": Expectation("vip.unowned"),
    "apiserver-suspended": Expectation("service.hung"),
    "haproxy-stopped": Expectation("haproxy.down"),
    "haproxy-connections-full": Expectation("haproxy.connections-full"),
    "haproxy-server-drained": Expectation("haproxy.draining"),
    "etcd-leader-moves": Expectation("etcd.leader-flapping", by_hand=True, within_s=180.0),
    "etcd-open-to-clients": Expectation("etcd.no-client-auth"),
    "haproxy-page-open": Expectation("haproxy.default-credentials", by_hand=True, companions=("balancer.foreign",)),
    "haproxy-timeouts-short": Expectation("haproxy.short-timeouts", by_hand=True, companions=("balancer.foreign",)),
    "haproxy-binds-locally": Expectation("haproxy.wrong-bind", by_hand=True, companions=("balancer.foreign",)),
    "etcd-listens-locally": Expectation("etcd.listens-locally"),
    "etcd-disabled": Expectation("service.disabled"),
    "etcd-key-exposed": Expectation("cert.key-exposed"),
    "etcd-peer-url-wrong": Expectation("etcd.peer-url-mismatch"),
    "apiserver-address-wrong": Expectation("apiserver.wrong-address"),
    "etcd-client-url-wrong": Expectation("etcd.client-url-mismatch"),
    "scheduler-lock-differs": Expectation("component.flags-differ"),
    "loopback-down": Expectation("host.link-down"),
    "route-blackhole": Expectation("host.peer-unreachable"),
    "keepalived-suspended": Expectation("service.hung"),
    "etcd-member-unstarted": Expectation("etcd.member-unstarted"),
    "quorum-lost": Expectation("etcd.quorum-lost"),
    "scheduler-stopped": Expectation("component.down"),
    "inodes-full": Expectation("host.inodes-full", names=True),
    "snapshots-low": Expectation("host.disk-low", names=True),
    "hostname-duplicate": Expectation("host.duplicate-name"),
    "mtu-differs": Expectation("host.mtu-differs"),
    "address-duplicate": Expectation("host.duplicate-address"),
    "snapshots-full": Expectation("host.disk-full", names=True),
    "host-slow": Expectation("host.slow", by_hand=True),
    "api-unauthorized": Expectation("probe.failed"),
    "sudo-password": Expectation("probe.failed", by_hand=True),
    "login-output": Expectation("probe.failed", by_hand=True),
    "sessions-limited": Expectation("probe.failed"),
    "stats-socket-gone": Expectation("balancer.no-socket"),
    "program-missing": Expectation("probe.failed"),
    "sshd-stopped": Expectation("host.unreachable", by_hand=True),
    "host-down": Expectation("host.unreachable", by_hand=True),
    "host-cut-off": Expectation("host.unreachable", by_hand=True),
}
ONLY_NIGHTLY = ("vip-flapping", "etcd-leader-moves")
"""Scenarios that take minutes: a VIP or the leadership has to move some times."""
