"""The figures that are kept over time: names, units and meanings, the same in JSON, OpenMetrics and on the screen."""

from __future__ import annotations

from enum import StrEnum

import msgspec

OFTEN_S = 15.0
HEAVY_S = 120.0
SELDOM_S = 30.0


class Unit(StrEnum):
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    """From 0 to 1."""
    PER_SECOND = "per_second"
    NUMBER = ""


class Measure(msgspec.Struct, frozen=True):
    """One kind of figure. `every_s` is the longest usual interval of its readings."""

    name: str
    title: str
    unit: Unit
    meaning: str
    every_s: float = OFTEN_S
    usual: float = 0.0
    """A value up to which nobody worries; graphs reach at least this high."""

    @property
    def full_name(self) -> str:
        """The name with its unit, as JSON and OpenMetrics have it."""
        return f"{self.name}_{self.unit}" if self.unit else self.name


FSYNC = Measure(
    "etcd_fsync_p99", "fsync p99", Unit.SECONDS, "99 % of etcd's WAL fsyncs took at most this time", usual=0.01
)
COMMIT = Measure(
    "etcd_commit_p99",
    "commit p99",
    Unit.SECONDS,
    "99 % of commits to etcd's database took at most this time",
    usual=0.025,
)
ROUND_TRIP = Measure(
    "etcd_round_trip_p99",
    "peer round trip p99",
    Unit.SECONDS,
    "99 % of round trips to the slowest peer took at most this time",
    SELDOM_S,
    usual=0.02,
)
WRITES = Measure(
    "etcd_writes",
    "writes",
    Unit.PER_SECOND,
    "Entries that etcd committed to its log",
    usual=10,
)
LAG = Measure(
    "etcd_lag",
    "behind leader",
    Unit.NUMBER,
    "Entries that the leader committed but this member has not applied",
    usual=10,
)
FAILED_PROPOSALS = Measure(
    "etcd_failed_proposals", "failed proposals", Unit.PER_SECOND, "Writes (proposals) that failed in etcd", usual=1
)
SLOW_APPLIES = Measure(
    "etcd_slow_applies", "slow applies", Unit.PER_SECOND, "Entries that took over 100 ms to apply", usual=1
)
LEADER_CHANGES = Measure(
    "etcd_leader_changes", "leader changes", Unit.PER_SECOND, "Leader changes that this member reports", usual=1
)
DB_SIZE = Measure("etcd_db_size", "database", Unit.BYTES, "Size of etcd's database file")
DB_IN_USE = Measure("etcd_db_in_use", "database in use", Unit.BYTES, "Part of the database file that holds data")
ENDPOINT = Measure(
    "endpoint_request",
    "request by VIP",
    Unit.SECONDS,
    "Time of a small request through the API's endpoint, sent from a host",
    usual=0.1,
)
API_REQUEST = Measure(
    "apiserver_request",
    "request",
    Unit.SECONDS,
    "Time of a small request to the API server, sent through SSH",
    usual=0.1,
)
IN_FLIGHT = Measure(
    "apiserver_in_flight", "in flight", Unit.NUMBER, "Requests that the API server serves now", HEAVY_S, usual=10
)
API_RATE = Measure(
    "apiserver_requests", "requests", Unit.PER_SECOND, "Requests that the API server answered", HEAVY_S, usual=10
)
API_ERRORS = Measure(
    "apiserver_errors", "errors", Unit.PER_SECOND, "Requests answered with a status of 500 or more", HEAVY_S, usual=1
)
SESSIONS = Measure(
    "haproxy_sessions",
    "sessions",
    Unit.NUMBER,
    "Open sessions of a server in haproxy",
    usual=10,
)
SESSION_RATE = Measure(
    "haproxy_new_sessions",
    "new sessions",
    Unit.PER_SECOND,
    "New sessions of a server in haproxy",
    usual=10,
)
QUEUE = Measure(
    "haproxy_queue",
    "queue",
    Unit.NUMBER,
    "Requests that wait for a connection to a server in haproxy",
    usual=1,
)
LOAD = Measure(
    "host_load",
    "load",
    Unit.NUMBER,
    "Runnable tasks, on average over one minute",
    usual=1,
)
MEMORY = Measure(
    "host_memory",
    "memory",
    Unit.RATIO,
    "Share of memory in use (all that is not MemAvailable)",
    usual=1,
)
DISK = Measure(
    "host_disk_operation", "disk", Unit.SECONDS, "Mean time of a disk operation on the disk of etcd's data", usual=0.01
)
CLOCK = Measure(
    "host_clock_difference",
    "clock",
    Unit.SECONDS,
    "Difference from the console's clock, ahead or behind",
    SELDOM_S,
    usual=0.5,
)

MEASURES = (
    FSYNC,
    COMMIT,
    ROUND_TRIP,
    WRITES,
    LAG,
    FAILED_PROPOSALS,
    SLOW_APPLIES,
    LEADER_CHANGES,
    DB_SIZE,
    DB_IN_USE,
    ENDPOINT,
    API_REQUEST,
    IN_FLIGHT,
    API_RATE,
    API_ERRORS,
    SESSIONS,
    SESSION_RATE,
    QUEUE,
    LOAD,
    MEMORY,
    DISK,
    CLOCK,
)
"""All of them, in the order in which they are shown."""


class SeriesKey(msgspec.Struct, frozen=True):
    """A figure and its subject: a host, the cluster if `host` is empty, or a balancer's server, ``backend/server``."""

    measure: Measure
    host: str = ""
    item: str = ""
