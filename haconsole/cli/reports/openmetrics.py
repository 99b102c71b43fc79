"""The state and the figures of a cluster as OpenMetrics text, version 1.0.0 (prometheus.io: OpenMetrics).

The older text format of Prometheus reads it too. Nothing unknown is written: a sample that is missing is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import Health
from haconsole.model.lease import LeaseState
from haconsole.model.measures import MEASURES, Unit
from haconsole.model.observed import NotAsked, value_of
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.model.vip_view import vip_views

PREFIX = "haconsole_"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_UNITS = (Unit.SECONDS, Unit.BYTES, Unit.RATIO)
"""Units that OpenMetrics has a line for; a rate has its unit in its name only."""

Sample = tuple[dict[str, str], float]


class Family(msgspec.Struct, frozen=True):
    """A metric and its samples, each with its labels; all are gauges."""

    name: str
    meaning: str
    samples: tuple[Sample, ...]
    unit: str = ""


def openmetrics(status: ClusterStatus, measurements: Measurements, now: datetime) -> str:
    """The complete text, its last line ``# EOF`` included."""
    labels = {"cluster": status.snapshot.cluster}
    lines = (line for family in _families(status, measurements, now) for line in _lines(family, labels))
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def _lines(family: Family, common: dict[str, str]) -> Iterator[str]:
    if not family.samples:
        return
    name = PREFIX + family.name
    yield f"# TYPE {name} gauge"
    if family.unit:
        yield f"# UNIT {name} {family.unit}"
    yield f"# HELP {name} {family.meaning.translate(_ESCAPES)}"
    for labels, value in family.samples:
        pairs = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in {**common, **labels}.items())
        yield f"{name}{{{pairs}}} {value!r}"


def _families(status: ClusterStatus, measurements: Measurements, now: datetime) -> Iterator[Family]:
    snapshot = status.snapshot
    yield Family(
        "observed_timestamp_seconds",
        "Unix time of the newest facts",
        (({}, snapshot.observed_at.timestamp()),),
        "seconds",
    )
    yield Family(
        "health",
        "1 for the current health state of the cluster, 0 for every other state",
        tuple(_health(status.health)),
    )
    yield Family("host_up", "Whether the host answers by SSH", tuple(_hosts(snapshot)))
    yield Family("etcd_member_healthy", "Whether the member answers a linearizable read", tuple(_members(snapshot)))
    yield Family("etcd_leader", "1 for the member that leads", tuple(_leaders(snapshot)))
    yield Family("vip_owner", "1 for each host that has the VIP", tuple(_owners(snapshot)))
    yield Family(
        "lease_held", "1 for the holder of a valid lease, 0 if the lease is expired", tuple(_leases(snapshot, now))
    )
    yield Family("finding", "1 for each open finding", tuple(_findings(status)))
    yield Family(
        "certificate_expiry_timestamp_seconds", "Unix time of a certificate's expiry", tuple(_ends(snapshot)), "seconds"
    )
    for measure in MEASURES:
        unit = str(measure.unit) if measure.unit in _UNITS else ""
        values = ((key, measurements.latest(key, now)) for key in measurements.keys(measure))
        samples = tuple((_subject(key.host, key.item), value) for key, value in values if value is not None)
        yield Family(measure.full_name, measure.meaning, samples, unit)


def _subject(host: str, server: str) -> dict[str, str]:
    return {name: value for name, value in (("host", host), ("server", server)) if value}


def _health(health: Health) -> Iterator[Sample]:
    return (({"health": each.value}, float(each is health)) for each in Health)


def _hosts(snapshot: ClusterSnapshot) -> Iterator[Sample]:
    for facts in snapshot.hosts:
        if not isinstance(facts.reach, NotAsked):
            yield {"host": facts.host}, float(value_of(facts.reach) is not None)


def _members(snapshot: ClusterSnapshot) -> Iterator[Sample]:
    for row in etcd_view(snapshot).members:
        yield {"member": row.member.name or row.member.id, "host": row.host or ""}, float(row.healthy)


def _leaders(snapshot: ClusterSnapshot) -> Iterator[Sample]:
    for row in etcd_view(snapshot).members:
        if row.leader:
            yield {"member": row.member.name or row.member.id, "host": row.host or ""}, 1.0


def _owners(snapshot: ClusterSnapshot) -> Iterator[Sample]:
    return (({"vip": view.address, "host": host}, 1.0) for view in vip_views(snapshot) for host in view.owners)


def _leases(snapshot: ClusterSnapshot, now: datetime) -> Iterator[Sample]:
    for lease in value_of(snapshot.leases) or ():
        labels = {"namespace": lease.namespace, "lease": lease.name, "holder": lease.holder, "host": lease.host or ""}
        yield labels, float(lease.state(now) is LeaseState.HELD)


def _findings(status: ClusterStatus) -> Iterator[Sample]:
    """Findings of one code about one subject are one sample."""
    keys = dict.fromkeys((each.code, each.subject, each.severity.value) for each in status.findings)
    return (({"code": code, "subject": subject, "severity": severity}, 1.0) for code, subject, severity in keys)


def _ends(snapshot: ClusterSnapshot) -> Iterator[Sample]:
    ends: dict[tuple[str, str, str], float] = {}
    for facts in snapshot.hosts:
        for each in value_of(facts.certificates) or ():
            key, end = (each.host, each.path, each.subject), each.not_after.timestamp()
            ends[key] = min(end, ends.get(key, end))
    return (({"host": host, "path": path, "subject": subject}, end) for (host, path, subject), end in ends.items())
