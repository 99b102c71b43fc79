"""Every operation and undo reads as a line."""

from __future__ import annotations

from typing import get_args

import pytest

from haconsole.actions.describe import operation_line, undo_line
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
    FetchFile,
    ForgetControlPlane,
    Irreversible,
    IssueCertificate,
    JoinNode,
    LeftByUndo,
    MoveLeader,
    Nothing,
    Operation,
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
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId

HOSTS = (HostName("cp1"), HostName("cp2"))
OPERATIONS: dict[str, Operation] = {
    "sh -ec 'systemctl restart etcd'": RunCommand(("sh", "-ec", "systemctl restart etcd")),
    "write /etc/x (5 bytes, mode 0600, etcd:etcd)": WriteFile("/etc/x", "é\nab", 0o600, "etcd:etcd"),
    "install the same CA etcd-ca on cp1, cp2: /ca.crt, /ca.key": EnsureAuthority(
        "etcd-ca", "etcd-ca", "/ca.crt", "/ca.key", HOSTS
    ),
    "copy the certificate of the CA etcd-ca to /ca.crt": TrustAuthority("etcd-ca", "/ca.crt"),
    "install the same RSA key pair on cp1, cp2: /sa.pub, /sa.key": EnsureKeyPair("/sa.pub", "/sa.key", HOSTS),
    "issue /x.crt, signed by etcd-ca (O=system:masters,CN=admin, client) for DNS:cp1; its key /x.key is generated "
    "here": (
        IssueCertificate(
            *("etcd-ca", "/ca.crt", "/ca.key", "/x.crt", "/x.key"),
            *("admin", ("system:masters",), ("DNS:cp1",), ("client",)),
        )
    ),
    "add a member with the peer URL http://x:2380 to etcd as a learner, through the member on cp1 or cp2": AddMember(
        "http://x:2380", HOSTS
    ),
    "wait until the learner at http://x:2380 has caught up, then make it a voter, through the member on cp1 or cp2": (
        PromoteMember("http://x:2380", HOSTS)
    ),
    (
        "remove the member with the peer URL https://10.99.0.13:2380 from etcd, through the member on cp1 or cp2"
    ): RemoveMemberAt("https://10.99.0.13:2380", HOSTS),
    "remove the member a3 from etcd, through the member on cp1 or cp2": RemoveMember(MemberId("a3"), HOSTS),
    (
        "cordon node w1 and evict its pods, through the API server on cp1 or cp2; pods that cannot be evicted are "
        "deleted"
    ): DrainNode("w1", HOSTS, force=True),
    "delete node w1, through the API server on cp1 or cp2": DeleteNode("w1", HOSTS),
    "delete cp3 from the ClusterStatus of kubeadm-config, through the API server on cp1 or cp2": ForgetControlPlane(
        "cp3", HOSTS
    ),
    "kubeadm join with a token, made through the API server on cp1 or cp2 and deleted after the join": JoinNode(
        "w1", "", "", HOSTS
    ),
    "set the peer URL of the member 1f to https://10.99.0.1:2380, through the member on cp1 or cp2": UpdateMember(
        MemberId("1f"), "https://10.99.0.1:2380", HOSTS
    ),
    "move etcd's leader to cp1 or cp2": MoveLeader(HOSTS, (HostName("cp3"),)),
    "defragment etcd's database": Defragment(),
    "compact etcd's history to the newest revision, through the member on cp1 or cp2": CompactHistory(HOSTS),
    "disarm etcd's alarm NOSPACE, through the member on cp1 or cp2": DisarmAlarm("NOSPACE", HOSTS),
    "save a snapshot of etcd as /a on the member's host; the data passes through this machine": SaveSnapshot("/a"),
    "copy /a to /b on this machine, mode 0600": FetchFile("/a", "/b"),
    "copy /a on cp2 to /b, mode 0600": CopyFromHost(HostName("cp2"), "/a", "/b"),
    "copy /b from this machine to /a, mode 0600": SendFile("/b", "/a"),
    "copy /b/*.deb from this machine to /a, mode 0644": SendFolder("/b", "/a", ".deb"),
    "set server api/cp3 state drain in haproxy's runtime API on cp1, cp2": (
        SetServerState("api", "cp3", AdminState.DRAIN, HOSTS)
    ),
    "check only": Nothing(),
}
UNDOS: dict[str, Undo] = {
    "systemctl stop etcd": RunCommand(("systemctl", "stop", "etcd")),
    "systemctl stop haproxy": UndoByCommand(RunCommand(("systemctl", "stop", "haproxy")), ()),
    "restore /a, /b": UndoByRestoringFiles(("/a", "/b")),
    "cannot be undone: it is gone": Irreversible("it is gone"),
    "not undone: it does no harm": LeftByUndo("it does no harm"),
}


def test_every_kind_is_covered_here() -> None:
    assert {type(operation) for operation in OPERATIONS.values()} == set(get_args(Operation))
    assert {type(undo) for undo in UNDOS.values()} == set(get_args(Undo))


@pytest.mark.parametrize("line", OPERATIONS)
def test_operations(line: str) -> None:
    assert operation_line(OPERATIONS[line]) == line


@pytest.mark.parametrize("line", UNDOS)
def test_undos(line: str) -> None:
    assert undo_line(UNDOS[line]) == line


def test_no_undo_is_none() -> None:
    assert undo_line(None) is None
