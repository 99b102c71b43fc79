"""What a step does on its host, as values: no secret in them, fit to print; only `execution` performs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from haconsole.actions.checks import Check
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Run `argv` as root on the step's host, with `stdin` if given. Must be harmless when run twice, or detached.

    With `vips_pause` what clients send to a VIP waits for a moment as it begins: see `execution.pause`.
    """

    argv: tuple[str, ...]
    stdin: str | None = None
    timeout_s: float = 60.0
    vips_pause: bool = False


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Put `content` at `path`; a file with other content that stands there is set aside with a time stamp first.

    A secret of the inventory is named in `content`, never written out: ``@secret:vrrp-auth/ADDRESS@`` stands for the
    `auth_pass` of the VIP with that address (without prefix length). `FileIs` takes the SHA-256 of this very content,
    names unresolved.
    """

    path: str
    content: str
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True, slots=True)
class EnsureAuthority:
    """Have one CA on all `hosts`: the one that stands on any of them, else a new one made in memory.

    Writes `cert_path` (0644) everywhere and `key_path` (0600) unless the inventory keeps CA keys with the operator.
    """

    authority: str
    common_name: str
    cert_path: str
    key_path: str
    hosts: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class TrustAuthority:
    """Have the CA's certificate, without its key, at `cert_path` on the step's host, which signs nothing.

    The CA is that of the plan's EnsureAuthority of the same name, whose step this one needs; none of its hosts is this
    step's.
    """

    authority: str
    cert_path: str


@dataclass(frozen=True, slots=True)
class EnsureKeyPair:
    """Have one RSA key pair (service-account tokens) on all `hosts`, taken from any of them, else made new."""

    public_path: str
    private_path: str
    hosts: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class IssueCertificate:
    """Make a key on the step's host, which it never leaves, and a certificate for it signed by `authority`.

    `usages` are ``server`` and ``client``; `sans` like ``DNS:cp1`` and ``IP:10.99.0.11``; `organizations` become O.
    `replaces` is the SHA-256 of a leaf that must go, whatever it says: key and certificate are made anew beside it and
    take its place together, and both of before are set aside. Where a CA is named by `cross_…`, its word for
    `authority` follows the leaf, so that who trusts that CA alone accepts it too.
    """

    authority: str
    authority_cert_path: str
    authority_key_path: str
    cert_path: str
    key_path: str
    common_name: str
    organizations: tuple[str, ...]
    sans: tuple[str, ...]
    usages: tuple[str, ...]
    owner: str = "root:root"
    replaces: str = ""
    cross_cert_path: str = ""
    cross_key_path: str = ""


@dataclass(frozen=True, slots=True)
class AddMember:
    """Put a member that will listen at `peer_url` on etcd's list, as a learner; a member of `ask` is asked for it."""

    peer_url: str
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class PromoteMember:
    """Wait until the learner at `peer_url` on the step's host has caught up with the leader, then let it vote."""

    peer_url: str
    ask: tuple[HostName, ...]
    within_s: float = 600.0


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Take a member off etcd's list; a member of `ask`, which does not hold the one to go, is asked for it."""

    member: MemberId
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class MoveLeader:
    """Hand etcd's leadership to the voter of `to` that is furthest in the log, unless one of them leads already.

    `ask` are the hosts whose members may lead now; the leader itself is asked to step down.
    """

    to: tuple[HostName, ...]
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class Defragment:
    """Give the free pages of the member on the step's host back to its file system; it serves nothing meanwhile."""


@dataclass(frozen=True, slots=True)
class CompactHistory:
    """Have all members forget what keys were before now; a member of `ask` is asked for it."""

    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class DisarmAlarm:
    """Lower every alarm of `kind` (NOSPACE or CORRUPT); a member of `ask` is asked for it."""

    kind: str
    ask: tuple[HostName, ...]


@dataclass(frozen=True, slots=True)
class SetServerState:
    """Have haproxy on each of `balancers` treat servers like this until it is reloaded."""

    backend: str
    """Name on the first balancer; where `addresses` are given for display only."""
    server: str
    state: AdminState
    balancers: tuple[HostName, ...]
    addresses: tuple[str, ...] = ()
    """``ADDRESS:PORT``: the servers are those at one of these, whatever their names; none in plans of 0.1."""
    may_lack: bool = True
    """Whether a balancer without such a server is fine."""


@dataclass(frozen=True, slots=True)
class FetchFile:
    """Copy the file at `path` on the step's host to `here` on the operator's machine, where no file is yet; mode 0600.

    Root's files may be read by this, so it is for what the operator asked for by name.
    """

    path: str
    here: str


@dataclass(frozen=True, slots=True)
class SendFile:
    """Copy the file at `here` on the operator's machine to `path` on the step's host, root's with mode 0600."""

    here: str
    path: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """A step that only checks."""


EtcdOperation: TypeAlias = AddMember | PromoteMember | RemoveMember | MoveLeader
EtcdTending: TypeAlias = Defragment | CompactHistory | DisarmAlarm
Transfer: TypeAlias = FetchFile | SendFile
Operation: TypeAlias = (
    RunCommand
    | WriteFile
    | EnsureAuthority
    | TrustAuthority
    | EnsureKeyPair
    | IssueCertificate
    | EtcdOperation
    | EtcdTending
    | Transfer
    | SetServerState
    | Nothing
)


@dataclass(frozen=True, slots=True)
class Irreversible:
    """Why a step cannot be taken back."""

    reason: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """Set aside what stands at `paths` and bring back the files that the step itself had set aside, if any."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Perform `operation`; `verification` holds once that has undone the step, and does not before."""

    operation: Operation
    verification: tuple[Check, ...]
    after_files: bool = False
    """Whether the files of the step's phase on its host are restored first."""


Undo: TypeAlias = RunCommand | PutBack | TakeBack | Irreversible
