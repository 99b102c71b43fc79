"""Rules about etcd's stored data: size, alarms and corruption; and about its protection by TLS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOSPACE, QUORUM_LOST, Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import EtcdTls, Inventory
from haconsole.model.etcd import EtcdHash
from haconsole.model.etcd_view import EtcdMemberView, EtcdView
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of

NEAR_QUOTA = 0.80
FRAGMENTED = 0.50
FRAGMENTED_FROM_BYTES = 256 << 20


def rules(view: EtcdView, hosts: tuple[HostFacts, ...], inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about alarms, diverged data, sizes and encryption."""
    yield from _data(view, inventory)
    yield from _diverged(view, hosts)
    if inventory.etcd.tls is EtcdTls.OFF:
        yield _no_tls()


def _data(view: EtcdView, inventory: Inventory) -> Iterator[Candidate]:
    quota = inventory.etcd.quota_bytes
    full = tuple(row for row in view.members if "NOSPACE" in row.alarms)
    if full:
        yield _no_space(full)
    for row in view.members:
        if "CORRUPT" in row.alarms:
            yield _corrupt(row)
        size = row.endpoint.db_size_bytes if row.endpoint else 0
        in_use = row.endpoint.db_in_use_bytes if row.endpoint else None
        if size > NEAR_QUOTA * quota:
            yield _size(
                row,
                "etcd.db-near-quota",
                f"{size / quota:.0%} of the quota of {quota >> 20} MiB",
                "At the quota etcd raises the NOSPACE alarm and refuses writes.",
            )
        if in_use is not None and size > FRAGMENTED_FROM_BYTES and in_use < FRAGMENTED * size:
            yield _size(
                row,
                "etcd.db-fragmented",
                f"{size >> 20} MiB, of which {in_use >> 20} MiB in use",
                "Only a defragmentation returns freed pages to the file system.",
            )


def _no_space(rows: tuple[EtcdMemberView, ...]) -> Candidate:
    names = ", ".join(row.member.name for row in rows)
    return Candidate(
        Finding(
            NOSPACE[0],
            Severity.CRITICAL,
            NOSPACE[1],
            f"etcd refuses writes: {names} raised the alarm NOSPACE",
            "A database reached its quota. The alarm stays active until it is disarmed, also after space was freed.",
            tuple(f"{row.host or row.member.id}: {_sizes(row)}" for row in rows),
            (call("disarm-alarm", "compact, defragment, then disarm the alarm"),),
        ),
        (QUORUM_LOST,),
    )


def _sizes(row: EtcdMemberView) -> str:
    if row.endpoint is None:
        return "size unknown"
    in_use = row.endpoint.db_in_use_bytes
    return f"{row.endpoint.db_size_bytes >> 20} MiB" + ("" if in_use is None else f", {in_use >> 20} MiB in use")


def _corrupt(row: EtcdMemberView) -> Candidate:
    return Candidate(
        Finding(
            "etcd.corrupt",
            Severity.CRITICAL,
            str(row.host or row.member.id),
            f"member {row.member.name} raised the alarm CORRUPT",
            "The member's data differs from the others'. While the alarm is active the cluster refuses writes.",
            (f"member {row.member.id}",),
            _rejoin(row),
        )
    )


def _diverged(view: EtcdView, hosts: tuple[HostFacts, ...]) -> Iterator[Candidate]:
    """Members whose hash differs from the others' at the same revision. Without a majority no member is the odd one.

    The hash of a member that was replaced since then counts no more.
    """
    hashes = {facts.host: known for facts in hosts if (known := value_of(facts.etcd_hash)) and _is_of(facts, known)}
    newest = max((each.revision for each in hashes.values()), default=0)
    comparable = {host: each for host, each in hashes.items() if each.revision == newest}
    compactions = {each.compact_revision for each in comparable.values()}
    if len(compactions) > 1 or len({each.value for each in comparable.values()}) < 2:
        return
    usual, count = Counter(each.value for each in comparable.values()).most_common(1)[0]
    lines = tuple(f"{host}: hash {each.value} at revision {newest}" for host, each in comparable.items())
    if 2 * count <= len(comparable):
        yield _diverged_without_majority(lines)
        return
    rows = {row.host: row for row in view.members}
    for host in (host for host, each in comparable.items() if each.value != usual):
        yield Candidate(
            Finding(
                "etcd.corrupt",
                Severity.CRITICAL,
                host,
                f"etcd on {host} holds other data than the other members",
                "Clients of this member read other values than clients of the others. etcd does not repair this.",
                lines,
                _rejoin(rows[host]) if host in rows else (),
            )
        )


def _is_of(facts: HostFacts, known: EtcdHash) -> bool:
    """The member that gave the hash is the one that answers on the host now."""
    endpoint = value_of(facts.etcd)
    return endpoint is not None and endpoint.member_id == known.member


def _diverged_without_majority(lines: tuple[str, ...]) -> Candidate:
    return Candidate(
        Finding(
            "etcd.corrupt",
            Severity.CRITICAL,
            "etcd",
            "the etcd members hold different data, and no majority shows which one is wrong",
            "Clients of different members read different values.",
            lines,
            (
                advice("compare the members' data: etcdctl --endpoints=HOST:2379 get --prefix / --consistency=s"),
                call("restore", "restore the right data from a snapshot", last_resort=True),
            ),
        )
    )


def _rejoin(row: EtcdMemberView) -> tuple[Remedy, ...]:
    """Removal and a new join, so that the member copies its data from the others."""
    if row.host is None:
        return ()
    return (
        call("remove", "first: remove the corrupt member; its data is renamed, not deleted", host=row.host),
        call("join", "then: join the host again; its new member copies the others' data", host=row.host),
    )


def _size(row: EtcdMemberView, code: str, what: str, why: str) -> Candidate:
    return Candidate(
        Finding(
            code,
            Severity.WARNING,
            str(row.host or row.member.id),
            f"the database of {row.member.name} holds {what}",
            why,
            (),
            (call("defrag", "defragment one member at a time"),),
        ),
        (NOSPACE,),
    )


def _no_tls() -> Candidate:
    return Candidate(
        Finding(
            "etcd.unencrypted",
            Severity.WARNING,
            "etcd",
            "etcd runs without TLS",
            "Anyone who reaches etcd's ports can read and write every object of the cluster, secrets included.",
            ("etcd.tls is off in the inventory",),
            (
                advice("in the inventory: set etcd.tls to certificates"),
                call("rotate-certs", "then: issue etcd's certificates", scope="etcd"),
            ),
        )
    )
