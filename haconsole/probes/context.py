"""The context of all probes of a collector: cluster, way to its hosts, time limits; and how they report an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from haconsole.configs.layout import Layout
from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import FactName
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known
from haconsole.probes.credentials import CredentialFiles
from haconsole.probes.errors import ProbeError
from haconsole.probes.reading_pace import ReadingPace
from haconsole.transport.base import Fleet, HostTransport, TransportError

T = TypeVar("T")


class ProbeTimings(msgspec.Struct, frozen=True):
    """Limits for answers and intervals of the live view, in seconds."""

    overall_s: float = 15.0
    """Limit for reading all facts of all hosts once."""
    fact_s: float = 6.0
    etcd_s: float = 2.0
    """Limit for etcd's own answers, short because a screen waits for them."""
    round_s: float = 1.0
    calm_round_s: float = 5.0
    """The interval of queries to an etcd member or API server while nothing in the cluster changes."""
    slow_round_s: float = 30.0
    keepalived_s: float = 90.0
    """Also read at once when an address or a process changed."""
    nodes_s: float = 5.0
    hashes_s: float = 900.0
    certificates_s: float = 600.0
    certificates_deadline_s: float = 12.0
    silence_s: float = 8.0
    """A followed host that is silent for longer is lost, and connected to again."""
    late_s: float = 3.0
    """Facts of a followed host that is silent for longer are old."""
    retry_first_s: float = 0.5
    retry_most_s: float = 5.0
    at_most_every_s: float = 0.05
    news_s: float = 3.0
    """Changed counters and ages are published within this time; a change of state is published at once."""
    reopen_s: float = 2.0
    api_silence_s: float = 6.0
    """Leases are read from etcd when no API server has sent any for longer."""
    peers_after_s: float = 1.5
    """A host's etcd or API server is queried from its peers too when the host itself takes longer."""
    peer_stay_s: float = 10.0
    """A peer that answers is used for this time before the others are tried."""
    readings_s: float = 15.0
    """Interval of readings for figures."""
    between_readings_s: float = 0.3
    """From the first to the second reading for a figure of `status`; rates are over this time."""
    fast_readings_s: float = 1.0
    """The same while a graph shows them."""


class ClusterContext(msgspec.Struct, frozen=True):
    """The cluster, the way to its hosts, the time, and a secret that keys fingerprints of passwords."""

    inventory: Inventory
    layout: Layout
    fleet: Fleet
    now: Callable[[], datetime]
    secret: bytes
    timings: ProbeTimings
    credentials: CredentialFiles = msgspec.field(default_factory=CredentialFiles)
    pace: ReadingPace = msgspec.field(default_factory=ReadingPace)

    def transport(self, host: Host) -> HostTransport:
        return self.fleet.host(HostName(host.name))

    def known(self, value: T) -> Known[T]:
        return Known(value, self.now())

    def failed(self, host: Host, what: str, error: Exception) -> Failed[Any]:
        """An error as a fact: its component, the query, the answer, the fix."""
        match error:
            case TransportError(cause=cause):
                return Failed(str(error), self.now(), cause)
            case ProbeError(cause=cause):
                return Failed(f"{host.name}: {error}", self.now(), cause)
            case HaconsoleError():
                return Failed(f"{host.name}: {error}", self.now(), Cause.OTHER)
            case _:
                return Failed(f"{host.name}: {what}: unexpected output: {error!r}", self.now(), Cause.UNREADABLE)

    def late(self, host: Host, fact: FactName | str, seconds: float) -> Failed[Any]:
        return self.unanswered(f"{host.name}: {fact}", seconds)

    def unanswered(self, what: str, seconds: float) -> Failed[Any]:
        """No source gave an answer in time."""
        return Failed(f"{what}: no answer within {seconds:g} s", self.now(), Cause.TIMED_OUT)
