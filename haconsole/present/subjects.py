"""What a row is about: the identity behind a cursor, a detail view, an offered action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from haconsole.model.names import HostName, MemberId, Vip

if TYPE_CHECKING:
    from haconsole.actions.step import StepId


@dataclass(frozen=True, slots=True)
class MemberSubject:
    """A listed etcd member."""

    id: MemberId


@dataclass(frozen=True, slots=True)
class HostSubject:
    host: HostName


@dataclass(frozen=True, slots=True)
class VipSubject:
    """A virtual address as one balancer host sees it."""

    address: Vip
    host: HostName


@dataclass(frozen=True, slots=True)
class ServerSubject:
    """A server of a haproxy backend, over all balancers."""

    backend: str
    server: str


@dataclass(frozen=True, slots=True)
class BalancerSubject:
    """The haproxy of one host."""

    host: HostName


@dataclass(frozen=True, slots=True)
class LeaseSubject:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class FindingSubject:
    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class EventSubject:
    """A change on the timeline, counted from the first since start."""

    number: int


@dataclass(frozen=True, slots=True)
class CertificateSubject:
    host: HostName
    path: str


@dataclass(frozen=True, slots=True)
class CommandSubject:
    """A command of the palette, by the action it does."""

    action: str


@dataclass(frozen=True, slots=True)
class StepSubject:
    """A step of a plan or of its run."""

    id: StepId


@dataclass(frozen=True, slots=True)
class RunSubject:
    """A recorded run, by its name."""

    run: str


PartSubject: TypeAlias = (
    MemberSubject | HostSubject | VipSubject | ServerSubject | BalancerSubject | LeaseSubject | CertificateSubject
)
"""A part of the cluster."""

Subject: TypeAlias = PartSubject | FindingSubject | EventSubject | CommandSubject | StepSubject | RunSubject
