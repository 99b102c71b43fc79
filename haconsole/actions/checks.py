"""The types of checks: conditions before a step begins or after it ends. `execution` evaluates them on hosts."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId, Vip


class CommandSucceeds(msgspec.Struct, frozen=True):
    """`argv` exits with 0 as root on the step's host; `problem` is the message if it does not.

    `means` is the message if it does; plans show it instead of a long script.
    """

    argv: tuple[str, ...]
    problem: str
    timeout_s: float = 15.0
    means: str = ""


class FileIs(msgspec.Struct, frozen=True):
    """The file has exactly this content (given by SHA-256 in hexadecimal), mode and owner (``user:group``)."""

    path: str
    sha256: str
    mode: int
    owner: str


class FilesAbsent(msgspec.Struct, frozen=True):
    """None of `paths` exists, or they are empty folders."""

    paths: tuple[str, ...]
    problem: str


class AuthorityInPlace(msgspec.Struct, frozen=True):
    """Every host of the step's EnsureAuthority or EnsureKeyPair has the same files.

    For a TrustAuthority: the step's host has the certificate that the CA's own hosts have.
    """


class CertificateInPlace(msgspec.Struct, frozen=True):
    """The certificate of the step's IssueCertificate is correct: key matches, chain verifies, names and usages match,
    not due.
    """


class ServiceRunning(msgspec.Struct, frozen=True):
    """The unit is active and enabled and was started after every one of `newer_than` was last written.

    With `reloads` a reload since then also counts, if the unit can reload its files.
    """

    unit: str
    newer_than: tuple[str, ...] = ()
    reloads: bool = False


class EtcdHealthy(msgspec.Struct, frozen=True):
    """The etcd on the step's host answers a linearizable read and lists `voters` started voters."""

    voters: int


class ApiserverReady(msgspec.Struct, frozen=True):
    """The apiserver on the step's host answers /readyz with 200."""


class BackendsUp(msgspec.Struct, frozen=True):
    """haproxy on the step's host sees every one of `servers` UP."""

    servers: tuple[str, ...]
    addresses: tuple[tuple[str, ...], ...] = ()
    """For each of `servers` its possible ``ADDRESS:PORT``, whatever its name in haproxy; none: by name."""


class VipOwned(msgspec.Struct, frozen=True):
    """Exactly one balancer holds the address: one of `hosts`, the only ones queried; all of them if it is empty."""

    address: Vip
    hosts: tuple[HostName, ...] = ()


class VipAnswers(msgspec.Struct, frozen=True):
    """The API answers /readyz at the endpoint, requested from the step's host."""

    endpoint: str


class LeaseHeld(msgspec.Struct, frozen=True):
    """The lease ``namespace/name`` is held, not expired, by one of `hosts`; by any of the inventory if empty."""

    namespace: str
    name: str
    hosts: tuple[HostName, ...] = ()


class NodeRenewed(msgspec.Struct, frozen=True):
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


class NodeIs(msgspec.Struct, frozen=True):
    """The node is at `stage`, by the API server of the first of `ask` that answers."""

    node: str
    stage: NodeStage
    ask: tuple[HostName, ...]


class ApiHas(msgspec.Struct, frozen=True):
    """The API has an object at `path`, by the API server of the first of `ask` that answers."""

    path: str
    ask: tuple[HostName, ...]


class MemberStage(StrEnum):
    """The progress of an etcd member: each stage holds in those after it."""

    LISTED = "listed"
    STARTED = "started"
    VOTING = "voting"


class MemberIs(msgspec.Struct, frozen=True):
    """etcd's member list, read with a quorum by the first of `ask` that can, has `peer_url` at `stage` or later."""

    peer_url: str
    stage: MemberStage
    ask: tuple[HostName, ...]


class MemberGone(msgspec.Struct, frozen=True):
    """`member` is not on etcd's member list, read with a quorum by the first of `ask` that can."""

    member: MemberId
    ask: tuple[HostName, ...]


class NoMemberAt(msgspec.Struct, frozen=True):
    """No member on etcd's list, read with a quorum by the first of `ask` that can, has `peer_url`."""

    peer_url: str
    ask: tuple[HostName, ...]


class LeaderAmong(msgspec.Struct, frozen=True):
    """etcd's leader is the member on one of `hosts`, which are queried themselves."""

    hosts: tuple[HostName, ...]


class HasRoom(msgspec.Struct, frozen=True):
    """The database of the member on the step's host takes less than 90 % of `quota_bytes`."""

    quota_bytes: int


class NoAlarm(msgspec.Struct, frozen=True):
    """The member on the step's host reports no alarm of `kind`, of any member."""

    kind: str


class SameFile(msgspec.Struct, frozen=True):
    """The file at `here` on the operator's machine is the one at `path` on the step's host, by SHA-256."""

    here: str
    path: str


class SameFiles(msgspec.Struct, frozen=True):
    """Each file in the folder `here` on the operator's machine whose name ends in `ending` is in `path` on the host.

    They are compared by SHA-256; there is at least one.
    """

    here: str
    path: str
    ending: str


class SnapshotHere(msgspec.Struct, frozen=True):
    """The file at `here` on the operator's machine is a complete snapshot: it ends with the SHA-256 of its content."""

    here: str


class ServerIs(msgspec.Struct, frozen=True):
    """haproxy on each of `balancers` has the servers in `state`, found as by `SetServerState`.

    A balancer that `may_lack` the server sends it nothing, as if it were drained.
    """

    backend: str
    server: str
    state: AdminState
    balancers: tuple[HostName, ...]
    addresses: tuple[str, ...] = ()
    may_lack: bool = True


class AnyOf(msgspec.Struct, frozen=True):
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
