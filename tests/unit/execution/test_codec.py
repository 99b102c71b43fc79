"""Plans survive the journal."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from haconsole.actions import checks, operations
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.log import codec
from haconsole.execution.log.codec import plan_from_json, to_json
from haconsole.model.findings import ActionCall
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId, StepId, Vip

CHECKS: tuple[checks.Check, ...] = (
    checks.CommandSucceeds(("test", "-e", "/x y"), "it is not there", 2.5),
    checks.FileIs("/etc/x", "ab" * 32, 0o640, "root:root"),
    checks.FilesAbsent(("/a", "/b"), "left over"),
    checks.AuthorityInPlace(),
    checks.CertificateInPlace(),
    checks.ServiceRunning("etcd.service", ("/etc/x",)),
    checks.EtcdHealthy(3),
    checks.ApiserverReady(),
    checks.BackendsUp(("cp1", "cp2")),
    checks.VipOwned(Vip("10.99.0.100")),
    checks.VipAnswers("10.99.0.100:8443"),
    checks.LeaseHeld("kube-system", "kube-scheduler"),
    checks.NodeIs("cp3", checks.NodeStage.CONTROL_PLANE, (HostName("cp1"),)),
    checks.ApiHas("/api/v1/nodes/cp1", (HostName("cp1"),)),
    checks.NodeRenewed("cp1", (HostName("cp1"),)),
    checks.MemberIs("https://10.99.0.14:2380", checks.MemberStage.VOTING, (HostName("cp1"),)),
    checks.NoMemberAt("https://10.99.0.13:2380", (HostName("cp1"),)),
    checks.MemberGone(MemberId("a3"), (HostName("cp1"),)),
    checks.LeaderAmong((HostName("cp1"), HostName("cp2"))),
    checks.HasRoom(2 << 30),
    checks.NoAlarm("NOSPACE"),
    checks.ServerIs("k8s_server_6443", "cp3", AdminState.DRAIN, (HostName("cp1"),)),
    checks.SameFile("/here", "/there"),
    checks.SameFiles("/here", "/there", ".deb"),
    checks.SnapshotHere("/here"),
    checks.AnyOf(((checks.EtcdHealthy(3),), (checks.EtcdHealthy(4), checks.ApiserverReady()))),
)
OPERATIONS: tuple[operations.Operation, ...] = (
    operations.RunCommand(("sh", "-c", "true"), "input", 5.0),
    operations.WriteFile("/etc/x", "content\n", 0o600, "etcd:etcd"),
    operations.EnsureAuthority("etcd", "etcd-ca", "/ca.crt", "/ca.key", (HostName("cp1"), HostName("cp2"))),
    operations.TrustAuthority("etcd", "/ca.crt"),
    operations.EnsureKeyPair("/sa.pub", "/sa.key", (HostName("cp1"),)),
    operations.IssueCertificate("etcd", "/ca", "/ca.key", "/c", "/k", "cn", ("o",), ("DNS:cp1",), ("server",)),
    operations.AddMember("https://10.99.0.14:2380", (HostName("cp1"),)),
    operations.PromoteMember("https://10.99.0.14:2380", (HostName("cp1"),), 60.0),
    operations.RemoveMemberAt("https://10.99.0.13:2380", (HostName("cp1"),)),
    operations.RemoveMember(MemberId("a3"), (HostName("cp1"),)),
    operations.DrainNode("w1", (HostName("cp1"),), force=True, within_s=60.0),
    operations.DeleteNode("w1", (HostName("cp1"),)),
    operations.ForgetControlPlane("cp3", (HostName("cp1"),)),
    operations.JoinNode("cp3", "join: @token@", "upload: @certificate-key@", (HostName("cp1"),), "https://a:2380", 9.0),
    operations.UpdateMember(MemberId("1f"), "https://10.99.0.1:2380", (HostName("cp1"),)),
    operations.MoveLeader((HostName("cp1"),), (HostName("cp3"),)),
    operations.Defragment(),
    operations.CompactHistory((HostName("cp1"),)),
    operations.DisarmAlarm("NOSPACE", (HostName("cp1"),)),
    operations.SetServerState("k8s_server_6443", "cp3", AdminState.DRAIN, (HostName("cp1"),)),
    operations.FetchFile("/there", "/here"),
    operations.SendFile("/here", "/there"),
    operations.SendFolder("/here", "/there", ".deb"),
    operations.SaveSnapshot("/there"),
    operations.CopyFromHost(HostName("cp2"), "/there", "/here"),
    operations.Nothing(),
)
UNDOS: tuple[operations.Undo | None, ...] = (
    *(
        None,
        operations.RunCommand(("true",)),
        operations.UndoByRestoringFiles(("/etc/x",)),
        operations.Irreversible("why"),
        operations.LeftByUndo("why"),
    ),
    operations.UndoByCommand(operations.Nothing(), (checks.EtcdHealthy(3),)),
)


def plan() -> Plan:
    steps = tuple(
        Step(
            id=StepId(f"s{number}"),
            title="t",
            why="w",
            host=HostName("cp1"),
            operation=operation,
            precondition=CHECKS[number:],
            verification=CHECKS[:number],
            undo=UNDOS[number % 4],
            needs=(StepId("s0"),) if number else (),
            verify_within_s=12.5,
            phase="etcd",
        )
        for number, operation in enumerate(OPERATIONS)
    )
    return Plan("bootstrap", "lab", steps, "a summary")


def test_every_kind_of_check_and_operation_is_covered_here() -> None:
    assert {type(check) for check in CHECKS} == set(get_args(checks.Check))
    assert {type(operation) for operation in OPERATIONS} == set(get_args(operations.Operation))


def test_a_plan_comes_back_as_it_was() -> None:
    assert plan_from_json(json.loads(json.dumps(to_json(plan())))) == plan()


@pytest.mark.parametrize("raw", [None, [], {"type": "Nothing"}, {"type": "Unheard"}, {"type": "Step", "odd": 1}])
def test_what_is_no_plan_is_refused(raw: list[object] | dict[str, object] | None) -> None:
    with pytest.raises(HaconsoleError, match="plan the action again"):
        plan_from_json(raw)  # type: ignore[arg-type]


def test_a_value_without_place_in_a_plan_is_an_error() -> None:
    with pytest.raises(TypeError, match="a plan cannot contain a value of type bytes"):
        to_json((b"secret",))


def test_every_kind_of_a_plan_has_a_stored_name() -> None:
    kinds = {
        Plan,
        Step,
        ActionCall,
        *get_args(checks.Check),
        *get_args(operations.Operation),
        *get_args(operations.Undo),
    }
    assert set(codec.KINDS.values()) == kinds
    assert len(codec.KINDS) == len(kinds)


STORED_IN_0_1 = {
    "Plan",
    "Step",
    "CommandSucceeds",
    "FileIs",
    "FilesAbsent",
    "AuthorityInPlace",
    "CertificateInPlace",
    "ServiceRunning",
    "EtcdHealthy",
    "ApiserverReady",
    "BackendsUp",
    "VipOwned",
    "VipAnswers",
    "LeaseHeld",
    "NodeRenewed",
    "NodeIs",
    "ApiHas",
    "MemberIs",
    "MemberGone",
    "LeaderAmong",
    "HasRoom",
    "NoAlarm",
    "SameFile",
    "SameFiles",
    "SnapshotHere",
    "ServerIs",
    "AnyOf",
    "RunCommand",
    "WriteFile",
    "EnsureAuthority",
    "TrustAuthority",
    "EnsureKeyPair",
    "IssueCertificate",
    "AddMember",
    "PromoteMember",
    "RemoveMember",
    "MoveLeader",
    "DrainNode",
    "DeleteNode",
    "ForgetControlPlane",
    "JoinNode",
    "Defragment",
    "CompactHistory",
    "DisarmAlarm",
    "FetchFile",
    "SendFile",
    "SendFolder",
    "SetServerState",
    "Nothing",
    "PutBack",
    "TakeBack",
    "Irreversible",
    "LeftByUndo",
}


def test_stored_names_outlive_the_names_of_classes() -> None:
    assert codec.KINDS.keys() >= STORED_IN_0_1


def test_a_stored_field_keeps_its_name_when_the_attribute_is_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "STORED_FIELDS", {Plan: {"summary": "gist"}})
    plan = Plan("restart", "lab", (), "one service")
    stored = to_json(plan)
    assert isinstance(stored, dict)
    assert (stored["gist"], "summary" in stored) == ("one service", False)
    assert plan_from_json(stored) == plan
