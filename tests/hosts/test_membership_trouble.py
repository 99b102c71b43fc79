"""Trouble of the field: joins cut off half-way, members that come back from the dead, clusters that just started."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.fakes.waiting import eventually
from tests.hosts.membership import ALL, Members
from tests.hosts.program import Program, outcomes

FOUR = ALL[:4]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def three(etcd: Members) -> Members:
    """cp1, cp2 and cp3 are members; cp4 and cp5 are bare."""
    etcd.stand(*ALL[:3])
    return etcd


async def test_a_joiner_that_dies_after_it_was_added_is_seen_through_by_the_next_run(three: Members) -> None:
    """Its power fails as soon as it is on the list; booted again, a second run goes on from there."""
    program = three.of(*FOUR)
    argv = program.command("run", "join", "cp4", "--yes", "--json")
    with subprocess.Popen(argv, env=program.environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        events = []
        for line in run.stdout:
            events.append(json.loads(line))
            if (events[-1]["event"], events[-1].get("step")) == ("step-done", "etcd.add@cp4"):
                three.lab.crash("cp4")
    assert run.returncode != 0
    assert outcomes(events)["etcd.add@cp4"] == "done"
    assert events[-1]["outcome"] in ("failed", "unknown")
    assert summary_of(three, "etcd.member-unstarted") != ""
    three.lab.boot("cp4")
    await eventually(lambda: joined(program), within_s=120)
    three.check(*FOUR)


def joined(program: Program) -> bool:
    """Whether the second run was let begin, and then it ended well.

    The dead host kept its record of the first run's lock, which counts until its heartbeat is known to be old.
    """
    result = program("run", "join", "cp4", "--yes")
    assert result.returncode == 0 or " is locked: " in result.stderr, result.stdout[-3000:] + result.stderr[-3000:]
    return result.returncode == 0


@pytest.mark.nightly
def test_a_joiner_that_never_starts_can_be_removed_by_host(three: Members) -> None:
    three.add_learner("cp4")
    three.of(*FOUR).events("remove", "cp4")
    three.check(*ALL[:3])
    assert [member["name"] for member in three.listed()] == ["cp1", "cp2", "cp3"]


@pytest.mark.nightly
async def test_a_member_that_was_removed_while_it_was_off_comes_back(three: Members) -> None:
    """The others refuse it, a finding shows it, it harms nothing, and it joins again with its old data renamed."""
    old = three.id_of("cp3")
    three.lab.crash("cp3")
    three.of(*ALL[:3]).events("remove", "cp3")
    three.lab.boot("cp3")
    await eventually(lambda: summary_of(three, "etcd.missing-member", *ALL[:3]) != "", within_s=30)
    assert three.shell("cp3", "systemctl is-active etcd || :").strip() != "active"
    assert all(member["healthy"] for member in three.listed())
    three.of(*ALL[:3]).events("join", "cp3")
    three.check(*ALL[:3])
    assert three.id_of("cp3") != old
    assert three.shell("cp3", "ls -d /var/lib/etcd/member.*").strip() != ""


@pytest.mark.nightly
def test_right_after_a_start_and_a_removal_etcd_is_waited_for(three: Members) -> None:
    """Members restarted a moment ago, and a peer URL that is added again right after its removal."""
    follower = next(host for host in ("cp2", "cp3") if host != three.leader(*ALL[:3]))
    three.shell(follower, "systemctl restart etcd")
    three.of(*ALL[:3]).events("remove", follower)
    three.of(*ALL[:3]).events("join", follower)
    three.check(*ALL[:3])


def summary_of(members: Members, code: str, *hosts: str) -> str:
    """The summary of the finding with that code, empty where there is none."""
    findings = members.status(*(hosts or FOUR))["findings"]
    return "\n".join(one["summary"] for one in findings if one["code"] == code)
