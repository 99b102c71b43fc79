"""The operations of steps, as values: no secret in them, safe to print; only `execution` performs them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from haconsole.actions.checks import Check
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId


class RunCommand(msgspec.Struct, frozen=True):
    """Run `argv` as root on the step's host, with `stdin` if given. Must be safe to run twice, or detached.

    With `vips_pause` requests to a VIP wait briefly at its start: see `execution.pause`.
    """

    argv: tuple[str, ...]
    stdin: str | None = None
    timeout_s: float = 60.0
    vips_pause: bool = False


class WriteFile(msgspec.Struct, frozen=True):
    """Write `content` to `path`; an existing file with other content is renamed with a time stamp first.

    A secret of the inventory is named in `content`, never written out: ``@secret:vrrp-auth/ADDRESS@`` is replaced by
    the `auth_pass` of the VIP with that address (without prefix length). `FileIs` takes the SHA-256 of this very
    content, names unresolved.
    """

    path: str
    content: str
    mode: int = 0o644
    owner: str = "root:root"


class EnsureAuthority(msgspec.Struct, frozen=True):
    """Install one CA on all `hosts`: the existing one of any of them, otherwise a new one generated in memory.

    Writes `cert_path` (0644) everywhere and `key_path` (0600) unless the inventory keeps CA keys with the operator.
    """

    authority: str
    common_name: str
    cert_path: str
    key_path: str
    hosts: tuple[HostName, ...]


class TrustAuthority(msgspec.Struct, frozen=True):
    """Install the CA's certificate, without its key, at `cert_path` on the step's host, which signs nothing.

    The CA is that of the plan's EnsureAuthority of the same name, whose step this one needs; none of its hosts is this
    step's.
    """

    authority: str
    cert_path: str


class EnsureKeyPair(msgspec.Struct, frozen=True):
    """Install one RSA key pair (service-account tokens) on all `hosts`: the existing one of any of them, otherwise a
    new one.
    """

    public_path: str
    private_path: str
    hosts: tuple[HostName, ...]


class PairForm(StrEnum):
    """The form of a certificate and its key on a host."""

    FILES = "files"
    """Two PEM files."""
    KUBECONFIG = "kubeconfig"
    """Embedded in a kubeconfig, in its first user."""
    COMBINED = "combined"
    """One PEM file with both, behind a link, as kubelet keeps its pair."""


class IssueCertificate(msgspec.Struct, frozen=True):
    """Generate a key on the step's host, which it never leaves, and a certificate for it signed by `authority`.

    `usages` are ``server`` and ``client``; `sans` like ``DNS:cp1`` and ``IP:10.99.0.11``; `organizations` become O.
    `replaces` is the SHA-256 of a leaf to replace, whatever its content: a new key and certificate are generated beside
    it and replace it together; both old files are kept as backups. If `cross_…` names a CA, the leaf's file also gets a
    certificate of `authority` cross-signed by it, so that clients which trust only that CA accept it too.

    A pair of another `form` than files is only replaced; `cert_path` and `key_path` are then the same file, which must
    exist.
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
    form: PairForm = PairForm.FILES


class AddMember(msgspec.Struct, frozen=True):
    """Add a member at `peer_url` to etcd's list, as a learner, through a member of `ask`."""

    peer_url: str
    ask: tuple[HostName, ...]


class PromoteMember(msgspec.Struct, frozen=True):
    """Wait until the learner at `peer_url` on the step's host has caught up with the leader, then let it vote."""

    peer_url: str
    ask: tuple[HostName, ...]
    within_s: float = 600.0


class RemoveMember(msgspec.Struct, frozen=True):
    """Remove a member from etcd's list, through a member of `ask`, which is not the one to remove."""

    member: MemberId
    ask: tuple[HostName, ...]


class RemoveMemberAt(msgspec.Struct, frozen=True):
    """Remove the member at `peer_url`, if there is one, from etcd's list, through a member of `ask`."""

    peer_url: str
    ask: tuple[HostName, ...]


class UpdateMember(msgspec.Struct, frozen=True):
    """Give a member of etcd's list this peer URL, through a member of `ask`."""

    member: MemberId
    peer_url: str
    ask: tuple[HostName, ...]


class MoveLeader(msgspec.Struct, frozen=True):
    """Move etcd's leadership to the voter of `to` that is furthest in the log, unless one of them already leads.

    `ask` are the hosts whose members may lead now; the leader itself is requested to step down.
    """

    to: tuple[HostName, ...]
    ask: tuple[HostName, ...]


class DrainNode(msgspec.Struct, frozen=True):
    """Cordon the node and evict its pods through the API server of a host of `ask`, until none is left.

    Pods of DaemonSets and static pods stay. A PodDisruptionBudget may delay an eviction; with `force` such pods, and
    those that no controller recreates, are deleted.
    """

    node: str
    ask: tuple[HostName, ...]
    force: bool = False
    within_s: float = 600.0


class DeleteNode(msgspec.Struct, frozen=True):
    """Delete the Node object, through the API server of a host of `ask`."""

    node: str
    ask: tuple[HostName, ...]


class ForgetControlPlane(msgspec.Struct, frozen=True):
    """Delete the node's entry in the ClusterStatus of kubeadm-config, which kubeadm kept up to 1.21."""

    node: str
    ask: tuple[HostName, ...]


class JoinNode(msgspec.Struct, frozen=True):
    """Run ``kubeadm join`` on the step's host with `config`, whose secrets are made for this one join.

    ``@token@`` and ``@certificate-key@`` in `config` are replaced on the way to the host by a new bootstrap token and
    the key of a new upload of the certificates, ``@ca-hash@`` by the hash of the CA's public key. `upload` is the
    configuration of that upload on a host of `ask`; empty for a worker. Token and upload are deleted after the join.
    """

    node: str
    config: str
    upload: str
    ask: tuple[HostName, ...]
    peer_url: str = ""
    """Of the etcd member that a stacked control plane gets."""
    timeout_s: float = 600.0


class Defragment(msgspec.Struct, frozen=True):
    """Return the free pages of the member on the step's host to its file system; it serves nothing meanwhile."""


class CompactHistory(msgspec.Struct, frozen=True):
    """Compact the history of all keys up to now, through a member of `ask`."""

    ask: tuple[HostName, ...]


class DisarmAlarm(msgspec.Struct, frozen=True):
    """Disarm every alarm of `kind` (NOSPACE or CORRUPT), through a member of `ask`."""

    kind: str
    ask: tuple[HostName, ...]


class CopyFromHost(msgspec.Struct, frozen=True):
    """Copy the file `source_path` on the host `source` to `path` on the step's host, through this machine's memory.

    The copy is root's with mode 0600, and complete or absent.
    """

    source: HostName
    source_path: str
    path: str


class SaveSnapshot(msgspec.Struct, frozen=True):
    """Save a snapshot of the member on the step's host at `path` there, root's with mode 0600.

    The member sends it through SSH to this machine, which verifies it, sends it back and deletes its copy. So the host
    needs no etcdctl.
    """

    path: str


class SetServerState(msgspec.Struct, frozen=True):
    """Set this state of servers in haproxy on each of `balancers`, until it is reloaded."""

    backend: str
    """Name on the first balancer; with `addresses` only for display."""
    server: str
    state: AdminState
    balancers: tuple[HostName, ...]
    addresses: tuple[str, ...] = ()
    """``ADDRESS:PORT``: the servers are those at one of these, whatever their names; none in plans of 0.1."""
    may_lack: bool = True
    """Whether a balancer without such a server is fine."""


class FetchFile(msgspec.Struct, frozen=True):
    """Copy the file at `path` on the step's host to `here` on the operator's machine, a new file; mode 0600.

    This can read root's files, so it is only for files that the operator requested by name.
    """

    path: str
    here: str


class SendFile(msgspec.Struct, frozen=True):
    """Copy the file at `here` on the operator's machine to `path` on the step's host; it belongs to root."""

    here: str
    path: str
    mode: int = 0o600


class SendFolder(msgspec.Struct, frozen=True):
    """Copy the files in the folder `here` on the operator's machine whose names end in `ending` to `path` on the
    step's host, root's with mode 0644.

    Files that the host has already are not sent again. At least one file must be there.
    """

    here: str
    path: str
    ending: str


class Nothing(msgspec.Struct, frozen=True):
    """A step that only checks."""


EtcdOperation: TypeAlias = AddMember | PromoteMember | RemoveMember | RemoveMemberAt | UpdateMember | MoveLeader
EtcdStorageOperation: TypeAlias = Defragment | CompactHistory | DisarmAlarm | SaveSnapshot
Transfer: TypeAlias = FetchFile | SendFile | SendFolder | CopyFromHost
NodeOperation: TypeAlias = DrainNode | DeleteNode | ForgetControlPlane | JoinNode
Operation: TypeAlias = (
    RunCommand
    | WriteFile
    | EnsureAuthority
    | TrustAuthority
    | EnsureKeyPair
    | IssueCertificate
    | EtcdOperation
    | EtcdStorageOperation
    | Transfer
    | NodeOperation
    | SetServerState
    | Nothing
)


class Irreversible(msgspec.Struct, frozen=True):
    """The reason why a step cannot be undone."""

    reason: str


class LeftByUndo(msgspec.Struct, frozen=True):
    """The reason why undo leaves the result as it is: it does no harm, or another action reverts it."""

    reason: str


class UndoByRestoringFiles(msgspec.Struct, frozen=True):
    """Rename the current files at `paths` and restore the backups that the step itself made, if any."""

    paths: tuple[str, ...]


class UndoByCommand(msgspec.Struct, frozen=True):
    """Perform `operation`; `verification` holds once that has undone the step, and does not before."""

    operation: Operation
    verification: tuple[Check, ...]
    after_files: bool = False
    """Whether the files of the step's phase on its host are restored first."""


Undo: TypeAlias = RunCommand | UndoByRestoringFiles | UndoByCommand | LeftByUndo | Irreversible
