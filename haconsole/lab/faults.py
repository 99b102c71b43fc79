"""Faults for drills: the parts that each scenario breaks, decided from the current state; pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from haconsole.lab.errors import LabError
from haconsole.lab.scripted_faults import SCRIPTED
from haconsole.model.quorum import needed_for


class FaultKind(StrEnum):
    """The fault of a host or of a unit on it."""

    STOP = "stop"
    """The unit is stopped until it is healed."""
    KILL = "kill"
    """The unit's processes are killed; its supervisor brings them back."""
    POWER = "power"
    CUT = "cut"
    """The host's cable carries nothing, either way, though its link is up."""
    MUTE = "mute"
    """The host's VRRP adverts are dropped."""
    QUOTA = "quota"
    """The unit's processes may use 2 % of a processor."""
    SLOW = "slow"
    """All of the host may use 4 % of a processor."""
    DISK = "disk"
    """The host may write to its disk 12 times a second."""
    SCRIPT = "script"
    """A script of `SCRIPTED` was run on the host."""


class LabFault(msgspec.Struct, frozen=True):
    """One thing broken on one host; `unit` is of the kinds STOP, KILL and QUOTA; of SCRIPT it names the script."""

    kind: FaultKind
    host: str
    unit: str = ""

    @property
    def lasts(self) -> bool:
        """Whether it must be healed; killed processes restart automatically."""
        return self.kind is not FaultKind.KILL

    def __str__(self) -> str:
        if self.kind is FaultKind.SCRIPT:
            return f"{self.host}: {SCRIPTED[self.unit].state}"
        return {
            FaultKind.STOP: f"{self.host}: {self.unit} is stopped",
            FaultKind.KILL: f"{self.host}: {self.unit} was killed, its supervisor starts it again",
            FaultKind.POWER: f"{self.host}: its power is cut",
            FaultKind.CUT: f"{self.host}: no packet from or to this host arrives",
            FaultKind.MUTE: f"{self.host}: its VRRP adverts are dropped",
            FaultKind.QUOTA: f"{self.host}: {self.unit} is throttled to 2 % of a CPU",
            FaultKind.SLOW: f"{self.host}: everything on it together is throttled to 4 % of a CPU",
            FaultKind.DISK: f"{self.host}: its disk takes 12 writes a second",
        }[self.kind]


class Scene(msgspec.Struct, frozen=True):
    """The state before a fault. `target` is the host that a person named; None is an unknown value."""

    control_planes: tuple[str, ...]
    target: str | None = None
    vip_owner: str | None = None
    etcd_leader: str | None = None
    scheduler: str | None = None


class Scenario(msgspec.Struct, frozen=True):
    """A drill: its description, and its faults."""

    what: str
    faults: Callable[[Scene], tuple[LabFault, ...]]


def _follower(scene: Scene) -> str:
    """The last member that does not lead, or the last one if the leader is unknown."""
    followers = [name for name in scene.control_planes if name != scene.etcd_leader]
    return scene.target or (followers or scene.control_planes)[-1]


def _one(holder: str | None, what: str) -> str:
    if holder is None:
        raise LabError(
            f"no component is {what}", hint="is the cluster bootstrapped? run `haconsole status`; or name --host"
        )
    return holder


def _member_down(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.STOP, _follower(scene), "etcd"),)


def _leader_killed(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.KILL, scene.target or _one(scene.etcd_leader, "etcd's leader"), "etcd"),)


def _quorum_lost(scene: Scene) -> tuple[LabFault, ...]:
    voters = len(scene.control_planes)
    return tuple(LabFault(FaultKind.STOP, name, "etcd") for name in scene.control_planes[needed_for(voters) - 1 :])


def _keepalived_stopped(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.STOP, scene.target or _one(scene.vip_owner, "the VIP's owner"), "keepalived"),)


def _keepalived_everywhere(scene: Scene) -> tuple[LabFault, ...]:
    _one(scene.vip_owner, "the VIP's owner")
    return tuple(LabFault(FaultKind.STOP, name, "keepalived") for name in scene.control_planes)


def _vip_split(scene: Scene) -> tuple[LabFault, ...]:
    return tuple(LabFault(FaultKind.MUTE, name) for name in scene.control_planes)


def _haproxy_stopped(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.STOP, scene.target or _one(scene.vip_owner, "the VIP's owner"), "haproxy"),)


def _apiserver_down(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.STOP, scene.target or scene.control_planes[-1], "kube-apiserver"),)


def _scheduler_killed(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.KILL, scene.target or _one(scene.scheduler, "the leading scheduler"), "kube-scheduler"),)


def _scheduler_stopped(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.STOP, _follower(scene), "kube-scheduler"),)


def _host_down(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.POWER, scene.target or scene.control_planes[-1]),)


def _host_cut_off(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.CUT, scene.target or scene.control_planes[-1]),)


def _host_slow(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.SLOW, _follower(scene)),)


def _disk_slow(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.DISK, _follower(scene)),)


def _etcd_throttled(scene: Scene) -> tuple[LabFault, ...]:
    return (LabFault(FaultKind.QUOTA, _follower(scene), "etcd"),)


def _scripted(name: str) -> Callable[[Scene], tuple[LabFault, ...]]:
    """The script on the target, or on the last one that does not lead etcd."""
    return lambda scene: (LabFault(FaultKind.SCRIPT, _follower(scene), name),)


def _of_owner(name: str) -> Callable[[Scene], tuple[LabFault, ...]]:
    """The script on the target, or on the VIP's owner."""
    return lambda scene: (LabFault(FaultKind.SCRIPT, scene.target or _one(scene.vip_owner, "the VIP's owner"), name),)


def _of_other(name: str) -> Callable[[Scene], tuple[LabFault, ...]]:
    """The script on the target, or on the last balancer that does not own the VIP."""

    def faults(scene: Scene) -> tuple[LabFault, ...]:
        others = [host for host in scene.control_planes if host != scene.vip_owner]
        return (LabFault(FaultKind.SCRIPT, scene.target or (others or scene.control_planes)[-1], name),)

    return faults


SCENARIOS = {
    "etcd-member-down": Scenario("a follower's etcd stops", _member_down),
    "etcd-leader-killed": Scenario("etcd's leader is killed, and restarts", _leader_killed),
    "quorum-lost": Scenario("so many etcd members stop that the others have no quorum", _quorum_lost),
    "keepalived-stopped": Scenario("keepalived stops on the VIP's owner", _keepalived_stopped),
    "vip-split": Scenario("VRRP adverts are dropped, so that every balancer takes the VIP", _vip_split),
    "vrrp-blocked": Scenario(
        "a firewall drops the VRRP adverts to a balancer, so that it takes the VIP too", _of_other("vrrp-blocked")
    ),
    "haproxy-suspended": Scenario("haproxy is suspended on a balancer without the VIP", _of_other("haproxy-suspended")),
    "keepalived-stopped-everywhere": Scenario("keepalived stops on every balancer", _keepalived_everywhere),
    "apiserver-suspended": Scenario("one API server is suspended", _scripted("apiserver-suspended")),
    "haproxy-stopped": Scenario("haproxy stops on the VIP's owner", _haproxy_stopped),
    "apiserver-down": Scenario("one API server stops", _apiserver_down),
    "scheduler-killed": Scenario("the leading scheduler is killed, and restarts", _scheduler_killed),
    "host-down": Scenario("a host loses power", _host_down),
    "host-cut-off": Scenario("a host loses its network, and its processes keep running", _host_cut_off),
    "haproxy-masked": Scenario("haproxy is stopped and masked", _scripted("masked")),
    "haproxy-stale": Scenario(
        "haproxy's configuration file was changed and haproxy was not reloaded", _scripted("stale")
    ),
    "etcd-suspended": Scenario("a follower's etcd is suspended", _scripted("suspended")),
    "etcd-data-read-only": Scenario("a follower's data folder becomes read-only", _scripted("read-only")),
    "etcd-diverged": Scenario("one key gets another value in a follower's database", _scripted("diverged")),
    "etcd-peer-port-blocked": Scenario(
        "a follower's firewall drops connections to etcd's peer port", _scripted("peer-port")
    ),
    "etcd-certificate-gone": Scenario("a follower's peer certificate is gone", _scripted("no-certificate")),
    "etcd-key-unreadable": Scenario(
        "a follower's etcd is killed, and cannot read its server key at the restart", _scripted("key-unreadable")
    ),
    "etcd-throttled": Scenario("a follower's etcd is throttled to 2 % of a CPU", _etcd_throttled),
    "etcd-disk-slow": Scenario("a follower's disk takes 12 writes a second", _disk_slow),
    "etcd-settings-changed": Scenario("a systemd drop-in gives a follower's etcd a bad setting", _scripted("drop-in")),
    "etcd-settings-stale": Scenario("a follower's etcd.env is written and etcd not restarted", _scripted("env-stale")),
    "scheduler-kubeconfig-wrong": Scenario("a scheduler's kubeconfig names a wrong port", _scripted("kubeconfig")),
    "vip-added-by-hand": Scenario(
        "the VIP is added by hand to a balancer that is not its owner", _of_other("vip-added")
    ),
    "vip-stale-arp": Scenario("a host's neighbour table has a wrong MAC address for the VIP", _of_other("stale-arp")),
    "vip-port-blocked": Scenario(
        "the VIP owner's firewall rejects connections to the VIP's port", _of_owner("vip-port")
    ),
    "vip-flapping": Scenario("the VIP leaves its owner and returns every few seconds", _of_owner("vip-flapping")),
    "vip-check-blocked": Scenario(
        "a firewall rejects the connections of keepalived's check", _of_other("check-blocked")
    ),
    "vip-down-file": Scenario("a balancer that does not own the VIP has a down file", _of_other("down-file")),
    "etcd-leader-moves": Scenario("etcd's leadership is moved every few seconds", _scripted("leader-moves")),
    "etcd-open-to-clients": Scenario(
        "a follower's etcd accepts clients without a certificate", _scripted("no-client-auth")
    ),
    "haproxy-page-open": Scenario("a balancer's statistics page has the password of examples", _of_other("stats-page")),
    "haproxy-timeouts-short": Scenario(
        "a balancer closes connections that have no traffic for a second", _of_other("timeouts")
    ),
    "haproxy-binds-locally": Scenario(
        "the VIP owner's haproxy accepts connections on loopback only", _of_owner("binds")
    ),
    "etcd-listens-locally": Scenario("a follower's etcd listens for members on loopback only", _scripted("local")),
    "etcd-disabled": Scenario("a follower's etcd runs and is not enabled", _scripted("disabled")),
    "etcd-key-exposed": Scenario("every account can read a key of etcd", _scripted("key-exposed")),
    "etcd-peer-url-wrong": Scenario("etcd lists a follower with a wrong peer URL", _scripted("peer-url")),
    "etcd-client-url-wrong": Scenario("a follower's etcd advertises a wrong client URL", _scripted("client-url")),
    "apiserver-address-wrong": Scenario(
        "an API server advertises the address of another host", _scripted("advertised")
    ),
    "scheduler-lock-differs": Scenario("a scheduler uses a leader lock of its own", _scripted("lock")),
    "loopback-down": Scenario("the loopback interface of a host is down", _scripted("loopback")),
    "route-blackhole": Scenario("a route of a host drops all packets to another host", _scripted("route")),
    "keepalived-suspended": Scenario("keepalived is suspended on the VIP's owner", _of_owner("keepalived-suspended")),
    "etcd-member-unstarted": Scenario("etcd lists a member that never started", _scripted("ghost")),
    "haproxy-connections-full": Scenario("clients use all connections of a balancer", _of_other("connections")),
    "haproxy-server-drained": Scenario("a balancer drains an API server", _of_other("drained")),
    "scheduler-stopped": Scenario("a scheduler stops", _scheduler_stopped),
    "inodes-full": Scenario("the file system of a member's snapshots has no inode left", _scripted("inodes")),
    "snapshots-low": Scenario("the file system of a member's snapshots has 5 % left", _scripted("snapshots-low")),
    "hostname-duplicate": Scenario("a host has the hostname of another one", _scripted("hostname")),
    "mtu-differs": Scenario("a host's MTU is smaller than the others'", _scripted("mtu")),
    "address-duplicate": Scenario("a host has the address of another host", _scripted("address")),
    "snapshots-full": Scenario("the file system of a member's snapshots is full", _scripted("snapshots-full")),
    "host-slow": Scenario("a host gets 4 % of a processor", _host_slow),
    "api-unauthorized": Scenario("a host's kubeconfig has a token that the API refuses", _scripted("wrong-token")),
    "sudo-password": Scenario("sudo needs a password on a host", _scripted("sudo")),
    "login-output": Scenario("every login to a host prints a line", _scripted("login-output")),
    "sessions-limited": Scenario("sshd allows one session for each connection", _scripted("one-session")),
    "stats-socket-gone": Scenario("haproxy's stats socket is deleted, haproxy keeps running", _of_other("no-socket")),
    "program-missing": Scenario("the program ip, which haconsole needs, is missing on a host", _scripted("no-program")),
    "sshd-stopped": Scenario("sshd stops on a host, the other services keep running", _scripted("sshd")),
}
"""Every drill by its name. There is none for the clock: hosts share the machine's."""
