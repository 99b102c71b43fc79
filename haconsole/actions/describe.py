"""Steps, operations, checks and undos as text; a plan shows exactly what a step does."""

from __future__ import annotations

import shlex
from typing import TypeAlias, assert_never

from haconsole.actions.checks import (
    AnyOf,
    ApiHas,
    ApiserverReady,
    AuthorityInPlace,
    BackendsUp,
    CertificateInPlace,
    Check,
    CommandSucceeds,
    EtcdCheck,
    EtcdHealthy,
    EtcdStoreCheck,
    FileIs,
    FilesAbsent,
    HasRoom,
    LeaderAmong,
    LeaseHeld,
    MemberGone,
    MemberIs,
    NoAlarm,
    NodeIs,
    NodeRenewed,
    NodeStage,
    NoMemberAt,
    OperatorsFile,
    SameFile,
    SameFiles,
    ServerIs,
    ServiceRunning,
    SnapshotHere,
    VipAnswers,
    VipOwned,
)
from haconsole.actions.operations import (
    AddMember,
    CompactHistory,
    CopyFromHost,
    Defragment,
    DeleteNode,
    DisarmAlarm,
    DrainNode,
    EnsureAuthority,
    EnsureKeyPair,
    EtcdOperation,
    EtcdStorageOperation,
    FetchFile,
    ForgetControlPlane,
    Irreversible,
    IssueCertificate,
    JoinNode,
    LeftByUndo,
    MoveLeader,
    NodeOperation,
    Nothing,
    Operation,
    PairForm,
    PromoteMember,
    RemoveMember,
    RemoveMemberAt,
    RunCommand,
    SaveSnapshot,
    SendFile,
    SendFolder,
    SetServerState,
    TrustAuthority,
    Undo,
    UndoByCommand,
    UndoByRestoringFiles,
    UpdateMember,
    WriteFile,
)
from haconsole.actions.step import Step
from haconsole.model.names import StepId

_STAGES = {
    NodeStage.DRAINED: "cordoned, without pods to evict",
    NodeStage.GONE: "deleted",
    NodeStage.UNLISTED: "not in kubeadm's ClusterStatus",
    NodeStage.REGISTERED: "registered",
    NodeStage.READY: "ready",
    NodeStage.MARKED: "labelled as a control plane",
    NodeStage.CONTROL_PLANE: "ready, and a control plane",
}

NodeCheck: TypeAlias = NodeRenewed | NodeIs | ApiHas
ClusterCheck: TypeAlias = (
    EtcdHealthy | ApiserverReady | BackendsUp | VipOwned | VipAnswers | LeaseHeld | NodeCheck | ServerIs
)


def operation_line(operation: Operation) -> str:
    """The operation: its command as a shell would run it, or a sentence."""
    match operation:
        case RunCommand(argv=argv):
            return shlex.join(argv)
        case WriteFile(path=path, content=content, mode=mode, owner=owner):
            return f"write {path} ({len(content.encode())} bytes, mode {mode:04o}, {owner})"
        case EnsureAuthority(authority=authority, cert_path=cert, key_path=key, hosts=hosts):
            return f"install the same CA {authority} on {', '.join(hosts)}: {cert}, {key}"
        case TrustAuthority(authority=authority, cert_path=cert):
            return f"copy the certificate of the CA {authority} to {cert}"
        case EnsureKeyPair(public_path=public, private_path=private, hosts=hosts):
            return f"install the same RSA key pair on {', '.join(hosts)}: {public}, {private}"
        case IssueCertificate():
            return _issue(operation)
        case Nothing():
            return "check only"
        case FetchFile(path=path, here=here):
            return f"copy {path} to {here} on this machine, mode 0600"
        case SendFile() | SendFolder() | CopyFromHost():
            return _transfer_line(operation)
        case _:
            return _asked_of_programs(operation)


def _transfer_line(operation: SendFile | SendFolder | CopyFromHost) -> str:
    if isinstance(operation, CopyFromHost):
        return f"copy {operation.source_path} on {operation.source} to {operation.path}, mode 0600"
    if isinstance(operation, SendFolder):
        return f"copy {operation.here}/*{operation.ending} from this machine to {operation.path}, mode 0644"
    return f"copy {operation.here} from this machine to {operation.path}, mode {operation.mode:04o}"


def _asked_of_programs(operation: SetServerState | EtcdOperation | EtcdStorageOperation | NodeOperation) -> str:
    match operation:
        case DrainNode() | DeleteNode() | ForgetControlPlane() | JoinNode():
            return _node_operation(operation)
        case SetServerState(state=state, balancers=balancers):
            on = ", ".join(balancers)
            return f"set server {_server(operation)} state {state} in haproxy's runtime API on {on}"
        case Defragment() | CompactHistory() | DisarmAlarm() | SaveSnapshot():
            return _etcd_tending(operation)
        case _:
            return _etcd_operation(operation)


def _node_operation(operation: NodeOperation) -> str:
    match operation:
        case DrainNode(node=node, ask=ask, force=force):
            forced = "; pods that cannot be evicted are deleted" if force else ""
            return f"cordon node {node} and evict its pods, through the API server on {_or(ask)}{forced}"
        case DeleteNode(node=node, ask=ask):
            return f"delete node {node}, through the API server on {_or(ask)}"
        case ForgetControlPlane(node=node, ask=ask):
            return f"delete {node} from the ClusterStatus of kubeadm-config, through the API server on {_or(ask)}"
        case JoinNode(upload=upload, ask=ask):
            secrets = "a token and an upload of the certificates" if upload else "a token"
            return f"kubeadm join with {secrets}, made through the API server on {_or(ask)} and deleted after the join"
        case _:
            assert_never(operation)


def _etcd_tending(operation: EtcdStorageOperation) -> str:
    match operation:
        case Defragment():
            return "defragment etcd's database"
        case CompactHistory(ask=ask):
            return f"compact etcd's history to the newest revision, through the member on {_or(ask)}"
        case DisarmAlarm(kind=kind, ask=ask):
            return f"disarm etcd's alarm {kind}, through the member on {_or(ask)}"
        case SaveSnapshot(path=path):
            return f"save a snapshot of etcd as {path} on the member's host; the data passes through this machine"
        case _:
            assert_never(operation)


def _etcd_operation(operation: EtcdOperation) -> str:
    match operation:
        case AddMember(peer_url=url, ask=ask):
            return f"add a member with the peer URL {url} to etcd as a learner, through the member on {_or(ask)}"
        case PromoteMember(peer_url=url, ask=ask):
            return (
                f"wait until the learner at {url} has caught up, then make it a voter, through the member on {_or(ask)}"
            )
        case RemoveMember(member=member, ask=ask):
            return f"remove the member {member} from etcd, through the member on {_or(ask)}"
        case RemoveMemberAt(peer_url=url, ask=ask):
            return f"remove the member with the peer URL {url} from etcd, through the member on {_or(ask)}"
        case UpdateMember(member=member, peer_url=url, ask=ask):
            return f"set the peer URL of the member {member} to {url}, through the member on {_or(ask)}"
        case MoveLeader(to=to):
            return f"move etcd's leader to {_or(to)}"
        case _:
            assert_never(operation)


def check_line(check: Check) -> str:
    """A check as text, or as its command."""
    match check:
        case CommandSucceeds(argv=argv, means=means):
            return means or shlex.join(argv)
        case FileIs(path=path, mode=mode, owner=owner):
            return f"{path} has the planned content, mode {mode:04o}, {owner}"
        case FilesAbsent(paths=paths):
            return f"{', '.join(paths)} absent"
        case AuthorityInPlace():
            return "every host has the same files"
        case CertificateInPlace():
            return "the certificate's key, chain, names, usages and dates are right"
        case ServiceRunning(unit=unit):
            return f"{unit} is active, enabled and runs with its current files"
        case AnyOf(alternatives=alternatives):
            return ", or ".join(" and ".join(check_line(one) for one in checks) for checks in alternatives)
        case SameFile() | SameFiles() | SnapshotHere():
            return _operators_file(check)
        case _:
            return _beyond_the_host(check)


def _operators_file(check: OperatorsFile) -> str:
    match check:
        case SameFile(here=here, path=path):
            return f"{here} on this machine is identical to {path} on the host"
        case SameFiles(here=here, path=path, ending=ending):
            return f"all {here}/*{ending} on this machine are in {path} on the host"
        case SnapshotHere(here=here):
            return f"{here} on this machine is a complete snapshot"
        case _:
            assert_never(check)


def _beyond_the_host(check: EtcdCheck | EtcdStoreCheck | ClusterCheck) -> str:
    match check:
        case MemberIs() | MemberGone() | NoMemberAt() | LeaderAmong():
            return _etcd_check(check)
        case HasRoom() | NoAlarm():
            return _etcd_store_check(check)
        case _:
            return _cluster_check(check)


def _etcd_store_check(check: EtcdStoreCheck) -> str:
    match check:
        case HasRoom(quota_bytes=quota):
            return f"etcd's database here takes less than 90 % of {quota >> 20} MiB"
        case NoAlarm(kind=kind):
            return f"no member reports the alarm {kind}"
        case _:
            assert_never(check)


def _etcd_check(check: EtcdCheck) -> str:
    match check:
        case MemberIs(peer_url=url, stage=stage):
            return f"etcd's member at {url} is {stage}"
        case MemberGone(member=member):
            return f"etcd lists no member {member}"
        case NoMemberAt(peer_url=url):
            return f"etcd lists no member at {url}"
        case LeaderAmong(hosts=hosts):
            return f"etcd's leader is on {_or(hosts)}"
        case _:
            assert_never(check)


def _cluster_check(check: ClusterCheck) -> str:
    match check:
        case EtcdHealthy(voters=voters):
            return f"etcd answers a linearizable read and lists {voters} started voters"
        case ApiserverReady():
            return "GET /readyz of the API server here is 200"
        case BackendsUp(servers=servers):
            return f"haproxy here sees {', '.join(servers)} UP"
        case VipOwned(address=address, hosts=hosts):
            return f"exactly one balancer holds {address}" + (f": {_or(hosts)}" if hosts else "")
        case ServerIs(state=state, balancers=balancers):
            return f"haproxy on {', '.join(balancers)} has {_server(check)} in {state}"
        case VipAnswers(endpoint=endpoint):
            return f"GET https://{endpoint}/readyz from here is 200"
        case NodeRenewed() | NodeIs() | ApiHas():
            return _node_check(check)
        case LeaseHeld(namespace=namespace, name=name):
            return f"lease {namespace}/{name} is held and not expired"
        case _:
            assert_never(check)


def _node_check(check: NodeCheck) -> str:
    match check:
        case NodeRenewed(node=node):
            return f"node {node} renewed its lease since its kubelet started"
        case NodeIs(node=node, stage=stage):
            return f"node {node} is {_STAGES[stage]}"
        case ApiHas(path=path):
            return f"the API has {path.rpartition('/')[2]}"
        case _:
            assert_never(check)


def short_line(argv: tuple[str, ...]) -> str:
    """The command as a shell would run it, without the text of a multi-line script."""
    line = shlex.join(argv)
    return line if "\n" not in line else f"{shlex.join(argv[:2])} … {shlex.join(argv[3:])}"


def script_of(operation: Operation) -> str | None:
    """The text of a multi-line script that the operation runs."""
    match operation:
        case RunCommand(argv=(_, _, text, *_)) if "\n" in text:
            return text
        case _:
            return None


def step_line(step: Step) -> str:
    """The effect of a step; for a check, its conditions."""
    if isinstance(step.operation, Nothing):
        return "look: " + "; ".join(check_line(check) for check in step.verification)
    return operation_line(step.operation)


def same_steps(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], ...]:
    """The same step on several hosts, combined at the place of the first; a step that waits for another is separate."""
    behind: dict[StepId, set[StepId]] = {}
    groups: dict[tuple[str, str, str], list[list[Step]]] = {}
    result: list[list[Step]] = []
    for step in steps:
        behind[step.id] = {*step.needs, *(early for need in step.needs for early in behind.get(need, ()))}
        alike = groups.setdefault((step.phase, step.title, step.why), [])
        if alike and not any(other.id in behind[step.id] for other in alike[-1]):
            alike[-1].append(step)
        else:
            alike.append([step])
            result.append(alike[-1])
    return tuple(tuple(group) for group in result)


def undo_line(undo: Undo | None) -> str | None:
    """The undo of a step as text; None if the plan has none."""
    match undo:
        case None:
            return None
        case RunCommand(argv=argv):
            return shlex.join(argv)
        case UndoByRestoringFiles(paths=paths):
            return f"restore {', '.join(paths)}"
        case UndoByCommand(verification=(CommandSucceeds(means=means),), after_files=True) if means:
            return f"restore the unit: {means}"
        case UndoByCommand(operation=operation):
            return operation_line(operation)
        case Irreversible(reason=reason):
            return f"cannot be undone: {reason}"
        case LeftByUndo(reason=reason):
            return f"not undone: {reason}"
        case _:
            assert_never(undo)


def _server(target: SetServerState | ServerIs) -> str:
    at = f" (the servers at {_or(target.addresses)})" if target.addresses else ""
    return f"{target.backend}/{target.server}{at}"


def _or(hosts: tuple[str, ...]) -> str:
    return " or ".join(hosts)


def _issue(issue: IssueCertificate) -> str:
    subject = ",".join((*(f"O={one}" for one in issue.organizations), f"CN={issue.common_name}"))
    names = f" for {', '.join(issue.sans)}" if issue.sans else ""
    usages = " and ".join(issue.usages)
    request = f"issue {issue.cert_path}, signed by {issue.authority} ({subject}, {usages}){names}"
    if issue.form is not PairForm.FILES:
        return (
            f"{request}; its key is generated here, and the new pair replaces the pair in this file; a backup of "
            "the file is kept"
        )
    place = "; the new pair replaces the current files, which are kept as backups" if issue.replaces else ""
    return f"{request}; its key {issue.key_path} is generated here{place}"
