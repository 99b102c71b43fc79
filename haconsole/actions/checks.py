"""The types of checks: conditions before a step begins or after it ends. `execution` evaluates them on hosts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId, Vip


@dataclass(frozen=True, slots=True)
class CommandSucceeds:
    """`argv` exits with 0 as root on the step's host; `problem` is the message if it does not.

    `means` is the message if it does; plans show it instead of a long script.
    """

    argv: tuple[str, ...]
    problem: str
    timeout_s: float = 15.0
    means: str = ""


@dataclass(frozen=True, slots=True)
class FileIs:
    """The file has exactly this content (given by SHA-256 in hexadecimal), mode and owner (``user:group``)."""

    path: str
    sha256: str
    mode: int
    owner: str


@dataclass(frozen=True, slots=True)
class FilesAbsent:
    """None of `paths` exists, or they are empty folders."""

    paths: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class AuthorityInPlace:
    """Every host of the step's EnsureAuthority or EnsureKeyPair has the same files.

    For a TrustAuthority: the step's host has the certificate that the CA's own hosts have.
    """


@dataclass(frozen=True, slots=True)
class CertificateInPlace:
    """The certificate of the step's IssueCertificate is correct: key matches, chain verifies, names and usages match,
    not due.
    """


@dataclass(frozen=True, slots=True)
class ServiceRunning:
    """The unit is active and enabled and was started after every one of `newer_than` was last written.

    With `reloads` a reload since then also counts, if the unit can reload its files.
    """

    unit: str
    newer_than: tuple[str, ...] = ()
    reloads: bool = False


@dataclass(frozen=True, slots=True)
class EtcdHealthy:
    """The etcd on the step's host answers a linearizable read and lists `voters` started voters."""

    voters: int


@dataclass(frozen=True, slots=True)
class ApiserverReady:
    """The apiserver on the step's host answers /readyz with 200."""


@dataclass(frozen=True, slots=True)
class BackendsUp:
    """haproxy on the step's host sees every one of `servers` UP."""

    servers: tuple[str, ...]
    addresses: tuple[tuple[str, ...], ...] = ()
    """For each of `servers` its possible ``ADDRESS:PORT``, whatever its name in haproxy; none: by name."""


@dataclass(frozen=True, slots=True)
class VipOwned:
    """Exactly one balancer holds the address: one of `hosts`, the only ones queried; all of them if it is empty."""

    address: Vip
    hosts: tuple[HostName, ...] = ()


@dataclass(frozen=True, slots=True)
class VipAnswers:
    """The API answers /readyz at the endpoint, requested from the step's host."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """The lease ``namespace/name`` is held, not expired, by one of `hosts`; by any of the inventory if empty."""

    namespace: str
    name: str
    hosts: tuple[HostName, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeRenewed:
    """The node's lease was renewed since the start of its kubelet on the step's host, as reported by the first of
    `ask`.

    A node without a lease, as of a kubelet that never registered, passes.
    """

    node: str
    ask: tuple[HostName, ...]


class NodeStage(StrEnum):
    """A state of a node in the API.

    DRAINED: cordoned and without pods to evict, or gone. UNLISTED: not in kubeadm's ClusterStatus, if that exists.
    MARKED: labelled as a control plane, ready or not. CONTROL_PLANE: the same, and ready.
    """

    DRAINED = "drained"
    GONE = "gone"
    UNLISTED = "unlisted"
    REGISTERED = "registered"
    READY = "ready"
    MARKED = "marked"
    CONTROL_PLANE = "control-plane"


@dataclass(frozen=True, slots=True)
class NodeIs:
    """The node is at `stage`, by the API server of the first of `ask` that answers."""

    node: str
    stage: NodeStage
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class ApiHas:
    """The API has an object at `path`, by the API server of the first of `ask` that answers."""

    path: str
    ask: tuple[HostName, ...]


class MemberStage(StrEnum):
    """The progress of an etcd member: each stage holds in those after it."""

    LISTED = "listed"
    STARTED = "started"
    VOTING = "voting"


@dataclass(frozen=True, slots=True)
class MemberIs:
    """etcd's member list, read with a quorum by the first of `ask` that can, has `peer_url` at `stage` or later."""

    peer_url: str
    stage: MemberStage
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class MemberGone:
    """`member` is not on etcd's member list, read with a quorum by the first of `ask` that can."""

    member: MemberId
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class NoMemberAt:
    """No member on etcd's list, read with a quorum by the first of `ask` that can, has `peer_url`."""

    peer_url: str
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class LeaderAmong:
    """etcd's leader is the member on one of `hosts`, which are queried themselves."""

    hosts: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class HasRoom:
    """The database of the member on the step's host takes less than 90 % of `quota_bytes`."""

    quota_bytes: int


@dataclass(frozen=True, slots=True)
class NoAlarm:
    """The member on the step's host reports no alarm of `kind`, of any member."""

    kind: str


@dataclass(frozen=True, slots=True)
class SameFile:
    """The file at `here` on the operator's machine is the one at `path` on the step's host, by SHA-256."""

    here: str
    path: str


@dataclass(frozen=True, slots=True)
class SameFiles:
    """Each file in the folder `here` on the operator's machine whose name ends in `ending` is in `path` on the host.

    They are compared by SHA-256; there is at least one.
    """

    here: str
    path: str
    ending: str


@dataclass(frozen=True, slots=True)
class SnapshotHere:
    """The file at `here` on the operator's machine is a complete snapshot: it ends with the SHA-256 of its content."""

    here: str


@dataclass(frozen=True, slots=True)
class ServerIs:
    """haproxy on each of `balancers` has the servers in `state`, found as by `SetServerState`.

    A balancer that `may_lack` the server sends it nothing, as if it were drained.
    """

    backend: str
    server: str
    state: AdminState
    balancers: tuple[HostName, ...]
    addresses: tuple[str, ...] = ()
    may_lack: bool = True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """All checks of at least one alternative hold."""

    alternatives: tuple[tuple[Check, ...], ...]


EtcdCheck: TypeAlias = MemberIs | MemberGone | NoMemberAt | LeaderAmong
EtcdStoreCheck: TypeAlias = HasRoom | NoAlarm
OperatorsFile: TypeAlias = SameFile | SameFiles | SnapshotHere
Single: TypeAlias = (
    CommandSucceeds
    | FileIs
    | FilesAbsent
    | AuthorityInPlace
    | CertificateInPlace
    | ServiceRunning
    | EtcdHealthy
    | ApiserverReady
    | BackendsUp
    | VipOwned
    | VipAnswers
    | LeaseHeld
    | NodeRenewed
    | NodeIs
    | ApiHas
    | EtcdCheck
    | EtcdStoreCheck
    | OperatorsFile
    | ServerIs
)
Check: TypeAlias = Single | AnyOf
