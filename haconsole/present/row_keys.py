"""The subject of a row: the identity behind a cursor, a detail view, an offered action.

Structs of msgspec, which are made in a tenth of a dataclass's time: the first paint waits for these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from haconsole.model.names import HostName, MemberId, Vip

if TYPE_CHECKING:
    from haconsole.model.names import StepId


class MemberKey(Struct, frozen=True):
    """A listed etcd member."""

    id: MemberId


class HostKey(Struct, frozen=True):
    host: HostName


class VipKey(Struct, frozen=True):
    """A virtual address as one balancer host reports it."""

    address: Vip
    host: HostName


class ServerKey(Struct, frozen=True):
    """A server of a haproxy backend, over all balancers."""

    backend: str
    server: str


class BalancerKey(Struct, frozen=True):
    """The haproxy of one host."""

    host: HostName


class ApiserverKey(Struct, frozen=True):
    """The API server of one host."""

    host: HostName


class EndpointKey(Struct, frozen=True):
    """The address that clients of the API use."""


class LeaseKey(Struct, frozen=True):
    namespace: str
    name: str


class NodeKey(Struct, frozen=True):
    """A node, by its name in the API."""

    name: str


class FindingKey(Struct, frozen=True):
    code: str
    subject: str


class RemedyKey(FindingKey, frozen=True):
    """The fix of a finding, below its row; `line` counts the lines of a long one."""

    line: int = 0


class EventKey(Struct, frozen=True):
    """A change on the timeline, counted from the first since start."""

    number: int


class CertificateKey(Struct, frozen=True):
    host: HostName
    path: str


class CommandKey(Struct, frozen=True):
    """A command of the palette, by its action."""

    action: str


class RanKey(Struct, frozen=True):
    """A command that was run on a host, by its text and purpose; `at` is empty for reads, which are collapsed."""

    host: HostName
    purpose: str
    text: str
    at: str = ""


class StepKey(Struct, frozen=True):
    """A step of a plan or of its run."""

    id: StepId


class PhaseKey(Struct, frozen=True):
    """A phase of a run, by its name."""

    phase: str


class RunKey(Struct, frozen=True):
    """A logged run, by its name."""

    run: str


PathKey: TypeAlias = MemberKey | VipKey | ServerKey | BalancerKey | ApiserverKey | EndpointKey
"""A part of the path of a request."""

PartKey: TypeAlias = PathKey | HostKey | LeaseKey | CertificateKey | NodeKey
"""A part of the cluster."""

RowKey: TypeAlias = PartKey | FindingKey | EventKey | CommandKey | RanKey | StepKey | PhaseKey | RunKey
