"""Rules about the hosts themselves: connection, clock, disk space."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import Candidate, Key
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.effective import SNAPSHOTS_END
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import (
    CLOCK_SKEW_MS,
    DISK_FULL,
    DISK_LOW,
    WRITTEN_TO,
    DiskSpace,
    HostFacts,
    Role,
)
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import OldFile

HERE = "this machine"
NO_KEY = "console.key-unusable"

FIXES = {
    Cause.REFUSED: "check that sshd runs on the host, and that the port in the inventory is right",
    Cause.TIMED_OUT: "check that the host is up, and that no firewall drops the connection",
    Cause.NO_ROUTE: "check the network between here and the host, and the address in the inventory",
    Cause.NAME_NOT_FOUND: "correct the host's address in the inventory, or the name resolution on this machine",
    Cause.AUTH_FAILED: "check ssh.user and ssh.identity_file, and that the key is in authorized_keys on the host",
    Cause.KEY_UNUSABLE: "put the private key there, or set ssh.identity_file to an existing key",
    Cause.HOST_KEY_UNKNOWN: "compare the fingerprint with the host's, then start haconsole with --accept-host-key",
    Cause.HOST_KEY_CHANGED: "find out why the host key changed, then remove the old line from known_hosts",
    Cause.JUMP_FAILED: "fix the connection to the jump host first",
    Cause.CONNECTION_LOST: "the connection was lost; haconsole reconnects automatically",
    Cause.SUDO_REFUSED: "allow the SSH user to use sudo, or enter the user's password",
}


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about every host of the snapshot."""
    yield from _clocks(snapshot)
    yield from _keys(snapshot)
    for facts in snapshot.hosts:
        yield from _unreachable(facts, snapshot)
        yield from _disks(facts)


def _unreachable(facts: HostFacts, snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    if not isinstance(facts.reach, Failed):
        return
    since = f"last reached {facts.reach.last.at:%Y-%m-%d %H:%M:%S}Z" if facts.reach.last else "never reached so far"
    finding = Finding(
        "host.unreachable",
        Severity.WARNING,
        facts.host,
        f"{facts.host} cannot be reached over SSH: {facts.reach.cause.replace('-', ' ')}",
        "Nothing on this host can be observed or changed; its services may still work.",
        (facts.reach.reason, since, *_answers_elsewhere(facts)),
        (advice(FIXES.get(facts.reach.cause, "run ssh to the host by hand and read its error")),),
    )
    etcd_is_lost = facts.has(Role.ETCD) and not isinstance(facts.etcd, Known)
    caused_by = (("etcd.quorum-lost", "etcd"),) if etcd_is_lost else ()
    here = ((NO_KEY, HERE),) if facts.reach.cause is Cause.KEY_UNUSABLE else ()
    yield Candidate(finding, (*here, *caused_by, *_claims(facts, snapshot)))


def _keys(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """One finding for all hosts that this machine has no usable SSH key for."""
    failed = [(one.host, one.reach) for one in snapshot.hosts if isinstance(one.reach, Failed)]
    lacking = [(host, reach.reason) for host, reach in failed if reach.cause is Cause.KEY_UNUSABLE]
    if not lacking:
        return
    names = ", ".join(host for host, _ in lacking)
    yield Candidate(
        Finding(
            NO_KEY,
            Severity.WARNING,
            HERE,
            f"{HERE} has no usable SSH key for {names}",
            "Nothing on these hosts can be observed or changed; the cluster may be healthy.",
            tuple(dict.fromkeys(reason.removeprefix(f"{host}: ") for host, reason in lacking)),
            (advice(FIXES[Cause.KEY_UNUSABLE]),),
        )
    )


def _claims(facts: HostFacts, snapshot: ClusterSnapshot) -> Iterator[Key]:
    """Other hosts that have this one's address: connections to it may end there."""
    for other in snapshot.hosts:
        if other is not facts and any(one.address == facts.address for one in value_of(other.addresses) or ()):
            yield ("host.duplicate-address", other.host)


def _answers_elsewhere(facts: HostFacts) -> Iterator[str]:
    """Reports of other hosts about this one."""
    for name, fact in (("etcd", facts.etcd), ("the API server", facts.apiserver)):
        if isinstance(fact, Known) and fact.via:
            yield f"{name} on {facts.host} answers {fact.via}"


def _clocks(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Hosts whose clock is off; if several agree with each other, this machine's clock is the wrong one."""
    known = {facts.host: value_of(facts.clock_offset_ms) for facts in snapshot.hosts}
    offsets = {host: offset for host, offset in known.items() if offset is not None}
    if len(offsets) > 1 and max(offsets.values()) - min(offsets.values()) <= CLOCK_SKEW_MS:
        usual = sorted(offsets.values())[len(offsets) // 2]
        if abs(usual) > CLOCK_SKEW_MS:
            yield _clock(HERE, -usual, f"the clocks of the {len(offsets)} hosts, which agree with each other")
        return
    for host, offset in offsets.items():
        if abs(offset) > CLOCK_SKEW_MS:
            yield _clock(host, offset, "this machine's clock", *_clock_source(snapshot, host))


def _clock_source(snapshot: ClusterSnapshot, host: HostName) -> tuple[str, ...]:
    facts = snapshot.host(host)
    system = value_of(facts.system) if facts else None
    return (f"the host's clock source is {system.clocksource}",) if system and system.clocksource else ()


def _clock(subject: str, offset_ms: float, other: str, *more: str) -> Candidate:
    direction = "ahead of" if offset_ms > 0 else "behind"
    return Candidate(
        Finding(
            "host.clock-skew",
            Severity.WARNING,
            subject,
            f"{subject}'s clock is {abs(offset_ms) / 1000:.1f} s {direction} {other}",
            "Leases and certificates depend on the clock; etcd warns from a difference of one second.",
            (f"offset {offset_ms:.0f} ms, allowed {CLOCK_SKEW_MS:.0f} ms", *more),
            (advice("run chrony or systemd-timesyncd on every host, and on this machine"),),
        )
    )


def _file_systems(facts: HostFacts) -> tuple[DiskSpace, ...]:
    """One entry for each file system: the first path queried on it."""
    first = {disk.mount or disk.path: disk for disk in reversed(value_of(facts.disks) or ())}
    return tuple(first.values())[::-1]


def _disks(facts: HostFacts) -> Iterator[Candidate]:
    for disk in _file_systems(facts):
        if disk.read_only:
            yield _read_only(facts, disk)
        if disk.inodes and disk.free_inodes < DISK_FULL * disk.inodes:
            yield _no_inodes(facts, disk)
        free = disk.free_bytes / disk.size_bytes if disk.size_bytes else 1.0
        if free < DISK_FULL:
            yield _disk(facts, disk, "host.disk-full", Severity.CRITICAL, free)
        elif free < DISK_LOW:
            yield _disk(facts, disk, "host.disk-low", Severity.WARNING, free)


def _read_only(facts: HostFacts, disk: DiskSpace) -> Candidate:
    return Candidate(
        Finding(
            "host.read-only",
            Severity.CRITICAL,
            f"{facts.host}:{disk.path}",
            f"{facts.host}: {disk.path} is mounted read-only",
            "Programs that write to the file system fail. Linux makes it read-only after errors of its device.",
            (f"mount point {disk.mount}",),
            (
                call("repair", "mount it writable again", setting="read-only", host=facts.host, target=disk.mount),
                advice(
                    f"on {facts.host}: read dmesg for errors of the disk, then mount -o remount,rw {disk.mount}; "
                    "replace a disk that fails"
                ),
            ),
        )
    )


def _no_inodes(facts: HostFacts, disk: DiskSpace) -> Candidate:
    return Candidate(
        Finding(
            "host.inodes-full",
            Severity.CRITICAL,
            f"{facts.host}:{disk.path}",
            f"{facts.host}: {disk.path} has {disk.free_inodes} of {disk.inodes} inodes left",
            "No new file can be created on the file system, although space may be free.",
            (f"mount point {disk.mount}", *_deletable(facts, disk)),
            (
                *_deletion(facts, disk),
                advice(f"on {facts.host}: find the folder with the most files (du --inodes -x {disk.mount} | sort -n)"),
            ),
        )
    )


def _disk(facts: HostFacts, disk: DiskSpace, code: str, severity: Severity, free: float) -> Candidate:
    return Candidate(
        Finding(
            code,
            severity,
            f"{facts.host}:{disk.path}",
            f"{facts.host}: {disk.path} has {free:.0%} left ({disk.free_bytes // 1_048_576} MiB)",
            _need_of_space(disk),
            (
                f"{disk.free_bytes} of {disk.size_bytes} bytes free",
                *_deletable(facts, disk),
            ),
            (
                *_deletion(facts, disk),
                advice("free up space: delete old logs, old backups, package caches"),
            ),
        )
    )


def _deletable(facts: HostFacts, disk: DiskSpace) -> Iterator[str]:
    return (f"may be deleted: {file}" for file in value_of(facts.old_files) or () if _is_on(file, disk, facts))


def _need_of_space(disk: DiskSpace) -> str:
    """The consequence of missing space, by the first folder that was queried on the file system."""
    if disk.path.endswith(SNAPSHOTS_END):
        return "A backup, and the snapshot before a change of etcd, fail when they cannot be written."
    if disk.path in WRITTEN_TO:
        return "Programs on the host fail when they cannot write their logs and state."
    return "etcd refuses writes when it cannot extend its log; compaction and defragmentation need space too."


def _deletion(facts: HostFacts, disk: DiskSpace) -> Iterator[Remedy]:
    if any(_is_on(file, disk, facts) for file in value_of(facts.old_files) or ()):
        yield call("free-space", "list old files, and delete those that you name", host=facts.host)


def _is_on(file: OldFile, disk: DiskSpace, facts: HostFacts) -> bool:
    """The file is on the file system: no other known mount point is deeper in its path."""
    path = f"{file.path}/" if file.count else file.path
    mounts = {one.mount for one in value_of(facts.disks) or () if _is_below(path, one.mount)}
    return bool(disk.mount) and disk.mount == max(mounts, key=len, default="")


def _is_below(path: str, mount: str) -> bool:
    return bool(mount) and path.startswith(mount.rstrip("/") + "/")
