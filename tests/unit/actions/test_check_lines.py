"""Checks as lines of text, and groups of equal steps on several hosts."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from haconsole.actions.build import look_step, script
from haconsole.actions.checks import (
    AnyOf,
    ApiHas,
    ApiserverReady,
    AuthorityInPlace,
    BackendsUp,
    CertificateInPlace,
    Check,
    CommandSucceeds,
    EtcdHealthy,
    FileIs,
    FilesAbsent,
    HasRoom,
    LeaderAmong,
    LeaseHeld,
    MemberGone,
    MemberIs,
    MemberStage,
    NoAlarm,
    NodeIs,
    NodeRenewed,
    NodeStage,
    NoMemberAt,
    SameFile,
    SameFiles,
    ServerIs,
    ServiceRunning,
    SnapshotHere,
    VipAnswers,
    VipOwned,
)
from haconsole.actions.describe import check_line, same_steps, step_line
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName, MemberId, StepId, Vip

CHECKS: dict[str, Check] = {
    "test -d '/a b'": CommandSucceeds(("test", "-d", "/a b"), "it is absent"),
    "/a has the planned content, mode 0600, etcd:etcd": FileIs("/a", "00", 0o600, "etcd:etcd"),
    "/a, /b absent": FilesAbsent(("/a", "/b"), "left over"),
    "every host has the same files": AuthorityInPlace(),
    "the certificate's key, chain, names, usages and dates are right": CertificateInPlace(),
    "etcd.service is active, enabled and runs with its current files": ServiceRunning("etcd.service"),
    "etcd answers a linearizable read and lists 3 started voters": EtcdHealthy(3),
    "GET /readyz of the API server here is 200": ApiserverReady(),
    "haproxy here sees cp1, cp2 UP": BackendsUp(("cp1", "cp2")),
    "exactly one balancer holds 10.0.0.1": VipOwned(Vip("10.0.0.1")),
    "GET https://10.0.0.1:8443/readyz from here is 200": VipAnswers("10.0.0.1:8443"),
    "node w1 is cordoned, without pods to evict": NodeIs("w1", NodeStage.DRAINED, ()),
    "the API has cluster-info": ApiHas("/api/v1/namespaces/kube-public/configmaps/cluster-info", ()),
    "node w1 renewed its lease since its kubelet started": NodeRenewed("w1", ()),
    "lease kube-system/kube-scheduler is held and not expired": LeaseHeld("kube-system", "kube-scheduler"),
    "etcd's member at http://x:2380 is voting": MemberIs("http://x:2380", MemberStage.VOTING, (HostName("cp1"),)),
    "etcd lists no member at https://10.99.0.13:2380": NoMemberAt("https://10.99.0.13:2380", (HostName("cp1"),)),
    "etcd lists no member a3": MemberGone(MemberId("a3"), (HostName("cp1"),)),
    "etcd's leader is on cp1 or cp2": LeaderAmong((HostName("cp1"), HostName("cp2"))),
    "etcd's database here takes less than 90 % of 2048 MiB": HasRoom(2 << 30),
    "no member reports the alarm NOSPACE": NoAlarm("NOSPACE"),
    "haproxy on cp1 has api/cp3 in drain": ServerIs("api", "cp3", AdminState.DRAIN, (HostName("cp1"),)),
    "/b here on this machine is identical to /a on the host": SameFile("/b here", "/a"),
    "all /b/*.deb on this machine are in /a on the host": SameFiles("/b", "/a", ".deb"),
    "/b on this machine is a complete snapshot": SnapshotHere("/b"),
    "/a absent, or GET /readyz of the API server here is 200": AnyOf(
        ((FilesAbsent(("/a",), "left over"),), (ApiserverReady(),))
    ),
}


def test_every_kind_of_check_is_covered_here() -> None:
    assert {type(check) for check in CHECKS.values()} == set(get_args(Check))


@pytest.mark.parametrize("line", CHECKS)
def test_checks(line: str) -> None:
    assert check_line(CHECKS[line]) == line


def test_a_step_that_only_looks_shows_its_checks() -> None:
    check = script("\nexit 0\n", "nothing", "a", means="all is well", problem="all is not well")
    assert check.argv == ("sh", "-c", "exit 0", "nothing", "a")
    step = look_step("preflight.x", "cp1", (check, ApiserverReady()), title="Look", why="Because.", phase="preflight")
    assert step_line(step) == "look: all is well; GET /readyz of the API server here is 200"


def test_equal_steps_form_a_group() -> None:
    steps = tuple(
        look_step(what, host, (), title=what, why="Because.", phase="p")
        for host in ("cp1", "cp2")
        for what in ("a", "b")
    )
    assert [[step.id for step in group] for group in same_steps(steps)] == [["a@cp1", "a@cp2"], ["b@cp1", "b@cp2"]]


def test_a_step_that_waits_for_its_like_is_a_group_of_its_own() -> None:
    first, gate, second = (
        replace(look_step(what, host, (), title=what, why="Because.", phase="p"), needs=needs)
        for what, host, needs in (
            ("a", "cp1", ()),
            ("gate", "cp1", (StepId("a@cp1"),)),
            ("a", "cp2", (StepId("gate@cp1"),)),
        )
    )
    assert [[step.id for step in group] for group in same_steps((first, gate, second))] == [
        ["a@cp1"],
        ["gate@cp1"],
        ["a@cp2"],
    ]
