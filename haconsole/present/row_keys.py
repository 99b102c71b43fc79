"""The subject of a row: the identity behind a cursor, a detail view, an offered action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from haconsole.model.names import HostName, MemberId, Vip

if TYPE_CHECKING:
    from haconsole.actions.step import StepId


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A listed etcd member."""

    id: MemberId


@dataclass(frozen=True, slots=True)
class HostKey:
    host: HostName


@dataclass(frozen=True, slots=True)
class VipKey:
    """A virtual address as one balancer host reports it."""

    address: Vip
    host: HostName


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A server of a haproxy backend, over all balancers."""

    backend: str
    server: str


@dataclass(frozen=True, slots=True)
class BalancerKey:
    """The haproxy of one host."""

    host: HostName


@dataclass(frozen=True, slots=True)
class ApiserverKey:
    """The API server of one host."""

    host: HostName


@dataclass(frozen=True, slots=True)
class EndpointKey:
    """The address that clients of the API use."""


@dataclass(frozen=True, slots=True)
class LeaseKey:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A node, by its name in the API."""

    name: str


@dataclass(frozen=True, slots=True)
class FindingKey:
    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class RemedyKey(FindingKey):
    """The fix of a finding, below its row."""


@dataclass(frozen=True, slots=True)
class EventKey:
    """A change on the timeline, counted from the first since start."""

    number: int


@dataclass(frozen=True, slots=True)
class CertificateKey:
    host: HostName
    path: str


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A command of the palette, by its action."""

    action: str


@dataclass(frozen=True, slots=True)
class RanKey:
    """A command that was run on a host, by its text and purpose; `at` is empty for reads, which are collapsed."""

    host: HostName
    purpose: str
    text: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class StepKey:
    """A step of a plan or of its run."""

    id: StepId


@dataclass(frozen=True, slots=True)
class PhaseKey:
    """A phase of a run, by its name."""

    phase: str


@dataclass(frozen=True, slots=True)
class RunKey:
    """A logged run, by its name."""

    run: str


PathKey: TypeAlias = MemberKey | VipKey | ServerKey | BalancerKey | ApiserverKey | EndpointKey
"""A part of the path of a request."""

PartKey: TypeAlias = PathKey | HostKey | LeaseKey | CertificateKey | NodeKey
"""A part of the cluster."""

RowKey: TypeAlias = PartKey | FindingKey | EventKey | CommandKey | RanKey | StepKey | PhaseKey | RunKey
